"""The subcommand of an endpoint that answers a file."""

import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click

from ..downloads.public import Download, DownloadsError
from ..downloads.result import NOT_COUNTED
from ..endpoint import Endpoint
from ..file_methods import FilesMethod
from . import limits
from .commands import EndpointCommand, refuse_without_effect
from .complete import Methods, option_name
from .describe import describe
from .guard import EXIT_DIFFERENT, EXIT_FINE, forget_reader, outcome, tell
from .options import arguments, endpoint_options, parameters_as_options
from .progress import progress_display
from .session import Session
from .sources import read_jobs, required

_OWN = frozenset(
    {"from", "to", "at-once", "keep-zip", "names", "on-difference", "help", *limits.NAMES}
)


def files_command(name: str, method: FilesMethod[...], methods: Methods) -> click.Command:
    """Make the subcommand."""
    endpoint = method.endpoint
    description = describe(method.__doc__)
    return EndpointCommand(
        name,
        callback=partial(_run, method),
        params=[
            *endpoint_options(endpoint, description, methods, _OWN, required=False),
            *_own_options(endpoint),
        ],
        help=f"{description.summary}\n\n{description.details} Each is checked before it gets its "
        "name; the path of each is written to standard output.",
        deprecated=endpoint.deprecated,
    )


def _own_options(endpoint: Endpoint) -> list[click.Option]:
    keys = [parameter.python_name for parameter in endpoint.parameters]
    lists = ", a .tcia manifest or a list of UIDs" if len(required(endpoint)) == 1 else ""
    of_many = [
        click.Option(
            ["--from", "source"],
            type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
            metavar="FILE",
            help="Download many: one for each row of a table or of JSON lines with columns of "
            f"{', '.join(keys)}, such as the other commands write{lists}; - reads a pipe. "
            "Called again, it fetches what is missing.",
        ),
        click.Option(
            ["--at-once"],
            type=click.IntRange(min=1),
            default=4,
            show_default=True,
            metavar="NUMBER",
            help="Downloads at a time, of many.",
        ),
    ]
    options = [
        *(of_many if keys else ()),
        click.Option(
            ["--to"],
            type=click.Path(),
            default=".",
            metavar="PATH",
            help="Folder to write into, by default the current one; or, of one, the file.",
        ),
        click.Option(
            ["--on-difference"],
            type=click.Choice(["raise", "keep"]),
            help="Leave nothing of what is not what was asked for (raise, the default), or keep it "
            "as .incomplete.",
        ),
    ]
    if "ZIP" in endpoint.formats:
        options += [
            click.Option(
                ["--keep-zip"], is_flag=True, default=None, help="Keep the archive, packed."
            ),
            click.Option(
                ["--names"],
                type=click.Choice(["server", "instance-number", "sop-instance-uid"]),
                help="What unpacked files are called: as in the archive (server, the default), or "
                "by what they hold.",
            ),
        ]
    return options + limits.limit_options(archive="ZIP" in endpoint.formats)


def _run(method: FilesMethod[...], **given: Any) -> int:
    context = click.get_current_context()
    session = Session.of(context)
    command = session.package.command
    started = time.perf_counter()
    _refuse_unused(context, given)
    results: Sequence[Download] = ()
    jobs = _jobs(method.endpoint, given)
    titles = [str(list(job.values())[-1]) if job else method.endpoint.name for job in jobs]
    options = {
        name: given[name]
        for name in ("keep_zip", "names", "on_difference")
        if given.get(name) is not None
    }
    if (bounds := limits.limits_of(given)) is not None:
        options["limits"] = bounds
    with (
        session.client() as client,
        progress_display(titles) as display,
        parameters_as_options(context.command),
    ):
        bound = method.__get__(client)
        try:
            if given.get("source") is None:
                results = [bound(given["to"], **jobs[0], **options, progress=display.one)]
            else:
                results = bound.many(
                    given["to"], jobs, workers=given["at_once"], progress=display.many, **options
                )
        except DownloadsError as error:
            results = error.results
    done = [result for result in results if result.error is None]
    for result in results:
        if result.error is not None:
            tell(command, "error", f"{titles[result.index]}: {outcome(result.error)[0]}")
    for download in done:
        for difference in download.differences:
            tell(command, "error", f"{download.path}: {difference}")
    try:
        for download in done:
            click.echo(download.path)
    except BrokenPipeError:  # what came of the downloads is to be told all the same
        forget_reader()
    _tell_sum(done, len(jobs), time.perf_counter() - started)
    good = all(result.state in ("complete", "existing") for result in results)
    return EXIT_FINE if good else EXIT_DIFFERENT


def _tell_sum(done: Sequence[Download], count: int, seconds: float) -> None:
    kept = sum(download.kept for download in done)
    files = sum(len(download.files) for download in done)
    size = sum(download.bytes for download in done) / 1e6
    checks = [{one.check == NOT_COUNTED.check for one in download.unchecked} for download in done]
    uncounted, unread = (sum(kind in found for found in checks) for kind in (True, False))
    click.echo(
        f"{len(done)} of {count} done{f' ({kept} were there)' * bool(kept)}: "
        f"{files:,} files, {size:,.1f} MB in {seconds:.1f} s"
        + f"; completeness of {uncounted} not checked" * bool(uncounted)
        + f"; unreadable DICOM headers in {unread}" * bool(unread),
        err=True,
    )


def _jobs(endpoint: Endpoint, given: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the keyword arguments of each download."""
    fixed = arguments(endpoint, given)
    source: Path | None = given.get("source")
    context = click.get_current_context()
    options = {option.name: option for option in context.command.params}
    if source is not None:
        names = {p: options[option_name(p)].opts[0] for p in _keywords(endpoint)}
        return read_jobs(endpoint, source, fixed, names)
    for name in required(endpoint):
        if name not in fixed:
            option = options[option_name(name)].opts[0]
            raise click.UsageError(
                f"Missing option {option!r}; for many downloads pass --from FILE (- is a pipe)",
                context,
            )
    return [fixed]


def _keywords(endpoint: Endpoint) -> list[str]:
    return [parameter.python_name for parameter in endpoint.parameters]


def _refuse_unused(context: click.Context, given: dict[str, Any]) -> None:
    refuse_without_effect(context.find_root(), ["on_mismatch"], "on files, which have no rows")
    if given.get("source") is None:
        refuse_without_effect(context, ["at_once"], "without --from")
    target = given["to"]
    is_zip = target.lower().endswith(".zip") and not Path(target).is_dir()
    if given.get("keep_zip") or (is_zip and given.get("source") is None):
        refuse_without_effect(context, ["names"], "where the archive is kept packed")
