"""The command: global options, a subcommand for each endpoint, and ``config``."""

# ruff: noqa: ARG002 - click passes a context to every method

import logging
import os
import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click

from ..client import SyncClient
from ..display import visible
from ..endpoint import Endpoint, FileEndpoint
from ..http.options import Timeouts
from ..http.request import checked_base_url, checked_key
from ..http.retry import Retry
from .commands import SuggestingGroup, describe, refuse_without_effect, titles, was_passed
from .config import KEYS, Package, Session, config_path, read_config, write_config
from .errors import KEY_WARNING, report
from .files_command import files_command
from .records_command import records_command

_EPILOG = """\
Completion, also of values that the server lists:
  bash  eval "$({variable}=bash_source {command})"   in ~/.bashrc
  zsh   eval "$({variable}=zsh_source {command})"   in ~/.zshrc
  fish  {variable}=fish_source {command} | source   in ~/.config/fish/config.fish

Exit status: 0 success, 1 a download is incomplete or differs, 2 usage or configuration error,
3 unreadable response, 4 server unreachable or error status, 130 interrupted, 128 + n terminated
by signal n.
"""
_CONFIG_HELP = "Show, set or remove the server and the key."


def application(package: str, command: str) -> "Application":
    """Return the command line of a package."""
    client: type[SyncClient] = import_module(".client", package).Client
    about = Package(command, client)
    if about.completion_variable in os.environ:
        from .completion import register_shells  # noqa: PLC0415 - only where it is needed

        register_shells()
    return Application(about)


class Application(SuggestingGroup):
    """A group that makes only the subcommand that is used."""

    def __init__(self, package: Package) -> None:
        super().__init__(
            name=package.command,
            params=_global_options(package.settings.environment),
            callback=_set_up_logging,
            context_settings={"help_option_names": ["-h", "--help"], "obj": package},
            help=f"Query {package.settings.base_url}, or another server with the same API.",
            epilog=_EPILOG.format(command=package.command, variable=package.completion_variable),
        )
        endpoints = package.settings.endpoints
        names = titles([endpoint.method for endpoint in endpoints], ["config"])
        self._package = package
        self._endpoints: dict[str, Endpoint] = dict(zip(names, endpoints, strict=True))

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all subcommands."""
        return [*sorted(self._endpoints), "config"]

    def spellings(self, ctx: click.Context) -> Mapping[str, str]:
        """Return the subcommand for its own name, the endpoint's and the method's."""
        known = dict(super().spellings(ctx))
        for title, endpoint in self._endpoints.items():
            known.setdefault(endpoint.name, title)
            known.setdefault(endpoint.method, title)
        return known

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a new subcommand."""
        if cmd_name == "config":
            return _config_command()
        endpoint = self._endpoints.get(cmd_name)
        if isinstance(endpoint, FileEndpoint):
            return files_command(cmd_name, endpoint, self._package)
        return records_command(cmd_name, endpoint, self._package) if endpoint else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of subcommands without making them."""
        lines = [
            (name, describe(self._package.client, endpoint).summary)
            for name, endpoint in sorted(self._endpoints.items())
        ]
        with formatter.section("Commands"):
            formatter.write_dl([*lines, ("config", _CONFIG_HELP)])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the epilog without wrapping its lines."""
        formatter.write(f"\n{self.epilog}")


def _global_options(prefix: str) -> list[click.Parameter]:
    return [
        click.Option(
            ["--base-url"],
            metavar="URL",
            envvar=f"{prefix}_BASE_URL",
            show_envvar=True,
            help="URL of the server, without the resource.",
        ),
        click.Option(
            ["--api-key"],
            metavar="KEY",
            envvar=f"{prefix}_API_KEY",
            show_envvar=True,
            callback=_warn_of_key,
            help="API key of the server. Prefer the environment or `config set api-key`: others "
            "can see a command line.",
        ),
        click.Option(
            ["--timeout"],
            type=click.FloatRange(min=0, min_open=True),
            metavar="SECONDS",
            help=f"Timeout in seconds. Default: {Timeouts().connect:g} to connect, "
            f"{Timeouts().read:g} to read.",
        ),
        click.Option(
            ["--retries"],
            type=click.IntRange(min=0),
            metavar="NUMBER",
            help=f"Maximum number of retries. Default: {Retry().attempts - 1}.",
        ),
        click.Option(
            ["--on-mismatch"],
            type=click.Choice(["raise", "warn"]),
            default="raise",
            show_default=True,
            help="Fail at an invalid value, or warn and accept it.",
        ),
        click.Option(
            ["-v", "--verbose"],
            count=True,
            help="Log each request; -vv also logs findings about responses.",
        ),
        click.Option(
            ["--version"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_show_version,
            help="Show the version and exit.",
        ),
    ]


class _VisibleFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return visible(super().format(record))


def _set_up_logging(verbose: int, **_options: Any) -> None:
    if verbose:
        package: Package = click.get_current_context().obj
        handler = logging.StreamHandler()
        handler.setFormatter(_VisibleFormatter(f"{package.command}: %(message)s"))
        own = logging.INFO if verbose == 1 else logging.DEBUG
        for name, level in ((package.settings.package, own), ("httpx", logging.INFO)):
            logger = logging.getLogger(name)
            logger.addHandler(handler)
            logger.setLevel(level)


def _warn_of_key(context: click.Context, parameter: click.Parameter, value: Any) -> Any:
    passed = was_passed(context, parameter.name or "")
    if value and passed and not context.resilient_parsing:
        report(context.obj.command, "warning", KEY_WARNING)
    return value


def _show_version(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value and not context.resilient_parsing:
        click.echo(f"{context.obj.command} {context.obj.settings.version}")
        context.exit()


def _config_command() -> click.Group:
    key = click.Argument(["key"], type=click.Choice(KEYS))
    value = click.Argument(["value"], required=False)
    commands = {
        "get": click.Command(
            "get",
            callback=_get,
            params=[key],
            help="Show the effective value; of api-key, whether it is set.",
        ),
        "set": click.Command(
            "set",
            callback=_set,
            params=[key, value],
            help="Store a value. Without VALUE, prompt for it or read it from a pipe, so that "
            "nobody sees a key.",
        ),
        "unset": click.Command("unset", callback=_unset, params=[key], help="Remove a value."),
        "path": click.Command("path", callback=_path, help="Show the path of the settings file."),
    }
    help_text = f"{_CONFIG_HELP} The stored key is sent only to the stored server."
    return SuggestingGroup("config", commands=commands, help=help_text)


def _session() -> Session:
    context = click.get_current_context()
    unused = ("timeout", "retries", "on_mismatch")
    refuse_without_effect(context.find_root(), unused, "on config, which sends no request")
    return Session.of(context)


def _get(key: str) -> None:
    base_url, api_key = _session().server()
    click.echo(base_url if key == "base-url" else "set" if api_key else "not set")


def _set(key: str, value: str | None) -> None:
    command = _session().package.command
    if value is not None and key == "api-key":
        report(command, "warning", KEY_WARNING)
    if value is not None:
        text = value
    elif sys.stdin.isatty():
        text = str(click.prompt(key, hide_input=key == "api-key", err=True))
    else:
        text = sys.stdin.readline()
    checked = checked_base_url(text.strip()) if key == "base-url" else checked_key(text)
    if checked is None:
        raise click.UsageError("api-key is empty; `config unset api-key` removes it")
    write_config(command, {**read_config(command), key: checked})


def _unset(key: str) -> None:
    command = _session().package.command
    values = read_config(command)
    values.pop(key, None)
    write_config(command, values)


def _path() -> None:
    click.echo(config_path(_session().package.command))
