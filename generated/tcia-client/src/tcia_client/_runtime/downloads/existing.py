"""Whether what stands under a final name is what a download has brought there, and whole."""

import stat
from pathlib import Path

import attrs

from ..http.request import Request
from .checks import Checks
from .companions import is_companion
from .dicom_header import HeaderReader
from .errors import DownloadError
from .input import read_blocks
from .options import Limits
from .receipt import Inventory, inventory_path
from .target import Target
from .unpack import Unpacker
from .usage import other_names


@attrs.frozen
class Existing:
    """The files of an earlier download that are as it left them.

    Attributes:
        files: Their paths and sizes.
        counted: Whether something stated then how many files there should be.
    """

    files: list[tuple[Path, int]]
    counted: bool


def kept_files(
    target: Target, request: Request, names: str, checks: Checks, limits: Limits
) -> Existing | None:
    """The files that are there with their sizes, None if they are not known to be whole.

    They are known by the list that was left when all of them had come. Each one has to have
    its size still; then, of a folder each file's header is read, of an archive all of it.

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
