r"""CSV: quoted values with ECMAScript escapes, and nothing at all for a null.

Lines are read as the JSON arrays that they nearly are (see :mod:`.csv_as_json`). Those
that are not, and those that stumble later, go through a regular expression one by one.

A line break inside quotes belongs to its value, though the server would write ``\n``.
"""

import json
import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from ..display import excerpt, short_repr
from ..errors import InvalidResponseError, ShapeError, TruncatedResponseError
from ..values import json_number
from . import fast_json
from .csv_as_json import as_json
from .decoder import SNIFF_BYTES, Decoder, not_records
from .row_factory import Access
from .rows import Cells, RowReader, picker

R = TypeVar("R")

_FIELD = re.compile(r'[ \t\r]*+(?:"((?:[^"\\]|\\.|"")*+)"[ \t\r]*+|([^",]*+))(?=,|\Z)', re.DOTALL)
_LITERAL = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false")
_WORD = re.compile(r"[\w.:/+-]++")
"""What may stand without quotes: of one column what does in JSON, since it may be a sentence."""

_NOTHING = re.compile(r"(?!)")
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|(.))", re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")
_NAMED = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_NAMES = re.compile(r"[\w.-]+(?:,[\w.-]+)*")
_JSON = json.JSONDecoder(parse_float=json_number)


def _unescaped(text: str) -> str:
    if "\\" not in text:
        return text
    plain = _ESCAPE.sub(
        lambda match: chr(int(match[1], 16)) if match[1] else _NAMED.get(match[2], match[2]), text
    )
    if _SURROGATE.search(plain):
        plain = plain.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    return plain


def _fields(line: str, bare_value: re.Pattern[str]) -> list[str | None]:
    """The values of a line, whatever its layout.

    Args:
        line: The line, without its end.
        bare_value: What a value without quotes has to match.

    Raises:
        ShapeError: It is no line of CSV.
    """
    values: list[str | None] = []
    at = 0
    while match := _FIELD.match(line, at):
        quoted, bare = match.groups()
        if quoted is not None:
            values.append(_unescaped(quoted.replace('""', '"')))
        else:
            bare = bare.rstrip(" \t\r")
            if bare not in ("", "null") and not bare_value.fullmatch(bare):
                raise ShapeError(f"no CSV, since without quotes: {excerpt(bare)}")
            values.append(None if bare in ("", "null") else bare)
        at = match.end() + 1
        if at > len(line):
            return values
    raise ShapeError(f"no CSV at {excerpt(line[at:])}")


def quoted_values(line: str) -> list[str | None] | None:
    """Return the values of a line in the servers' form, None if a value has no quotes.

    Args:
        line: The line, without its end.
    """
    try:
        return _fields(line, _NOTHING)
    except ShapeError:
        return None


def _closed(line: str) -> bool:
    """Whether all quotes of a line are closed."""
    if "\\" in line:
        line = _ESCAPE.sub("", line)
    return line.count('"') % 2 == 0


def _line(data: bytes | bytearray) -> str:
    return data.decode("utf-8", "replace").removesuffix("\r")


