"""The subcommand of an endpoint that returns a file."""

import re
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click

from ..downloads.public import Download, DownloadsError, Limits
from ..downloads.result import NOT_COUNTED
from ..endpoint import FileEndpoint
from .commands import (
    EndpointCommand,
    arguments,
    describe,
    endpoint_options,
    parameters_as_options,
    refuse_without_effect,
)
from .completion import option_name
from .config import Package, Session
from .errors import EXIT_INCOMPLETE, EXIT_SUCCESS, LIMIT_OPTIONS, discard_stdout, outcome, report
from .output import progress_bars
from .sources import read_jobs, required

_OWN = frozenset(
    {
        *("from", "to", "at-once", "keep-zip", "names", "on-difference", "help"),
        *(option.removeprefix("--") for option in LIMIT_OPTIONS.values()),
    }
)
_SIZE = re.compile(r"([0-9]{1,18})(?:\s*([KMGT])(?:i?B)?)?", re.IGNORECASE)
_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


def files_command(name: str, endpoint: FileEndpoint, package: Package) -> click.Command:
    """Return the subcommand."""
    description = describe(package.client, endpoint)
    return EndpointCommand(
        name,
        callback=partial(_run, endpoint),
        params=[
            *endpoint_options(endpoint, description, _OWN, required=False),
            *_own_options(endpoint),
        ],
        help=f"{description.summary}\n\n{description.details} Each file is verified before it gets "
        "its name; its path is written to standard output.",
        deprecated=endpoint.deprecated,
    )


def _own_options(endpoint: FileEndpoint) -> list[click.Option]:
    keys = ", ".join(parameter.python_name for parameter in endpoint.parameters)
    lists = ", a .tcia manifest or a list of UIDs" if len(required(endpoint)) == 1 else ""
    of_many = [
        click.Option(
            ["--from", "source"],
            type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
            metavar="FILE",
            help=f"List of downloads: a table or JSON lines with columns of {keys}, such as other "
            f"subcommands write{lists}; - reads a pipe. Called again, the command downloads what "
            "is missing.",
        ),
        click.Option(
            ["--at-once"],
            type=click.IntRange(min=1),
            default=4,
            show_default=True,
            metavar="NUMBER",
            help="Maximum number of parallel downloads of a list.",
        ),
    ]
    of_all = [
        click.Option(
            ["--to"],
            type=click.Path(),
            default=".",
            metavar="PATH",
            help="Folder to write to, or the file of a single download. Default: the current "
            "folder.",
        ),
        click.Option(
            ["--on-difference"],
            type=click.Choice(["raise", "keep"]),
            help="Discard a download that differs from the request (raise, the default), or keep "
            "it as .incomplete.",
        ),
    ]
    of_archives = [
        click.Option(["--keep-zip"], is_flag=True, default=None, help="Keep the archive packed."),
        click.Option(
            ["--names"],
            type=click.Choice(["server", "instance-number", "sop-instance-uid"]),
            help="Names of unpacked files: those in the archive (server, the default), or from "
            "their headers.",
        ),
        _limit("members", "NUMBER", "Maximum number of members of an archive. Default: 100,000."),
        _limit("member_bytes", "SIZE", "Maximum size of one unpacked member. Default: 16G."),
        _limit("total_bytes", "SIZE", "Maximum size of an unpacked archive. Default: 256G."),
    ]
    return [
        *(of_many if keys else ()),
        *of_all,
        *(of_archives if "ZIP" in endpoint.formats else ()),
        _limit("free_bytes", "SIZE", "Minimum free space on the disk. Default: 256M."),
    ]


def _limit(name: str, metavar: str, text: str) -> click.Option:
    kind: Any = click.IntRange(min=1) if metavar == "NUMBER" else _size
    return click.Option([LIMIT_OPTIONS[name], name], type=kind, metavar=metavar, help=text)


def _size(text: str) -> int:
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise click.BadParameter(
            f"{text!r} is not a size. Write bytes, or a number with K, M, G or T, as 10G."
        )
    return int(match[1]) * _UNITS[(match[2] or "").upper()]


