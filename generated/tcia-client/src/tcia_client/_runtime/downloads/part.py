"""The partial file or folder of a download, beside its destination until it is complete."""

import contextlib
import errno
import io
import os
import shutil
import sys
from pathlib import Path
from typing import IO

from .errors import DownloadError
from .receipt import Receipt, clear, receipt_path, replace_folder, set_aside, settle

_FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)

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

    @property
    def held(self) -> bool:
        """Whether this download holds the lock."""
        return self._file is not None

    def acquire(self) -> None:
        """Acquire the lock unless it is held; raise DownloadError if another download holds it."""
        while self._file is None:
            # An object, so that any exception in between closes and unlocks the file.
            file = io.FileIO(self._path, "r+", opener=lambda path, _: os.open(path, _FLAGS, 0o666))
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


def _locked(descriptor: int) -> bool:
    """Lock a file and return whether that succeeded; True on file systems without locks."""
    try:
        _lock(descriptor)
    except OSError as error:
        return error.errno not in (errno.EACCES, errno.EAGAIN, errno.EDEADLK)
    return True


class Part:
    """``<name>.part`` beside ``<name>``, until :meth:`place` renames it.

    Two processes that download to the same destination cannot corrupt each other: a download
    holds a :class:`Lock` while it writes, and a second one fails. Where a file system has no
    locks, the last one to begin owns the partial file, and the other one fails.

    A download that differs from the request can be retained as ``<name>.incomplete``.

    Attributes:
        file: The open partial file, None for a folder.
    """

    def __init__(self, final: Path, *, folder: bool) -> None:
        self.path = final.with_name(final.name + ".part")
        self.file: IO[bytes] | None = None
        self._final = final
        self._folder = folder
        self._incomplete = final.with_name(final.name + ".incomplete")
        self._made: list[Path] = []
        self._identity: tuple[int, int] | None = None
        self._lock = Lock(final)
        code = 0
        if final.is_symlink():  # choose_target has followed links as far as they lead
            code = errno.ELOOP
        elif final.exists() and final.is_dir() != folder:
            code = errno.ENOTDIR if folder else errno.EISDIR
        if code:
            raise OSError(code, os.strerror(code), str(final))

    def settle(self) -> None:
        """Complete the replacement of a folder that a killed process began; see :meth:`lock`."""
        if self._folder and os.path.lexists(set_aside(self._final)):
            self.lock()

    def lock(self) -> None:
        """Lock the destination, and remove what a killed process left beside it.

        Raises:
            DownloadError: Another download to the same destination is in progress.
        """
        if not self._lock.held:
            folders = [self._final.parent, *self._final.parent.parents]
            self._made = [folder for folder in folders if not folder.exists()]
            self._final.parent.mkdir(parents=True, exist_ok=True)
            self._lock.acquire()
        self._remove()
        if self._folder:
            settle(self._final)
            settle(self._incomplete)

    def begin(self) -> None:
        """Create the partial file or folder, empty; raise DownloadError as :meth:`place` does."""
        if self._identity is not None:
            self._check()
        self._identity = None
        self._remove()
        if self._folder:
            self.path.mkdir()
        else:
            self.file = self.path.open("xb")
        self._identity = self._found()

    def place(self, receipt: Receipt, *, listed: bool) -> Path:
        """Rename it to the destination, replacing an existing file or folder.

        Args:
            receipt: The receipt; if it is not complete, the name gets ``.incomplete``.
            listed: Whether to write the receipt of a file beside it; a folder contains its own.

        Returns:
            The path it was renamed to.

        Raises:
            DownloadError: Another download has replaced the partial file.
        """
        target = self._final if receipt.complete else self._incomplete
        if self.file is not None:
            self.file.close()
        self._check()
        if self._folder:
            receipt.write(receipt_path(self.path, folder=True))
            replace_folder(self.path, target)
        else:
            beside = receipt_path(target, folder=False)
            beside.unlink(missing_ok=True)
            self.path.replace(target)
            if listed:
                receipt.write(beside)
        if receipt.complete:
            self._remove_incomplete()
        return target

    def discard(self) -> None:
        """Release the lock, and remove what was created and is not placed."""
        if self.file is not None:
            self.file.close()
        if self._lock.held and self._identity in (None, self._found()):
            self._remove()
        self._lock.release()
        for folder in self._made:
            with contextlib.suppress(OSError):
                folder.rmdir()

    def _remove_incomplete(self) -> None:
        """Remove the incomplete result of an earlier download."""
        with contextlib.suppress(OSError):
            if not self._folder:
                self._incomplete.unlink(missing_ok=True)
                receipt_path(self._incomplete, folder=False).unlink(missing_ok=True)
            elif not self._incomplete.is_symlink():
                clear(self._incomplete)

    def _check(self) -> None:
        if self._found() != self._identity:
            raise DownloadError(
                f"another download to {self._final} has begun meanwhile",
                advice="Download to each path once at a time.",
            )

    def _found(self) -> tuple[int, int] | None:
        try:
            status = self.path.lstat()
        except FileNotFoundError:
            return None
        return status.st_dev, status.st_ino

    def _remove(self) -> None:
        if self.file is not None:
            self.file.close()
            self.file = None
        if self.path.is_dir() and not self.path.is_symlink():
            shutil.rmtree(self.path)
        else:
            self.path.unlink(missing_ok=True)
