"""JSON: an array of flat objects, cut between two rows wherever bytes have arrived.

A cut at ``},{`` inside a text cannot go unnoticed: the piece before it ends in the
middle of a string, which no parser accepts. The rows are then taken one by one.

With msgspec installed (the ``fast`` extra) pieces go through it. It is used without
being asked for because nothing depends on it: whatever it does not take as it stands
goes through the standard library, which gives the same rows and all of the errors.
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
_UNFINISHED = re.compile(
    r"(?:u[0-9a-fA-F]{0,3}|-|\.|[eE][+-]?|t(?:ru?)?|f(?:a(?:ls?)?)?|n(?:ul?)?)?"
)
"""What a parser stumbles on where the end of an escape, a number or a word is missing."""


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_JSON = json.JSONDecoder(parse_float=json_number, parse_constant=_no_constant, strict=False)


class JsonDecoder(Decoder[R]):
    """Decodes ``[{…},{…}]``."""

    def __init__(self, rows: RowReader[R], *, use_msgspec: bool = True) -> None:
        super().__init__(rows)
        self._state = "start"
        self._fit([attribute.name for attribute in rows.blueprint.attributes], ())
        self._fast = fast_json.reader(rows.blueprint) if use_msgspec else None

    def _take(self, built: list[R]) -> None:
        buffer = self._buffer
        if self._state == "start" and not self._start():
            return
        if self._state == "end":
            self._after_end()
            return
        whole = buffer.endswith(b"}]") and len(buffer) >= self._retry_at
        if whole and self._piece(len(buffer) - 1, built):
            buffer.clear()
            self._state = "end"
            return
        cut = buffer.rfind(b"},{", max(0, self._seen - 2))
        if cut >= 0 and self._piece(cut + 1, built):
            del buffer[: cut + 2]
            self._seen = len(buffer)
            self._retry_at = 0
            return
        self._seen = len(buffer)
        if cut >= 0 or len(buffer) >= self._retry_at:
            self._walk(built, final=False)
            self._seen = len(buffer)
            self._retry_at = 2 * len(buffer)

    def _end(self, built: list[R]) -> None:
        if self._state == "start" and not self._start():
            if not self._buffer.strip(_BLANK):
                return
            raise not_records(self._buffer, "a JSON array")
        if self._state == "rows":
            rest = self._buffer.rstrip(_BLANK)
            some = not self.rows.count or not rest[:-1].isspace()
            if rest.endswith(b"]") and len(rest) > 1 and some and self._piece(len(rest) - 1, built):
                self._buffer.clear()
                self._state = "end"
            else:
                self._walk(built, final=True)
        self._after_end()

    def _start(self) -> bool:
        """Take the opening bracket off; False if it is not there (yet)."""
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
            raise ShapeError(f"text behind the end of the JSON array: {found}")
        self._buffer.clear()

    def _piece(self, end: int, built: list[R]) -> bool:
        """Build the rows of ``{…},{…}`` at the buffer's start; False if it is something else."""
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
            self._fast = fast_json.learnt(self.rows.blueprint, self.rows.layouts, fast)
        if not self._fits:
            names, further = self.rows.layouts.wire_names() or ((), ())
            self._fit(names, further)
        return True

    def _fit(self, names: Sequence[str], further: Sequence[str]) -> None:
        """From now on records have these names; none if each one is to be looked at."""
        self._fits = True
        self._names = names
        self._known = {*names, *further}
        self._everywhere = set(names)
        self._somewhere = set[str]()
        self.rows.lacking = True
        self._accesses: dict[tuple[int, int], Access] = {}

    def _extend(self, built: list[R], records: Sequence[Any]) -> None:
        access = self._access(records) if self._names else None
        self.rows.extend(built, records, self._cells, None if access is None else (records, access))

    def _access(self, records: Sequence[Any]) -> Access | None:
        """Where the values are, None if records have other names than those before."""
        try:
            seen = set[str]().union(*records)
            if self.rows.lacking:
                self._everywhere.intersection_update(*records)
                self.rows.lacking = False
        except TypeError:  # something that is no object
            return None
        self._fits = seen <= self._known
        if not self._fits:
            return None
        self._somewhere |= seen
        sizes = len(self._everywhere), len(self._somewhere)  # the one shrinks, the other grows
        if sizes not in self._accesses:
            places = [name if name in self._somewhere else None for name in self._names]
            there = [(i, name) for i, name in enumerate(places) if name is not None]
            sparse = [i for i, name in there if name not in self._everywhere]
            self._accesses[sizes] = Access("key", places, sparse=sparse)
        return self._accesses[sizes]

    def _cells(self, record: Any) -> Cells:
        if type(record) is not dict:
            raise ShapeError(f"{short_repr(record)} instead of a JSON object")
        cells = cast("dict[str, Any]", record)
        return self.rows.layouts[tuple(cells)]((*cells.values(), None))

    def _walk(self, built: list[R], *, final: bool) -> None:
        """Take one row after the other, as far as they are there."""
        end = len(self._buffer)
        if not final:  # whatever ends a row or the array is ASCII, and a safe place to decode to
            end = max(self._buffer.rfind(b"}"), self._buffer.rfind(b"]")) + 1
        text = self._buffer[:end].decode()
        objects: list[Any] = []
        error: InvalidResponseError | None = None
        at = taken = 0
        while (at := _skip(text, at)) < len(text):
            number = self.rows.count + len(objects) + 1
            if text[at] == "]" and number == 1:
                self._state, taken = "end", at + 1
                break
            try:
                record, behind = _JSON.raw_decode(text, at)
            except (ValueError, RecursionError) as failure:
                error = _judge(failure, text, number, final=final)
                break
            behind = _skip(text, behind)
            if behind == len(text):
                break
            if text[behind] not in ",]":
                error = _not_json(text, behind, number)
                break
            objects.append(record)
            at = taken = behind + 1
            if text[behind] == "]":
                self._state = "end"
                break
        del self._buffer[: len(text[:taken].encode())]
        self._extend(built, objects)
        if final and error is None and self._state != "end":
            error = _truncated(self.rows.count)
        if error is not None:
            raise error


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at


def _judge(
    failure: Exception, text: str, number: int, *, final: bool
) -> InvalidResponseError | None:
    """What a row that does not parse is; None if it may only be incomplete yet."""
    if not isinstance(failure, json.JSONDecodeError):
        what = "nested too deeply" if isinstance(failure, RecursionError) else str(failure)
        return ShapeError(f"row {number} cannot be read: {what}", row=number)
    cut = failure.msg.startswith("Unterminated") or _UNFINISHED.fullmatch(text, failure.pos)
    if final and cut:
        return _truncated(number - 1)
    return None if cut else _not_json(text, failure.pos, number)


def _not_json(text: str, at: int, number: int) -> InvalidResponseError:
    if text[at] != "<" and (number > 1 or "{" in text[:at]):
        return ShapeError(f"broken JSON in row {number}: {excerpt(text[at:])}", row=number)
    return NotRecordsError(f"no JSON in row {number}: {excerpt(text[at:])}", row=number)


def _truncated(rows: int) -> InvalidResponseError:
    return TruncatedResponseError(f"the JSON array ends early, after {rows} complete rows")
