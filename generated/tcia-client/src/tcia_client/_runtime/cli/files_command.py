"""The subcommand of an endpoint that answers a file."""

import csv
import sys
import time
import warnings
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, TextIO

import click

from ..download import Download, DownloadsError, read_manifest
from ..endpoint import Arguments, Endpoint
from ..errors import ParameterError
from ..file_methods import FilesMethod
from ..request import prepare
from .complete import Methods, option_name
from .describe import describe
from .guard import EXIT_DIFFERENT, EXIT_FINE, forget_reader, outcome, tell
from .options import arguments, endpoint_options, parameters_as_options
from .progress import progress_display
from .session import Session

_OWN = frozenset({"from", "to", "at-once", "keep-zip", "names", "on-difference", "help"})


def files_command(name: str, method: FilesMethod[...], methods: Methods) -> click.Command:
    """Make the subcommand."""
    endpoint = method.endpoint
    description = describe(method.__doc__)
    return click.Command(
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
    manifest = ", or of a .tcia manifest" if len(_required(endpoint)) == 1 else ""
    of_many = [
        click.Option(
            ["--from", "source"],
            type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
            metavar="FILE",
            help="Download many: one for each row of a CSV file with columns of "
            f"{', '.join(keys)}, as the other commands write it (- reads a pipe){manifest}. "
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
    return options


def _run(method: FilesMethod[...], **given: Any) -> int:
    context = click.get_current_context()
    session = Session.of(context)
    command = session.package.command
    started = time.perf_counter()
    results: Sequence[Download] = ()
    jobs = _jobs(method.endpoint, given)
    titles = [str(list(job.values())[-1]) if job else method.endpoint.name for job in jobs]
    options = {
        name: given[name]
        for name in ("keep_zip", "names", "on_difference")
        if given.get(name) is not None
    }
    with (
        session.client(max_connections=max(8, given.get("at_once", 1))) as client,
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
    click.echo(
        f"{len(done)} of {count} done{f' ({kept} were there)' * bool(kept)}: "
        f"{files:,} files, {size:,.1f} MB in {seconds:.1f} s",
        err=True,
    )


def _jobs(endpoint: Endpoint, given: dict[str, Any]) -> list[dict[str, Any]]:
    """What to ask for, once for each download."""
    fixed = arguments(endpoint, given)
    source: Path | None = given.get("source")
    context = click.get_current_context()
    if source is None:
        jobs = [fixed]
    elif source.suffix.lower() == ".tcia":
        if len(_required(endpoint)) != 1:
            raise click.UsageError("a manifest does not say all that is asked for", context)
        jobs = [{_required(endpoint)[0]: uid} for uid in read_manifest(source).series]
    elif str(source) == "-":
        jobs = _rows(endpoint, sys.stdin, "standard input", fixed)
    else:
        with source.open(encoding="utf-8-sig", newline="") as file:
            jobs = _rows(endpoint, file, str(source), fixed)
    options = {option.name: option for option in context.command.params}
    for name in _required(endpoint):
        if any(name not in job for job in jobs):
            raise click.MissingParameter(ctx=context, param=options[option_name(name)])
    return jobs


def _required(endpoint: Endpoint) -> list[str]:
    return [parameter.python_name for parameter in endpoint.parameters if parameter.required]


def _rows(
    endpoint: Endpoint, file: TextIO, title: str, fixed: dict[str, Any]
) -> list[dict[str, Any]]:
    names = [parameter.python_name for parameter in endpoint.parameters]
    try:
        reader = csv.DictReader(file, strict=True)
        used = [name for name in names if name in (reader.fieldnames or ()) and name not in fixed]
        if not used:
            raise click.UsageError(
                f"{title} is no CSV with a column of {', '.join(names)}; a manifest is read from a "
                "file whose name ends in .tcia",
                click.get_current_context(),
            )
        jobs: dict[tuple[tuple[str, Any], ...], dict[str, Any]] = {}
        for row in reader:
            job = {**{n: row[n] for n in used if row[n]}, **fixed}
            if jobs.setdefault(tuple(job.items()), job) is job:
                _check(endpoint, job, f"{title}, line {reader.line_num}")
    except (csv.Error, UnicodeDecodeError) as error:
        raise click.UsageError(f"{title} is no CSV: {error}", click.get_current_context()) from None
    return list(jobs.values())


def _check(endpoint: Endpoint, job: dict[str, Any], where: str) -> None:
    """End before anything is fetched if this cannot be asked for."""
    wires = {parameter.python_name: parameter.name for parameter in endpoint.parameters}
    asked = Arguments({wires[name]: value for name, value in job.items()})
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # told once it is asked
            prepare("", endpoint, endpoint.name, asked, file=True)
    except ParameterError as error:
        said = error.reason.removeprefix(f"{endpoint.name}({error.parameter}=…) ")
        raise click.UsageError(
            f"{where}: {error.parameter} {said}. {error.advice}", click.get_current_context()
        ) from None
