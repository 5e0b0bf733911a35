"""A file or a folder beside its final place until it is whole."""

import contextlib
import errno
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from .errors import DownloadError
from .inflate import LIBRARY
from .journal import Journal
from .receipt import Inventory, inventory_path
from .replace import clear, replace_folder, set_aside, settle

_STEP = 1024 * 1024
"""Bytes of a file after which its state is noted."""
_LONGEST_STEP = 64 * 1024 * 1024


class Part:
    """``<name>.part`` beside ``<name>``, until :meth:`place` renames it.

    Beside it lies ``<name>.journal.part``: its lock, for one download at a time has it; and,
    where the server allows to go on with it, what a later process has to know for that.
    Its first line is what :meth:`begin` was given, the others say what was whole by then:
    members of an archive, or the length of a file and its CRC-32.

    What was not what was asked for can be kept as ``<name>.incomplete``.
    """

    def __init__(self, final: Path, *, folder: bool) -> None:
        self.final = final
        self.path = final.with_name(final.name + ".part")
        self.file: IO[bytes] | None = None
        self._folder = folder
        self._incomplete = final.with_name(final.name + ".incomplete")
        self._made: list[Path] = []
        self._beginning = False
        self._identity: tuple[int, int] | None = None
        self._journal = Journal(final.with_name(final.name + ".journal.part"), final)
        self._noting = False
        self._count = self._noted = 0
        self._crc: int = 0
        code = 0
        if final.is_symlink():  # it has been followed as far as it leads
            code = errno.ELOOP
        elif final.exists() and final.is_dir() != folder:
            code = errno.ENOTDIR if folder else errno.EISDIR
        if code:
            raise OSError(code, os.strerror(code), str(final))

    def settle(self) -> None:
        """End what a killed process was in: putting a folder in place of another.

        Raises:
            DownloadError: Another download is in it.
            OSError: It cannot be ended.
        """
        for target in (self.final, self._incomplete):
            if self._folder and os.path.lexists(set_aside(target)):
                self._journal.open(create=True)
                settle(target)

    def left(self) -> list[dict[str, Any]]:
        """The journal of what an ended process left here; empty if there is none.

        Raises:
            DownloadError: Another download has it.
            OSError: It cannot be read.
        """
        if not self._journal.open(create=False):
            return []
        try:
            mode = self.path.lstat().st_mode
        except FileNotFoundError:
            return []
        fits = stat.S_ISDIR(mode) if self._folder else stat.S_ISREG(mode)
        return self._journal.read() if fits else []

    def read_back(self, notes: list[dict[str, Any]]) -> Iterator[bytes]:
        """What a file holds, as far as its notes say so truly; then it is gone on with there."""
        file = self.file = self.path.open("r+b")
        for note in notes:
            count, crc = note.get("bytes"), note.get("crc32")
            if not isinstance(count, int) or not 0 < count - self._count <= _LONGEST_STEP:
                break
            data = file.read(count - self._count)
            found: int = LIBRARY.crc32(data, self._crc)
            if len(data) != count - self._count or found != crc:
                break
            self._count, self._crc = count, found
            yield data

    def take(self, notes: int) -> None:
        """Go on with what an ended process left.

        Args:
            notes: How many of its notes are still true.
        """
        self._identity = self._found()
        self._noting = True
        self._noted = self._count or notes
        self._journal.cut(1 + notes)
        if self.file is not None:
            self.file.seek(self._count)
            self.file.truncate()

    def begin(self, head: dict[str, Any] | None = None) -> None:
        """Begin, or begin anew, with nothing in it.

        Args:
            head: What a later process has to know to go on with it, None if none can.

        Raises:
            DownloadError: Another download has its place.
        """
        if self._identity is not None:
            self._check()
        self._make_parents()
        self._journal.open(create=True)
        self._beginning = True
        self._identity = None
        self._remove()
        self._journal.cut(0)
        self._noting = head is not None
        if head is not None:
            self._journal.add(head)
        self._count = self._noted = self._crc = 0
        if self._folder:
            self.path.mkdir()
        else:
            self.file = self.path.open("xb")
        self._identity = self._found()
        self._beginning = False

    def write(self, data: bytes) -> None:
        """Add to a file."""
        if self.file is None:
            return
        self.file.write(data)
        if self._noting:
            self._count += len(data)
            self._crc = LIBRARY.crc32(data, self._crc)
            if self._count - self._noted >= _STEP:
                self._note_length()

    def note(self, line: Callable[[], dict[str, Any]]) -> None:
        """Tell a later process what is whole in a folder."""
        if self._folder and self._noting:
            self._journal.add(line())
            self._noted += 1

    def place(self, inventory: Inventory, *, listed: bool) -> Path:
        """Give it its final name, in place of what is there.

        Args:
            inventory: What it holds; if that is not the whole, it gets another name.
            listed: Whether the inventory of a file is left beside it; that of a folder is in it.

        Returns:
            The name that it has got.

        Raises:
            DownloadError: Another download has taken its place.
            OSError: It cannot be renamed.
        """
        target = self.final if inventory.whole else self._incomplete
        if self.file is not None:
            self.file.close()
        self._check()
        if self._folder:
            inventory.write(inventory_path(self.path, folder=True))
            replace_folder(self.path, target)
        else:
            beside = inventory_path(target, folder=False)
            beside.unlink(missing_ok=True)
            self.path.replace(target)
            if listed:
                inventory.write(beside)
        self._identity = None
        self._made.clear()
        if inventory.whole:
            self._remove_incomplete()
        return target

    def keep(self) -> None:
        """Leave it to a later process, or remove it if that would find nothing to go on with."""
        if self._identity is None or self._found() != self._identity:  # it has been placed
            self.discard()
            return
        if self.file is not None and self._count > self._noted:
            self._note_length()
        if not self._noted:
            self.discard()
            return
        if self.file is not None:
            self.file.close()
        self._journal.close(remove=False)

    def discard(self) -> None:
        """Remove it, and the folders that were made for it; nothing if it has been placed."""
        if self.file is not None:
            self.file.close()
        found = self._found()
        if found is not None and (self._beginning or found == self._identity):
            self._remove()
        self._journal.close(remove=self._found() is None)
        for folder in self._made:
            with contextlib.suppress(OSError):
                folder.rmdir()

    def _remove_incomplete(self) -> None:
        """Remove what an earlier download kept of less than the whole."""
        with contextlib.suppress(OSError):
            if not self._folder:
                self._incomplete.unlink(missing_ok=True)
                inventory_path(self._incomplete, folder=False).unlink(missing_ok=True)
            elif not self._incomplete.is_symlink():
                clear(self._incomplete)

    def _note_length(self) -> None:
        assert self.file is not None  # noqa: S101 - looked at by both callers
        if not self.file.closed:
            self.file.flush()
        self._journal.add({"bytes": self._count, "crc32": self._crc})
        self._noted = self._count

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
        self._made = missing or self._made
        self.path.parent.mkdir(parents=True, exist_ok=True)
