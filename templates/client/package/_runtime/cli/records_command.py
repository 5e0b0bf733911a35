"""The subcommand of an endpoint that returns rows."""

import shutil
import sys
from collections.abc import Callable, Generator
from contextlib import closing
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any

import click

from ..endpoint import Attribute, Endpoint
from ..naming import closest
from .commands import (
    EndpointCommand,
    arguments,
    describe,
    endpoint_options,
    parameters_as_options,
    was_passed,
)
from .config import Package, Session
from .output import FORMATS, SUFFIXES, destination, write_raw, write_rows, write_table

_OWN = frozenset({"format", "output", "columns", "limit", "wire", "help"})
_TABLE_ROWS = 500


def records_command(name: str, endpoint: Endpoint, package: Package) -> click.Command:
    """Return the subcommand."""
    description = describe(package.client, endpoint)
    return EndpointCommand(
        name,
        callback=partial(_run, endpoint),
        params=[*endpoint_options(endpoint, description, _OWN), *_own_options(endpoint)],
        help=f"{description.summary}\n\n{description.details}",
        deprecated=endpoint.deprecated,
    )


def _own_options(endpoint: Endpoint) -> list[click.Option]:
    names = [attribute.python_name for attribute in endpoint.attributes]
    wires = [name.lower() for name in endpoint.formats]
    default = (endpoint.default_format or "JSON").lower()
    options = [
        click.Option(
            ["--format", "form"],
            type=click.Choice(FORMATS),
            help="Output format. Default: that of the ending of --output, else table on a terminal "
            "and csv in a pipe. raw is the body of the response.",
        ),
        click.Option(
            ["-o", "--output"],
            type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
            metavar="FILE",
            help="Output file, which appears when it is complete; - is standard output.",
        ),
        click.Option(
            ["--columns"],
            metavar="NAME,…",
            callback=partial(_chosen, endpoint),
            shell_complete=partial(_complete_columns, names),
            help=f"Columns in this order: {', '.join(names)}.",
        ),
        click.Option(
            ["--limit"],
            type=click.IntRange(min=0),
            metavar="NUMBER",
            help=f"Maximum number of rows. Default for a table: {_TABLE_ROWS}.",
        ),
    ]
    if len(wires) > 1:
        options.append(
            click.Option(
                ["--wire"],
                type=click.Choice(wires),
                help=f"Format of the response, which does not change the rows. Default: {default}.",
            )
        )
    return options


def _chosen(
    endpoint: Endpoint, _context: object, _option: object, value: str | None
) -> list[Attribute]:
    known = {attribute.python_name: attribute for attribute in endpoint.attributes}
    if value is None:
        return list(known.values())
    names = [name.strip() for name in value.split(",")]
    for name in names:
        if name not in known:
            spelled = {n: n for n in known} | {a.name: n for n, a in known.items()}
            close = closest(name, spelled)
            hint = f"did you mean {close}?" if close else f"the columns are {', '.join(known)}"
            raise click.BadParameter(f"there is no column {name!r}; {hint}")
    if len(set(names)) < len(names):
        raise click.BadParameter("a column is named twice")
    return [known[name] for name in names]


def _complete_columns(
    names: list[str], _context: object, _option: object, incomplete: str
) -> list[str]:
    chosen, comma, last = incomplete.rpartition(",")
    return [f"{chosen}{comma}{name}" for name in names if name.startswith(last)]


def _run(endpoint: Endpoint, **options: Any) -> None:
    context = click.get_current_context()
    output: Path | None = None if options["output"] == Path("-") else options["output"]
    form = options["form"] or _form(output)
    if form == "raw" and (options["limit"] is not None or was_passed(context, "columns")):
        raise click.UsageError("raw takes no --columns and no --limit", context)
    if form == "parquet" and output is None and sys.stdout.isatty():
        raise click.UsageError("Parquet is binary; pass --output FILE", context)
    if form == "table" and output is not None:
        raise click.UsageError("a table is for terminals; pass another --format", context)
    with Session.of(context).client() as opened, parameters_as_options(context.command):
        client: Any = opened
        query = arguments(endpoint, options)
        if options.get("wire"):
            query["format"] = options["wire"]
        if form == "raw":
            content = getattr(client.with_raw_response, endpoint.method)(**query).content
            with destination(output) as stream:
                write_raw(content, stream)
            return
        limit = options["limit"] and min(options["limit"], sys.maxsize)
        stream_rows: Callable[..., Generator[Any, None, None]] = getattr(
            client.streaming, endpoint.method
        )
        with closing(stream_rows(**query)) as response:
            # Read the first row first, so that a response that fails writes nothing.
            rows = chain([*islice(response, 0 if limit == 0 else 1)], response)
            if form != "table":
                with destination(output) as stream:
                    write_rows(form, islice(rows, limit), options["columns"], stream)
                return
            shown = islice(rows, _TABLE_ROWS if limit is None else limit)
            write_table(shown, options["columns"], shutil.get_terminal_size().columns)
            if limit is None and next(rows, None) is not None:
                click.echo(
                    f"the first {_TABLE_ROWS} rows; --limit N shows more, --format csv all",
                    err=True,
                )


def _form(output: Path | None) -> str:
    if output is None:
        return "table" if sys.stdout.isatty() else "csv"
    form = SUFFIXES.get(output.suffix.lower())
    if form is None:
        known = ", ".join(filter(None, SUFFIXES))
        raise click.UsageError(
            f"{output.name!r} ends in none of {known}; pass --format", click.get_current_context()
        )
    return form
