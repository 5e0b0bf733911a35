"""The command line: ``tciagen COMMAND``.

Exit status of every command: 0 fine, 1 differences found, 2 usage or configuration,
3 a document that cannot be judged, 4 server out of reach or crawl incomplete, 130
interrupted. Errors are sentences on stderr, one for each problem.
"""

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

import attrs
import click

from tciagen import config
from tciagen.address import name_conflicts, parse_endpoint
from tciagen.api_key import api_key_option
from tciagen.errors import EXIT_FINE, EXIT_INTERRUPTED, EXIT_USAGE, TciagenError, UsageProblem
from tciagen.overlay import suggestion

Command = TypeVar("Command", bound=Callable[..., Any])

_ELSEWHERE = {
    "accept": "tciagen.drift.cli:accept",
    "archive": "tciagen.archive.cli:archive",
    "check": "tciagen.commands:check",
    "crawl": "tciagen.commands:crawl",
    "diff": "tciagen.drift.cli:diff",
    "generate": "tciagen.commands:generate",
    "regenerate": "tciagen.regenerate.cli:regenerate",
    "rules": "tciagen.drift.cli:rules",
    "validate": "tciagen.commands:validate",
    "watch": "tciagen.watch:watch",
}
_SHORT_HELP = {
    "accept": "Accept a change that `diff` reports, for a while.",
    "archive": "Index DICOM files and serve them as the v3 API does.",
    "check": "Tell what no longer agrees: documents, overlay, templates, source.",
    "crawl": "Fetch the metadata of every endpoint into the documents folder.",
    "diff": "Compare two contracts by meaning, and say what a change breaks.",
    "generate": "Make the client package from documents and overlay.",
    "regenerate": "Bring everything up to date with the server: all of it or nothing.",
    "rules": "List the drift rules, or explain one.",
    "validate": "Report every violation of the schema in every document.",
    "watch": "Generate anew on each change of documents, overlay or templates.",
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called, not when listed."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the names of all commands."""
        return sorted(_ELSEWHERE)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import and return one command."""
        if cmd_name not in _ELSEWHERE:
            return None
        module, _, name = _ELSEWHERE[cmd_name].partition(":")
        command = getattr(import_module(module), name)
        return command if isinstance(command, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the list of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(sorted(_SHORT_HELP.items()))


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tciagen")
def cli() -> None:
    """Typed clients from the metadata that a query API serves about itself.

    Exit status: 0 fine, 1 differences found or archive index incomplete, 2 usage or
    configuration, 3 a document that cannot be judged, 4 server out of reach or crawl
    incomplete, 130 interrupted.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with the documented status."""
    sys.exit(run_safely(lambda: cli.main(arguments, prog_name="tciagen", standalone_mode=False)))


def run_safely(command: Callable[[], Any]) -> int:
    """Run a command and return its exit status; tell its errors in sentences."""
    try:
        status = command()
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return EXIT_USAGE
    except click.ClickException as error:
        said = " ".join(error.format_message().split())
        context = error.ctx if isinstance(error, click.UsageError) else None
        hint = f" See `{context.command_path} --help`." if context else ""
        _tell(f"{said}{'' if said.endswith(('.', '?')) else '.'}{hint}")
        return EXIT_USAGE
    except TciagenError as error:
        for line in str(error).splitlines():
            _tell(line)
        return error.exit_status
    except (BrokenPipeError, SystemExit):  # which click makes of it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FINE
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        _tell(f"{where}{error.strerror or error}.")
        return EXIT_USAGE
    except (KeyboardInterrupt, click.Abort):
        _tell("interrupted.")
        return EXIT_INTERRUPTED
    return status if isinstance(status, int) else EXIT_FINE


def _tell(line: str) -> None:
    shown = "".join(c if c.isprintable() else f"<U+{ord(c):04X}>" for c in line)
    with suppress(OSError):  # the exit status says it, too
        click.echo(f"tciagen: error: {shown}", err=True)


_PATH = click.Path(path_type=Path)
_OPTIONS: dict[str, Callable[[Command], Command]] = {
    "base_url": click.option("--base-url", metavar="URL", help="Where the API is."),
    "api_key": api_key_option,
    "endpoint": click.option(
        "--endpoint",
        "endpoints",
        multiple=True,
        metavar="Resource/QueryName",
        help="An endpoint of the API; give the option once for each.",
    ),
    "documents": click.option(
        "--documents", type=_PATH, metavar="DIR", help="Folder of the metadata documents."
    ),
    "overlay": click.option(
        "--overlay", type=_PATH, metavar="FILE", help="TOML file of what documents do not say."
    ),
    "schema": click.option(
        "--schema", type=_PATH, metavar="FILE", help="JSON Schema instead of the published one."
    ),
    "output": click.option(
        "--out", "output", type=_PATH, metavar="DIR", help="Folder of the generated distribution."
    ),
    "package": click.option("--package", metavar="NAME", help="Import name of the package."),
    "distribution": click.option("--distribution", metavar="NAME", help="Name on an index."),
    "version": click.option(
        "--package-version", "version", metavar="X.Y.Z", help="Version of the distribution."
    ),
    "environment": click.option(
        "--environment", metavar="PREFIX", help="Prefix of the client's environment variables."
    ),
    "command": click.option("--command", metavar="NAME", help="Name of the client's command."),
    "title": click.option("--title", metavar="TEXT", help="Name of the API for people."),
}


def api_options(*names: str) -> Callable[[Command], Command]:
    """Give a command the options that configure an API, and --config and --api."""

    def decorate(command: Command) -> Command:
        for name in reversed(names):
            command = _OPTIONS[name](command)
        command = click.option("--api", metavar="NAME", help="Only this API of the file.")(command)
        return click.option(
            "--config",
            "config_file",
            type=_PATH,
            metavar="FILE",
            help="Configuration; else the nearest tciagen.toml or pyproject.toml.",
        )(command)

    return decorate


def selected_apis(config_file: Path | None, api: str | None, **given: Any) -> list[config.Api]:
    """Return the APIs that a command is about, command line before file.

    Raises:
        UsageProblem: no such API or file, or values given for several APIs at once.
    """
    values = {key: value for key, value in given.items() if value not in (None, ())}
    if "endpoints" in values:
        values["addresses"] = tuple(sorted(map(parse_endpoint, values.pop("endpoints"))))
        if conflicts := name_conflicts(values["addresses"]):
            raise UsageProblem("\n".join(f"{conflict}." for conflict in conflicts))
    path = config_file or (None if "documents" in values else config.find_config(Path.cwd()))
    if path is None:
        if api is not None or not values:
            raise UsageProblem(
                "There is no tciagen.toml or [tool.tciagen] here or above;"
                " give --config FILE, or --documents DIR and what else the command needs."
            )
        return [config.Api(**values)]
    apis = config.read_config(path)
    if api is not None and api not in apis:
        raise UsageProblem(f"{path} has no API {api!r}{suggestion(api, dict(apis))}.")
    chosen = [apis[api]] if api is not None else list(apis.values())
    if values and len(chosen) > 1:
        raise UsageProblem(
            f"{path} configures {', '.join(apis)}; say by --api which one the options are for."
        )
    return [attrs.evolve(one, **values) for one in chosen]
