"""DICOM files of the catalog: which ones a query names, and their bytes.

The catalog describes a file at the time of indexing. Something else may have replaced it
since then, so an open file is used only if it is still that file.
"""

import os
import stat
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import attrs

from tciagen.archive.connections import ReadConnection
from tciagen.archive.formats import Blocks

BLOCK = 256 * 1024
COLUMNS = "sop_uid, path, target, size, mtime_ns"
_FLAGS = os.O_RDONLY | sum(
    getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_NOCTTY", "O_BINARY")
)


@attrs.frozen
class StoredObject:
    """One DICOM object and its file, as it was when it was indexed.

    ``path`` is where the file was found; ``location`` is its real path, which differs
    if ``path`` is a link. ``size`` is in bytes.
    """

    sop_uid: str
    path: Path
    location: Path
    size: int
    mtime_ns: int

    @property
    def safe_name(self) -> str:
        """Name of the file for headers and ZIP members, without separators and controls."""
        name = os.fsencode(self.path.name).decode("utf-8", "replace")
        return "".join(
            "_" if c in '/\\:"' or unicodedata.category(c).startswith("C") else c for c in name
        )


def stored_objects(
    connection: ReadConnection, sql: str, values: Mapping[str, str]
) -> list[StoredObject]:
    """Return the objects that a query of :data:`COLUMNS` finds, sorted by path."""
    objects = (
        StoredObject(
            sop_uid, Path(os.fsdecode(path)), Path(os.fsdecode(target or path)), size, mtime_ns
        )
        for sop_uid, path, target, size, mtime_ns in connection.execute(sql, values).fetchall()
    )
    return sorted(objects, key=lambda stored: stored.path)


def open_file(stored: StoredObject) -> BinaryIO:
    """Open the file of an object.

    Opening neither follows a link nor blocks, as it would with a FIFO.

    Raises:
        OSError: the file cannot be opened, or is not the file that was indexed.
    """
    file = os.fdopen(os.open(stored.location, _FLAGS), "rb")
    try:
        _check(file, stored)
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file


def _check(file: BinaryIO, stored: StoredObject) -> None:
    from tciagen.archive.headers import NotUsable, has_sop_uid  # noqa: PLC0415 - pydicom, 0.3 s

    status = os.fstat(file.fileno())
    found = (stat.S_ISREG(status.st_mode), status.st_size, status.st_mtime_ns)
    if found != (True, stored.size, stored.mtime_ns):
        raise OSError(f"{stored.location} changed since it was indexed")
    try:
        holds_it = has_sop_uid(file, stored.sop_uid)
    except NotUsable as problem:
        raise OSError(f"{stored.location}: {problem}") from problem
    if not holds_it:
        raise OSError(f"{stored.location} holds another object than {stored.sop_uid}")


def read_blocks(file: BinaryIO, size: int) -> Blocks:
    """Yield the first ``size`` bytes of an open file in blocks of 256 kB.

    Raises:
        OSError: the file has fewer bytes.
    """
    while size:
        block = file.read(min(size, BLOCK))
        if not block:
            raise OSError(f"{size} bytes are missing at the end of the file")
        size -= len(block)
        yield block
