"""Files of a series: a ZIP that is written as a stream, and single DICOM files.

As the v3 servers do, the ZIP is written while it is sent: sizes stand in data
descriptors, and a file that cannot be read shows only in ``results.json``.
"""

import io
import json
import os
import sqlite3
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import attrs

from tciagen.archive.formats import Blocks

BLOCK = 256 * 1024
_LONG = 1 << 30
"""Bytes from which a member gets the header of a long one; there is no going back to it."""


@attrs.frozen
class ZipFaults:
    """What is wrong with a ZIP on purpose, for tests of clients."""

    without_directory: bool = False
    left_out: frozenset[int] = frozenset()
    cut_short: frozenset[int] = frozenset()


@attrs.frozen
class StoredObject:
    """One DICOM object and the file it stands in."""

    sop_uid: str
    path: Path


class _Sink(io.RawIOBase):
    """Keep what ``zipfile`` writes until it is taken; it cannot seek."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self.size = 0

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self._parts.append(bytes(data))
        self.size += len(data)
        return len(data)

    def take(self) -> bytes:
        """Return all that was written since the last call."""
        data = b"".join(self._parts)
        self._parts.clear()
        self.size = 0
        return data


def stored_objects(
    connection: sqlite3.Connection, sql: str, values: dict[str, str]
) -> list[StoredObject]:
    """Return the objects that a query of ``sop_uid, path`` finds, in the order of their paths."""
    rows = connection.execute(sql, values).fetchall()
    objects = (StoredObject(uid, Path(os.fsdecode(path))) for uid, path in rows)
    return sorted(objects, key=lambda stored: stored.path)


def read_blocks(path: Path) -> Blocks:
    """Yield a file in blocks of 256 kB.

    Raises:
        OSError: at the first step, the file cannot be opened.
    """
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            yield block


def zip_blocks(objects: Sequence[StoredObject], *, level: int, faults: ZipFaults) -> Blocks:
    """Yield a ZIP archive of ``objects`` in blocks of about 256 kB."""
    sink = _Sink()
    archive = zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, allowZip64=True, compresslevel=level)
    archive.writestr(zipfile.ZipInfo("images/"), b"")
    results = []
    for index, stored in enumerate(objects):
        name = f"images/{index}.dcm"
        told = {"file": name, "SOPInstanceUID": stored.sop_uid}
        try:
            if index in faults.left_out:
                raise FileNotFoundError(stored.path)
            yield from _add(archive, sink, name, stored.path, cut=index in faults.cut_short)
        except OSError:
            told["error"] = "error retrieving file"
        results.append(told)
    with archive.open("results.json", "w") as report:
        report.write(json.dumps(results).encode())
    if faults.without_directory:
        yield sink.take()
        return
    archive.close()
    yield sink.take()


def _add(
    archive: zipfile.ZipFile, sink: _Sink, name: str, path: Path, *, cut: bool
) -> Iterator[bytes]:
    """Copy a file into the archive; one that breaks off is cut short there.

    Raises:
        OSError: the file cannot be read (from the start, or to its end).
    """
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        limit = size // 2 if cut else None
        with archive.open(name, "w", force_zip64=size >= _LONG) as target:
            while block := file.read(BLOCK if limit is None else min(limit, BLOCK)):
                target.write(block)
                if limit is not None:
                    limit -= len(block)
                if sink.size >= BLOCK:
                    yield sink.take()
        if cut:
            raise OSError(f"{path} was cut short")
    if sink.size >= BLOCK:
        yield sink.take()
