r"""Where rows go, and in which form.

Forms for programs (CSV, JSON, JSON lines, Parquet) hold what the rows hold; but Parquet
has no half of a surrogate pair, which becomes U+FFFD. Whatever reaches a terminal is
harmless: what does not print is written as ``<U+001B>``, in JSON as ``\u001b``, which is
JSON's own way.
"""

import codecs
import csv
import io
import json
import os
import shutil
import sys
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, time
from decimal import Decimal
from importlib import import_module
from itertools import islice
from operator import attrgetter
from pathlib import Path
from typing import Any, BinaryIO, TextIO

import click

from ..display import columns, visible
from ..endpoint import Attribute
from ..tables import arrow_schema, arrow_table

FORMATS = ("table", "csv", "json", "jsonl", "parquet", "raw")
SUFFIXES = {
    "": "csv",
    ".csv": "csv",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
}
TABLE_ROWS = 500
"""Rows that a table has if nothing else is said."""

_BATCH = 65536


@contextmanager
def destination(path: Path | None) -> Generator[BinaryIO]:
    """Standard output, or a file that gets its name once it is whole, and keeps its mode.

    Raises:
        OSError: The file cannot be written; nothing is left of it.
    """
    if path is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    elif path.exists() and not path.is_file():  # such as /dev/null, or a named pipe
        with path.open("wb") as stream:
            yield stream
    else:
        whole = path.resolve()  # what a link leads to
        part = whole.with_name(f"{whole.name}.{os.getpid()}.part")
        try:  # a signal may come right after the file is there
            try:
                stream = part.open("xb")
            except OSError as error:
                raise type(error)(error.errno, error.strerror, str(path)) from None
            with stream:
                if whole.exists():
                    shutil.copymode(whole, part)
                yield stream
            part.replace(whole)
        finally:
            part.unlink(missing_ok=True)


def write_rows(
    form: str, rows: Iterable[Any], attributes: Sequence[Attribute], stream: BinaryIO
) -> None:
    """Write rows as they come, with these attributes as columns.

    Raises:
        ValueError: A value that does not fit the type of its column in Parquet.
    """
    terminal = stream.isatty()
    match form:
        case "csv":
            _write_csv(rows, attributes, stream, terminal=terminal)
        case "json":
            _write_json(rows, attributes, stream)
        case "jsonl":
            stream.writelines(line.encode() + b"\n" for line in _json_lines(rows, attributes))
        case _:
            _write_parquet(rows, attributes, stream)


def write_table(rows: Iterable[Any], attributes: Sequence[Attribute], width: int) -> None:
    """Write rows as lines of text to standard output, and what is not shown to stderr."""
    names = [attribute.python_name for attribute in attributes]
    table = columns(names, ([getattr(row, n) for n in names] for row in rows), width)
    click.echo(click.style(table.head, bold=True) if _shows_styles(sys.stdout) else table.head)
    for line in table.body:
        click.echo(line)
    if not table.body:
        click.echo("no rows", err=True)
    if table.left_out:
        click.echo(f"no room for: {', '.join(table.left_out)} (--columns chooses)", err=True)


def _shows_styles(stream: TextIO) -> bool:
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def write_raw(content: bytes, stream: BinaryIO) -> None:
    """Write a body as the server sent it."""
    if stream.isatty():
        text = content.decode("utf-8", "replace")
        lines = ("\t".join(map(visible, line.split("\t"))) for line in text.split("\n"))
        content = "\n".join(lines).encode() + b"\n"
    stream.write(content)


def _write_csv(
    rows: Iterable[Any], attributes: Sequence[Attribute], stream: BinaryIO, *, terminal: bool
) -> None:
    names = [attribute.python_name for attribute in attributes]
    text = codecs.getwriter("utf-8")(stream, "backslashreplace")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    for row in rows:
        values = [getattr(row, name) for name in names]
        if terminal:
            values = [visible(v) if isinstance(v, str) else v for v in values]
        writer.writerow(values)


def _write_json(rows: Iterable[Any], attributes: Sequence[Attribute], stream: BinaryIO) -> None:
    before = "[\n"
    for line in _json_lines(rows, attributes):
        stream.write(f"{before}{line}".encode())
        before = ",\n"
    stream.write(b"[]\n" if before == "[\n" else b"\n]\n")


def _json_lines(rows: Iterable[Any], attributes: Sequence[Attribute]) -> Iterator[str]:
    keys = [f"{json.dumps(attribute.python_name)}: " for attribute in attributes]
    values = [attrgetter(attribute.python_name) for attribute in attributes]
    for row in rows:
        members = (k + _json_value(v(row)) for k, v in zip(keys, values, strict=True))
        line = f"{{{', '.join(members)}}}"
        yield line if line.isprintable() else "".join(map(_json_character, line))


def _json_value(value: Any) -> str:
    if isinstance(value, Decimal):  # as a number with all its digits
        return str(value)
    if isinstance(value, date | time):
        return json.dumps(value.isoformat())
    return json.dumps(value, ensure_ascii=False)


def _json_character(character: str) -> str:
    return character if character.isprintable() else json.dumps(character)[1:-1]


class _Counted(io.RawIOBase):
    """A pipe that knows how much went through it, as Parquet's footer wants to know."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._count = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._count += self._stream.write(data)
        return len(data)

    def tell(self) -> int:
        return self._count


def _write_parquet(rows: Iterable[Any], attributes: Sequence[Attribute], stream: BinaryIO) -> None:
    schema = arrow_schema(attributes)
    parquet: Any = import_module("pyarrow.parquet")
    source = iter(rows)
    with parquet.ParquetWriter(_Counted(stream), schema) as writer:
        while batch := list(islice(source, _BATCH)):
            writer.write_table(arrow_table(batch, attributes))
