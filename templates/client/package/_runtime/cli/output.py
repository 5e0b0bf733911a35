r"""Write rows in each format, and show the progress of downloads.

Data formats (CSV, JSON, JSON lines, Parquet) hold the values of the rows; Parquet replaces half a
surrogate pair by U+FFFD. On a terminal, characters that do not print appear as ``<U+001B>``,
in JSON as ``\u001b``.
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
from typing import Any, BinaryIO

import click

from ..display import columns, cut, visible
from ..downloads.public import ManyProgress
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
_BATCH_ROWS = 65536


@contextmanager
def replacing(path: Path, mode: int = 0o666) -> Generator[BinaryIO]:
    """Write a file that gets its name, and replaces another one, when it is complete.

    Raises:
        OSError: The file cannot be written; nothing is left of it.
    """
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:  # a signal may come right after the file exists
        try:
            part.touch(mode, exist_ok=False)
        except OSError as error:
            raise type(error)(error.errno, error.strerror, str(path)) from None
        with part.open("wb") as stream:
            yield stream
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def destination(path: Path | None) -> Generator[BinaryIO]:
    """Open standard output, or a file that keeps its mode and its links when it is replaced."""
    if path is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    elif path.exists() and not path.is_file():  # such as /dev/null, or a named pipe
        with path.open("wb") as stream:
            yield stream
    else:
        with replacing(path.resolve()) as stream:
            if path.exists():
                shutil.copymode(path, stream.name)
            yield stream


def write_rows(
    form: str, rows: Iterable[Any], attributes: Sequence[Attribute], stream: BinaryIO
) -> None:
    """Write rows as they arrive, with these attributes as columns.

    Raises:
        ValueError: A value does not fit the type of its column in Parquet.
    """
    match form:
        case "csv":
            _write_csv(rows, attributes, stream)
        case "json":
            separator = b"[\n"
            for line in _json_lines(rows, attributes):
                stream.write(separator + line)
                separator = b",\n"
            stream.write(b"[]\n" if separator == b"[\n" else b"\n]\n")
        case "jsonl":
            stream.writelines(line + b"\n" for line in _json_lines(rows, attributes))
        case _:
            _write_parquet(rows, attributes, stream)


def write_table(rows: Iterable[Any], attributes: Sequence[Attribute], width: int) -> None:
    """Write rows as columns of text to standard output, and hidden columns to standard error."""
    names = [attribute.python_name for attribute in attributes]
    table = columns(names, ([getattr(row, n) for n in names] for row in rows), width)
    styled = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
    click.echo(click.style(table.head, bold=True) if styled else table.head)
    for line in table.body:
        click.echo(line)
    if not table.body:
        click.echo("no rows", err=True)
    if table.left_out:
        click.echo(f"hidden columns: {', '.join(table.left_out)} (--columns chooses)", err=True)


def write_raw(content: bytes, stream: BinaryIO) -> None:
    """Write a body as the server sent it."""
    if stream.isatty():
        text = content.decode("utf-8", "replace")
        lines = ("\t".join(map(visible, line.split("\t"))) for line in text.split("\n"))
        content = "\n".join(lines).encode() + b"\n"
    stream.write(content)


def _write_csv(rows: Iterable[Any], attributes: Sequence[Attribute], stream: BinaryIO) -> None:
    names = [attribute.python_name for attribute in attributes]
    text = codecs.getwriter("utf-8")(stream, "backslashreplace")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    terminal = stream.isatty()
    for row in rows:
        values = [getattr(row, name) for name in names]
        if terminal:
            values = [visible(v) if isinstance(v, str) else v for v in values]
        writer.writerow(values)


def _json_lines(rows: Iterable[Any], attributes: Sequence[Attribute]) -> Iterator[bytes]:
    keys = [f"{json.dumps(attribute.python_name)}: " for attribute in attributes]
    values = [attrgetter(attribute.python_name) for attribute in attributes]
    for row in rows:
        members = (k + _json_value(v(row)) for k, v in zip(keys, values, strict=True))
        line = f"{{{', '.join(members)}}}"
        if not line.isprintable():
            line = "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in line)
        yield line.encode()


def _json_value(value: Any) -> str:
    if isinstance(value, Decimal):  # as a number with all its digits
        return str(value)
    if isinstance(value, date | time):
        value = value.isoformat()
    return json.dumps(value, ensure_ascii=False)


class _Counted(io.RawIOBase):
    """A pipe with a position, which the footer of Parquet needs."""

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
        while batch := list(islice(source, _BATCH_ROWS)):
            writer.write_table(arrow_table(batch, attributes))


class Bars:
    """Progress bars of downloads.

    Args:
        bars: The bars of rich.
        titles: The title of each download.
    """

    def __init__(self, bars: Any, titles: Sequence[str]) -> None:
        self._bars = bars
        self._titles = titles
        self._tasks: dict[int, Any] = {}
        self._all: Any = None

    def _show(self, index: int, done: int, total: int | None) -> None:
        if index not in self._tasks:
            title = cut(visible(self._titles[index]), 40)
            self._tasks[index] = self._bars.add_task(title, amount="")
        amount = f"{done / 1e6:,.1f} MB"
        self._bars.update(self._tasks[index], completed=done, total=total, amount=amount)

    def one(self, done: int, total: int | None) -> None:
        """Show the progress of the only download, in bytes."""
        self._show(0, done, total)

    def many(self, progress: ManyProgress) -> None:
        """Show the progress of one of many downloads, and of all."""
        if self._all is None:
            self._all = self._bars.add_task("all", total=progress.count, amount="")
        self._show(progress.index, progress.bytes, progress.total)
        if progress.done:
            self._bars.remove_task(self._tasks.pop(progress.index))
        amount = f"{progress.finished} of {progress.count}, {progress.all_bytes / 1e6:,.1f} MB"
        self._bars.update(self._all, completed=progress.finished, amount=amount)


@contextmanager
def progress_bars(titles: Sequence[str]) -> Generator[Bars | None]:
    """Show the progress of downloads with these titles if standard error is a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich import progress as rich  # noqa: PLC0415 - only where it is needed
    from rich.console import Console  # noqa: PLC0415

    with rich.Progress(
        rich.TextColumn("{task.description}", markup=False),
        rich.BarColumn(),
        rich.TextColumn("{task.fields[amount]}", markup=False),
        console=Console(stderr=True),
        transient=True,
    ) as bars:
        yield Bars(bars, titles)
