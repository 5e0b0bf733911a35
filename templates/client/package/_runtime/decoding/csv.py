r"""CSV: quoted values with the escapes of ECMAScript, and nothing at all for a null.

Lines are parsed as the JSON arrays that they almost are: a quoted line between brackets is one,
except for nulls and for ``\'``, which JSON does not escape. A line break within quotes leads to
fewer arrays than lines. Lines that are not JSON, or that could be read in two ways, go through a
regular expression. Rows take 4 times as long that way, and 5 times as long as with msgspec.

A line break within quotes belongs to its value, although servers write ``\n``.
"""

import json
import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from ..display import excerpt, short_repr
from ..errors import InvalidResponseError, ShapeError, TruncatedResponseError
from ..values import json_number
from . import fast_json
from .decoder import SNIFF_BYTES, Decoder, not_records
from .row_factory import Access
from .rows import Cells, RowReader, picker

R = TypeVar("R")
Fields = Callable[[str], Sequence[str | None]]

_FIELD = re.compile(r'[ \t\r]*+(?:"((?:[^"\\]|\\.|"")*+)"[ \t\r]*+|([^",]*+))(?=,|\Z)', re.DOTALL)
_LITERAL = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false")
_WORD = re.compile(r"[\w.:/+-]++")
_NOTHING = re.compile(r"(?!)")
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|(.))", re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")
_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_HEADER = re.compile(r"[\w.-]+(?:,[\w.-]+)*")
_JSON = json.JSONDecoder(parse_float=json_number)


class CsvDecoder(Decoder[R]):
    """Decodes a line of names and a line per row."""

    def __init__(self, rows: RowReader[R], *, use_msgspec: bool = True) -> None:
        super().__init__(rows)
        self._use_msgspec = use_msgspec
        self._fast: fast_json.Reader | None = None
        self._access: Access | None = None
        self._pick: Callable[[Sequence[Any]], Cells] = picker(())
        self._width = 0
        self._unquoted = _WORD

    def _take(self, built: list[R]) -> None:
        if self._access is None:
            self._buffer[:] = self._buffer.lstrip(b"\xef\xbb\xbf \r\n")
        if len(self._buffer) < self._retry_at or (cut := self._buffer.rfind(b"\n")) < 0:
            return
        if self._access is None:
            header = self._buffer.partition(b"\n")[0]
            if not self._read_header(header):
                if len(self._buffer) < SNIFF_BYTES:
                    return
                raise self._header_error(header)
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
                if not self._read_header(header):
                    raise self._header_error(header)
                self._check_header()
            return
        if data and self._extend_at_once(built, data.split(b"\n")):
            return
        lines, rest = self._lines(data.decode())
        truncated = bool(rest)
        if lines and lines[-1] and not truncated and not self._is_complete(lines[-1]):
            lines, truncated = lines[:-1], True
        if lines == [""] and not all(a.optional for a in self.rows.blueprint.attributes):
            lines = []  # a line break after the last row
        self.rows.extend(built, lines, self._cells)
        if truncated:
            raise TruncatedResponseError(f"the CSV ends within row {self.rows.count + 1}")

    def _is_complete(self, line: str) -> bool:
        try:
            return len(_fields(line, self._unquoted)) >= self._width
        except ShapeError:
            return True  # the caller raises it with the row

    def _read_header(self, header: bytes | bytearray) -> bool:
        """Read the line of names; return whether an attribute has one of them."""
        names = tuple(name.strip().strip('"') for name in _decoded(header).split(","))
        blueprint = self.rows.blueprint
        positions, undeclared = blueprint.positions(names)
        if blueprint.attributes and max(positions) < 0:
            return False
        self.rows.layouts.undeclared.update(dict.fromkeys(undeclared))
        self._width = len(names)
        # With one column, any text without a comma could be a value.
        self._unquoted = _LITERAL if self._width == 1 else _WORD
        self._pick = picker(positions)
        self._access = Access("index", [None if at < 0 else at for at in positions])
        if self._use_msgspec:
            indexes = {position: index for index, position in enumerate(positions)}
            columns = tuple((name, indexes.get(at)) for at, name in enumerate(names))
            self._fast = fast_json.reader(blueprint, columns, as_array=True)
        return True

    def _header_error(self, header: bytes | bytearray) -> InvalidResponseError:
        if _HEADER.fullmatch(line := _decoded(header)):
            return ShapeError(f"none of the columns {short_repr(line)} is documented")
        return not_records(self._buffer, "CSV")

    def _check_header(self) -> None:
        """Check that a header without rows is not truncated.

        Raises:
            TruncatedResponseError: A name that every response has is missing.
        """
        if self._access is None:
            return
        attributes = self.rows.blueprint.attributes
        for attribute, at in zip(attributes, self._access.locations, strict=True):
            if at is None and not attribute.optional:
                raise TruncatedResponseError(
                    f"the CSV ends within its header, without {attribute.name}"
                )

    def _extend(self, built: list[R], data: bytes) -> str:
        """Build the rows of some lines; return the rest if its quotes are open."""
        if self._extend_at_once(built, data.split(b"\n")):
            return ""
        lines, rest = self._lines(data.decode())
        self.rows.extend(built, lines, self._cells)
        return rest

    def _extend_at_once(self, built: list[R], lines: list[bytes]) -> bool:
        """Build the rows of some lines as JSON; return whether they are JSON."""
        try:
            document = _as_json(lines, self._values)
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
        """Return lines, joined where a line break is quoted, and a rest whose quotes are open."""
        lines = text.split("\n")
        rest = ""
        if not all(map(_is_closed, lines)):
            complete: list[str] = []
            open_lines: list[str] = []
            for line in lines:
                open_lines.append(line)
                if _is_closed(line) == (len(open_lines) == 1):
                    complete.append("\n".join(open_lines))
                    open_lines.clear()
            lines, rest = complete, "\n".join(open_lines)
        if "\r" in text:
            lines = [line.removesuffix("\r") for line in lines]
        if self._width != 1:
            lines = [line for line in lines if line]
        return lines, rest

    def _values(self, line: str) -> list[str | None]:
        fields = _fields(line, self._unquoted)
        if len(fields) != self._width:
            raise ShapeError(f"{len(fields)} values for {self._width} columns")
        return fields

    def _cells(self, line: str) -> Cells:
        return self._pick([*self._values(line), None])

    def _cells_of_bytes(self, line: bytes) -> Cells:
        return self._cells(line.decode().removesuffix("\r"))