def _run(endpoint: FileEndpoint, **options: Any) -> int:
    context = click.get_current_context()
    session = Session.of(context)
    command = session.package.command
    started = time.perf_counter()
    _refuse_unused(context, options)
    jobs = _jobs(endpoint, options)
    titles = [str(list(job.values())[-1]) if job else endpoint.name for job in jobs]
    passed = _download_options(options)
    results: Sequence[Download]
    with (
        session.client() as client,
        progress_bars(titles) as bars,
        parameters_as_options(context.command),
    ):
        try:
            if options.get("source") is None:
                method = getattr(client, endpoint.method)
                one = bars and bars.one
                results = [method(options["to"], **jobs[0], **passed, progress=one)]
            else:
                passed |= {"workers": options["at_once"], "progress": bars and bars.many}
                results = getattr(client, endpoint.many)(options["to"], jobs, **passed)
        except DownloadsError as error:
            results = error.results
    done = [result for result in results if result.error is None]
    for result in results:
        if result.error is not None:
            report(command, "error", f"{titles[result.index]}: {outcome(result.error)[0]}")
    for download in done:
        for difference in download.differences:
            report(command, "error", f"{download.path}: {difference}")
    try:
        for download in done:
            click.echo(download.path)
    except BrokenPipeError:  # the summary is still of use
        discard_stdout()
    click.echo(_summary(done, len(jobs), time.perf_counter() - started), err=True)
    complete = all(result.state in ("complete", "existing") for result in results)
    return EXIT_SUCCESS if complete else EXIT_INCOMPLETE


def _download_options(options: Mapping[str, Any]) -> dict[str, Any]:
    def passed(names: Sequence[str]) -> dict[str, Any]:
        return {name: options[name] for name in names if options.get(name) is not None}

    found = passed(("keep_zip", "names", "on_difference"))
    try:
        if limits := passed(tuple(LIMIT_OPTIONS)):
            found["limits"] = Limits(**limits)
    except ValueError:
        context = click.get_current_context()
        raise click.UsageError("a maximum must be at least 1", context) from None
    return found


def _summary(done: Sequence[Download], count: int, seconds: float) -> str:
    existing = sum(download.existed for download in done)
    files = sum(len(download.files) for download in done)
    size = sum(download.bytes for download in done) / 1e6
    checks = [{one.check == NOT_COUNTED.check for one in download.unchecked} for download in done]
    uncounted, unread = (sum(kind in found for found in checks) for kind in (True, False))
    return (
        f"{len(done)} of {count} done{f' ({existing} existing)' * bool(existing)}: "
        f"{files:,} files, {size:,.1f} MB in {seconds:.1f} s"
        + f"; completeness of {uncounted} not checked" * bool(uncounted)
        + f"; unreadable DICOM headers in {unread}" * bool(unread)
    )


def _jobs(endpoint: FileEndpoint, options: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the keyword arguments of each download."""
    fixed = arguments(endpoint, options)
    context = click.get_current_context()
    titles = {option.name: option.opts[0] for option in context.command.params}
    names = {p.python_name: titles[option_name(p.python_name)] for p in endpoint.parameters}
    if options.get("source") is not None:
        return read_jobs(endpoint, options["source"], fixed, names)
    for name in required(endpoint):
        if name not in fixed:
            raise click.UsageError(
                f"Missing option {names[name]!r}; for many downloads pass --from FILE (- is a "
                "pipe)",
                context,
            )
    return [fixed]


def _refuse_unused(context: click.Context, options: dict[str, Any]) -> None:
    refuse_without_effect(context.find_root(), ["on_mismatch"], "on files, which have no rows")
    is_single = options.get("source") is None
    if is_single:
        refuse_without_effect(context, ["at_once"], "without --from")
    target = options["to"]
    is_zip = target.lower().endswith(".zip") and not Path(target).is_dir()
    if options.get("keep_zip") or (is_zip and is_single):
        refuse_without_effect(context, ["names"], "for an archive that is not unpacked")
