"""The lock of a destination: one download at a time, in all processes."""

import contextlib
import errno
import io
import os
import sys
from pathlib import Path

from .errors import DownloadError

_FLAGS = (
    os.O_RDWR
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_CLOEXEC", 0)
)

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


class Lock:
    """``<name>.lock.part`` beside the destination, locked while a download writes to it.

    The operating system releases the lock when its process ends, however that happens. The
    file of a killed process remains, unlocked, until the next download takes and removes it.

    Args:
        destination: The file or folder that a download writes.
    """

    def __init__(self, destination: Path) -> None:
        self._path = destination.with_name(destination.name + ".lock.part")
        self._destination = destination
        self._file: io.FileIO | None = None

    def acquire(self, *, create: bool) -> bool:
        """Acquire the lock unless this download holds it already.

        Args:
            create: Whether to create the file if there is none.

        Returns:
            Whether there is a file, which is locked then.

        Raises:
            DownloadError: Another download holds it.
            OSError: The file cannot be opened.
        """
        while self._file is None:
            try:
                # An object, so that any exception in between closes and unlocks the file.
                file = io.FileIO(self._path, "r+", opener=_creating if create else _opening)
            except FileNotFoundError:
                if create:
                    raise
                return False
            if not _locked(file.fileno()):
                file.close()
                raise DownloadError(
                    f"another download to {self._destination} is in progress",
                    advice="Wait until it ends, or download to another path.",
                )
            if self._is_at_its_path(file):  # else its previous holder has just removed it
                self._file = file
            else:
                file.close()
        return True

    def release(self) -> None:
        """Remove and unlock the file, if this download holds it."""
        if self._file is None or self._file.closed:
            return
        if os.name != "nt" and self._is_at_its_path(self._file):
            self._path.unlink()
        self._file.close()
        if os.name == "nt":  # where an open file cannot be removed
            with contextlib.suppress(PermissionError):  # another download holds it already
                self._path.unlink(missing_ok=True)
        self._file = None

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
    """Lock a file and return whether that succeeded; True on file systems without locks."""
    try:
        _lock(descriptor)
    except OSError as error:
        return error.errno not in (errno.EACCES, errno.EAGAIN, errno.EDEADLK)
    return True
