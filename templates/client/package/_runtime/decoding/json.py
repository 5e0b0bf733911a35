"""JSON: an array of flat objects, which is split between two objects.

A split at ``},{`` within a string is detected: what precedes it ends within a string, which no
parser accepts. The objects are then parsed one by one.

Documents go through :mod:`.fast_json` first. What it does not accept goes through the standard
library, which returns the same rows and raises all errors.
"""

import json
import re
from collections.abc import Sequence
from typing import Any, NoReturn, TypeVar, cast

from ..display import excerpt, short_repr
from ..errors import InvalidResponseError, NotRecordsError, ShapeError, TruncatedResponseError
from ..values import json_number
from . import fast_json
from .decoder import SNIFF_BYTES, Decoder, not_records
from .row_factory import Access
from .rows import Cells, RowReader

R = TypeVar("R")
_BLANK = b" \t\r\n"
_TRUNCATED = re.compile(
    r"(?:u[0-9a-fA-F]{0,3}|-|\.|[eE][+-]?|t(?:ru?)?|f(?:a(?:ls?)?)?|n(?:ul?)?)?"
)
"""The rest of a document that is truncated within an escape, a number or a word."""


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_JSON = json.JSONDecoder(parse_float=json_number, parse_constant=_refuse_constant, strict=False)


