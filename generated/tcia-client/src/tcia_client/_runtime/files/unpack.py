"""An archive that arrives, unpacked into a folder and checked on the way."""

from contextlib import ExitStack
from pathlib import Path
from typing import IO

from .checks import LONGEST_REPORT, REPORT, Checks, is_companion
from .dicom import HeaderReader
from .errors import UnsafeArchiveError
from .names import Taken, file_stem, safe_parts
from .options import Limits, Names
from .records import Member
from .unzip import Unzip

_INCOMING = "incoming.part"


class Unpacker:
    """Writes the members of an archive, and shows them to the checks.

    Args:
        folder: Where to, an empty folder; None writes nothing.
        names: What to call DICOM files.
        limits: What the archive may unpack to.
        checks: What is told of each file.

    Attributes:
        files: Path in the folder and size of each file, in the order of the archive.
    """

    def __init__(self, folder: Path | None, names: Names, limits: Limits, checks: Checks) -> None:
        self.files: list[tuple[Path, int]] = []
        self._folder = folder
        self._names: Names = names
        self._checks = checks
        self._unzip = Unzip(limits)
        self._taken = Taken()
        self._on_disk = Taken()
        self._on_disk.claim((_INCOMING,))
        self._open = ExitStack()
        self._file: IO[bytes] | None = None
        self._header: HeaderReader | None = None
        self._report: bytearray | None = None
        self._name = ""
        self._written = Path()
        self._size = 0
        self._is_folder = False

    def feed(self, data: bytes) -> None:
        """Unpack on.

        Raises:
            DownloadError: The archive is damaged, unsafe or beyond the limits.
            OSError: A file cannot be written.
        """
        for event in self._unzip.feed(data):
            if type(event) is bytes:
                self._data(event)
            elif isinstance(event, Member):
                self._begin(event)
            else:
                self._end()

    def finish(self) -> None:
        """The archive has ended.

        Raises:
            DownloadError: It is cut short.
        """
        for _ in self._unzip.finish():
            raise AssertionError("data in the end of an archive")
        self._checks.note("crc32", "directory")

    def close(self) -> None:
        """Close the file that is open."""
        self._open.close()

    def _begin(self, member: Member) -> None:
        try:
            name = member.name
        except UnicodeDecodeError:
            raise UnsafeArchiveError(
                f"member {member.raw_name[:200]!r} of the ZIP archive is not named in UTF-8, "
                "as it says"
            ) from None
        parts = safe_parts(name)
        self._name = "/".join(parts)
        self._size = 0
        self._is_folder = name.endswith("/") or not parts
        if self._is_folder:
            return
        self._taken.claim(parts)
        self._header = self._report = None
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
        path = self._folder / self._written
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._open.enter_context(path.open("xb"))

    def _data(self, data: bytes) -> None:
        self._size += len(data)
        if self._is_folder:
            raise UnsafeArchiveError(f"folder {self._name[:200]!r} of the ZIP archive holds data")
        if self._report is not None:
            self._report += data[: LONGEST_REPORT + 1 - len(self._report)]
            return
        if self._file is not None:
            self._file.write(data)
        if self._header is not None and not self._header.done:
            self._header.feed(data)

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
                    self._names, header.instance_number, header.sop_instance_uid
                )
                chosen = Path(self._on_disk.free(stem or f"file-{len(self.files):05}", ".dcm"))
                (self._folder / _INCOMING).rename(self._folder / chosen)
                self._written = chosen
        self.files.append((self._written, self._size))
