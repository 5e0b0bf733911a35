"""The received bytes of a file, resumed by Range where that is safe (RFC 9110)."""

import re
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime

from ..errors import IncompleteResponseError
from .errors import CorruptDownloadError, NoFileError

_CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18}|\*)", re.IGNORECASE)
_LENGTH = re.compile(r"[0-9]{1,18}")
_SECONDS_APART = 60


class Body:
    """The received part of a body, over all attempts of one call.

    The client requests a range only with a strong validator in If-Range, so that a server
    whose file has changed sends all of it. It accepts a partial response only if that starts
    at the next byte of a file with the same size and validator.

    Attributes:
        count: Number of received bytes.
        total: Size of the body in bytes, None if unknown.
    """

    def __init__(self, progress: Callable[[int, int | None], None] | None = None) -> None:
        self.count = 0
        self.total: int | None = None
        self._validator: str | None = None
        self._progress = progress
        self._range_sent = False

    def request_headers(self) -> dict[str, str]:
        """Return the headers of the next request."""
        headers = {"Accept-Encoding": "identity"}
        self._range_sent = bool(self.count and self._validator)
        if self._range_sent:
            headers["Range"] = f"bytes={self.count}-"
            headers["If-Range"] = self._validator or ""
        return headers

    def begin(self, status: int, headers: Mapping[str, str]) -> bool:
        """Read the status and headers of a response.

        Returns:
            Whether the body continues the received bytes; otherwise it starts again.

        Raises:
            NoFileError: The response has no body.
            IncompleteResponseError: The response has another range than the requested one.
        """
        if status in (204, 205):
            raise NoFileError(f"status {status}: the server has no file for this")
        if status == 206:
            self._check_part(headers)
            return True
        length = headers.get("content-length", "")
        as_stored = headers.get("content-encoding", "identity").strip().lower() in ("", "identity")
        self.count = 0
        known = as_stored and _LENGTH.fullmatch(length) is not None
        self.total = int(length) if known else None
        self._validator = _validator(headers) if as_stored else None
        return False

    def add(self, size: int) -> None:
        """Count received bytes."""
        self.count += size
        if self._progress is not None:
            self._progress(self.count, self.total)

    def finish(self) -> None:
        """Check the number of bytes after the end of the body.

        Raises:
            CorruptDownloadError: It differs from the announced size.
            NoFileError: The body is empty.
        """
        if self.total is not None and self.count != self.total:
            raise CorruptDownloadError(f"{self.count} of {self.total} bytes arrived")
        if not self.count:
            raise NoFileError("the response is empty: the server has no file for this")

    def refused(self) -> bool:
        """Discard the received bytes after status 416; return whether a range was requested."""
        range_sent = self._range_sent
        self.forget()
        return range_sent

    def forget(self) -> None:
        """Discard the received bytes: the next request is for the complete body."""
        self._range_sent = False
        self._validator = None

    def _check_part(self, headers: Mapping[str, str]) -> None:
        range_sent, validator = self._range_sent, self._validator
        self._validator = None
        found = _CONTENT_RANGE.fullmatch(headers.get("content-range", "").strip())
        encoded = headers.get("content-encoding", "identity").strip().lower() != "identity"
        if not range_sent or found is None or encoded or int(found[1]) != self.count:
            raise IncompleteResponseError("the server sent another range than the requested one")
        total = None if found[3] == "*" else int(found[3])
        last = int(found[2]) + 1
        differs = total is not None and (last != total or self.total not in (None, total))
        of_same_kind = "etag" if validator and validator.startswith('"') else "last-modified"
        if differs or headers.get(of_same_kind, validator) != validator:
            raise IncompleteResponseError("the file has changed on the server meanwhile")
        self.total = self.total if total is None else total
        self._validator = validator


def _validator(headers: Mapping[str, str]) -> str | None:
    """Return a strong validator: a strong ETag, or a Last-Modified that is old enough."""
    if headers.get("accept-ranges", "").strip().lower() == "none":
        return None
    tag = headers.get("etag", "").strip()
    if tag:
        return tag if len(tag) >= 2 and tag[0] == tag[-1] == '"' else None
    modified, now = headers.get("last-modified", "").strip(), headers.get("date", "")
    try:
        age = parsedate_to_datetime(now) - parsedate_to_datetime(modified)
    except (TypeError, ValueError, OverflowError):
        return None
    return modified if age.total_seconds() >= _SECONDS_APART else None
