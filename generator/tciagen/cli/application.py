"""The command line: ``tciagen COMMAND``.

Exit status of every command: 0 success, 1 differences found, 2 usage or configuration,
3 an invalid document, 4 server unreachable or crawl incomplete, 130 interrupted. Errors are
sentences on stderr, one for each problem.
"""

import difflib
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

import click

from tciagen.cli.errors import run_safely

_COMMANDS = {
    "accept": "tciagen.cli.drift:accept",
    "archive": "tciagen.archive.cli:archive",
    "check": "tciagen.cli.generate:check",
    "crawl": "tciagen.cli.documents:crawl",
    "diff": "tciagen.cli.drift:diff",
    "generate": "tciagen.cli.generate:generate",
    "regenerate": "tciagen.cli.regenerate:regenerate",
    "rules": "tciagen.cli.drift:rules",
    "validate": "tciagen.cli.documents:validate",
    "watch": "tciagen.cli.watch:watch",
}
_SHORT_HELP = {
    "accept": "Accept a change that `diff` reports until a date.",
    "archive": "Index DICOM files and serve them as the v3 API does.",
    "check": "Report everything that is out of date: documents, overlay, templates, source.",
    "crawl": "Fetch the metadata of every endpoint into the documents folder.",
    "diff": "Compare two contracts by meaning, and report what a change breaks.",
    "generate": "Generate the client package from documents and overlay.",
    "regenerate": "Update everything from the server, or nothing.",
    "rules": "List the drift rules, or explain one.",
    "validate": "Report every violation of the schema in every document.",
    "watch": "Generate again on each change of documents, overlay or templates.",
}


class LazyGroup(click.Group):
    """A group that imports a command when it is called, not when it is listed."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the names of all commands."""
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import and return one command."""
        if cmd_name not in _COMMANDS:
            return None
        module, _, name = _COMMANDS[cmd_name].partition(":")
        command = getattr(import_module(module), name)
        return command if isinstance(command, click.Command) else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the called command; suggest one if the name is unknown."""
        if args[0] not in _COMMANDS and not args[0].startswith("-"):
            _refuse(ctx, args[0])
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Print the list of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(sorted(_SHORT_HELP.items()))


def _refuse(ctx: click.Context, name: str) -> NoReturn:
    from tciagen.archive.cli import archive  # noqa: PLC0415 - loads what only the archive needs

    known = {command: command for command in _COMMANDS}
    known |= {command: f"archive {command}" for command in archive.commands}
    known["help"] = "--help"
    close = difflib.get_close_matches(name.lower(), known, 1)
    hint = f" Did you mean `tciagen {known[close[0]]}`?" if close else ""
    raise click.UsageError(f"No such command {name!r}.{hint}", ctx)


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tciagen")
def cli() -> None:
    """Generate typed clients from the metadata that a query API serves about itself.

    Exit status: 0 success, 1 differences found or archive index incomplete, 2 usage or
    configuration, 3 invalid document, 4 server unreachable or crawl incomplete,
    130 interrupted.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with the documented status."""
    sys.exit(run_safely(lambda: cli.main(arguments, prog_name="tciagen", standalone_mode=False)))
