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
from pathlib import Path
from typing import Any, Self

import attrs
from attrs.validators import instance_of

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


def receipt_path(path: Path, *, folder: bool) -> Path:
    """Return the path of the receipt of a file or folder."""
    return path / RECEIPT_NAME if folder else path.with_name(f".{path.name}{RECEIPT_NAME}")


def _check_files(_receipt: object, _attribute: object, files: dict[str, int]) -> None:
    for name, size in files.items():
        path = Path(name)
        if type(size) is not int or path.anchor or ".." in path.parts:
            raise ValueError(f"{name!r} is no file of a download")


@attrs.frozen(kw_only=True)
class Receipt:
    """The files that a download wrote.

    Attributes:
        request: The endpoint's address, and the values by their names.
        names: How the files are named, see :class:`.options.DownloadOptions`.
        complete: Whether the download had no differences from the request.
        counted: Whether the number of files was checked.
        files: Sizes in bytes by the names in the folder.
    """

    request: dict[str, str] = attrs.field(validator=instance_of(dict))
    names: str = attrs.field(validator=instance_of(str))
    complete: bool = attrs.field(validator=instance_of(bool))
    counted: bool = attrs.field(validator=instance_of(bool))
    files: dict[str, int] = attrs.field(validator=[instance_of(dict), _check_files])

    def is_complete(self, request: Request) -> bool:
        """Return whether the receipt lists all files of a request."""
        return self.complete and self.request == request_values(request)

    def write(self, path: Path) -> None:
        """Write the receipt to a file."""
        text = json.dumps({"format": _FORMAT, **attrs.asdict(self)}, separators=(",", ":"))
        path.write_text(text, encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """Return the receipt in a file; None without a file or a valid receipt."""
        try:
            with path.open("rb") as file:
                values: Any = json.loads(file.read(_LONGEST))
            return cls(**values) if values.pop("format") == _FORMAT else None
        except (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError):
            return None


def request_values(request: Request) -> dict[str, str]:
    """Return the endpoint and values of a request, which do not depend on the server."""
    given = request.arguments.values.items()
    values = {name: str(value) for name, value in given if value is not None}
    return {"endpoint": request.endpoint.address, **values}


def set_aside(target: Path) -> Path:
    """Return the path of the old folder during its replacement."""
    return target.with_name(target.name + ".old.part")


def replace_folder(new: Path, target: Path) -> None:
    """Rename a folder to its destination, replacing an existing folder."""
    settle(target)
    try:
        if target.exists():
            target.rename(set_aside(target))
        new.rename(target)
    finally:
        settle(target)


def settle(target: Path) -> None:
    """Complete a replacement that was begun."""
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
    """
    receipt = Receipt.read(folder / RECEIPT_NAME)
    written = receipt.files if receipt else {}
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


def find_existing(target: Target, request: Request, names: str, checks: Checks) -> Receipt | None:
    """Return the receipt of existing files, None if they are not known to be complete.

    Each file must have its listed size. The headers of the files in a folder are read and
    checked, and an archive is read to its end.

    Raises:
        ParameterError: They are complete, but named in another way.
    """
    path, folder = target.path, target.kind == "folder"
    receipt = Receipt.read(receipt_path(path, folder=folder))
    if receipt is None or not receipt.is_complete(request):
        return None
    if receipt.names != names:
        raise other_names(request, receipt.names, path)
    files = target.files(receipt.files)
    try:
        if not files or not all(_has_size(file, size) for file, size in files):
            return None
        for (file, size), name in zip(files, receipt.files, strict=True):
            if target.kind == "zip":
                unpacker = Unpacker(None, "server", Limits(), checks)
                for block in read_blocks(file):
                    unpacker.feed(block)
                unpacker.finish()
                checks.saw(unpacker.files)
            elif checks.dicom and not (folder and is_companion(name)):
                checks.image(file.name, _read_header(file), size)
    except (OSError, DownloadError):
        return None
    if folder:
        checks.saw(files)
    return receipt


def _has_size(path: Path, size: int) -> bool:
    status = path.lstat()
    return stat.S_ISREG(status.st_mode) and status.st_size == size


def _read_header(path: Path) -> HeaderReader:
    reader = HeaderReader()
    for block in read_blocks(path):
        reader.feed(block)
        if reader.done:
            break
    return reader
