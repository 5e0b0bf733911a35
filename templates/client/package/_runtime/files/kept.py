"""Whether what stands under a final name is what a download would bring, as far as it tells."""

import os
from collections.abc import Iterator
from pathlib import Path

from .checks import Checks, is_companion
from .dicom import HeaderReader
from .errors import DownloadError
from .input import read_blocks
from .options import Limits
from .target import Target
from .unpack import Unpacker


def kept_files(target: Target, checks: Checks, limits: Limits) -> list[tuple[Path, int]] | None:
    """The files that are there with their sizes, None if they are not whole.

    A final name is given to what is whole alone, so what is looked for is what came
    later: of a folder each file's header is read, of an archive all of it.
    """
    path = target.path
    if path.is_symlink() or not path.exists() or path.is_dir() != (target.kind == "folder"):
        return None
    try:
        if target.kind == "zip":
            unpacker = Unpacker(None, "server", limits, checks)
            for block in read_blocks(path):
                unpacker.feed(block)
            unpacker.finish()
            files = [(path, path.stat().st_size)]
        else:
            files = (
                sorted(_files(path)) if target.kind == "folder" else [(path, path.stat().st_size)]
            )
            for file, size in files:
                if checks.dicom and not (target.kind == "folder" and is_companion(file.name)):
                    checks.image(file.name, _read(file), size)
    except (OSError, DownloadError):
        return None
    checks.finish({})
    return None if checks.differences or not files else files


def _files(folder: Path) -> Iterator[tuple[Path, int]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _files(Path(entry.path))
            else:
                yield Path(entry.path), entry.stat().st_size


def _read(path: Path) -> HeaderReader:
    reader = HeaderReader()
    for block in read_blocks(path):
        reader.feed(block)
        if reader.done:
            break
    return reader
