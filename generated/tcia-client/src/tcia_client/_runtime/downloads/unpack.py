"""Unpack an archive into a folder and check it while it is received."""

import shutil
import zipfile
from pathlib import Path
from typing import IO

from ..redaction import redacted
from .archive_lists import LONGEST_LIST, MD5_LIST, REPORT, read_sums, sum_of, sums_in
from .dicom_header import HeaderReader
from .errors import CorruptDownloadError, LimitError, NoFileError, UnsafeArchiveError
from .names import RECEIPT_NAME, Taken, file_stem, is_companion, safe_parts
from .options import UNLIMITED, Limits, Names
from .unzip import Unzip
from .verify import Checks
from .zip_format import Member

_INCOMING = "incoming.part"
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
        self.unreadable = ""
        self._members: list[str] = []  # the names of the files in the archive
        self._folder = folder
        self._names: Names = names
        self._checks = checks
        self._space = space
        unpacked = folder is not None
        self._unzip = Unzip(limits if unpacked else UNLIMITED, unpacked=unpacked)
        self._taken = Taken(RECEIPT_NAME)
        self._on_disk = Taken(_INCOMING)
        self._md5_list = b""
        # The current member: its name in the archive, its path, its size, and its readers.
        self._name = ""
        self._path = Path()
        self._size = 0
        self._is_folder = False
        self._file: IO[bytes] | None = None
        self._header: HeaderReader | None = None
        self._list: bytearray | None = None

    def feed(self, data: bytes) -> None:
        """Unpack the next chunk.

        Raises:
            DownloadError: The archive is damaged, unsafe or beyond the limits.
        """
        if self.unreadable:
            return
        try:
            for event in self._unzip.feed(data):
                if type(event) is bytes:
                    self._data(event)
                elif isinstance(event, Member):
                    self._begin(event)
                else:
                    self._end()
        except UnsafeArchiveError as error:
            if self._folder is not None:
                raise
            self.unreadable = error.reason

    def finish(self) -> None:
        """Complete the archive after its last chunk.

        Raises:
            DownloadError: The archive is truncated.
        """
        if self.unreadable:
            self._checks.give_up(self.unreadable)
            return
        self._unzip.finish()
        self._checks.note("crc32", "directory")

    def close(self) -> None:
        """Close the file that is open."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def check(self, path: Path) -> None:
        """Check the complete archive after its last member.

        Args:
            path: The archive, or the folder that it was unpacked into.

        Raises:
            DownloadError: The archive is damaged.
        """
        self._checks.saw(self.files)
        if self.unreadable:
            if not zipfile.is_zipfile(path):
                reason = "the ZIP archive is cut short: it has no directory at its end"
                raise CorruptDownloadError(reason)
            return
        listed = read_sums(self._md5_list, self._members)
        if not listed:
            return
        if path.is_dir():
            files = zip(self._members, self.files, strict=True)
            found = {name: sum_of(path / file) for name, (file, _) in files if name in listed}
        else:
            found = dict(sums_in(path))
        complete = all(name in listed or is_companion(name) for name in self._members)
        self._checks.md5(listed, found, complete=complete)

    def refuse_empty(self) -> None:
        """Refuse an archive without files, which servers send if they have none.

        Raises:
            NoFileError: The archive has and announces no files.
        """
        if not (self.files or self.unreadable or self._checks.is_announced):
            raise NoFileError("the archive is empty: the server has no file for this")

    def _begin(self, member: Member) -> None:
        """Claim the names of a member, and open its file."""
        parts = member.parts if self._folder is None else _safe_parts_of(member)
        self._name = "/".join(parts)
        self._size = 0
        self._header = self._list = None
        self._is_folder = member.raw_name.endswith(b"/") or not parts
        if self._is_folder:
            return
        self._path = Path(*parts)
        dicom = self._checks.dicom
        is_report = dicom and parts[-1] == REPORT
        if is_report or parts[-1].lower() == MD5_LIST:
            self._list = bytearray()
        elif dicom and not is_companion(self._name):
            self._header = HeaderReader()
        if self._folder is None:
            return
        self._taken.claim(parts)
        if is_report:
            return
        if self._names != "server":
            if self._header is not None:
                self._path = Path(_INCOMING)
            else:
                self._on_disk.claim(parts)
        path = self._folder / self._path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("xb")

    def _data(self, data: bytes) -> None:
        self._size += len(data)
        if self._is_folder and self._folder is not None:
            raise UnsafeArchiveError(
                f"folder {redacted(self._name)[:200]!r} of the ZIP archive holds data"
            )
        if self._list is not None:
            self._list += data[: LONGEST_LIST + 1 - len(self._list)]
        if self._file is not None:
            if self._space is not None:
                self._space.write(len(data))
            self._file.write(data)
        if self._header is not None and not self._header.done:
            self._header.feed(data)

    def _end(self) -> None:
        self.close()
        if self._is_folder:
            return
        if self._list is not None:
            if self._path.name == REPORT:
                self._checks.report(bytes(self._list))
                return
            self._md5_list = bytes(self._list)
        if self._header is not None:
            header = self._checks.image(self._name, self._header, self._size)
            if self._folder is not None and self._names != "server":
                stem = header and file_stem(self._names, header)
                name = self._on_disk.free(stem or f"file-{len(self.files):05}", ".dcm")
                self._path = Path(name)
                (self._folder / _INCOMING).rename(self._folder / name)
        self.files.append((self._path, self._size))
        self._members.append(self._name)


def _safe_parts_of(member: Member) -> tuple[str, ...]:
    """Return the folders and the file of a member's name.

    Raises:
        UnsafeArchiveError: No file can have the name safely.
    """
    try:
        return safe_parts(member.name)
    except UnicodeDecodeError:
        raise UnsafeArchiveError(
            f"member {member.raw_name[:200]!r} of the ZIP archive declares UTF-8 for its name, "
            "but the name is not UTF-8"
        ) from None
