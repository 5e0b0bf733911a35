"""The body of a file's answer: counted, and gone on with by Range where that is safe (RFC 9110)."""

import re
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime

from ..errors import IncompleteResponseError
from .errors import CorruptDownloadError, NoFileError

_CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18}|\*)", re.IGNORECASE)
_LENGTH = re.compile(r"[0-9]{1,18}")
_SECONDS_APART = 60


class Body:
    """What has arrived of a body over all attempts.

    A part is asked for only with a strong validator in If-Range, so that a server whose
    file has changed sends all of it; and it is taken only if it starts at the byte that
    is next, of a file of the same size and validator.

    Attributes:
        count: Bytes that have arrived.
        total: Bytes that it will have, None if that is not known.
        validator: What it can be gone on with by, None if it cannot.
    """

    def __init__(self, progress: Callable[[int, int | None], None] | None = None) -> None:
        self.count = 0
        self.total: int | None = None
        self.validator: str | None = None
        self._progress = progress
        self._asked = False

    def request_headers(self) -> dict[str, str]:
        """Headers to ask with, now."""
        headers = {"Accept-Encoding": "identity"}
        self._asked = bool(self.count and self.validator)
        if self._asked:
            headers["Range"] = f"bytes={self.count}-"
            headers["If-Range"] = self.validator or ""
        return headers

    def begin(self, status: int, headers: Mapping[str, str]) -> bool:
        """An answer's head has come.

        Returns:
            Whether its body goes on where the last one broke; else it begins anew.

        Raises:
            NoFileError: It has no body.
            IncompleteResponseError: It has another part than the one asked for.
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
        self.validator = _validator(headers) if as_stored else None
        return False

    def add(self, size: int) -> None:
        """Bytes have arrived."""
        self.count += size
        if self._progress is not None:
            self._progress(self.count, self.total)

    def finish(self) -> None:
        """No more bytes will come.

        Raises:
            CorruptDownloadError: Fewer or more have come than were announced.
            NoFileError: None have come, as announced.
        """
        if self.total is not None and self.count != self.total:
            raise CorruptDownloadError(f"{self.count} of {self.total} bytes arrived")
        if not self.count:
            raise NoFileError("the answer is empty: the server has no file for this")

    def refused(self) -> bool:
        """The server refused the range (416): whether to ask without one."""
        asked = self._asked
        self.forget()
        return asked

    def forget(self) -> None:
        """What has arrived is no good: ask for all of it, next."""
        self._asked = False
        self.validator = None

    def _check_part(self, headers: Mapping[str, str]) -> None:
        asked, validator = self._asked, self.validator
        self.validator = None
        found = _CONTENT_RANGE.fullmatch(headers.get("content-range", "").strip())
        encoded = headers.get("content-encoding", "identity").strip().lower() != "identity"
        if not asked or found is None or encoded or int(found[1]) != self.count:
            raise IncompleteResponseError("the server sent another part of the file than asked for")
        total = None if found[3] == "*" else int(found[3])
        last = int(found[2]) + 1
        differs = total is not None and (last != total or self.total not in (None, total))
        of_same_kind = "etag" if validator and validator.startswith('"') else "last-modified"
        if differs or headers.get(of_same_kind, validator) != validator:
            raise IncompleteResponseError("the file has changed on the server meanwhile")
        self.total = self.total if total is None else total
        self.validator = validator


def _validator(headers: Mapping[str, str]) -> str | None:
    """A strong validator: an ETag that is not weak, or a Last-Modified that is old enough."""
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
