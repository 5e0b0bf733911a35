"""XML and HTML as the server writes them: records in fixed tags, values not escaped.

Neither is parsed as XML or HTML, because neither is any: a value may hold ``&``, ``<``
and whole tags. The fixed tags around the values are looked for instead. Where a value
holds those as well, so that a record could be read in two ways, that is an error. The
tag that ends the records is the last one of the body, for a value may hold that, too.
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

_INSIDE = r"[^<]++(?:<(?!/)[^<]*+)*+"
"""A value of at least one character that holds no end tag, and does not start with a tag."""

_NEVER = re.compile(r"(?!)")
_MOST_COLUMNS = 256
"""Columns up to which a record is read by one regular expression."""

_MOST_HEAD = 64 * 1024
_LONGEST_GAP = 64


class _MarkupDecoder(Decoder[R]):
    """Cuts the body into records; what is in them is for the format to say."""

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
        self._begun = False
        self._texts: Collection[int] = ()

    def _take(self, built: list[R]) -> None:
        if not self._begun:
            if end := self._head_end():
                self._begin(self._buffer[:end].decode("utf-8", "replace"))
                del self._buffer[:end]
                self._begun = True
                self._seen = 0
            elif len(self._buffer) > _MOST_HEAD:
                raise self._no_records()
        if self._begun:
            self._take_rows(built, self.boundary)

    def _take_rows(self, built: list[R], boundary: re.Pattern[bytes]) -> None:
        """Build the rows up to the last boundary."""
        cut = 0
        for found in boundary.finditer(self._buffer, self._seen):
            cut = found.end()
        if cut:
            text = self._buffer[:cut].decode()
            del self._buffer[:cut]
            outer = self.outer.fullmatch(text)
            if outer is None:
                number = self.rows.count + 1
                raise ShapeError(f"row {number} begins with {excerpt(text)}", row=number)
            self.rows.extend(built, self.between.split(outer[1]), self._cells)
        self._seen = max(0, len(self._buffer) - _LONGEST_GAP)

    def _end(self, built: list[R]) -> None:
        if not self._begun:
            if self._buffer.strip():
                raise self._no_records()
            return
        for boundary in (self.boundary, self.last):
            self._seen = 0
            self._take_rows(built, boundary)
        end = self.end.match(self._buffer)
        if end is None:
            raise TruncatedResponseError(
                f"the {self.name} ends early, after {self.rows.count} complete rows"
            )
        if not self.tail.fullmatch(self._buffer, end.end()):
            found = excerpt(self._buffer[end.end() :].decode("utf-8", "replace"))
            raise ShapeError(f"text behind the end of the {self.name}: {found}")

    def _no_records(self) -> InvalidResponseError:
        return not_records(self._buffer, f"{self.name} records")

    def _name_columns(self, names: Sequence[str]) -> None:
        """Learn where the texts stand that are never missing: there a null is none."""
        blueprint = self.rows.blueprint
        self._texts = {
            place
            for place, attribute in zip(
                blueprint.places(names)[0], blueprint.attributes, strict=True
            )
            if place >= 0 and attribute.kind in ("string", "undeclared") and not attribute.optional
        }

    def _with_texts(self, values: Sequence[str | None]) -> list[str | None]:
        """Values, and None behind them for all that is missing."""
        if None in values and self._texts:
            values = [
                self.null if value is None and place in self._texts else value
                for place, value in enumerate(values)
            ]
        return [*values, None]

    @abstractmethod
    def _head_end(self) -> int:
        """Where what stands before the first record ends, 0 if it is not there (yet)."""

    @abstractmethod
    def _begin(self, head: str) -> None:
        """Take what stands before the first record."""

    @abstractmethod
    def _cells(self, record: str) -> Cells:
        """The values of what is inside a record's tags."""


_TYPE = r"\s+type=(?:'[^'<>]*'|\"[^\"<>]*\")"


