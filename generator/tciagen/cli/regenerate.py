"""The command ``regenerate``."""

import datetime
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from tciagen import config
from tciagen.cli.options import api_key_option, config_options
from tciagen.drift.report import FORMATS
from tciagen.errors import EXIT_DIFFERENT, EXIT_FINE, UsageProblem
from tciagen.files import replace_file
from tciagen.python.text import plain
from tciagen.regenerate import summary
from tciagen.regenerate.journal import exclusive_run, refuse_unfinished
from tciagen.regenerate.release import Release
from tciagen.regenerate.run import Request, work_out, write

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@config_options
@click.option("--base-url", metavar="URL", help="Crawl this server instead.")
@api_key_option
@click.option(
    "--date",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="YYYY-MM-DD",
    help="Date of the release. Default: SOURCE_DATE_EPOCH, or today (UTC).",
)
@click.option("--report", type=_FILE, metavar="FILE", help="Write the drift report to this file.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(list(FORMATS)),
    default="markdown",
    show_default=True,
    help="Format of the report.",
)
@click.option(
    "--outputs",
    type=_FILE,
    metavar="FILE",
    help="Append NAME=VALUE lines for CI to this file, such as $GITHUB_OUTPUT.",
)
@click.option(
    "--dry-run", is_flag=True, help="Report the changes and write nothing (exit status 1 if any)."
)
def regenerate(
    config_file: Path | None,
    api: str | None,
    *,
    dry_run: bool,
    base_url: str | None,
    api_key: str | None,
    date: datetime.datetime | None,
    **files: Any,
) -> int:
    """Crawl, compare, generate, raise the version, write the changelog, and run the tests.

    The command writes everything or nothing. Without a change of meaning, after an incomplete
    crawl, or if the tests of the new package fail, every file stays as it is. Declarations
    that the server no longer makes are retained. Changes that drift-accept.toml accepts are
    not applied.
    """
    request = Request(
        config_file=config.config_path(config_file).resolve(),
        api=api,
        base_url=base_url,
        api_key=api_key,
        today=date.date() if date else _today(),
    )
    root = request.config_file.parent
    if dry_run:
        refuse_unfinished(root)
        releases = work_out(request).releases
    else:
        with exclusive_run(root) as journal:
            if journal.recover():
                click.echo("An earlier run was killed; its files are restored.", err=True)
            work = work_out(request)
            write(request.config_file, work, journal)
        releases = work.releases
    _print_summary(releases, Path.cwd(), "would write" if dry_run else "written")
    _write_files(releases, Path.cwd(), **files)
    changed = any(release.writes for release in releases)
    return EXIT_DIFFERENT if dry_run and changed else EXIT_FINE


def _today() -> datetime.date:
    """Return the day of SOURCE_DATE_EPOCH (reproducible-builds.org), else today; UTC."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    try:
        seconds = float(int(epoch)) if epoch else time.time()
        return datetime.datetime.fromtimestamp(seconds, tz=datetime.UTC).date()
    except (ValueError, OverflowError, OSError) as error:
        raise UsageProblem(f"SOURCE_DATE_EPOCH is {epoch!r}, not a number of seconds.") from error


def _print_summary(releases: Sequence[Release], root: Path, verb: str) -> None:
    for line in summary.lines(releases, root, verb):
        click.echo(line)
    for release in releases:
        for notice in release.notices:
            click.echo(f"notice: {plain(notice)}", err=True)


def _write_files(
    releases: Sequence[Release],
    root: Path,
    *,
    report: Path | None,
    format_: str,
    outputs: Path | None,
) -> None:
    if report is not None:
        replace_file(report, summary.report(releases, format_, root).encode("utf-8"))
    if outputs is not None:
        with outputs.open("a", encoding="utf-8") as file:
            file.writelines(
                f"{name}={value}\n" for name, value in summary.outputs(releases).items()
            )
