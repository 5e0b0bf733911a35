"""Unpack an archive into a folder and check it while it is received."""

import shutil
import zipfile
from contextlib import ExitStack
from pathlib import Path
from typing import IO

from ..redaction import redacted
from .archive_lists import (
    LONGEST_LIST,
    LONGEST_REPORT,
    MD5_LIST,
    REPORT,
    by_member,
    read_list,
    sum_of,
    sums_in,
)
from .dicom_header import HeaderReader
from .errors import CorruptDownloadError, LimitError, NoFileError, UnsafeArchiveError
from .input import read_blocks
from .names import RECEIPT_NAME, Taken, file_stem, is_companion, safe_parts
from .options import UNLIMITED, Limits, Names
from .unzip import Unzip
from .verify import Checks
from .zip_format import Member

_STEP = 16 * 1024 * 1024


class FreeSpace:
    """Leaves a number of bytes free on a disk.

    Args:
        folder: A folder on the disk.
        least: How many bytes stay free; 0 leaves it to the operating system to refuse writes.
    """

    def __init__(self, folder: Path, least: int) -> None:
        self._folder = folder
        self._least = least
        self._allowed = 0

    def expect(self, count: int) -> None:
        """Check that a number of bytes can be written.

        Raises:
            LimitError: Too few bytes would stay free.
            OSError: The free space cannot be determined.
        """
        if not self._least:
            return
        free = shutil.disk_usage(self._folder).free
        if free - count < self._least:
            raise LimitError(
                f"less than {self._least} bytes would stay free on the disk of {self._folder}",
                limit="free_bytes",
            )
        self._allowed = min(free - self._least, _STEP)

    def write(self, count: int) -> None:
        """Check the free space before a write; the disk is queried every 16 MiB."""
        if count > self._allowed:
            self.expect(count)
        self._allowed -= count


_INCOMING = "incoming.part"


class Unpacker:
    """Writes the members of an archive, and passes them to the checks.

    Args:
        folder: An empty folder to write to; None writes nothing.
        names: How to name DICOM files.
        limits: Bounds for the unpacked files.
        checks: The checks, which receive each file.
        space: The free space of the disk with the folder.

    Attributes:
        unreadable: Why an archive that is not unpacked cannot be read either, empty if it can.
        files: Path in the folder and size of each file, in the order of the archive.
        names: Name of each of them in the archive.
        md5_list: The archive's list of MD5 sums, empty without one.
    """

    def __init__(
        self,
        folder: Path | None,
        names: Names,
        limits: Limits,
        checks: Checks,
        *,
        space: FreeSpace | None = None,
    ) -> None:
        self.files: list[tuple[Path, int]] = []
        self.names: list[str] = []
        self.md5_list = b""
        self._folder = folder
        self._names: Names = names
        self._checks = checks
        unpacked = folder is not None
        self._unzip = Unzip(limits if unpacked else UNLIMITED, unpacked=unpacked)
        self.unreadable = ""
        self._taken = Taken()
        self._on_disk = Taken()
        self._on_disk.claim((_INCOMING,))
        if folder is not None:
            self._taken.claim((RECEIPT_NAME,))
        self._open = ExitStack()
        self._file: IO[bytes] | None = None
        self._header: HeaderReader | None = None
        self._report: bytearray | None = None
        self._name = ""
        self._written = Path()
        self._size = 0
        self._is_folder = False
        self._is_md5_list = False
        self._space = space

    def feed(self, data: bytes) -> None:
        """Unpack the next chunk.

        Raises:
            DownloadError: The archive is damaged, unsafe or beyond the limits.
            OSError: A file cannot be written.
        """
        if self.unreadable:
            return
        try:
            self._feed(data)
        except UnsafeArchiveError as error:
            if self._folder is not None:
                raise
            self.unreadable = error.reason

    def _feed(self, data: bytes) -> None:
        for event in self._unzip.feed(data):
            if type(event) is bytes:
                self._data(event)
            elif isinstance(event, Member):
                self._claim(event)
                self._begin()
            else:
                self._end()

    def finish(self) -> None:
        """Complete the archive after its last chunk.

        Raises:
            DownloadError: The archive is truncated.
        """
        if self.unreadable:
            self._checks.give_up(self.unreadable)
            return
        for _ in self._unzip.finish():
            raise AssertionError("data in the end of an archive")
        self._checks.note("crc32", "directory")

    def close(self) -> None:
        """Close the file that is open."""
        self._open.close()

    def _claim(self, member: Member) -> None:
        """Claim the names of a member, and determine its kind."""
        name, parts = _name_of(member) if self._folder is not None else _any_name_of(member)
        self._name = "/".join(parts)
        self._size = 0
        self._header = self._report = None
        self._written = Path()
        self._is_folder = name.endswith("/") or not parts
        self._is_md5_list = not self._is_folder and parts[-1].lower() == MD5_LIST
        if self._is_folder:
            return
        if self._folder is not None:
            self._taken.claim(parts)
        if self._checks.dicom and parts[-1] == REPORT:
            self._report = bytearray()
            return
        if self._checks.dicom and not is_companion(self._name):
            self._header = HeaderReader()
        self._written = Path(*parts)
        if self._folder is None:
            return
        if self._names != "server":
            if self._header is not None:
                self._written = Path(_INCOMING)
            else:
                self._on_disk.claim(parts)

    def _begin(self) -> None:
        """Open the file of a member."""
        if self._folder is None or self._is_folder or self._report is not None:
            return
        path = self._folder / self._written
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._open.enter_context(path.open("xb"))

    def _data(self, data: bytes) -> None:
        self._size += len(data)
        if self._is_folder:
            if self._folder is None:
                return
            raise UnsafeArchiveError(
                f"folder {redacted(self._name)[:200]!r} of the ZIP archive holds data"
            )
        if self._report is not None:
            self._report += data[: LONGEST_REPORT + 1 - len(self._report)]
            return
        if self._is_md5_list:
            self._data_of_list(data)
        if self._file is not None:
            if self._space is not None:
                self._space.write(len(data))
            self._file.write(data)
        if self._header is not None and not self._header.done:
            self._header.feed(data)

    def _data_of_list(self, data: bytes) -> None:
        self.md5_list += data[: LONGEST_LIST + 1 - len(self.md5_list)]

    def _end(self) -> None:
        self._open.close()
        self._file = None
        if self._is_folder:
            return
        if self._report is not None:
            self._checks.report(bytes(self._report))
            return
        if self._header is not None:
            header = self._checks.image(self._name, self._header, self._size)
            if self._folder is not None and self._names != "server":
                stem = header and file_stem(
                    self._names, header.instance_number, header.uids["SOPInstanceUID"]
                )
                chosen = Path(self._on_disk.free(stem or f"file-{len(self.files):05}", ".dcm"))
                (self._folder / _INCOMING).rename(self._folder / chosen)
                self._written = chosen
        self.files.append((self._written, self._size))
        self.names.append(self._name)