class XmlDecoder(_MarkupDecoder[R]):
    """Decodes ``<Results><Row><Name type='VARCHAR' >value</Name>…</Row>…</Results>``."""

    name = "XML"
    null = ""
    tail = re.compile(rb"\s*")
    _head = re.compile(rb"\A(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*\?>\s*)?<Results\s*>")
    boundary = re.compile(rb"</Row>\s*(?=<Row\s*>)")
    last = re.compile(rb"</Row>\s*(?=</Results\s*>)")
    end = re.compile(rb"\s*</Results\s*>")
    outer = re.compile(r"\s*<Row\s*>(.*)</Row>\s*", re.DOTALL)
    between = re.compile(r"</Row>\s*<Row\s*>")

    _field = re.compile(rf"<([^\s<>/]+)(?:{_TYPE})?\s*>([^<]*)</\1>\s*")
    _first = re.compile(rf"\s*<([^\s<>/]+)({_TYPE})?\s*>")
    _joint = re.compile(r"</([^\s<>/]+)>\s*<([^\s<>/]+)\s*>")
    _typed_joint = re.compile(rf"</([^\s<>/]+)>\s*<([^\s<>/]+){_TYPE}\s*>")

    def __init__(self, rows: RowReader[R]) -> None:
        super().__init__(rows)
        self._columns: tuple[str, ...] | None = None
        self._like_first = _NEVER

    def _head_end(self) -> int:
        head = self._head.match(self._buffer)
        return head.end() if head else 0

    def _begin(self, head: str) -> None:
        pass

    def _no_records(self) -> InvalidResponseError:
        if re.fullmatch(rb"\s*(?:<\?xml[^>]*\?>\s*)?<Results\s*>?|\s*<\?xml[^>]*", self._buffer):
            return TruncatedResponseError("the XML ends before its first row")
        return super()._no_records()

    def _cells(self, record: str) -> Cells:
        if match := self._like_first.fullmatch(record):
            return self.rows.layouts[self._columns](self._with_texts(match.groups()))
        found = list(self._field.finditer(record))
        plain = record.count("<") == 2 * len(found)
        if plain:
            names, values = tuple(f[1] for f in found), tuple(f[2] for f in found)
        else:
            names, values = self._recovered(record)
        if names != self._columns:
            if self._columns is not None:
                raise ShapeError(
                    f"columns {short_repr(', '.join(names))} unlike the rows before it"
                )
            if len(set(names)) < len(names):
                raise ShapeError(f"a column twice in {short_repr(', '.join(names))}")
            self._columns = names
            self._name_columns(names)
        if plain and self._like_first is _NEVER and len(found) <= _MOST_COLUMNS:
            self._like_first = _pattern_of(found)
        return self.rows.layouts[names](self._with_texts([value or None for value in values]))

    def _recovered(self, record: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Names and values of a record whose values hold ``<``.

        A value ends where its own end tag is followed by another column's start (by that of
        the next one, if the columns are known from a row before), with a type if the first
        column has one.
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
            names_then = (*names, joint[2])
            known = self._columns is None or names_then == self._columns[: len(names_then)]
            if known and joint[1] == names[-1]:
                values.append(record[start : joint.start()])
                names.append(joint[2])
                start = joint.end()
        closing = f"</{names[-1]}>"
        rest = record[start:].rstrip()
        if not rest.endswith(closing):
            raise ShapeError(f"{redacted(names[-1])} has no end tag")
        values.append(rest.removesuffix(closing))
        if re.search(rf"{re.escape(closing)}\s*+</Row>", values[-1]):
            raise ShapeError(f"the value of {redacted(names[-1])} can be read in more than one way")
        pairs = [(joint[1], joint[2]) for joint in joints]
        for pair in pairwise(names):
            if pairs.count(pair) > 1 or (self._columns is None and len(pairs) >= len(names)):
                raise ShapeError(
                    f"the value of {redacted(pair[0])} can be read in more than one way"
                )
        return tuple(names), tuple(values)


def _pattern_of(fields: Sequence[re.Match[str]]) -> re.Pattern[str]:
    """What matches a record of the same tags; an empty value is a group that matched nothing."""
    tags = [
        (field[0][: field.start(2) - field.start()], field[0][field.end(2) - field.start() :])
        for field in fields
    ]
    return re.compile("".join(f"{re.escape(a)}({_INSIDE})?{re.escape(b)}" for a, b in tags))


class HtmlDecoder(_MarkupDecoder[R]):
    """Decodes a table with the names in ``<TH>`` and the values in ``<TD>``."""

    name = "HTML"
    null = "null"
    tail = re.compile(
        rb"(?:\s|</(?:table|body|html)\s*+>)*+(?:</(?:table|body|html)?+)?+", re.IGNORECASE
    )  # the server cuts its last tag
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
    _cell = rf"<[Tt][Dd][^<>]*>(?:null|((?:{_INSIDE})?))</[Tt][Dd]>"

    def __init__(self, rows: RowReader[R]) -> None:
        super().__init__(rows)
        self._width = 0
        self._pick = picker(())
        self._plain = _NEVER

    def _head_end(self) -> int:
        body = self._body.search(self._buffer, max(0, self._seen - _LONGEST_GAP))
        self._seen = len(self._buffer)
        return body.end() if body and self._head.search(self._buffer, 0, body.start()) else 0

    def _begin(self, head: str) -> None:
        names = [name.strip() for name in self._name.findall(head)]
        self._name_columns(names)
        places, undeclared = self.rows.blueprint.places(names)
        if self.rows.blueprint.attributes and max(places) < 0:
            raise NotRecordsError(f"a table with other columns: {short_repr(', '.join(names))}")
        self.rows.layouts.undeclared.update(dict.fromkeys(undeclared))
        self._width = len(names)
        self._pick = picker(places)
        if self._width <= _MOST_COLUMNS:
            self._plain = re.compile(r"\s*".join([self._cell] * self._width))

    def _no_records(self) -> InvalidResponseError:
        text = self._buffer.decode("utf-8", "replace")
        if is_page(text) and re.search(r"<table\s+id='data'", text, re.IGNORECASE):
            return TruncatedResponseError("the HTML ends before its first row")
        return super()._no_records()

    def _cells(self, record: str) -> Cells:
        if match := self._plain.fullmatch(record):
            return self._pick(self._with_texts(match.groups()))
        inside = self._inside.fullmatch(record)
        values = self._joint.split(inside[1]) if inside else []
        if len(values) != self._width:
            raise ShapeError(f"{len(values)} cells for {self._width} columns")
        if self._row_end.search(values[-1]):
            raise ShapeError("the last cell can be read in more than one way")
        return self._pick(self._with_texts([None if v == "null" else v for v in values]))
