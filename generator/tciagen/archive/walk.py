"""Finds the files below directories, and reports unreadable paths."""

import errno
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import attrs

from tciagen.errors import UsageProblem

_ABSENT = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)


@attrs.frozen
class Found:
    """A regular file. ``key`` is its path; ``target`` is the real path if that is a link."""

    key: bytes
    size: int
    mtime_ns: int
    target: bytes | None

    @property
    def path(self) -> Path:
        """The path as a ``Path``."""
        return Path(os.fsdecode(self.key))


@attrs.define
class Walk:
    """The result of a walk.

    ``unreadable`` names directories that could not be listed, and files that could not be
    looked up, with the reason. The content of these paths is unknown.
    """

    files: dict[bytes, Found] = attrs.field(factory=dict)
    unreadable: list[tuple[Path, str]] = attrs.field(factory=list)
    broken_links: list[Path] = attrs.field(factory=list)

    def note(self, key: bytes, error: OSError) -> None:
        """Add a path that could not be listed or looked up."""
        self.unreadable.append((Path(os.fsdecode(key)), error.strerror or str(error)))

    def knows(self, key: bytes) -> bool:
        """Return whether the walk would have found a file at this path."""
        if not self.unreadable:
            return True
        blind = {os.fsencode(path) for path, _ in self.unreadable}
        return key not in blind and not any(parent in blind for parent in parents(key))


def parents(key: bytes) -> Iterator[bytes]:
    """Yield the directories above a path, the nearest first."""
    while (end := key.rfind(b"/")) > 0:
        key = key[:end]
        yield key
    yield b"/"


def roots_of(folders: Sequence[Path]) -> list[Path]:
    """Return the real paths of ``folders``, without those below another one.

    Raises:
        UsageProblem: a folder does not exist.
    """
    for folder in folders:
        if not os.path.isdir(folder):  # noqa: PTH112 - False, not an error, without permission
            raise UsageProblem(f"{folder} is not a folder: specify an existing one")
    roots = {os.fsencode(folder.resolve()) for folder in folders}
    return [
        Path(os.fsdecode(root))
        for root in sorted(roots)
        if roots.isdisjoint({*parents(root)} - {root})
    ]


def walk(roots: Iterable[Path], *, include_hidden: bool) -> Walk:
    """Find all regular files below ``roots``, and links to such files.

    Links to directories are not followed, and directories whose names begin with a dot
    are skipped unless ``include_hidden``.
    """
    found = Walk()
    pending = [os.fsencode(root) for root in roots]
    while pending:
        folder = pending.pop()
        # os.walk does not name the directory whose listing breaks off.
        try:
            with os.scandir(folder) as listing:
                entries = list(listing)
        except OSError as error:
            found.note(folder, error)
            continue
        for entry in entries:
            if not _is_directory(entry):
                _look_up(found, entry)
            elif include_hidden or not entry.name.startswith(b"."):
                pending.append(entry.path)
    found.broken_links.sort()
    return found


def _is_directory(entry: os.DirEntry[bytes]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False  # the look-up that follows reports it


def _look_up(found: Walk, entry: os.DirEntry[bytes]) -> None:
    link = False
    try:
        link = entry.is_symlink()
        status = entry.stat()
    except OSError as error:
        if error.errno not in _ABSENT:
            found.note(entry.path, error)
        elif link:
            found.broken_links.append(Path(os.fsdecode(entry.path)))
        return
    if stat.S_ISREG(status.st_mode):
        target = os.path.realpath(entry.path) if link else None
        found.files[entry.path] = Found(entry.path, status.st_size, status.st_mtime_ns, target)
