"""The base class of the decoders, which build rows from the bytes of a response as they arrive.

A decoder knows nothing of HTTP. It takes chunks of any size and returns the rows that they
complete. What servers write:

- JSON leaves a null out of its object. Decimal numbers are strings.
- CSV quotes each value that is not null, and escapes it as ECMAScript does. A null is nothing
  between two commas.
- XML and HTML escape nothing. A record that can be read in more than one way is an error that
  names the row. There are no entities.
- XML writes a null and an empty text as an empty element, which is read as missing.
- HTML writes a null as ``null``, so that a cell with that text is read as missing.
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

MAX_RECORD_BYTES = 64 * 1024 * 1024
"""Size from which bytes without the end of a record are an error."""

BATCH_BYTES = 192 * 1024
"""Number of bytes that decode fastest at a time; with fewer, the first rows come sooner."""

SNIFF_BYTES = 4096
"""Number of bytes that show whether a body has records."""


class Decoder(ABC, Generic[R]):
    """Builds rows from the bytes of one response.

    The rows before an error are returned first. The next call raises the error.

    Attributes:
        min_bytes: Number of bytes to collect before rows are built from them.
        first_bytes: The first bytes of the response.
    """

    def __init__(self, rows: RowReader[R]) -> None:
        self.rows = rows
        self.min_bytes = 0
        self.first_bytes = b""
        self._buffer = bytearray()
        self._scanned = self._retry_at = 0
        self._error: InvalidResponseError | None = None

    def feed(self, data: bytes) -> list[R]:
        """Take the next bytes and return the rows that they complete.

        Raises:
            InvalidResponseError: The response is not valid in its format.
        """
        if len(self.first_bytes) < SNIFF_BYTES:
            self.first_bytes += data[:SNIFF_BYTES]
        self._buffer += data
        if len(self._buffer) < self.min_bytes and self._error is None:
            return []
        return self._build(self._take, self._check_length)

    def finish(self) -> list[R]:
        """Take the end of the response and return the last rows.

        Raises:
            InvalidResponseError: The response is truncated or not valid in its format.
        """
        return self._build(self._take, self._end)

    def check(self) -> None:
        """Raise the error that rows were returned before, if there is one."""
        if self._error is not None:
            raise self._error

    def _build(self, *steps: Callable[[list[R]], None]) -> list[R]:
        self.check()
        built: list[R] = []
        try:
            with redacting(self.rows.redactor):
                for step in steps:
                    self._run(step, built)
        except InvalidResponseError as error:
            if not built:
                raise
            self._error = error
        return built

    def _run(self, step: Callable[[list[R]], None], built: list[R]) -> None:
        """Run a step; if bytes are not UTF-8, build the rows before them."""
        try:
            step(built)
        except UnicodeDecodeError as error:
            del self._buffer[error.start :]
            self._scanned = self._retry_at = 0
            self._take(built)
            row = self.rows.count + 1
            where = f"row {row}" if row > 1 else "or before row 1"
            raise ShapeError(f"bytes that are not UTF-8 in {where}", row=row) from None

    def _check_length(self, _built: list[R]) -> None:
        if len(self._buffer) > MAX_RECORD_BYTES:
            row = self.rows.count + 1
            raise ShapeError(f"row {row} does not end within {MAX_RECORD_BYTES} bytes", row=row)

    @abstractmethod
    def _take(self, built: list[R]) -> None:
        """Build the complete rows of the buffer and remove them from it.

        Raises:
            UnicodeDecodeError: The buffer is not UTF-8; nothing was removed.
        """

    @abstractmethod
    def _end(self, built: list[R]) -> None:
        """Build the rows of the rest of the response.

        Raises:
            UnicodeDecodeError: The buffer is not UTF-8; nothing was removed.
        """


def not_records(body: bytes | bytearray, wanted: str) -> InvalidResponseError:
    """Return the error for a body that is not of the format that was requested."""
    text = bytes(body[:65536]).decode("utf-8", "replace").lstrip("\ufeff").strip()
    if text.startswith("<"):
        found = "an HTML page" if is_page(text) else "markup"
        return NotRecordsError(f"{found} instead of {wanted}", server_message=summary(text))
    try:
        document: Any = json.loads(text)
    except (ValueError, RecursionError):
        return NotRecordsError(f"a text instead of {wanted}", server_message=summary(text))
    kinds: dict[Any, str] = {dict: "a JSON object", list: "a JSON array", str: "a JSON string"}
    return ShapeError(
        f"{kinds.get(type(document), 'a single JSON value')} instead of {wanted}",
        server_message=next(iter(server_fields(document).values()), None) or summary(text),
    )
