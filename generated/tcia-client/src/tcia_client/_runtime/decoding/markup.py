"""XML and HTML as servers write them: records in fixed tags, with values that are not escaped.

Neither is parsed as XML or HTML, because a value may contain ``&``, ``<`` and entire tags. The
decoders search the fixed tags around the values instead. A record is an error if its values
contain these as well, so that it can be read in two ways. The last tag of the body that ends the
records does so, because a value may contain that tag, too.

A record is matched against one pattern of all its tags. Without that, rows of XML take twice as
long, and rows of HTML 1.1 times.
"""

import re
from abc import abstractmethod
from collections.abc import Collection, Sequence
from itertools import pairwise
from typing import ClassVar, TypeVar

from ..display import excerpt, short_repr
from ..errors import InvalidResponseError, NotRecordsError, ShapeError, TruncatedResponseError
from ..redaction import redacted
from ..server_message import is_page
from .decoder import Decoder, not_records
from .rows import Cells, RowReader, picker

R = TypeVar("R")

_VALUE = r"[^<]++(?:<(?!/)[^<]*+)*+"
"""A value with at least one character and without an end tag that does not start with a tag."""

_NEVER = re.compile(r"(?!)")
_MAX_COLUMNS = 256
_MAX_HEAD_BYTES = 64 * 1024
_MAX_GAP = 64


class _MarkupDecoder(Decoder[R]):
    """Splits a body into records."""

    name: ClassVar[str]
    null: ClassVar[str]
    tail: ClassVar[re.Pattern[bytes]]
    boundary: ClassVar[re.Pattern[bytes]]
    last: ClassVar[re.Pattern[bytes]]
    end: ClassVar[re.Pattern[bytes]]
    outer: ClassVar[re.Pattern[str]]
    between: ClassVar[re.Pattern[str]]

    def __init__(self, rows: RowReader[R]) -> None:
        super().__init__(rows)
        self._in_records = False
        self._required_texts: Collection[int] = ()

    def _take(self, built: list[R]) -> None:
        if not self._in_records:
            if end := self._head_end():
                self._read_head(self._buffer[:end].decode("utf-8", "replace"))
                del self._buffer[:end]
                self._in_records = True
                self._scanned = 0
            elif len(self._buffer) > _MAX_HEAD_BYTES:
                raise self._head_error()
        if self._in_records:
            self._take_rows(built, self.boundary)

    def _take_rows(self, built: list[R], boundary: re.Pattern[bytes]) -> None:
        """Build the rows up to the last boundary."""
        cut = 0
        for found in boundary.finditer(self._buffer, self._scanned):
            cut = found.end()
        if cut:
            text = self._buffer[:cut].decode()
            del self._buffer[:cut]
            outer = self.outer.fullmatch(text)
            if outer is None:
                number = self.rows.count + 1
                raise ShapeError(f"row {number} begins with {excerpt(text)}", row=number)
            self.rows.extend(built, self.between.split(outer[1]), self._cells)
        self._scanned = max(0, len(self._buffer) - _MAX_GAP)

    def _end(self, built: list[R]) -> None:
        if not self._in_records:
            if self._buffer.strip():
                raise self._head_error()
            return
        for boundary in (self.boundary, self.last):
            self._scanned = 0
            self._take_rows(built, boundary)
        end = self.end.match(self._buffer)
        if end is None:
            raise TruncatedResponseError(
                f"the {self.name} ends early, after {self.rows.count} complete rows"
            )
        if not self.tail.fullmatch(self._buffer, end.end()):
            found = excerpt(self._buffer[end.end() :].decode("utf-8", "replace"))
            raise ShapeError(f"text after the end of the {self.name}: {found}")

    def _head_error(self) -> InvalidResponseError:
        return not_records(self._buffer, f"{self.name} records")

    def _set_columns(self, names: Sequence[str]) -> None:
        """Find the columns with texts that are never missing, where a null is a text."""
        blueprint = self.rows.blueprint
        positions, _ = blueprint.positions(names)
        self._required_texts = {
            at
            for at, attribute in zip(positions, blueprint.attributes, strict=True)
            if at >= 0 and attribute.kind in ("string", "undeclared") and not attribute.optional
        }

    def _with_texts(self, values: Sequence[str | None]) -> list[str | None]:
        """Return values with the required texts, and one more None for missing values."""
        if None in values and self._required_texts:
            values = [
                self.null if value is None and at in self._required_texts else value
                for at, value in enumerate(values)
            ]
        return [*values, None]

    @abstractmethod
    def _head_end(self) -> int:
        """Return the end of what precedes the first record, 0 if it is not in the buffer."""

    @abstractmethod
    def _read_head(self, head: str) -> None:
        """Read what precedes the first record."""

    @abstractmethod
    def _cells(self, record: str) -> Cells:
        """Return the wire values of what a record's tags enclose."""


