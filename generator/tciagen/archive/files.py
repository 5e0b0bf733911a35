"""DICOM files of the catalog: which ones a query names, and their bytes."""

import os
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import attrs

from tciagen.archive.connections import ReadConnection
from tciagen.archive.formats import Blocks

BLOCK = 256 * 1024


@attrs.frozen
class StoredObject:
    """One DICOM object and its file."""

    sop_uid: str
    path: Path

    @property
    def safe_name(self) -> str:
        """Name of the file for headers and ZIP members: no separators or control characters."""
        name = os.fsencode(self.path.name).decode("utf-8", "replace")
        return "".join(
            "_" if c in '/\\:"' or unicodedata.category(c).startswith("C") else c for c in name
        )


def stored_objects(
    connection: ReadConnection, sql: str, values: Mapping[str, str]
) -> list[StoredObject]:
    """Return the objects that a query of ``sop_uid, path`` finds, in the order of their paths."""
    rows = connection.execute(sql, values).fetchall()
    objects = (StoredObject(uid, Path(os.fsdecode(path))) for uid, path in rows)
    return sorted(objects, key=lambda stored: stored.path)


def open_file(stored: StoredObject) -> BinaryIO:
    """Open the file of an object.

    Raises:
        OSError: the file cannot be opened.
    """
    return stored.path.open("rb")


def read_blocks(file: BinaryIO) -> Blocks:
    """Yield an open file in blocks of 256 kB."""
    while block := file.read(BLOCK):
        yield block
