"""The subcommand of an endpoint that answers records."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any

import click

from ..endpoint import Attribute
from ..methods import RecordsMethod
from ..naming import closest
from .commands import EndpointCommand, was_passed
from .complete import Methods
from .describe import describe
from .options import arguments, endpoint_options, parameters_as_options
from .output import (
    FORMATS,
    SUFFIXES,
    TABLE_ROWS,
    destination,
    write_raw,
    write_rows,
    write_table,
)
from .session import Session

_OWN = frozenset({"format", "output", "columns", "limit", "wire", "help"})


def records_command(name: str, method: RecordsMethod[..., Any], methods: Methods) -> click.Command:
    """Make the subcommand."""
    endpoint = method.endpoint
    description = describe(method.__doc__)
    return EndpointCommand(
        name,
        callback=partial(_run, method),
        params=[*endpoint_options(endpoint, description, methods, _OWN), *_own_options(method)],
        help=f"{description.summary}\n\n{description.details}",
        deprecated=endpoint.deprecated,
    )


def _own_options(method: RecordsMethod[..., Any]) -> list[click.Option]:
    names = [attribute.python_name for attribute in method.endpoint.attributes]
    wires = [name.lower() for name in method.endpoint.formats]
    default = (method.endpoint.default_format or "JSON").lower()
    options = [
        click.Option(
            ["--format", "form"],
            type=click.Choice(FORMATS),
            help="Form of the rows; by the name of --output, else table on a terminal and csv in "
            "a pipe. raw is the untouched answer.",
        ),
        click.Option(
            ["-o", "--output"],
            type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
            metavar="FILE",
            help="Write to a file, which appears once it is whole; - is standard output.",
        ),
        click.Option(
            ["--columns"],
            metavar="NAME,…",
            callback=partial(_chosen, method),
            shell_complete=partial(_columns, names),
            help=f"Columns in this order: {', '.join(names)}.",
        ),
        click.Option(
            ["--limit"],
            type=click.IntRange(min=0),
            callback=_countable,
            metavar="NUMBER",
            help=f"End after so many rows, and read no further. A table ends after {TABLE_ROWS}.",
        ),
    ]
    if len(wires) > 1:
        options.append(
            click.Option(
                ["--wire"],
                type=click.Choice(wires),
                help=f"What to ask of the server, by default {default}; the rows are the same.",
            )
        )
    return options


def _countable(_context: object, _option: object, value: int | None) -> int | None:
    if value is not None and value > sys.maxsize:
        raise click.BadParameter(f"{value} is more than can be counted")
    return value


def _chosen(
    method: RecordsMethod[..., Any], _context: object, _option: object, value: str | None
) -> list[Attribute]:
    known = {attribute.python_name: attribute for attribute in method.endpoint.attributes}
    if value is None:
        return list(known.values())
    names = [name.strip() for name in value.split(",")]
    for name in names:
        if name not in known:
            spelled = {n: n for n in known} | {a.name: n for n, a in known.items()}
            close = closest(name, spelled)
            hint = f"did you mean {close}?" if close else f"there are {', '.join(known)}"
            raise click.BadParameter(f"there is no column {name!r}; {hint}")
    if len(set(names)) < len(names):
        raise click.BadParameter("a column is named twice")
    return [known[name] for name in names]


def _columns(names: list[str], _context: object, _option: object, begun: str) -> list[str]:
    chosen, _, last = begun.rpartition(",")
    before = f"{chosen}," if chosen else ""
    return [f"{before}{name}" for name in names if name.startswith(last)]


def _run(method: RecordsMethod[..., Any], **given: Any) -> None:
    context = click.get_current_context()
    output: Path | None = None if given["output"] == Path("-") else given["output"]
    form = given["form"] or _form(output)
    wire = {"format": given["wire"]} if given.get("wire") else {}
    if form == "raw" and (given["limit"] is not None or was_passed(context, "columns")):
        raise click.UsageError("raw takes no --columns and no --limit", context)
    if form == "parquet" and output is None and sys.stdout.isatty():
        raise click.UsageError("parquet is nothing to read; give --output FILE", context)
    if form == "table" and output is not None:
        raise click.UsageError("a table is for reading; choose another --format", context)
    with Session.of(context).client() as client, parameters_as_options(context.command):
        bound = method.__get__(client)
        query = {**arguments(method.endpoint, given), **wire}
        if form == "raw":
            content = bound.raw(**query).content
            with destination(output) as stream:
                write_raw(content, stream)
            return
        with closing(bound.iter(**query)) as answer:
            rows = _once_begun(answer, given["limit"])
            if form == "table":
                _table(rows, given)
            else:
                with destination(output) as stream:
                    write_rows(form, islice(rows, given["limit"]), given["columns"], stream)


def _once_begun(rows: Iterator[Any], limit: int | None) -> Iterator[Any]:
    """Rows whose first one has come, so that nothing is written of an answer that failed."""
    return chain([*islice(rows, 0 if limit == 0 else 1)], rows)


def _table(rows: Any, given: dict[str, Any]) -> None:
    limit = TABLE_ROWS if given["limit"] is None else given["limit"]
    write_table(islice(rows, limit), given["columns"], shutil.get_terminal_size().columns)
    if given["limit"] is None and next(rows, None) is not None:
        click.echo(f"the first {limit} rows; --limit N shows more, --format csv all", err=True)


def _form(output: Path | None) -> str:
    if output is not None:
        suffix = output.suffix.lower()
        if suffix not in SUFFIXES:
            known = ", ".join(filter(None, SUFFIXES))
            raise click.UsageError(
                f"{output.name!r} ends in none of {known}; say by --format what to write",
                click.get_current_context(),
            )
        return SUFFIXES[suffix]
    return "table" if sys.stdout.isatty() else "csv"