_TYPE = r"\s+type=(?:'[^'<>]*'|\"[^\"<>]*\")"


class XmlDecoder(_MarkupDecoder[R]):
    """Decodes ``<Results><Row><Name type='VARCHAR' >value</Name>…</Row>…</Results>``."""

    name = "XML"
    null = ""
    tail = re.compile(rb"\s*")
    boundary = re.compile(rb"</Row>\s*(?=<Row\s*>)")
    last = re.compile(rb"</Row>\s*(?=</Results\s*>)")
    end = re.compile(rb"\s*</Results\s*>")
    outer = re.compile(r"\s*<Row\s*>(.*)</Row>\s*", re.DOTALL)
    between = re.compile(r"</Row>\s*<Row\s*>")

    _head = re.compile(rb"\A(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*\?>\s*)?<Results\s*>")
    _field = re.compile(rf"<([^\s<>/]+)(?:{_TYPE})?\s*>([^<]*)</\1>\s*")
    _first = re.compile(rf"\s*<([^\s<>/]+)({_TYPE})?\s*>")
    _joint = re.compile(r"</([^\s<>/]+)>\s*<([^\s<>/]+)\s*>")
    _typed_joint = re.compile(rf"</([^\s<>/]+)>\s*<([^\s<>/]+){_TYPE}\s*>")

    def __init__(self, rows: RowReader[R]) -> None:
        super().__init__(rows)
        self._columns: tuple[str, ...] | None = None
        self._pattern = _NEVER

    def _head_end(self) -> int:
        head = self._head.match(self._buffer)
        return head.end() if head else 0

    def _read_head(self, head: str) -> None:
        pass

    def _head_error(self) -> InvalidResponseError:
        if re.fullmatch(rb"\s*(?:<\?xml[^>]*\?>\s*)?<Results\s*>?|\s*<\?xml[^>]*", self._buffer):
            return TruncatedResponseError("the XML ends before its first row")
        return super()._head_error()

    def _cells(self, record: str) -> Cells:
        if match := self._pattern.fullmatch(record):
            return self.rows.layouts[self._columns](self._with_texts(match.groups()))
        found = list(self._field.finditer(record))
        is_plain = record.count("<") == 2 * len(found)
        if is_plain:
            names, values = tuple(f[1] for f in found), tuple(f[2] for f in found)
        else:
            names, values = self._split(record)
        if names != self._columns:
            if self._columns is not None:
                raise ShapeError(
                    f"columns {short_repr(', '.join(names))} unlike the rows before it"
                )
            if len(set(names)) < len(names):
                raise ShapeError(f"a column twice in {short_repr(', '.join(names))}")
            self._columns = names
            self._set_columns(names)
        if is_plain and self._pattern is _NEVER and len(found) <= _MAX_COLUMNS:
            self._pattern = _pattern_of(found)
        return self.rows.layouts[names](self._with_texts([value or None for value in values]))

    def _split(self, record: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return names and values of a record whose values contain ``<``.

        A value ends where its own end tag precedes the start of another column: of the next
        column, if a row before has them; with a type, if the first column has one.
        """
        opening = self._first.match(record)
        if opening is None:
            raise ShapeError(f"no column at {excerpt(record)}")
        names: list[str] = [opening[1]]
        values: list[str] = []
        start = opening.end()
        joint_of = self._typed_joint if opening[2] else self._joint
        joints = list(joint_of.finditer(record, start))
        for joint in joints:
            candidate = (*names, joint[2])
            fits = self._columns is None or candidate == self._columns[: len(candidate)]
            if fits and joint[1] == names[-1]:
                values.append(record[start : joint.start()])
                names.append(joint[2])
                start = joint.end()
        closing = f"</{names[-1]}>"
        rest = record[start:].rstrip()
        if not rest.endswith(closing):
            raise ShapeError(f"{redacted(names[-1])} has no end tag")
        values.append(rest.removesuffix(closing))
        pairs = [(joint[1], joint[2]) for joint in joints]
        unclear = [
            first
            for first, second in pairwise(names)
            if pairs.count((first, second)) > 1
            or (self._columns is None and len(pairs) >= len(names))
        ]
        if re.search(rf"{re.escape(closing)}\s*+</Row>", values[-1]):
            unclear.insert(0, names[-1])
        if unclear:
            name = redacted(unclear[0])
            raise ShapeError(f"the value of {name} can be read in more than one way")
        return tuple(names), tuple(values)


def _pattern_of(fields: Sequence[re.Match[str]]) -> re.Pattern[str]:
    """Return a pattern for records with the same tags; the group of an empty value is None."""
    tags = [
        (field[0][: field.start(2) - field.start()], field[0][field.end(2) - field.start() :])
        for field in fields
    ]
    return re.compile("".join(f"{re.escape(a)}({_VALUE})?{re.escape(b)}" for a, b in tags))


class HtmlDecoder(_MarkupDecoder[R]):
    """Decodes a table with the names in ``<TH>`` and the values in ``<TD>``."""

    name = "HTML"
    null = "null"
    tail = re.compile(
        rb"(?:\s|</(?:table|body|html)\s*+>)*+(?:</(?:table|body|html)?+)?+", re.IGNORECASE
    )  # servers truncate the last tag
    boundary = re.compile(rb"</tr>\s*(?=<tr[^<>]*>)", re.IGNORECASE)
    last = re.compile(rb"</tr>\s*(?=</tbody\s*>)", re.IGNORECASE)
    end = re.compile(rb"\s*</tbody\s*>", re.IGNORECASE)
    outer = re.compile(r"\s*<tr[^<>]*>(.*)</tr>\s*", re.IGNORECASE | re.DOTALL)
    between = re.compile(r"</tr>\s*<tr[^<>]*>", re.IGNORECASE)

    _head = re.compile(rb"<thead[^<>]*+>", re.IGNORECASE)
    _body = re.compile(rb"</thead>\s*+<tbody[^<>]*+>", re.IGNORECASE)
    _name = re.compile(r"<th(?:\s[^<>]*+)?>([^<]*+)</th>", re.IGNORECASE)
    _inside = re.compile(r"\s*<td[^<>]*>(.*)</td>\s*", re.IGNORECASE | re.DOTALL)
    _joint = re.compile(r"</td>\s*<td[^<>]*>", re.IGNORECASE)
    _row_end = re.compile(r"</td>\s*+</tr>", re.IGNORECASE)
    _cell = rf"<[Tt][Dd][^<>]*>(?:null|((?:{_VALUE})?))</[Tt][Dd]>"

    def __init__(self, rows: RowReader[R]) -> None:
        super().__init__(rows)
        self._width = 0
        self._pick = picker(())
        self._pattern = _NEVER

    def _head_end(self) -> int:
        body = self._body.search(self._buffer, max(0, self._scanned - _MAX_GAP))
        self._scanned = len(self._buffer)
        return body.end() if body and self._head.search(self._buffer, 0, body.start()) else 0

    def _read_head(self, head: str) -> None:
        names = [name.strip() for name in self._name.findall(head)]
        self._set_columns(names)
        positions, undeclared = self.rows.blueprint.positions(names)
        if self.rows.blueprint.attributes and max(positions) < 0:
            raise NotRecordsError(f"a table with other columns: {short_repr(', '.join(names))}")
        self.rows.layouts.undeclared.update(dict.fromkeys(undeclared))
        self._width = len(names)
        self._pick = picker(positions)
        if self._width <= _MAX_COLUMNS:
            self._pattern = re.compile(r"\s*".join([self._cell] * self._width))

    def _head_error(self) -> InvalidResponseError:
        text = self._buffer.decode("utf-8", "replace")
        if is_page(text) and re.search(r"<table\s+id='data'", text, re.IGNORECASE):
            return TruncatedResponseError("the HTML ends before its first row")
        return super()._head_error()

    def _cells(self, record: str) -> Cells:
        if match := self._pattern.fullmatch(record):
            return self._pick(self._with_texts(match.groups()))
        inside = self._inside.fullmatch(record)
        values = self._joint.split(inside[1]) if inside else []
        if len(values) != self._width:
            raise ShapeError(f"{len(values)} cells for {self._width} columns")
        if self._row_end.search(values[-1]):
            raise ShapeError("the last cell can be read in more than one way")
        return self._pick(self._with_texts([None if v == "null" else v for v in values]))
