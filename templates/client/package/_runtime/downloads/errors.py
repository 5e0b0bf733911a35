"""The errors of downloads, a branch of the tree in :mod:`..errors`."""

from pathlib import Path
from typing import Any

from ..errors import ApiError, Fault, IncompleteResponseError
from .result import Difference, Download


class DownloadError(ApiError):
    """A download that failed; no file of it remains on disk.

    Attributes:
        path: The destination.
        files: Names of the received files.
        bytes: Number of received bytes.
        seconds: From the call until it failed.
        checks: Names of the checks made, see :class:`.result.Download`.
        differences: What differs, if that is why it failed.
    """

    path: Path | None = None
    files: tuple[str, ...] = ()
    bytes: int = 0
    seconds: float = 0.0
    checks: tuple[str, ...] = ()
    differences: tuple[Difference, ...] = ()


class NoFileError(DownloadError):
    """The response has no body: the server has no file for the request."""

    default_advice = "Check the values of the request: the server responded, but with no file."


class NotAFileError(DownloadError):
    """A response that is not the file: an HTML page, a sentence, or another format."""

    default_advice = (
        "The response is not the file: check the values of the request, the base URL, "
        "and any proxy or login page."
    )


class CorruptDownloadError(DownloadError, IncompleteResponseError):
    """A truncated or damaged file; the client retries it like a broken connection."""

    fault: Fault = "network"
    default_advice = "Call again; if the error stays, the server sends a damaged file."


class UnsafeArchiveError(DownloadError):
    """An archive that cannot be unpacked safely, or at all: names, links, encryption."""

    default_advice = (
        "Nothing was unpacked. To look at the archive, keep it packed with keep_zip=True, without "
        "names."
    )


class LimitError(DownloadError):
    """An archive or a disk that is beyond the limits.

    Attributes:
        limit: The attribute of :class:`.options.Limits` that was reached.
    """

    def __init__(self, reason: str, *, limit: str, **details: Any) -> None:
        advice = f"If you trust the server, raise that limit: limits=Limits({limit}=…)."
        if limit == "free_bytes":
            advice = "Free some space, write to another disk, or pass limits=Limits(free_bytes=…)."
        details.setdefault("advice", advice)
        super().__init__(reason, **details)
        self.limit = limit


class VerificationError(DownloadError):
    """An undamaged download that differs from the request, or is incomplete."""

    default_advice = (
        'Retry later, or report it to the operator of the server; on_difference="keep" saves '
        "the received files."
    )


class DownloadsError(ApiError):
    """Some of many downloads failed; the others are complete.

    Attributes:
        results: The result of each item, in the order of the items; of a failed one
            ``result.error`` is the error.
    """

    def __init__(self, reason: str, *, results: tuple[Download, ...] = (), **details: Any) -> None:
        super().__init__(reason, **details)
        self.results = results

    @property
    def failed(self) -> tuple[Download, ...]:
        """The results of the failed downloads; pass their ``item`` again to retry."""
        return tuple(result for result in self.results if result.error is not None)


class ManifestError(ApiError, ValueError):
    """A manifest that cannot be read, or a string that cannot be written in one.

    Attributes:
        line: Number of the line, counted from 1, if one is to blame.
    """

    fault: Fault = "caller"

    def __init__(self, reason: str, *, line: int | None = None, **details: Any) -> None:
        super().__init__(reason, **details)
        self.line = line
