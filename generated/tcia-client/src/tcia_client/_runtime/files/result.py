"""What a download tells of itself."""

from pathlib import Path

import attrs

COUNT_CHECK = "imageCount"
"""The check of an answer's header of that name."""


@attrs.frozen
class Difference:
    """One way in which a download is not what was asked for.

    Attributes:
        check: Name of the check that found it, one of :attr:`Download.checks`.
        subject: What it is about: a SOPInstanceUID or the name of a file, ``""`` for the whole.
        message: What differs, in one clause.
    """

    check: str
    subject: str
    message: str

    @property
    def rule(self) -> str | None:
        """Id of the drift rule that it falls under, if there is one."""
        return "wire-count-mismatch" if self.check == COUNT_CHECK else None

    def __str__(self) -> str:
        return f"{self.subject}: {self.message}" if self.subject else self.message


@attrs.frozen(kw_only=True)
class Download:
    """Files that have arrived whole and passed the checks.

    Attributes:
        path: The file, or the folder that an archive was unpacked into.
        files: The files written, in the order of the archive.
        bytes: Size of these files together.
        seconds: From the call to its end, waiting and checks included.
        checks: Names of the checks made: ``length``, ``crc32`` and ``directory`` of a ZIP
            archive, ``imageCount`` of the answer's header, ``results.json`` of the archive,
            ``MD5`` if the archive lists the sum of each file, ``DICOM`` for Part 10 files, the
            keyword of each UID asked for, and ``expected UIDs``, ``expected count``,
            ``expected bytes``.
        differences: What differs, empty unless ``on_difference="keep"``.
        kept: Whether it was there already, and nothing was fetched.
    """

    path: Path
    files: tuple[Path, ...] = attrs.field(repr=lambda files: f"<{len(files)} files>")
    bytes: int
    seconds: float
    checks: tuple[str, ...] = ()
    differences: tuple[Difference, ...] = ()
    kept: bool = False
