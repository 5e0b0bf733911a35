"""What is known of a part, kept beside it, and the lock that says whose it is."""

import contextlib
import errno
import io
import json
import os
import sys
from pathlib import Path
from typing import Any, cast

from .errors import DownloadError

_FLAGS = (
    os.O_RDWR
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_CLOEXEC", 0)
)
_LONGEST = 256 * 1024 * 1024
_FAR_OFF = 2**30
"""The byte that Windows locks: behind all that is written, where it hinders no reader."""

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        os.lseek(descriptor, _FAR_OFF, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


class Journal:
    """Lines of JSON in a file that one process at a time has.

    The system ends the lock with the process, however that ends. A line that a killed
    process left unfinished, and what follows it, is not read.

    Args:
        path: Where it stands.
        final: What it is about, as an error names it.
    """

    def __init__(self, path: Path, final: Path) -> None:
        self._path = path
        self._final = final
        self._file: io.FileIO | None = None
        self._ends: list[int] = []

    def open(self, *, create: bool) -> bool:
        """Take it, if it is not taken already.

        Args:
            create: Whether to make it where there is none.

        Returns:
            Whether there is one.

        Raises:
            DownloadError: Another download has it.
            OSError: It cannot be opened.
        """
        while self._file is None:
            try:
                # An object, so that whatever comes in between, the lock ends with it.
                file = io.FileIO(self._path, "r+", opener=_creating if create else _opening)
            except FileNotFoundError:
                if create:
                    raise
                return False
            if not _locked(file.fileno()):
                file.close()
                raise DownloadError(
                    f"another download to {self._final} is under way",
                    advice="Wait for its end, or download to another place.",
                )
            if self._is_at_its_path(file):  # else its last owner has just removed it
                self._file = file
            else:
                file.close()
        return True

    def read(self) -> list[dict[str, Any]]:
        """Its lines, as far as they are whole."""
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        lines: list[dict[str, Any]] = []
        with os.fdopen(os.dup(self._descriptor), "rb") as file:
            text = file.read(_LONGEST)
        self._ends = [0]
        for line in text.split(b"\n")[:-1]:
            try:
                entry: object = json.loads(line)
            except (ValueError, RecursionError):
                break
            if not isinstance(entry, dict):
                break
            lines.append(cast("dict[str, Any]", entry))
            self._ends.append(self._ends[-1] + len(line) + 1)
        return lines

    def cut(self, count: int) -> None:
        """Leave the first lines of those that were read, and no more."""
        end = self._ends[count] if count else 0
        os.ftruncate(self._descriptor, end)
        os.lseek(self._descriptor, end, os.SEEK_SET)

    def add(self, entry: dict[str, Any]) -> None:
        """Add a line; it has left this process when this returns."""
        line = json.dumps(entry, separators=(",", ":")).encode() + b"\n"
        while line:
            line = line[os.write(self._descriptor, line) :]

    def close(self, *, remove: bool) -> None:
        """Give it up, if it is held; then it is another's to take."""
        if self._file is None or self._file.closed:
            return
        if remove and os.name != "nt" and self._is_at_its_path(self._file):
            self._path.unlink()
        self._file.close()
        if remove and os.name == "nt":  # where an open file cannot be removed
            with contextlib.suppress(PermissionError):  # another download has taken it already
                self._path.unlink(missing_ok=True)
        self._file = None

    @property
    def _descriptor(self) -> int:
        assert self._file is not None  # noqa: S101 - open
        return self._file.fileno()

    def _is_at_its_path(self, file: io.FileIO) -> bool:
        try:
            return os.path.samestat(os.fstat(file.fileno()), self._path.lstat())
        except FileNotFoundError:
            return False


def _opening(path: str, _flags: int) -> int:
    return os.open(path, _FLAGS)


def _creating(path: str, _flags: int) -> int:
    return os.open(path, _FLAGS | os.O_CREAT, 0o666)


def _locked(descriptor: int) -> bool:
    """Lock a file, False if another has; where a file system knows no locks there is none."""
    try:
        _lock(descriptor)
    except OSError as error:
        return error.errno not in (errno.EACCES, errno.EAGAIN, errno.EDEADLK)
    return True