class CsvDecoder(Decoder[R]):
    """Decodes a line of names and then a line per row."""

    def __init__(self, rows: RowReader[R], *, use_msgspec: bool = True) -> None:
        super().__init__(rows)
        self._use_msgspec = use_msgspec
        self._fast: fast_json.Reader | None = None
        self._access: Access | None = None
        self._pick: Callable[[Sequence[Any]], Cells] = picker(())
        self._width = 0
        self._bare_value = _WORD

    def _take(self, built: list[R]) -> None:
        if self._access is None:
            self._buffer[:] = self._buffer.lstrip(b"\xef\xbb\xbf \r\n")
        if len(self._buffer) < self._retry_at or (cut := self._buffer.rfind(b"\n")) < 0:
            return
        if self._access is None:
            header = self._buffer.partition(b"\n")[0]
            if not self._header(header):
                if len(self._buffer) < SNIFF_BYTES:
                    return
                raise self._no_header(header)
            del self._buffer[: len(header) + 1]
            cut -= len(header) + 1
            if cut < 0:
                return
        rest = self._extend(built, bytes(self._buffer[:cut]))
        del self._buffer[: cut + 1]
        self._retry_at = 0
        if rest:
            self._buffer[:0] = f"{rest}\n".encode()
            self._retry_at = 2 * len(self._buffer)

    def _end(self, built: list[R]) -> None:
        data = bytes(self._buffer)
        if self._access is None:
            if data:
                header = data.partition(b"\n")[0]
                if not self._header(header):
                    raise self._no_header(header)
                self._check_header()
            return
        if data and self._at_once(built, data.split(b"\n")):
            return
        lines, rest = self._lines(data.decode())
        cut = bool(rest)
        if lines and lines[-1] and not cut and not self._whole(lines[-1]):
            lines, cut = lines[:-1], True
        if lines == [""] and not all(a.optional for a in self.rows.blueprint.attributes):
            lines = []  # a line break behind the last row, which the server does not write
        self.rows.extend(built, lines, self._cells)
        if cut:
            raise TruncatedResponseError(f"the CSV ends within row {self.rows.count + 1}")

    def _whole(self, line: str) -> bool:
        try:
            return len(_fields(line, self._bare_value)) >= self._width
        except ShapeError:
            return True  # it is told as what it is

    def _header(self, header: bytes | bytearray) -> bool:
        """Take the line of names; False if none of them is described."""
        names = tuple(name.strip().strip('"') for name in _line(header).split(","))
        blueprint = self.rows.blueprint
        places, undeclared = blueprint.places(names)
        if blueprint.attributes and max(places) < 0:
            return False
        self.rows.layouts.undeclared.update(dict.fromkeys(undeclared))
        self._width = len(names)
        self._bare_value = _LITERAL if self._width == 1 else _WORD
        self._pick = picker(places)
        self._access = Access("index", [None if place < 0 else place for place in places])
        if self._use_msgspec:
            taken = {place: index for index, place in enumerate(places)}
            columns = tuple((name, taken.get(place)) for place, name in enumerate(names))
            self._fast = fast_json.reader(blueprint, columns, as_array=True)
        return True

    def _no_header(self, header: bytes | bytearray) -> InvalidResponseError:
        if _NAMES.fullmatch(line := _line(header)):
            return ShapeError(f"none of the columns {short_repr(line)} is described")
        return not_records(self._buffer, "CSV")

    def _check_header(self) -> None:
        """Tell a header without a row behind it from one that was cut.

        Raises:
            TruncatedResponseError: It lacks what each row has.
        """
        if self._access is None:
            return
        attributes = self.rows.blueprint.attributes
        for attribute, place in zip(attributes, self._access.places, strict=True):
            if place is None and not attribute.optional:
                raise TruncatedResponseError(
                    f"the CSV ends within its header, without {attribute.name}"
                )

    def _extend(self, built: list[R], data: bytes) -> str:
        """Build the rows of some lines; a rest that is still open is given back."""
        if self._at_once(built, data.split(b"\n")):
            return ""
        lines, rest = self._lines(data.decode())
        self.rows.extend(built, lines, self._cells)
        return rest

    def _at_once(self, built: list[R], lines: list[bytes]) -> bool:
        """Build the rows of some lines at once; False if they take a closer look."""
        try:
            document = as_json(lines, self._values)
        except (ShapeError, UnicodeDecodeError):
            return False
        if document is None:
            return False
        if self._fast is not None:
            if (read := self._fast.read(document)) is None or len(read[0]) != len(lines):
                return False
            records, parser = read
            self.rows.extend(built, records, parser.cells, (records, parser.access))
            return True
        try:
            lists: list[list[Any]] = _JSON.decode(document.decode())
        except (ValueError, RecursionError):
            return False
        if len(lists) != len(lines) or set(map(len, lists)) != {self._width}:
            return False
        if self._access is not None:
            self.rows.extend(built, lines, self._cells_of_bytes, (lists, self._access))
        return True

    def _lines(self, text: str) -> tuple[list[str], str]:
        """Lines, put together again where a line break is quoted, and an open rest."""
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

    def _values(self, line: str) -> list[str | None]:
        fields = _fields(line, self._bare_value)
        if len(fields) != self._width:
            raise ShapeError(f"{len(fields)} values for {self._width} columns")
        return fields

    def _cells(self, line: str) -> Cells:
        return self._pick([*self._values(line), None])

    def _cells_of_bytes(self, line: bytes) -> Cells:
        return self._cells(line.decode().removesuffix("\r"))
