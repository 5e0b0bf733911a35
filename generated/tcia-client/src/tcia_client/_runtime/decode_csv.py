r"""CSV: quoted values with ECMAScript escapes, and nothing at all for a null.

A line without a backslash is split at its quotes: every second part is a value, and
the parts between them (``,`` or ``,,``) say where the nulls are. Lines with another
layout of nulls than any before, with escapes or with unquoted values go through a
regular expression, one by one.

A line break inside quotes belongs to its value, though the server would write ``\n``.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from .decoding import ENOUGH_TO_TELL, Decoder, not_records
from .errors import ShapeError, TruncatedError
from .rows import Cells, Rows, picker, shown

R = TypeVar("R")

_FIELD = re.compile(r'(?:"((?:[^"\\]|\\.|"")*+)"|([^",]*+))(?=,|\Z)', re.DOTALL)
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|(.))", re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")
_NAMED = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_NAMES = re.compile(r"[\w.-]+(?:,[\w.-]+)*")
_MOST_SHAPES = 1024


def _unescaped(text: str) -> str:
    if "\\" not in text:
        return text
    plain = _ESCAPE.sub(
        lambda match: chr(int(match[1], 16)) if match[1] else _NAMED.get(match[2], match[2]), text
    )
    if _SURROGATE.search(plain):
        plain = plain.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    return plain


def _fields(line: str) -> list[str | None]:
    """The values of a line, whatever its layout.

    Raises:
        ShapeError: It is no line of CSV.
    """
    values: list[str | None] = []
    at = 0
    while match := _FIELD.match(line, at):
        quoted, bare = match.groups()
        values.append(bare or None if quoted is None else _unescaped(quoted.replace('""', '"')))
        at = match.end() + 1
        if at > len(line):
            return values
    raise ShapeError(f"no CSV at {shown(line[at : at + 60])}")


def _closed(line: str) -> bool:
    """Whether all quotes of a line are closed."""
    if "\\" in line:
        line = _ESCAPE.sub("", line)
    return line.count('"') % 2 == 0


class _Shapes(dict[tuple[str, ...], Callable[[Sequence[Any]], Cells]]):
    """Per sequence of what stands between the quotes: how to pick the attributes' values.

    A sequence that no regular line has raises KeyError.
    """

    __slots__ = ("places", "width")

    def __init__(self, places: Sequence[int], width: int) -> None:
        self.places = places
        self.width = width

    def __missing__(self, between: tuple[str, ...]) -> Callable[[Sequence[Any]], Cells]:
        last = len(between) - 1
        if "".join(between).strip(",") or "" in between[1:last]:
            raise KeyError(between)
        parts: list[int] = []  # per column the part with its value, -1 for a null
        for index, commas in enumerate(between):
            ends = (index == 0) + (index == last)
            parts += [-1] * (len(commas) - 1 + ends)
            if index < last:
                parts.append(2 * index + 1)
        if len(parts) != self.width:
            raise KeyError(between)
        pick = picker([parts[place] if place >= 0 else -1 for place in self.places])
        if len(self) < _MOST_SHAPES:
            self[between] = pick
        return pick


class CsvDecoder(Decoder[R]):
    """Decodes a line of names and then a line per row."""

    def __init__(self, rows: Rows[R]) -> None:
        super().__init__(rows)
        self._shapes: _Shapes | None = None
        self._pick_fields: Callable[[Sequence[Any]], Cells] = picker(())
        self._width = 0
        self._wait_for = 0

    def _take(self, built: list[R]) -> None:
        if self._shapes is None:
            self._buffer[:] = self._buffer.lstrip(b"\xef\xbb\xbf \r\n")
            if self._buffer.startswith(b"<") and len(self._buffer) < ENOUGH_TO_TELL:
                return
        if len(self._buffer) < self._wait_for or (cut := self._buffer.rfind(b"\n")) < 0:
            return
        text = self._text(self._buffer[:cut])
        del self._buffer[: cut + 1]
        if self._shapes is None:
            whole = text
            header, more, text = text.partition("\n")
            self._header(header, whole)
            if not more:
                return
        lines, rest = self._lines(text)
        if rest:
            self._buffer[:0] = f"{rest}\n".encode()
            self._wait_for = 2 * len(self._buffer)
        else:
            self._wait_for = 0
        self.rows.extend(built, lines, self._cells, self._columns, texts=True)

    def _end(self, built: list[R]) -> None:
        text = self._text(self._buffer)
        if self._shapes is None:
            if text:
                self._header(text, text)
            return
        lines, rest = self._lines(text)
        cut = bool(rest)
        if lines and lines[-1] and not cut and not self._whole(lines[-1]):
            lines, cut = lines[:-1], True
        if lines == [""] and not all(a.optional for a in self.rows.blueprint.attributes):
            lines = []  # a line break behind the last row, which the server does not write
        self.rows.extend(built, lines, self._cells, self._columns, texts=True)
        if cut:
            raise TruncatedError(f"the CSV ends within row {self.rows.count + 1}")

    def _whole(self, line: str) -> bool:
        try:
            return len(_fields(line.removesuffix("\r"))) >= self._width
        except ShapeError:
            return True  # it is told as what it is

    def _header(self, line: str, body: str) -> None:
        line = line.removesuffix("\r")
        names = tuple(name.strip().strip('"') for name in line.split(","))
        places, undeclared = self.rows.blueprint.places(names)
        if self.rows.blueprint.attributes and max(places) < 0:
            if _NAMES.fullmatch(line):
                raise ShapeError(f"none of the columns {shown(line)} is described")
            raise not_records(body.encode(), "CSV")
        self.rows.layouts.undeclared.update(dict.fromkeys(undeclared))
        self._width = len(names)
        self._shapes = _Shapes(places, len(names))
        self._pick_fields = picker(places)

    def _lines(self, text: str) -> tuple[list[str], str]:
        """Lines, put together again where a line break is quoted, and an open rest."""
        if "\\" in text and "\\\\" not in text:  # what is most often escaped, and needs no care
            text = text.replace("\\/", "/").replace("\\'", "'")
        lines = text.split("\n")
        rest = ""
        if not all(map(_closed, lines)):
            whole: list[str] = []
            open_lines: list[str] = []
            for line in lines:
                open_lines.append(line)
                if _closed(line) == (len(open_lines) == 1):
                    whole.append("\n".join(open_lines))
                    open_lines.clear()
            lines, rest = whole, "\n".join(open_lines)
        if "\r" in text:
            lines = [line.removesuffix("\r") for line in lines]
        if self._width != 1:
            lines = [line for line in lines if line]
        return lines, rest

    def _columns(self, lines: Sequence[str]) -> Sequence[Sequence[Any]] | None:
        """The values of many lines of known layouts without an escape."""
        shapes = self._shapes
        if shapes is None or any("\\" in line for line in lines):
            return None
        rows: list[Cells] = []
        for line in lines:
            parts: list[Any] = line.split('"')
            pick = shapes.get(tuple(parts[::2]))
            if pick is None:
                return None
            parts.append(None)
            rows.append(pick(parts))
        return list(zip(*rows, strict=True))

    def _cells(self, line: str) -> Cells:
        shapes = self._shapes
        if shapes is not None and '\\"' not in line:
            parts: list[Any] = line.split('"')
            try:
                pick = shapes[tuple(parts[::2])]
            except KeyError:
                pass
            else:
                if "\\" in line:
                    parts = [_unescaped(part) for part in parts]
                parts.append(None)
                return pick(parts)
        fields = _fields(line)
        if len(fields) != self._width:
            raise ShapeError(f"{len(fields)} values for {self._width} columns")
        return self._pick_fields([*fields, None])
