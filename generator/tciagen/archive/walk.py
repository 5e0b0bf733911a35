"""Finds the files below directories, and what could not be listed there."""

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
    """A regular file below ``root``; ``target`` is the real path where ``path`` is a link."""

    root: Path
    path: Path
    size: int
    mtime_ns: int
    target: bytes | None

    @property
    def key(self) -> bytes:
        """The path as the catalog stores it."""
        return os.fsencode(self.path)


@attrs.define
class Walk:
    """The result of a walk.

    ``unreadable`` names directories that could not be listed, and files that could not be
    looked up, with the reason: nothing is known about them and about the paths below them.
    """

    files: dict[bytes, Found] = attrs.field(factory=dict)
    unreadable: list[tuple[Path, str]] = attrs.field(factory=list)
    broken_links: list[Path] = attrs.field(factory=list)

    def note(self, error: OSError) -> None:
        """Add a path that could not be listed or looked up."""
        path = Path(os.fsdecode(error.filename))
        self.unreadable.append((path, error.strerror or str(error)))

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
            raise UsageProblem(f"{folder} is not a folder: name an existing one")
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
    for root in roots:
        for folder, folders, names in os.walk(root, onerror=found.note):
            folders[:] = sorted(
                name for name in folders if include_hidden or not name.startswith(".")
            )
            for name in sorted(names):
                _look_up(found, root, Path(folder, name))
    return found


def _look_up(found: Walk, root: Path, path: Path) -> None:
    link = False
    try:
        link = path.is_symlink()
        status = path.stat()
    except OSError as error:
        if error.errno not in _ABSENT:
            found.note(error)
        elif link:
            found.broken_links.append(path)
        return
    if not stat.S_ISREG(status.st_mode):
        return
    target = os.fsencode(path.resolve()) if link else None
    file = Found(root, path, status.st_size, status.st_mtime_ns, target)
    found.files[file.key] = file
