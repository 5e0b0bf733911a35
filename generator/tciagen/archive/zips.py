"""ZIP archives of a series, written while they are sent, in the layouts of the v3 servers.

The middleware behind v3 has two plugins for files, and both are in use. The sizes of a
member follow its data in a data descriptor, as with Java's ZipOutputStream. Every entry is
DEFLATED, also a directory: streaming readers refuse a STORED entry with a descriptor.
"""

import enum
import io
import json
import zipfile
from collections.abc import Iterator, Sequence

import attrs

from tciagen.archive.files import BLOCK, StoredObject, open_file, read_blocks
from tciagen.archive.formats import Blocks

_ZIP64_SIZE = (1 << 31) - (1 << 22)
"""Size in bytes from which a member is written as ZIP64; its local header states that first."""


class FileLayout(enum.Enum):
    """The layout of the responses of getImage and getSingleImage.

    ``BLOB`` is most likely the layout of public v3: members ``./1-NAME`` and no count; a file
    that cannot be read leaves no trace. ``IMAGE`` states the count in the header
    ``imageCount`` and ends with ``results.json``, which lists the files that are missing.
    """

    BLOB = "blob"
    IMAGE = "image"


@attrs.frozen
class ZipFaults:
    """Deliberate defects of a ZIP, for tests of clients; images are counted from 0."""

    without_directory: bool = False
    left_out: frozenset[int] = frozenset()
    cut_short: frozenset[int] = frozenset()


class _Sink(io.RawIOBase):
    """A sink without seek that collects the output of ``zipfile``."""

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
        """Return all bytes since the last call."""
        data = b"".join(self._parts)
        self._parts.clear()
        self.size = 0
        return data


def zip_blocks(
    objects: Sequence[StoredObject], *, layout: FileLayout, level: int, faults: ZipFaults
) -> Blocks:
    """Yield a ZIP archive of ``objects`` in blocks of about 256 kB."""
    write = _blob_members if layout is FileLayout.BLOB else _image_members
    sink = _Sink()
    archive = zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, allowZip64=True, compresslevel=level)
    yield from write(archive, sink, objects, faults)
    if not faults.without_directory:
        archive.close()
    yield sink.take()


def _image_members(
    archive: zipfile.ZipFile, sink: _Sink, objects: Sequence[StoredObject], faults: ZipFaults
) -> Iterator[bytes]:
    _add_directory(archive, "images/")
    results = []
    for index, stored in enumerate(objects):
        name = f"images/{index}.dcm"
        result = {"file": name, "SOPInstanceUID": stored.sop_uid}
        try:
            if index in faults.left_out:
                raise FileNotFoundError(stored.path)
            yield from _add(archive, sink, name, stored, cut=index in faults.cut_short)
        except OSError:
            result["error"] = "error retrieving file"
        results.append(result)
    with archive.open("results.json", "w") as report:
        report.write(json.dumps(results).encode())


def _blob_members(
    archive: zipfile.ZipFile, sink: _Sink, objects: Sequence[StoredObject], faults: ZipFaults
) -> Iterator[bytes]:
    readable = [
        (index, stored)
        for index, stored in enumerate(objects)
        if index not in faults.left_out and _is_readable(stored)
    ]
    _add_directory(archive, "./")
    for number, (index, stored) in enumerate(readable, 1):
        try:
            name = f"./{number}-{stored.safe_name}"
            yield from _add(archive, sink, name, stored, cut=index in faults.cut_short)
        except OSError:
            continue


def _is_readable(stored: StoredObject) -> bool:
    try:
        open_file(stored).close()
    except OSError:
        return False
    return True


def _add_directory(archive: zipfile.ZipFile, name: str) -> None:
    entry = zipfile.ZipInfo(name)
    entry.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(entry, b"")


def _add(
    archive: zipfile.ZipFile, sink: _Sink, name: str, stored: StoredObject, *, cut: bool
) -> Iterator[bytes]:
    """Copy a file into the archive; a file that is cut short ends there.

    Raises:
        OSError: the file cannot be read (from the start, or to its end).
    """
    size = stored.size // 2 if cut else stored.size
    with open_file(stored) as file:
        with archive.open(name, "w", force_zip64=size >= _ZIP64_SIZE) as target:
            for block in read_blocks(file, size):
                target.write(block)
                if sink.size >= BLOCK:
                    yield sink.take()
        if cut:
            raise OSError(f"{stored.path} was cut short")
    if sink.size >= BLOCK:
        yield sink.take()
