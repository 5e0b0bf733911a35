"""A folder in place of another: what a download wrote goes, what others put there stays.

Whoever is stopped in it, the next one ends it by what is on disk: the old folder beside a
new one is done with, and without a new one it is what there is.
"""

import contextlib
import os
from pathlib import Path

from .receipt import NAME, Inventory


def set_aside(target: Path) -> Path:
    """Where the old folder is until the new one has its place."""
    return target.with_name(target.name + ".old.part")


def replace_folder(new: Path, target: Path) -> None:
    """Give a folder its final name, in place of what is there.

    Raises:
        OSError: It cannot be renamed; then the old one has its place again.
    """
    settle(target)
    try:
        if target.exists():
            target.rename(set_aside(target))
        new.rename(target)
    finally:
        settle(target)


def settle(target: Path) -> None:
    """End a replacement that was begun.

    Raises:
        OSError: The old folder cannot have its place again.
    """
    old = set_aside(target)
    if not os.path.lexists(old):
        return
    if not os.path.lexists(target):
        old.rename(target)
        return
    with contextlib.suppress(OSError):  # the next one tries again
        clear(old, target)


def clear(folder: Path, heir: Path | None = None) -> None:
    """Remove what a download wrote into a folder, and the folder if nothing else is in it.

    Args:
        folder: The folder.
        heir: The folder that gets the other files, but for those of whose name it has its own.

    Raises:
        OSError: A file cannot be removed or moved.
    """
    inventory = Inventory.read(folder / NAME)
    written = frozenset(inventory.files if inventory else ())
    for root, folders, files in os.walk(folder, topdown=False):
        for name in files + folders:
            path = Path(root, name)
            within = path.relative_to(folder)
            if path.is_dir() and not path.is_symlink():
                with contextlib.suppress(OSError):  # something stays in it
                    path.rmdir()
            elif within.as_posix() in written:
                path.unlink()
            elif heir is not None and within != Path(NAME):
                _hand_on(path, heir / within)
    # The last one: until then, it tells what is to be removed.
    (folder / NAME).unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        folder.rmdir()


def _hand_on(path: Path, place: Path) -> None:
    if os.path.lexists(place):
        path.unlink()
    else:
        place.parent.mkdir(parents=True, exist_ok=True)
        path.rename(place)
