"""The commands ``regenerate``, ``propose`` and ``issue``."""

import datetime
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import attrs
import click

from tciagen import config
from tciagen.drift.report import FORMATS
from tciagen.errors import EXIT_DIFFERENT, EXIT_FINE, UsageProblem
from tciagen.publish import replace_file
from tciagen.python.text import plain
from tciagen.regenerate import github, told
from tciagen.regenerate.journal import recover, refuse_unfinished
from tciagen.regenerate.propose import Action, Proposal
from tciagen.regenerate.propose import propose as propose_branch
from tciagen.regenerate.release import Release
from tciagen.regenerate.run import Request, work_out, write

Command = TypeVar("Command", bound=Callable[..., Any])

_FILE = click.Path(path_type=Path, dir_okay=False)
_ABOUT = """\
The API's description of itself has changed. This branch is the client regenerated from it.

It is rewritten while the drift lasts and deleted when it is gone; a commit of somebody else
stops that. Mark it ready for review: that starts the checks, which opening it did not.

"""
_WORDS = {
    Action.NONE: "no drift, no branch",
    Action.CREATED: "pushed",
    Action.UPDATED: "pushed anew",
    Action.UNCHANGED: "tells this drift already",
    Action.DELETED: "deleted, the drift is gone",
    Action.LEFT: "left as it is, since it holds a commit of somebody else",
}


def _options(command: Command) -> Command:
    for option in (
        click.option(
            "--summary", type=_FILE, metavar="FILE", help="Write a summary here, as JSON."
        ),
        click.option(
            "--format",
            "format_",
            type=click.Choice(list(FORMATS)),
            default="markdown",
            show_default=True,
            help="Of the report.",
        ),
        click.option("--report", type=_FILE, metavar="FILE", help="Write the drift report here."),
        click.option(
            "--date",
            type=click.DateTime(["%Y-%m-%d"]),
            metavar="YYYY-MM-DD",
            help="Date of the release; else SOURCE_DATE_EPOCH, else today (UTC).",
        ),
        click.option("--base-url", metavar="URL", help="Crawl this server instead."),
        click.option("--api", metavar="NAME", help="Only this API of the file."),
        click.option(
            "--config",
            "config_file",
            type=_FILE,
            metavar="FILE",
            help="Configuration; else the nearest tciagen.toml or pyproject.toml.",
        ),
    ):
        command = option(command)
    return command


@click.command()
@click.option("--dry-run", is_flag=True, help="Tell and write nothing (exit status 1 if changed).")
@_options
def regenerate(
    config_file: Path | None,
    api: str | None,
    *,
    dry_run: bool,
    base_url: str | None,
    date: datetime.datetime | None,
    **files: Any,
) -> int:
    """Crawl, compare, generate, raise the version, write the changelog, and run the tests.

    All or nothing: without a change of meaning, with an incomplete crawl, or if the tests
    of the new package fail, everything stays as it is. What the server no longer says is
    kept; what drift-accept.toml accepts waits.
    """
    request = _request(config_file, api, base_url, date)
    root = request.config_file.parent
    if dry_run:
        refuse_unfinished(root)
    elif recover(root):
        click.echo("An earlier run was killed; what it had written is taken back.", err=True)
    releases = work_out(request)
    if not dry_run:
        write(request.config_file, releases)
    _tell(releases, Path.cwd(), "would write" if dry_run else "written")
    _write_files(releases, Path.cwd(), **files)
    changed = any(release.writes for release in releases)
    return EXIT_DIFFERENT if dry_run and changed else EXIT_FINE


@click.command()
@click.option("--remote", default="origin", show_default=True, help="Where the branch goes.")
@click.option("--branch", default="tciagen/regenerate", show_default=True, help="Its name.")
@click.option(
    "--pull-request", is_flag=True, help="Keep one draft pull request of it on GitHub, with `gh`."
)
@_options
def propose(
    config_file: Path | None,
    api: str | None,
    *,
    remote: str,
    branch: str,
    pull_request: bool,
    base_url: str | None,
    date: datetime.datetime | None,
    **files: Any,
) -> int:
    """Regenerate HEAD on a branch of its own, and push it.

    The branch is rewritten while the drift lasts and deleted when it is gone. The checkout
    and the default branch are never touched, nor a branch with somebody else's commit.
    """
    request = _request(config_file, api, base_url, date)
    name = request.config_file.name
    root = request.config_file.parent
    releases: tuple[Release, ...] = ()

    def run(folder: Path) -> Proposal:
        nonlocal releases, root
        root = folder
        releases = work_out(attrs.evolve(request, config_file=folder / name))
        written = write(folder / name, releases)
        _tell(releases, folder, "written")
        return Proposal(written, told.title(releases), told.digest(releases))

    action = propose_branch(root, run, remote=remote, branch=branch)
    click.echo(f"{branch} on {remote}: {_WORDS[action]}")
    _write_files(releases, root, **files)
    if pull_request and action.proposes:
        body = (_ABOUT + told.report(releases, "markdown", root))[: github.LONGEST]
        labels = told.labels(releases)
        click.echo(github.pull_request(branch, told.title(releases), body, labels))
    return EXIT_FINE


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[OPTIONS OF CHECK]...")
def issue(arguments: tuple[str, ...]) -> int:
    """Run `check --live` and keep one GitHub issue of what it finds, with `gh`.

    The issue is opened, brought up to date, and closed when all agrees again; both are
    exit status 0. What cannot be judged leaves it as it is, and gives the status of the check.
    """
    done = subprocess.run(  # noqa: S603 - our own module, no shell
        [sys.executable, "-m", "tciagen", "check", "--live", *arguments],
        stdout=subprocess.PIPE,
        encoding="utf-8",
        check=False,
    )
    click.echo(done.stdout, nl=False)
    if done.returncode not in (EXIT_FINE, EXIT_DIFFERENT):
        return done.returncode
    click.echo(github.issue(_fenced(done.stdout) if done.returncode else None))
    return EXIT_FINE


def _request(
    config_file: Path | None, api: str | None, base_url: str | None, date: datetime.datetime | None
) -> Request:
    path = config.config_path(config_file).resolve()
    today = date.date() if date else _today()
    return Request(config_file=path, api=api, base_url=base_url, today=today)


def _today() -> datetime.date:
    """Return the day of SOURCE_DATE_EPOCH (reproducible-builds.org), else today; UTC."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    try:
        seconds = float(int(epoch)) if epoch else time.time()
        return datetime.datetime.fromtimestamp(seconds, tz=datetime.UTC).date()
    except (ValueError, OverflowError, OSError) as error:
        raise UsageProblem(f"SOURCE_DATE_EPOCH is {epoch!r}, no number of seconds.") from error


def _tell(releases: Sequence[Release], root: Path, verb: str) -> None:
    for line in told.lines(releases, root, verb):
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
    summary: Path | None,
) -> None:
    if report is not None:
        replace_file(report, told.report(releases, format_, root).encode("utf-8"))
    if summary is not None:
        replace_file(summary, told.summary(releases).encode("utf-8"))


def _fenced(text: str) -> str:
    """Return text as a Markdown code block of which nothing is markup."""
    shown = text if len(text) <= github.LONGEST else text[: github.LONGEST] + "\n…\n"
    fence = "`" * (max(map(len, re.findall("`+", shown)), default=2) + 1)
    fence = max(fence, "```", key=len)
    return (
        "`tciagen check --live` found this; it is brought up to date and closed by itself.\n\n"
        f"{fence}text\n{shown}{fence}\n"
    )
