"""A file or a folder beside its final place until it is whole; removed if it never becomes so."""

import contextlib
import errno
import os
import shutil
from pathlib import Path
from typing import IO

from .errors import DownloadError


class Part:
    """``<name>.part`` beside ``<name>``, until :meth:`place` renames it.

    What a killed process left behind under that name is removed. Of two that write the
    same one at a time, the one that began first fails, and neither places the other's.
    """

    def __init__(self, final: Path, *, folder: bool) -> None:
        self.final = final
        self.path = final.with_name(final.name + ".part")
        self.file: IO[bytes] | None = None
        self._folder = folder
        self._made: list[Path] = []
        self._identity: tuple[int, int] | None = None
        if final.exists() and final.is_dir() != folder:
            code = errno.ENOTDIR if folder else errno.EISDIR
            raise OSError(code, os.strerror(code), str(final))

    def begin(self) -> None:
        """Begin, or begin anew, with nothing in it.

        Raises:
            DownloadError: Another download has taken its place.
        """
        if self._identity is not None:
            self._check()
        self._remove()
        self._make_parents()
        if self._folder:
            self.path.mkdir()
        else:
            self.file = self.path.open("xb")
        self._identity = self._found()

    def place(self, final: Path | None = None) -> Path:
        """Give it its final name, in place of what is there.

        Args:
            final: Another name than the one it was made for.

        Raises:
            DownloadError: Another download has taken its place.
        """
        target = final or self.final
        if self.file is not None:
            self.file.close()
        self._check()
        if not self._folder or not target.exists():
            self.path.replace(target)
        else:
            old = target.with_name(target.name + ".old.part")
            shutil.rmtree(old, ignore_errors=True)
            target.rename(old)
            try:
                self.path.rename(target)
            except BaseException:
                old.rename(target)
                raise
            shutil.rmtree(old, ignore_errors=True)
        self._identity = None
        self._made.clear()
        return target

    def discard(self) -> None:
        """Remove it, and the folders that were made for it; nothing if it has been placed."""
        if self._identity is not None and self._found() == self._identity:
            self._remove()
        for folder in self._made:
            with contextlib.suppress(OSError):
                folder.rmdir()

    def _check(self) -> None:
        if self._found() != self._identity:
            raise DownloadError(
                f"another download to {self.final} has begun meanwhile",
                advice="Download to one place once at a time.",
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

    def _make_parents(self) -> None:
        missing: list[Path] = []
        folder = self.path.parent
        while not folder.exists():
            missing.append(folder)
            folder = folder.parent
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._made = missing or self._made