def _any_name_of(member: Member) -> tuple[str, tuple[str, ...]]:
    """Return the name of a member that is not written, and its parts."""
    is_folder = member.raw_name.endswith(b"/")
    return "/".join(member.parts) + "/" * is_folder, member.parts


def _name_of(member: Member) -> tuple[str, tuple[str, ...]]:
    """Return the name of a member, and its folders and file.

    Raises:
        UnsafeArchiveError: No file can have the name safely.
    """
    try:
        name = member.name
    except UnicodeDecodeError:
        raise UnsafeArchiveError(
            f"member {member.raw_name[:200]!r} of the ZIP archive is not named in UTF-8, as it says"
        ) from None
    return name, safe_parts(name)


def check_archive(unpacker: Unpacker, checks: Checks, path: Path) -> None:
    """Check an archive as a whole after its last member.

    Args:
        unpacker: The unpacker, which has read the whole archive.
        checks: The checks of the download.
        path: The archive, or the folder that it was unpacked into.

    Raises:
        DownloadError: The archive is damaged.
    """
    if not unpacker.unreadable:
        _compare_md5(unpacker, checks, path)
    elif not zipfile.is_zipfile(path):
        raise CorruptDownloadError("the ZIP archive is cut short: it has no directory at its end")


def refuse_empty(unpacker: Unpacker, checks: Checks) -> None:
    """Refuse an archive without files, which servers send if they have none.

    Raises:
        NoFileError: The archive has and announces no files.
    """
    checks.saw(unpacker.files)
    if not (unpacker.files or unpacker.unreadable or checks.is_announced):
        raise NoFileError("the archive is empty: the server has no file for this")


def _compare_md5(unpacker: Unpacker, checks: Checks, path: Path) -> None:
    """Compare the files with the archive's own list of MD5 sums, if there is one."""
    listed = by_member(read_list(unpacker.md5_list), unpacker.names)
    if not listed:
        return
    if path.is_dir():
        files = zip(unpacker.names, unpacker.files, strict=True)
        found = {name: sum_of(path / written) for name, (written, _) in files if name in listed}
    else:
        found = dict(sums_in(read_blocks(path)))
    complete = all(name in listed or is_companion(name) for name in unpacker.names)
    checks.md5(listed, found, complete=complete)
