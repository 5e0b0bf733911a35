"""From the bytes of an answer to typed rows, as the bytes arrive: what all formats share.

A decoder is fed chunks of any size and gives back the rows that they complete. It
knows nothing of HTTP. The wire's own facts, which decide what a decoder meets:

- JSON leaves a null out of its object; decimals are text.
- CSV quotes every value that is not null and escapes it as ECMAScript does; a null
  is nothing at all between two commas.
- XML and HTML escape nothing. What can be read in one way only is read; the rest is
  an error that names the row. Entities are not resolved, since none were written.
- XML writes a null and an empty text alike, as an empty element: read as missing.
- HTML writes a null as ``null``: a cell with that text is read as missing, since the
  text cannot be told from it.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from ..errors import InvalidResponseError, NotRecordsError, ShapeError
from ..redaction import redacting
from ..server_message import is_page, server_fields, summary
from .rows import RowReader

R = TypeVar("R")

LONGEST_RECORD = 64 * 1024 * 1024
"""Bytes that one record may have before it is taken for something else."""

BATCH_BYTES = 192 * 1024
"""Bytes at a time that decode fastest; fewer would give the first rows sooner."""

SNIFF_BYTES = 4096
"""Bytes of a body that tell what it is, if it is not records."""


class Decoder(ABC, Generic[R]):
    """Takes the bytes of one answer as they come and gives back the rows they complete.

    Rows before an error are delivered first: the error then comes with the next call.

    Attributes:
        min_bytes: How many bytes it waits for before it builds rows of them.
        first_bytes: The first bytes of the answer, as many as tell what it is.
    """

    def __init__(self, rows: RowReader[R]) -> None:
        self.rows = rows
        self.min_bytes = 0
        self.first_bytes = b""
        self._buffer = bytearray()
        self._seen = self._retry_at = 0
        self._failure: InvalidResponseError | None = None

    def feed(self, data: bytes) -> list[R]:
        """Take the next bytes.

        Raises:
            InvalidResponseError: The answer is not what its format promises.
        """
        if self._failure is not None:
            raise self._failure
        built: list[R] = []
        if len(self.first_bytes) < SNIFF_BYTES:
            self.first_bytes += data[:SNIFF_BYTES]
        self._buffer += data
        if len(self._buffer) < self.min_bytes:
            return built
        try:
            self._try(built, self._take)
            if len(self._buffer) > LONGEST_RECORD:
                raise ShapeError(
                    f"row {self.rows.count + 1} does not end within {LONGEST_RECORD} bytes",
                    row=self.rows.count + 1,
                )
        except InvalidResponseError as error:
            if not built:
                raise
            self._failure = error
        return built

    def finish(self) -> list[R]:
        """Take the end of the answer; the last rows are given back.

        Raises:
            InvalidResponseError: The answer ends too early, or is not what its format promises.
        """
        if self._failure is not None:
            raise self._failure
        built: list[R] = []
        try:
            self._try(built, self._take)
            self._try(built, self._end)
        except InvalidResponseError as error:
            if not built:
                raise
            self._failure = error
        return built

    def check(self) -> None:
        """Raise the error that rows were delivered before, if there is one."""
        if self._failure is not None:
            raise self._failure

    def _try(self, built: list[R], step: Callable[[list[R]], None]) -> None:
        """Take a step with secrets kept out of its errors; see :meth:`_decode`."""
        if not self.rows.redactor:
            self._decode(built, step)
            return
        with redacting(self.rows.redactor):
            self._decode(built, step)

    def _decode(self, built: list[R], step: Callable[[list[R]], None]) -> None:
        """Take a step; where bytes are no text, only as far as they are."""
        try:
            step(built)
        except UnicodeDecodeError as error:
            del self._buffer[error.start :]
            self._seen = self._retry_at = 0
            self._take(built)
            row = self.rows.count + 1
            where = f"row {row}" if row > 1 else "or before row 1"
            raise ShapeError(f"bytes that are not UTF-8 in {where}", row=row) from None

    @abstractmethod
    def _take(self, built: list[R]) -> None:
        """Build what the buffer completes, and take it out of the buffer.

        Raises:
            UnicodeDecodeError: The buffer is not all UTF-8; nothing of it has been taken.
        """

    @abstractmethod
    def _end(self, built: list[R]) -> None:
        """Build what is left, knowing that no more will come.

        Raises:
            UnicodeDecodeError: The same.
        """


def not_records(body: bytes | bytearray, wanted: str) -> InvalidResponseError:
    """The error for a body that is something else than the format wanted."""
    text = bytes(body[:65536]).decode("utf-8", "replace").lstrip("\ufeff").strip()
    if text.startswith("<"):
        what = "an HTML page" if is_page(text) else "markup"
        return NotRecordsError(f"{what} instead of {wanted}", server_message=summary(text))
    try:
        document: Any = json.loads(text)
    except (ValueError, RecursionError):
        return NotRecordsError(f"a text instead of {wanted}", server_message=summary(text))
    said = server_fields(document)
    found: dict[Any, str] = {dict: "a JSON object", list: "a JSON array", str: "a JSON string"}
    return ShapeError(
        f"{found.get(type(document), 'a single JSON value')} instead of {wanted}",
        server_message=next(iter(said.values()), None) or summary(text),
    )
