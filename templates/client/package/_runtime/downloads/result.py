"""The result of a download."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import attrs

COUNT_CHECK = "imageCount"
"""The check of the response header of that name."""

UNCHECKED = "completeness not checked"
"""One of the checks if nothing states how many files a download has."""


@attrs.frozen
class Difference:
    """One difference between a download and its request.

    Attributes:
        check: Name of the check that found it, one of :attr:`Download.checks`.
        subject: What it is about: a SOPInstanceUID or the name of a file, ``""`` for all files.
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


@attrs.frozen
class Unchecked:
    """A check that could not be made, so that a difference may have gone unnoticed.

    Attributes:
        check: Name of the check.
        subject: What it is about: the name of a file, ``""`` for the download.
        reason: Why it could not be made, in one clause.
    """

    check: str
    subject: str
    reason: str

    def __str__(self) -> str:
        return f"{self.subject}: {self.reason}" if self.subject else self.reason


NOT_COUNTED = Unchecked("completeness", "", "nothing states how many files there should be")


class UncheckedWarning(UserWarning):
    """A download is complete, as far as it could be checked; see :attr:`Download.unchecked`."""


class CompletenessWarning(UncheckedWarning):
    """Nothing states how many files a download has, so that it may be incomplete."""


State = Literal["complete", "existing", "incomplete", "failed"]


@attrs.frozen(kw_only=True)
class Download:
    """The result of one download.

    Attributes:
        index: Position in the items that were passed to ``many``, counted from 0.
        item: The row, mapping or UID at this position, None for a single download.
        arguments: The values that were requested, by the keywords of the method.
        path: The file, or the folder that an archive was unpacked into; of a failed
            download its destination.
        files: The files written, in the order of the archive.
        bytes: Size of these files together.
        seconds: From the call to its end, waiting and checks included.
        checks: Names of the checks made: ``length``, ``crc32`` and ``directory`` of a ZIP
            archive, ``imageCount`` of the response header, ``results.json`` of the archive,
            ``MD5`` if the archive lists the sum of each file, ``DICOM`` for Part 10 files, the
            keyword of each requested UID, ``expected UIDs``, ``expected count``,
            ``expected bytes``, ``stated count`` of the item or of another endpoint, and
            ``stated size`` of that endpoint.
            ``completeness not checked`` if nothing states how many files there should be.
        differences: What differs, empty unless ``on_difference="keep"``.
        unchecked: Checks that could not be made. A check with an entry here is not in ``checks``.
        existed: Whether it existed already, so that nothing was downloaded.
        error: The error of a failed download, otherwise None.
    """

    index: int = 0
    item: Any = attrs.field(default=None, repr=False)
    arguments: Mapping[str, Any] = attrs.field(factory=dict[str, Any])
    path: Path
    files: tuple[Path, ...] = attrs.field(default=(), repr=lambda files: f"<{len(files)} files>")
    bytes: int = 0
    seconds: float = 0.0
    checks: tuple[str, ...] = ()
    differences: tuple[Difference, ...] = ()
    unchecked: tuple[Unchecked, ...] = ()
    existed: bool = False
    error: Exception | None = None

    @property
    def state(self) -> State:
        """``complete``, ``existing`` (nothing was downloaded), ``incomplete``, or ``failed``.

        ``incomplete`` occurs with ``on_difference="keep"`` only.
        """
        if self.error is not None:
            return "failed"
        if self.differences:
            return "incomplete"
        return "existing" if self.existed else "complete"
