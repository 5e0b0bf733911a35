"""A rollback journal around a set of writes, and the lock of a whole run.

Before the first file is written, the old content of every file goes into ``.tciagen-undo``
beside the configuration, with the digests of the old and of the new content. If the run
fails, the old content is restored; if it is killed, the next run restores it. Only a file
whose bytes are the old or the new ones is touched: anything else is a manual edit.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TextIO

import attrs

from tciagen.display import plural
from tciagen.errors import TciagenError, UsageProblem
from tciagen.files import replace_file

FOLDER = ".tciagen-undo"
_LIST = "files.json"
_LOCK = "lock"

Digests = Mapping[Path, str]
"""The SHA-256 of each file that exists."""


@attrs.frozen
class _Entry:
    """One file of the journal: digests of the old and the new content, None for no file."""

    copy: str
    before: str | None
    after: str | None


@attrs.frozen
class Journal:
    """The journal of one project. Make one with :func:`exclusive_run`, which holds the lock."""

    root: Path

    @property
    def folder(self) -> Path:
        """The folder of the journal and its copies."""
        return self.root / FOLDER

    def recover(self) -> bool:
        """Restore what a killed run has written; return whether there was such a run.

        Raises:
            UsageProblem: a file was edited since; nothing is restored, the copies stay.
        """
        if not is_unfinished(self.root):
            return False
        self._restore(self._read())
        return True

    @contextlib.contextmanager
    def write_all(self, writes: Mapping[Path, bytes | None], seen: Digests) -> Iterator[None]:
        """Write files (None deletes one), and restore the old ones if the block raises.

        Args:
            writes: the new content of each file.
            seen: the files that the new content was worked out from.

        Raises:
            UsageProblem: A file was edited meanwhile; the sentence names the retained files.
        """
        entries = self._note(writes, seen)
        begun: dict[str, _Entry] = {}
        try:
            for (path, body), (name, entry) in zip(writes.items(), entries.items(), strict=True):
                _require_unchanged({path: entry.before})
                begun[name] = entry
                _write(path, body)
            yield
        except BaseException as error:
            try:
                self._restore(begun)
            except UsageProblem as restore_error:
                message = (
                    f"{error}\n{restore_error}"
                    if isinstance(error, TciagenError)
                    else str(restore_error)
                )
                raise UsageProblem(message) from error
            if isinstance(error, TciagenError):
                raise type(error)(f"{error} Every file is as it was before the run.") from error
            raise
        (self.folder / _LIST).unlink()

    def _note(self, writes: Mapping[Path, bytes | None], seen: Digests) -> dict[str, _Entry]:
        """Copy the old files and write the journal."""
        entries: dict[str, _Entry] = {}
        _require_unchanged({path: seen.get(path) for path in writes})
        for number, (path, body) in enumerate(writes.items()):
            old = path.read_bytes() if path.is_file() else None
            name = f"{number}-{path.name}"
            if old is not None:
                (self.folder / name).write_bytes(old)
                (self.folder / name).chmod(path.stat().st_mode & 0o777)
            entry = _Entry(name, seen.get(path), _digest(body))
            entries[os.path.relpath(path, self.root)] = entry
        text = json.dumps({name: attrs.asdict(entry) for name, entry in entries.items()}, indent=2)
        replace_file(self.folder / _LIST, text.encode())
        return entries

    def _read(self) -> dict[str, _Entry]:
        path = self.folder / _LIST
        try:
            return {name: _Entry(**entry) for name, entry in json.loads(path.read_bytes()).items()}
        except (ValueError, TypeError, AttributeError) as error:
            raise UsageProblem(
                f"{path} of an interrupted run cannot be read, so nothing was restored. Restore"
                f" the files from the copies beside it, then delete {self.folder}."
            ) from error

    def _restore(self, entries: Mapping[str, _Entry]) -> None:
        now = {name: digest_of(self.root / name) for name in entries}
        edited = [n for n, e in entries.items() if now[n] not in (e.before, e.after)]
        written = [n for n, e in entries.items() if now[n] == e.after != e.before]
        lost = [
            n
            for n in written
            if entries[n].before is not None
            and digest_of(self.folder / entries[n].copy) != entries[n].before
        ]
        if edited:
            raise _edited_since({n: self._copy(entries[n]) for n in edited})
        if lost:
            raise _without_copy(lost, self.folder)
        for name, entry in entries.items():
            _remove_parts(self.root / name)
            if name in written:
                self._put_back(self.root / name, entry)
        (self.folder / _LIST).unlink()

    def _copy(self, entry: _Entry) -> Path | None:
        return None if entry.before is None else self.folder / entry.copy

    def _put_back(self, path: Path, entry: _Entry) -> None:
        copy = self.folder / entry.copy
        if entry.before is None:
            path.unlink()
            _remove_empty(path.parent)
            return
        existed = path.exists()
        replace_file(path, copy.read_bytes())
        if not existed:
            path.chmod(copy.stat().st_mode & 0o777)


@contextlib.contextmanager
def exclusive_run(root: Path) -> Iterator[Journal]:
    """Hold the lock of a project for the block, which is the whole run.

    Raises:
        UsageProblem: another run is in progress here.
    """
    journal = Journal(root)
    with _locked(journal.folder):
        (journal.folder / ".gitignore").write_text("*\n", encoding="utf-8")
        try:
            yield journal
        finally:
            if not is_unfinished(root):
                _clear(journal.folder)


def is_unfinished(root: Path) -> bool:
    """Return whether a run was killed while it wrote, or is writing."""
    return (root / FOLDER / _LIST).is_file()


def refuse_unfinished(root: Path) -> None:
    """Raise if a run was killed while it wrote, or is writing.

    Raises:
        UsageProblem: There is an unfinished run.
    """
    if is_unfinished(root):
        raise UsageProblem(
            f"An earlier run in {root} is unfinished. `tciagen regenerate` without --dry-run"
            " restores what it wrote, and starts again."
        )


def digests_of(paths: Iterable[Path]) -> Digests:
    """Return the SHA-256 of each file that exists."""
    found = ((path, digest_of(path)) for path in paths)
    return {path: digest for path, digest in found if digest is not None}


def digest_of(path: Path) -> str | None:
    """Return the SHA-256 of a file, or None if it does not exist."""
    return _digest(path.read_bytes()) if path.is_file() else None


def _digest(body: bytes | None) -> str | None:
    return None if body is None else hashlib.sha256(body).hexdigest()


def _edited_since(copies: Mapping[str, Path | None]) -> UsageProblem:
    verb = plural(len(copies), "was", "were")
    old = ", ".join(
        f"copy {copy} to {name}" if copy else f"delete {name}" for name, copy in copies.items()
    )
    return UsageProblem(
        f"{', '.join(copies)} {verb} edited since a run that was interrupted, so nothing was"
        f" restored. Save your version under another name, then {old}, and run"
        " `tciagen regenerate` again: it restores the other files, too."
    )


def _without_copy(names: list[str], folder: Path) -> UsageProblem:
    return UsageProblem(
        f"An interrupted run wrote {', '.join(names)}, and {folder} holds no intact copy of the"
        " old content, so nothing was restored. Restore the files from your version control,"
        " delete that folder, and run `tciagen regenerate` again."
    )


def _require_unchanged(digests: Mapping[Path, str | None]) -> None:
    edited = [str(path) for path, digest in digests.items() if digest_of(path) != digest]
    if edited:
        verb = plural(len(edited), "was", "were")
        raise UsageProblem(
            f"{', '.join(edited)} {verb} edited while the run was in progress."
            " Run `tciagen regenerate` again."
        )


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    lock = _take(folder)
    with lock:
        yield


def _take(folder: Path) -> TextIO:
    """Return the locked file; the one that is at its path, not one that was removed."""
    while True:
        try:
            folder.mkdir(exist_ok=True)
            lock = (folder / _LOCK).open("w")
        except (FileExistsError, FileNotFoundError):
            if folder.is_file():
                raise UsageProblem(f"{folder} is a file; delete it.") from None
            if not folder.parent.is_dir():
                raise UsageProblem(f"There is no folder {folder.parent}.") from None
            continue  # the last run has just removed the folder
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(lock.fileno()), (folder / _LOCK).stat()):
                return lock
        except BlockingIOError as error:
            lock.close()
            raise UsageProblem(
                f"Another `tciagen regenerate` is in progress in {folder.parent}."
                " Wait until it ends."
            ) from error
        except FileNotFoundError:
            pass
        lock.close()


def _clear(folder: Path) -> None:
    """Remove the journal; the lock last, since another run may take a new one then."""
    for path in folder.iterdir():
        if path.name != _LOCK:
            path.unlink()
    (folder / _LOCK).unlink()
    with contextlib.suppress(OSError):  # the next run has already taken its lock
        folder.rmdir()


def _write(path: Path, body: bytes | None) -> None:
    if body is None:
        path.unlink()
        _remove_empty(path.parent)
    else:
        replace_file(path, body)


def _remove_parts(path: Path) -> None:
    """Remove what a killed :func:`replace_file` has left beside a file."""
    part = re.compile(rf"\.{re.escape(path.name)}\.[a-z0-9_]{{8}}\.part")
    for other in path.parent.iterdir() if path.parent.is_dir() else ():
        if part.fullmatch(other.name):
            other.unlink()


def _remove_empty(folder: Path) -> None:
    """Remove a folder and those above it as far as they are empty."""
    with contextlib.suppress(OSError):
        while True:
            folder.rmdir()
            folder = folder.parent
