"""The errors of downloads, a branch of the tree in :mod:`..errors`."""

from pathlib import Path
from typing import Any

from ..errors import ApiError, Fault, IncompleteResponseError
from .result import Difference, Download


class DownloadError(ApiError):
    """A file that did not arrive as it should; nothing of it is left on disk.

    Attributes:
        path: Where it would stand.
        files: Names of the files that had arrived, as they would be called.
        bytes: Bytes that had arrived.
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
    """The answer has no body: the server has no file for what was asked for."""

    default_advice = "Check the values asked with: the server answered, but with no file."


class NotAFileError(DownloadError):
    """Something other than the file: an HTML page, a sentence, or another format."""

    default_advice = (
        "Something other than the file came: check the values asked with, the base URL, "
        "and any proxy or login page."
    )


class CorruptDownloadError(DownloadError, IncompleteResponseError):
    """A file that was cut short or damaged on its way; tried again as a broken connection is."""

    fault: Fault = "network"
    default_advice = "Call again; if it stays, the server sends it damaged."


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
    """A file that arrived undamaged, but is not, or not all of, what was asked for."""

    default_advice = (
        'Ask again later or report it to those who run the server; on_difference="keep" keeps '
        "what came."
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
        """The results of the failed downloads; ``result.item`` is what to pass again."""
        return tuple(result for result in self.results if result.error is not None)


class ManifestError(ApiError, ValueError):
    """A manifest that cannot be read, or a text that cannot stand in one.

    Attributes:
        line: Number of the line, counted from 1, if one is to blame.
    """

    fault: Fault = "caller"

    def __init__(self, reason: str, *, line: int | None = None, **details: Any) -> None:
        super().__init__(reason, **details)
        self.line = line
