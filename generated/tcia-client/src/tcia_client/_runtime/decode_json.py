"""JSON: an array of flat objects, cut between two rows wherever bytes have arrived.

A cut at ``},{`` inside a text cannot go unnoticed: the piece before it ends in the
middle of a string, which no parser accepts. The rows are then taken one by one.

With msgspec installed (the ``fast`` extra) pieces go through it. It is used without
being asked for because nothing depends on it: whatever it does not take as it stands
goes through the standard library, which gives the same rows and all of the errors.
"""

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NoReturn, TypeVar, cast

from . import fast_json
from .decoding import ENOUGH_TO_TELL, Decoder, not_records
from .errors import DecodeError, NotRecordsError, ShapeError, TruncatedError
from .rows import Cells, Rows, shown

R = TypeVar("R")
_BLANK = b" \t\r\n"


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_JSON = json.JSONDecoder(parse_float=Decimal, parse_constant=_no_constant, strict=False)


class JsonDecoder(Decoder[R]):
    """Decodes ``[{…},{…}]``."""

    def __init__(self, rows: Rows[R], *, use_msgspec: bool = True) -> None:
        super().__init__(rows)
        self._state = "start"
        self._seen = 0
        self._retry_at = 0
        self._template: dict[str, Any] | None = None
        self._fits = True
        self._fast = fast_json.reader(rows.blueprint) if use_msgspec else None

    def _take(self, built: list[R]) -> None:
        buffer = self._buffer
        if self._state == "start" and not self._start():
            return
        if self._state == "end":
            self._after_end()
            return
        whole = buffer.endswith(b"}]") and len(buffer) >= self._retry_at
        if whole and self._piece(bytes(buffer[:-1]), built):
            buffer.clear()
            self._state = "end"
            return
        cut = buffer.rfind(b"},{", max(0, self._seen - 2))
        if cut >= 0:
            piece = bytes(buffer[: cut + 1])
            if self._piece(piece, built):
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
            last = bytes(rest[:-1])
            if (
                rest.endswith(b"]")
                and (last.strip() or not self.rows.count)
                and (self._piece(last, built))
            ):
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
            if len(body) > ENOUGH_TO_TELL:
                raise not_records(body, "a JSON array")
            return False
        self._buffer[:] = body[1:]
        self._state = "rows"
        return True

    def _after_end(self) -> None:
        if rest := self._buffer.strip(_BLANK):
            found = shown(bytes(rest[:60]).decode("utf-8", "replace"))
            raise ShapeError(f"text behind the end of the JSON array: {found}")
        self._buffer.clear()

    def _piece(self, piece: bytes, built: list[R]) -> bool:
        """Build the rows of ``{…},{…}``; False if that is not what it is."""
        document = b"[%b]" % piece
        if self._fast is not None and (records := self._fast.read(document)) is not None:
            fast = self._fast
            self.rows.extend(built, records, fast.cells, fast.columns, texts=True)
            return True
        try:
            objects = _JSON.decode(document.decode())
        except (ValueError, RecursionError):
            return False
        self.rows.extend(built, objects, self._cells, self._columns)
        if self._fast is not None:
            self._fast = self._fast.learn(self.rows.layouts)
        if not self._fits:
            self._fits = True
            names, further = self.rows.layouts.wire_names() or ((), ())
            template = dict.fromkeys((*names, *further))
            self._template = {} if template == self._template else template
        return True

    def _columns(self, records: Sequence[Any]) -> Sequence[Sequence[Any]] | None:
        """The values of many records that have no names but those of the template."""
        if self._template is None:
            self._template = dict.fromkeys(a.name for a in self.rows.blueprint.attributes)
        template = self._template
        if not template:
            return None
        try:
            filled: list[dict[str, Any]] = list(map(template.__or__, records))
            if set(map(len, filled)) != {len(template)}:
                self._fits = False
                return None
        except TypeError:  # something that is no object
            return None
        columns = list(zip(*(row.values() for row in filled), strict=True))
        return columns[: len(self.rows.blueprint.attributes)]

    def _cells(self, record: Any) -> Cells:
        if type(record) is not dict:
            raise ShapeError(f"{shown(record)} instead of a JSON object")
        cells = cast("dict[str, Any]", record)
        return self.rows.layouts[tuple(cells)]((*cells.values(), None))

    def _walk(self, built: list[R], *, final: bool) -> None:
        """Take one row after the other, as far as they are there."""
        end = len(self._buffer)
        if not final:  # whatever ends a row or the array is ASCII, and a safe place to decode to
            end = max(self._buffer.rfind(b"}"), self._buffer.rfind(b"]")) + 1
        text = self._text(self._buffer[:end])
        objects: list[Any] = []
        error: DecodeError | None = None
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
        self.rows.extend(built, objects, self._cells, self._columns)
        if final and error is None and self._state != "end":
            error = _truncated(self.rows.count)
        if error is not None:
            raise error


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at


def _judge(failure: Exception, text: str, number: int, *, final: bool) -> DecodeError | None:
    """What a row that does not parse is; None if it may only be incomplete yet."""
    if not isinstance(failure, json.JSONDecodeError):
        what = "nested too deeply" if isinstance(failure, RecursionError) else str(failure)
        return ShapeError(f"row {number} cannot be read: {what}", row=number)
    left = len(text) - failure.pos
    cut = failure.msg.startswith("Unterminated") or left == 0
    if final and (cut or (left < 8 and not text.rstrip().endswith("]"))):
        return _truncated(number - 1)
    return None if cut else _not_json(text, failure.pos, number)


def _not_json(text: str, at: int, number: int) -> DecodeError:
    return NotRecordsError(f"no JSON in row {number}: {shown(text[at : at + 60])}", row=number)


def _truncated(rows: int) -> DecodeError:
    return TruncatedError(f"the JSON array ends early, after {rows} complete rows")
