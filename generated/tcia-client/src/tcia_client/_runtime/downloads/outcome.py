"""The outcome of a download: its result, or what its error states of it."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from ..http.request import Request
from ..warn import warn_caller
from .checks import Checks
from .errors import DownloadError
from .result import NOT_COUNTED, UNCHECKED, Download, Unchecked, UncheckedWarning


def unchecked(checks: Checks) -> tuple[Unchecked, ...]:
    """Return the checks that could not be made, that of the number of files among them."""
    return (*checks.unchecked, *[NOT_COUNTED] * (UNCHECKED in checks.made))


def completed(
    request: Request,
    path: Path,
    files: Sequence[tuple[Path, int]],
    checks: Checks,
    seconds: float,
    *,
    kept: bool,
) -> Download:
    """Return the result of a download, and warn of files that could not be checked.

    Args:
        request: The request.
        path: The file, or the folder of the files.
        files: The files with their sizes in bytes.
        checks: The checks that were made.
        seconds: Seconds since the call.
        kept: Whether it was there already.
    """
    if checks.unchecked:
        warn_caller(f"{path}: {checks.warning()}", UncheckedWarning)
    return Download(
        arguments=request.keywords,
        path=path,
        files=tuple(name for name, _ in files),
        bytes=sum(size for _, size in files),
        seconds=seconds,
        checks=checks.made,
        differences=tuple(checks.differences),
        unchecked=unchecked(checks),
        kept=kept,
    )


def describe(
    error: DownloadError,
    checks: Checks,
    *,
    path: Path,
    count: int,
    seconds: float,
    files: Iterable[tuple[Path, int]],
) -> None:
    """State in an error what had arrived of the download until then.

    Args:
        error: The error.
        checks: The checks that were made.
        path: Destination of the download.
        count: Bytes of the response that had arrived.
        seconds: Seconds since the call.
        files: Paths in the folder and sizes of the files that had arrived.
    """
    error.path = path
    error.bytes = count
    error.seconds = seconds
    error.checks = checks.made
    error.differences = tuple(checks.differences)
    error.files = tuple(name.as_posix() for name, _ in files)