class JsonDecoder(Decoder[R]):
    """Decodes ``[{…},{…}]``."""

    def __init__(self, rows: RowReader[R], *, use_msgspec: bool = True) -> None:
        super().__init__(rows)
        self._state = "start"
        self._expect([attribute.name for attribute in rows.blueprint.attributes], ())
        self._fast = fast_json.reader(rows.blueprint) if use_msgspec else None

    def _take(self, built: list[R]) -> None:
        buffer = self._buffer
        if self._state == "start" and not self._start():
            return
        if self._state == "end":
            self._after_end()
            return
        complete = buffer.endswith(b"}]") and len(buffer) >= self._retry_at
        if complete and self._parse(len(buffer) - 1, built):
            buffer.clear()
            self._state = "end"
            return
        cut = buffer.rfind(b"},{", max(0, self._scanned - 2))
        if cut >= 0 and self._parse(cut + 1, built):
            del buffer[: cut + 2]
            self._scanned = len(buffer)
            self._retry_at = 0
            return
        self._scanned = len(buffer)
        if cut >= 0 or len(buffer) >= self._retry_at:
            self._parse_one_by_one(built, final=False)
            self._scanned = len(buffer)
            self._retry_at = 2 * len(buffer)

    def _end(self, built: list[R]) -> None:
        if self._state == "start" and not self._start():
            if not self._buffer.strip(_BLANK):
                return
            raise not_records(self._buffer, "a JSON array")
        if self._state == "rows":
            rest = self._buffer.rstrip(_BLANK)
            some = not self.rows.count or not rest[:-1].isspace()
            if rest.endswith(b"]") and len(rest) > 1 and some and self._parse(len(rest) - 1, built):
                self._buffer.clear()
                self._state = "end"
            else:
                self._parse_one_by_one(built, final=True)
        self._after_end()

    def _start(self) -> bool:
        """Remove the opening bracket; return whether it was there."""
        if self._buffer.startswith(b"\xef\xbb\xbf"):
            del self._buffer[:3]
        body = self._buffer.lstrip(_BLANK)
        if not body.startswith(b"["):
            if len(body) > SNIFF_BYTES:
                raise not_records(body, "a JSON array")
            return False
        self._buffer[:] = body[1:]
        self._state = "rows"
        return True

    def _after_end(self) -> None:
        if rest := self._buffer.strip(_BLANK):
            found = excerpt(bytes(rest).decode("utf-8", "replace"))
            raise ShapeError(f"text after the end of the JSON array: {found}")
        self._buffer.clear()

    def _parse(self, end: int, built: list[R]) -> bool:
        """Build the rows of ``{…},{…}`` at the buffer's start; return whether it is valid."""
        document = b"".join((b"[", memoryview(self._buffer)[:end], b"]"))
        fast = self._fast
        if fast is not None and (read := fast.read(document)) is not None:
            records, parser = read
            self.rows.extend(built, records, parser.cells, (records, parser.access))
            return True
        try:
            objects = _JSON.decode(document.decode())
        except (ValueError, RecursionError):
            return False
        self._extend(built, objects)
        if fast is not None:
            self._fast = fast_json.reader_for_names(self.rows.blueprint, self.rows.layouts, fast)
        if not self._as_expected:
            self._expect(*self.rows.layouts.wire_names() or ((), ()))
        return True

    def _expect(self, names: Sequence[str], undeclared: Sequence[str]) -> None:
        """Expect objects with these names; no names disable the fast access."""
        self._as_expected = True
        self._names = names
        self._known = {*names, *undeclared}
        self._everywhere = set(names)
        self._somewhere = set[str]()
        self.rows.lacking = True
        self._accesses: dict[tuple[int, int], Access] = {}

    def _extend(self, built: list[R], records: Sequence[Any]) -> None:
        access = self._access(records) if self._names else None
        self.rows.extend(built, records, self._cells, None if access is None else (records, access))

    def _access(self, records: Sequence[Any]) -> Access | None:
        """Return the access to the values, None if records have unexpected names."""
        try:
            seen = set[str]().union(*records)
            if self.rows.lacking:
                self._everywhere.intersection_update(*records)
                self.rows.lacking = False
        except TypeError:  # a record that is not an object
            return None
        self._as_expected = seen <= self._known
        if not self._as_expected:
            return None
        self._somewhere |= seen
        sizes = len(self._everywhere), len(self._somewhere)  # one only shrinks, one only grows
        if sizes not in self._accesses:
            locations = [name if name in self._somewhere else None for name in self._names]
            present = [(i, name) for i, name in enumerate(locations) if name is not None]
            sparse = [i for i, name in present if name not in self._everywhere]
            self._accesses[sizes] = Access("key", locations, sparse=sparse)
        return self._accesses[sizes]

    def _cells(self, record: Any) -> Cells:
        if type(record) is not dict:
            raise ShapeError(f"{short_repr(record)} instead of a JSON object")
        cells = cast("dict[str, Any]", record)
        return self.rows.layouts[tuple(cells)]((*cells.values(), None))

    def _parse_one_by_one(self, built: list[R], *, final: bool) -> None:
        end = len(self._buffer)
        if not final:  # both brackets are ASCII, so that no character is split after them
            end = max(self._buffer.rfind(b"}"), self._buffer.rfind(b"]")) + 1
        text = self._buffer[:end].decode()
        objects: list[Any] = []
        error: InvalidResponseError | None = None
        at = taken = 0
        while (at := _skip_blanks(text, at)) < len(text):
            number = self.rows.count + len(objects) + 1
            if text[at] == "]" and number == 1:
                self._state, taken = "end", at + 1
                break
            try:
                record, after = _JSON.raw_decode(text, at)
            except (ValueError, RecursionError) as failure:
                error = _row_error(failure, text, number, final=final)
                break
            after = _skip_blanks(text, after)
            if after == len(text):
                break
            if text[after] not in ",]":
                error = _not_json(text, after, number)
                break
            objects.append(record)
            at = taken = after + 1
            if text[after] == "]":
                self._state = "end"
                break
        del self._buffer[: len(text[:taken].encode())]
        self._extend(built, objects)
        if final and error is None and self._state != "end":
            error = _truncated(self.rows.count)
        if error is not None:
            raise error


def _skip_blanks(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at


def _row_error(
    failure: Exception, text: str, number: int, *, final: bool
) -> InvalidResponseError | None:
    """Return the error of a row that cannot be parsed, None if more bytes may complete it."""
    if not isinstance(failure, json.JSONDecodeError):
        reason = "nested too deeply" if isinstance(failure, RecursionError) else str(failure)
        return ShapeError(f"row {number} cannot be read: {reason}", row=number)
    truncated = failure.msg.startswith("Unterminated") or _TRUNCATED.fullmatch(text, failure.pos)
    if final and truncated:
        return _truncated(number - 1)
    return None if truncated else _not_json(text, failure.pos, number)


def _not_json(text: str, at: int, number: int) -> InvalidResponseError:
    if text[at] != "<" and (number > 1 or "{" in text[:at]):
        return ShapeError(f"broken JSON in row {number}: {excerpt(text[at:])}", row=number)
    return NotRecordsError(f"no JSON in row {number}: {excerpt(text[at:])}", row=number)


def _truncated(rows: int) -> InvalidResponseError:
    return TruncatedResponseError(f"the JSON array ends early, after {rows} complete rows")
