"""The command itself: global options, and a subcommand for each endpoint."""

import logging
import os
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click
from click.core import ParameterSource

from ..client import SyncClient
from ..display import visible
from ..file_methods import FilesMethod
from ..http.retry import Retry
from ..methods import RecordsMethod
from ..options import Timeouts
from .commands import SuggestingGroup
from .config_command import config_command
from .describe import describe
from .files_command import files_command
from .guard import tell
from .options import titles
from .records_command import records_command
from .session import Package

Method = RecordsMethod[..., Any] | FilesMethod[...]

_EPILOG = """\
Completion, also of values that the server lists:
  bash  eval "$({variable}=bash_source {command})"   in ~/.bashrc
  zsh   eval "$({variable}=zsh_source {command})"   in ~/.zshrc
  fish  {variable}=fish_source {command} | source   in ~/.config/fish/config.fish

Exit status: 0 fine, 1 downloads incomplete or different, 2 usage or configuration,
3 an answer that cannot be read, 4 server out of reach or an error status, 130 interrupted,
128 + n ended by signal n.
"""


def application(package: str, command: str) -> "Application":
    """The command line of a package."""
    client: type[SyncClient] = import_module(".client", package).Client
    about = Package(command, client)
    if about.completion_variable in os.environ:
        from .shells import register  # noqa: PLC0415 - only where it is needed

        register()
    return Application(about)


def endpoint_methods(client: type[SyncClient]) -> dict[str, Method]:
    """The endpoints of a client by the name of their subcommand."""
    methods: dict[str, Method] = {
        name: value
        for kind in reversed(client.__mro__)
        for name, value in vars(kind).items()
        if isinstance(value, RecordsMethod | FilesMethod)
    }
    return dict(zip(titles(methods, ["config"]), methods.values(), strict=True))


class Application(SuggestingGroup):
    """A group that makes a subcommand when it is called for, not before."""

    def __init__(self, package: Package) -> None:
        settings = package.settings
        super().__init__(
            name=package.command,
            params=_global_options(package),
            callback=_prepare,
            context_settings={"help_option_names": ["-h", "--help"], "obj": package},
            help=f"Ask {settings.base_url}, or another server with the same query API.",
            epilog=_EPILOG.format(
                command=package.command,
                variable=package.completion_variable,
            ),
        )
        self._methods = endpoint_methods(package.client)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """The names of all subcommands."""
        return [*sorted(self._methods), "config"]

    def spellings(self, ctx: click.Context) -> Mapping[str, str]:
        """Return the subcommand for its own name, for the endpoint's and for the method's."""
        known = dict(super().spellings(ctx))
        for title, method in self._methods.items():
            known.setdefault(method.endpoint.name, title)
            known.setdefault(method.__name__, title)
        return known

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002
        cmd_name: str,
    ) -> click.Command | None:
        """Make one subcommand."""
        if cmd_name == "config":
            return config_command()
        method = self._methods.get(cmd_name)
        if isinstance(method, RecordsMethod):
            return records_command(cmd_name, method, self._methods)
        return files_command(cmd_name, method, self._methods) if method else None

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002
        formatter: click.HelpFormatter,
    ) -> None:
        """Write the list of subcommands without making them."""
        with formatter.section("Commands"):
            formatter.write_dl(
                [
                    *((n, describe(m.__doc__).summary) for n, m in sorted(self._methods.items())),
                    ("config", "Show, set or remove the server and the key to use."),
                ]
            )

    def format_epilog(
        self,
        ctx: click.Context,  # noqa: ARG002
        formatter: click.HelpFormatter,
    ) -> None:
        """Write what stands below the list, line by line."""
        formatter.write(f"\n{self.epilog}")


def _global_options(package: Package) -> list[click.Parameter]:
    prefix = package.settings.environment
    return [
        click.Option(
            ["--base-url"],
            metavar="URL",
            envvar=f"{prefix}_BASE_URL",
            show_envvar=True,
            help="The server, up to and without the resource.",
        ),
        click.Option(
            ["--api-key"],
            metavar="KEY",
            envvar=f"{prefix}_API_KEY",
            show_envvar=True,
            callback=_warn_of_key,
            help="The key for it. Better by the environment or `config set api-key`: others on "
            "this machine can see a command line.",
        ),
        click.Option(
            ["--timeout"],
            type=click.FloatRange(min=0, min_open=True),
            metavar="SECONDS",
            help=f"Silence of the server to bear; by default {Timeouts().connect:g} for a "
            f"connection and {Timeouts().read:g} for an answer.",
        ),
        click.Option(
            ["--retries"],
            type=click.IntRange(min=0),
            metavar="NUMBER",
            help=f"How often to try again where that may help; by default {Retry().attempts - 1}.",
        ),
        click.Option(
            ["--on-mismatch"],
            type=click.Choice(["raise", "warn"]),
            default="raise",
            show_default=True,
            help="End at a value that does not fit its type, or warn and deliver it.",
        ),
        click.Option(
            ["-v", "--verbose"],
            count=True,
            help="Tell each request; twice, what is noticed in answers, too.",
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


class _Visible(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return visible(super().format(record))


def _prepare(verbose: int, **_options: Any) -> None:
    if verbose:
        package: Package = click.get_current_context().obj
        handler = logging.StreamHandler()
        handler.setFormatter(_Visible(f"{package.command}: %(message)s"))
        own = logging.INFO if verbose == 1 else logging.DEBUG
        for name, level in ((package.settings.package, own), ("httpx", logging.INFO)):
            logger = logging.getLogger(name)
            logger.addHandler(handler)
            logger.setLevel(level)


def _warn_of_key(context: click.Context, parameter: click.Parameter, value: Any) -> Any:
    source = context.get_parameter_source(parameter.name or "")
    if value and source is ParameterSource.COMMANDLINE and not context.resilient_parsing:
        tell(
            context.obj.command,
            "warning",
            "a key on the command line is seen by others and kept by the shell; "
            "better give it by the environment or `config set api-key`.",
        )
    return value


def _show_version(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value and not context.resilient_parsing:
        click.echo(f"{context.obj.command} {context.obj.settings.version}")
        context.exit()
