"""The subcommand of an endpoint that answers a file."""

import csv
import os
from collections.abc import Sequence
from typing import Any, TextIO

import click

from ..download import Download
from ..endpoint import Endpoint
from ..errors import ApiError, ParameterError
from ..methods import FilesMethod
from .complete import Methods
from .describe import describe
from .guard import EXIT_DIFFERENT, outcome, tell
from .options import arguments, endpoint_options, parameters_as_options
from .progress import progress_display
from .session import Session

_OWN = frozenset({"from", "to", "help"})


def files_command(name: str, method: FilesMethod[...], methods: Methods) -> click.Command:
    """Make the subcommand."""
    endpoint = method.endpoint
    description = describe(method.__doc__)
    keys = [parameter.python_name for parameter in endpoint.parameters]
    own = [
        click.Option(
            ["--from", "source"],
            type=click.File("r", encoding="utf-8"),
            metavar="FILE",
            help=f"Download a file for each row of a CSV file with columns of {', '.join(keys)}, "
            "as the other commands write it; - reads a pipe.",
        ),
        click.Option(
            ["--to"],
            type=click.Path(),
            default=".",
            metavar="PATH",
            help="Folder to write into, or the file to write; the current folder by default.",
        ),
    ]
    return click.Command(
        name,
        callback=lambda **given: _run(method, given),
        params=[
            *endpoint_options(endpoint, description, methods, _OWN, required=False),
            *own,
        ],
        help=f"{description.summary}\n\n{description.details} Writes the path of each file to "
        "standard output.",
        deprecated=endpoint.deprecated,
    )


def _run(method: FilesMethod[...], given: dict[str, Any]) -> int:
    context = click.get_current_context()
    jobs = _jobs(method.endpoint, given)
    session = Session.of(context)
    command = session.package.command
    done: list[Download] = []
    failed = 0
    with (
        session.client() as client,
        progress_display(len(jobs)) as display,
        parameters_as_options(context.command),
    ):
        target = given["to"] if len(jobs) == 1 else f"{given['to']}{os.sep}"
        for job in jobs:
            title = list(job.values())[-1]
            try:
                with display.file(title) as progress:
                    done.append(method.__get__(client)(target, **job, progress=progress))
            except (ApiError, OSError) as error:
                if len(jobs) == 1 or isinstance(error, ParameterError):
                    raise
                failed += 1
                tell(command, "error", f"{title}: {outcome(error)[0]}")
            else:
                click.echo(done[-1].path)
    size = sum(download.bytes for download in done)
    seconds = sum(download.seconds for download in done)
    click.echo(f"{len(done)} of {len(jobs)} done, {size:,} bytes in {seconds:.1f} s", err=True)
    return EXIT_DIFFERENT if failed else 0


def _jobs(endpoint: Endpoint, given: dict[str, Any]) -> Sequence[dict[str, Any]]:
    """What to ask for, once for each file."""
    fixed = arguments(endpoint, given)
    source: TextIO | None = given["source"]
    rows = [fixed] if source is None else _rows(endpoint, source, fixed)
    for row in rows:
        for option in click.get_current_context().command.params:
            needed = any(p.required and p.python_name == option.name for p in endpoint.parameters)
            if needed and option.name not in row:
                raise click.MissingParameter(ctx=click.get_current_context(), param=option)
    return rows


def _rows(endpoint: Endpoint, source: TextIO, fixed: dict[str, Any]) -> list[dict[str, Any]]:
    reader = csv.DictReader(source)
    names = {parameter.python_name for parameter in endpoint.parameters}
    used = [name for name in reader.fieldnames or () if name in names and name not in fixed]
    if not used:
        raise click.UsageError(
            f"{source.name} has none of the columns {', '.join(sorted(names))}",
            click.get_current_context(),
        )
    rows = [{name: row[name] for name in used if row[name]} | fixed for row in reader]
    return [dict(row) for row in dict.fromkeys(tuple(row.items()) for row in rows)]