def _decoded(line: bytes | bytearray) -> str:
    return line.decode("utf-8", "replace").removesuffix("\r")


def _is_closed(line: str) -> bool:
    """Return whether all quotes of a line are closed."""
    if "\\" in line:
        line = _ESCAPE.sub("", line)
    return line.count('"') % 2 == 0


def _fields(line: str, unquoted: re.Pattern[str]) -> list[str | None]:
    """Return the values of a line.

    Args:
        line: The line without its end.
        unquoted: The form of values without quotes.

    Raises:
        ShapeError: The line is not CSV.
    """
    values: list[str | None] = []
    at = 0
    while match := _FIELD.match(line, at):
        quoted, bare = match.groups()
        if quoted is not None:
            values.append(_unescaped(quoted.replace('""', '"')))
        else:
            bare = bare.rstrip(" \t\r")
            if bare not in ("", "null") and not unquoted.fullmatch(bare):
                raise ShapeError(f"not CSV, because of a value without quotes: {excerpt(bare)}")
            values.append(None if bare in ("", "null") else bare)
        at = match.end() + 1
        if at > len(line):
            return values
    raise ShapeError(f"not CSV at {excerpt(line[at:])}")


def quoted_values(line: str) -> list[str | None] | None:
    """Return the values of a line without its end, None if a value has no quotes."""
    try:
        return _fields(line, _NOTHING)
    except ShapeError:
        return None


def _unescaped(text: str) -> str:
    if "\\" not in text:
        return text
    plain = _ESCAPE.sub(
        lambda match: chr(int(match[1], 16)) if match[1] else _ESCAPES.get(match[2], match[2]), text
    )
    if _SURROGATE.search(plain):
        plain = plain.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    return plain


def _as_json(lines: Sequence[bytes], fields: Fields) -> bytes | None:
    """Return lines as a JSON array of arrays.

    Args:
        lines: Lines without their ends.
        fields: Returns the values of a line that has to be rewritten.

    Returns:
        The JSON, which is invalid where the lines are; None if it is unclear what is a null.

    Raises:
        ShapeError: A line is not CSV.
    """
    text = b"\n".join(lines)
    if b"'" in text and b"\\'" in text:
        if b"\\\\" in text:  # a backslash in front of it may itself be escaped
            lines = [_rewritten(line, fields) if b"\\'" in line else line for line in lines]
        else:
            lines = text.replace(b"\\'", b"'").split(b"\n")
    if b"" in lines:
        lines = [line or b"null" for line in lines]
    if b"," in {line[:1] for line in lines} or b"," in {line[-1:] for line in lines}:
        lines = [_with_outer_nulls(line) for line in lines]
    text = b"],[".join(lines)
    first, *parts = text.split(b'",,')
    if parts:
        before = {part[-1:] for part in (first, *parts[:-1])}
        if not before.isdisjoint((b",", b"[", b"", b"\\")):  # a value with commas
            return None
        if {part[:1] for part in parts} != {b'"'}:
            parts = [_with_leading_nulls(part) if part[:1] == b"," else part for part in parts]
        text = b'",null,'.join((first, *parts))
    return b"[[%b]]" % text


def _rewritten(line: bytes, fields: Fields) -> bytes:
    """Return a line with the escapes of JSON, and without two commas in a row."""
    values = [json.dumps(value).replace(",", "\\u002c") for value in fields(line.decode())]
    return ",".join(values).encode()


def _with_outer_nulls(line: bytes) -> bytes:
    core = line.rstrip(b",")
    return _with_leading_nulls(core) + b",null" * (len(line) - len(core))


def _with_leading_nulls(part: bytes) -> bytes:
    rest = part.lstrip(b",")
    return b"null," * (len(part) - len(rest)) + rest
