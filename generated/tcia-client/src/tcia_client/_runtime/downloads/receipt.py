"""The receipt of a download: the list of its files, in its folder or beside its file.

A later call recognizes complete files by the receipt. When a new folder replaces an old one,
the listed files of the old one are removed and all others are moved to the new one. A later
call completes a replacement that was interrupted: if both folders exist, the old one is
removed; if the new one does not, the old one gets its name again.
"""

import contextlib
import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self, cast

import attrs

from ..http.request import Request
from .archive_lists import read_blocks
from .dicom_header import HeaderReader
from .errors import DownloadError
from .names import RECEIPT_NAME, is_companion
from .options import Limits
from .target import Target, other_names
from .unpack import Unpacker
from .verify import Checks

_FORMAT = 1
_LONGEST = 64 * 1024 * 1024


def inventory_path(path: Path, *, folder: bool) -> Path:
    """Return the path of the receipt of a file or folder."""
    return path / RECEIPT_NAME if folder else path.with_name(f".{path.name}{RECEIPT_NAME}")


@attrs.frozen
class Inventory:
    """The files that a download wrote.

    Attributes:
        asked: The request: the endpoint's address, and the values by their names.
        names: How the files are named, see :class:`.options.DownloadOptions`.
        whole: Whether the download had no differences from the request.
        counted: Whether the number of files was checked.
        files: Sizes in bytes by the names in the folder.
    """

    asked: Mapping[str, str]
    names: str
    whole: bool
    counted: bool
    files: Mapping[str, int]

    def is_whole(self, request: Request) -> bool:
        """Return whether the receipt lists all files of a request."""
        return self.whole and self.asked == asked_by(request)

    def write(self, path: Path) -> None:
        """Write the receipt to a file.

        Raises:
            OSError: The file cannot be written.
        """
        text = json.dumps({"format": _FORMAT, **attrs.asdict(self)}, separators=(",", ":"))
        path.write_text(text, encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """Return the receipt in a file; None without a file or a valid receipt."""
        try:
            with path.open("rb") as file:
                document: object = json.loads(file.read(_LONGEST))
        except (OSError, ValueError, RecursionError):
            return None
        if not isinstance(document, dict):
            return None
        values = cast("dict[str, Any]", document)
        files = values.get("files")
        if values.get("format") != _FORMAT or not isinstance(files, dict):
            return None
        sizes = cast("dict[str, object]", files)
        if not all(type(size) is int and _is_plain(name) for name, size in sizes.items()):
            return None
        asked, names = values.get("asked"), values.get("names")
        if not isinstance(asked, dict) or not isinstance(names, str):
            return None
        return cls(
            asked=cast("dict[str, str]", asked),
            names=names,
            whole=values.get("whole") is True,
            counted=values.get("counted") is True,
            files=cast("dict[str, int]", files),
        )


def asked_by(request: Request) -> dict[str, str]:
    """Return the endpoint and values of a request, which do not depend on the server."""
    given = request.arguments.values.items()
    values = {name: str(value) for name, value in given if value is not None}
    return {"endpoint": request.endpoint.address, **values}


def _is_plain(name: str) -> bool:
    """Return whether a name is a relative path below its folder."""
    path = Path(name)
    return not path.anchor and ".." not in path.parts


def set_aside(target: Path) -> Path:
    """Return the path of the old folder during its replacement."""
    return target.with_name(target.name + ".old.part")


def replace_folder(new: Path, target: Path) -> None:
    """Rename a folder to its destination, replacing an existing folder.

    Raises:
        OSError: It cannot be renamed; the old folder has its name again.
    """
    settle(target)
    try:
        if target.exists():
            target.rename(set_aside(target))
        new.rename(target)
    finally:
        settle(target)


def settle(target: Path) -> None:
    """Complete a replacement that was begun.

    Raises:
        OSError: The old folder cannot be renamed.
    """
    old = set_aside(target)
    if not os.path.lexists(old):
        return
    if not os.path.lexists(target):
        old.rename(target)
        return
    with contextlib.suppress(OSError):  # the next download removes it
        clear(old, target)


def clear(folder: Path, heir: Path | None = None) -> None:
    """Remove the files of a download from a folder, and the folder if it is empty then.

    Args:
        folder: The folder.
        heir: The folder that receives the other files, unless it has files of these names.

    Raises:
        OSError: A file cannot be removed or moved.
    """
    inventory = Inventory.read(folder / RECEIPT_NAME)
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
            elif heir is not None and within != Path(RECEIPT_NAME):
                _hand_on(path, heir / within)
    # The last one: until then, it lists the files to remove.
    (folder / RECEIPT_NAME).unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        folder.rmdir()


def _hand_on(path: Path, destination: Path) -> None:
    if os.path.lexists(destination):
        path.unlink()
    else:
        destination.parent.mkdir(parents=True, exist_ok=True)
        path.rename(destination)


@attrs.frozen
class Existing:
    """The complete files of an earlier download.

    Attributes:
        files: Their paths and sizes.
        counted: Whether the number of files was checked then.
    """

    files: list[tuple[Path, int]]
    counted: bool


def find_existing(
    target: Target, request: Request, names: str, checks: Checks, limits: Limits
) -> Existing | None:
    """Return the existing files of a download, None if they are not known to be complete.

    The receipt lists them. Each file must have its listed size. The headers of the files in a
    folder are read and checked, and an archive is read to its end.

    Raises:
        ParameterError: They are complete, but named in another way.
    """
    path, folder = target.path, target.kind == "folder"
    inventory = Inventory.read(inventory_path(path, folder=folder))
    if inventory is None or not inventory.is_whole(request):
        return None
    if inventory.names != names:
        raise other_names(request, inventory.names, path)
    base = path if folder else path.parent
    files = [(base / name, size) for name, size in inventory.files.items()]
    try:
        if not files or not all(_has_size(file, size) for file, size in files):
            return None
        for file, size in files:
            if target.kind == "zip":
                _read_archive(file, checks, limits)
            elif checks.dicom and not (folder and is_companion(file.relative_to(base).as_posix())):
                checks.image(file.name, _read(file), size)
    except (OSError, DownloadError):
        return None
    if folder:
        checks.saw(files)
    return Existing(files, counted=inventory.counted)


def _has_size(path: Path, size: int) -> bool:
    status = path.lstat()
    return stat.S_ISREG(status.st_mode) and status.st_size == size


def _read_archive(path: Path, checks: Checks, limits: Limits) -> None:
    unpacker = Unpacker(None, "server", limits, checks)
    for block in read_blocks(path):
        unpacker.feed(block)
    unpacker.finish()
    checks.saw(unpacker.files)


def _read(path: Path) -> HeaderReader:
    reader = HeaderReader()
    for block in read_blocks(path):
        reader.feed(block)
        if reader.done:
            break
    return reader
