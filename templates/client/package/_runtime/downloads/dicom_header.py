"""Read the attributes that identify a DICOM Part 10 file from its header.

Where the reader names an object, pydicom names the same one. Whatever the bytes are, reading
ends, its time is proportional to their number, and its memory is bounded: see the bounds here
and in :mod:`.elements`.
"""

import re
import zlib
from typing import Any

import attrs

from .elements import INSTANCE_NUMBER, KEYWORDS, Elements, NotDicomError, UnreadableError

MOST_INFLATED = 256 * 1024 * 1024
"""Bytes that a deflated data set may inflate to before it ends, skipped values included."""

_INFLATED_AT_ONCE = 64 * 1024
_INTEGER = re.compile(r"[+-]?[0-9]{1,12}")


@attrs.frozen
class Header:
    """The identifiers in a header; None for those that it lacks.

    Attributes:
        certain: Whether the file is known to lack the identifiers with value None.
    """

    sop_instance_uid: str | None
    study_instance_uid: str | None
    series_instance_uid: str | None
    instance_number: int | None
    certain: bool = True

    def value(self, keyword: str) -> str | None:
        """Return the value of one of :data:`KEYWORDS`."""
        return {
            "SOPInstanceUID": self.sop_instance_uid,
            "StudyInstanceUID": self.study_instance_uid,
            "SeriesInstanceUID": self.series_instance_uid,
        }[keyword]


class HeaderReader:
    """Read one file, whose bytes are fed in chunks of any size."""

    def __init__(self) -> None:
        self._elements = Elements()
        self._inflater: Any = None
        self._inflated = 0

    @property
    def done(self) -> bool:
        """Whether further bytes are of no interest."""
        return self._elements.done

    def feed(self, data: bytes) -> None:
        """Read the next chunk."""
        if self._elements.done:
            return
        if self._inflater is None:
            self._elements.read(data)
            data = self._begin_to_inflate()
        if data:
            self._inflate(data)

    def result(self) -> Header:
        """Return the identifiers; no chunk may follow.

        Raises:
            NotDicomError: The file is not DICOM, is cut short, or identifies no object.
            UnreadableError: The header cannot be followed.
        """
        elements = self._elements
        if not elements.done:
            elements.finish()
            if data := self._begin_to_inflate():
                self._inflate(data)
                elements.finish()
        if elements.error is not None:
            raise elements.error
        found = elements.found
        sop, study, series = (found.get(tag) or None for tag in KEYWORDS.values())
        if not (sop or study or series):
            if elements.irregular:
                raise UnreadableError("its header is irregular and identifies no object")
            raise NotDicomError("its header identifies no object")
        number = found.get(INSTANCE_NUMBER, "")
        return Header(
            sop,
            study,
            series,
            int(number) if _INTEGER.fullmatch(number) else None,
            certain=not elements.irregular,
        )

    def _begin_to_inflate(self) -> bytes:
        """Return the first bytes to inflate, if there are some."""
        data, self._elements.deflated = self._elements.deflated, b""
        if data:
            self._inflater = zlib.decompressobj(-15)
        return data

    def _inflate(self, data: bytes) -> None:
        elements = self._elements
        while not (elements.done or self._inflater.eof):
            try:
                inflated = self._inflater.decompress(data, _INFLATED_AT_ONCE)
            except zlib.error as error:
                elements.end(UnreadableError(f"its data set cannot be inflated ({error})"))
                return
            data = self._inflater.unconsumed_tail
            self._inflated += len(inflated)
            if self._inflated > MOST_INFLATED:
                elements.end(
                    UnreadableError(f"its data set inflates to over {MOST_INFLATED} bytes")
                )
                return
            elements.read(inflated)
            if len(inflated) < _INFLATED_AT_ONCE:
                return
