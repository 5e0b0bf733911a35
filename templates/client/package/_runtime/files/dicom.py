"""The identifying attributes of a DICOM Part 10 file, from its first bytes.

Read are the File Meta Information (PS3.10 section 7.1) and the top level of the data
set (PS3.5 section 7) up to InstanceNumber, in any transfer syntax; values of no interest
are skipped, not kept. Whatever the bytes are, reading ends and its memory is bounded.
"""

import re
import struct
import zlib
from collections.abc import Generator
from typing import Any

import attrs

SOP_INSTANCE_UID = 0x0008_0018
STUDY_INSTANCE_UID = 0x0020_000D
SERIES_INSTANCE_UID = 0x0020_000E
INSTANCE_NUMBER = 0x0020_0013
KEYWORDS = {
    "SOPInstanceUID": SOP_INSTANCE_UID,
    "StudyInstanceUID": STUDY_INSTANCE_UID,
    "SeriesInstanceUID": SERIES_INSTANCE_UID,
}
"""Keywords of DICOM PS3.6 whose values identify an object, with their tags."""

_WANTED = frozenset({*KEYWORDS.values(), INSTANCE_NUMBER})
_TRANSFER_SYNTAX_UID = 0x0002_0010
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFE_E000, 0xFFFE_E00D, 0xFFFE_E0DD
_IMPLICIT = "1.2.840.10008.1.2"
_DEFLATED = "1.2.840.10008.1.2.1.99"
_BIG_ENDIAN = "1.2.840.10008.1.2.2"
_LONG_VRS = frozenset(
    (b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV")
)
_SHORT_VRS = frozenset(
    (b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS", b"LO")
) | frozenset((b"LT", b"PN", b"SH", b"SL", b"SS", b"ST", b"TM", b"UI", b"UL", b"US"))
_VR = re.compile(rb"[A-Z]{2}")
_INTEGER = re.compile(r"[+-]?[0-9]{1,12}")
_UNDEFINED = 0xFFFFFFFF
_LONGEST_VALUE = 1024
_DEEPEST = 64
_MOST_ELEMENTS = 100_000
_INFLATED_AT_ONCE = 64 * 1024
_MOST_INFLATED = 256 * 1024 * 1024


class NotDicomError(ValueError):
    """Bytes that are no DICOM Part 10 file, or break its rules; the text says how."""


@attrs.frozen
class Header:
    """What a file says of itself; None for what it does not say."""

    sop_instance_uid: str | None
    study_instance_uid: str | None
    series_instance_uid: str | None
    instance_number: int | None

    def value(self, keyword: str) -> str | None:
        """The value of one of :data:`KEYWORDS`."""
        return {
            "SOPInstanceUID": self.sop_instance_uid,
            "StudyInstanceUID": self.study_instance_uid,
            "SeriesInstanceUID": self.series_instance_uid,
        }[keyword]


class HeaderReader:
    """Takes the bytes of one file in turn, until it has seen enough.

    Attributes:
        done: Whether further bytes are of no interest.
    """

    def __init__(self) -> None:
        self.done = False
        self._found: dict[int, str] = {}
        self._problem = ""
        self._buffer = bytearray()
        self._skip = 0
        self._inflater: Any = None
        self._inflated = 0
        self._steps = self._file()
        self._wanted = next(self._steps)

    def feed(self, data: bytes) -> None:
        """Read on."""
        if self.done:
            return
        if self._inflater is None:
            self._read(data)
        else:
            self._inflate(data)

    def result(self) -> Header:
        """What has been found.

        Raises:
            NotDicomError: The bytes were no DICOM file.
        """
        found = self._found
        if self._problem or not any(found.get(tag) for tag in KEYWORDS.values()):
            raise NotDicomError(self._problem or "its header identifies no object")
        number = found.get(INSTANCE_NUMBER, "")
        return Header(
            found.get(SOP_INSTANCE_UID) or None,
            found.get(STUDY_INSTANCE_UID) or None,
            found.get(SERIES_INSTANCE_UID) or None,
            int(number) if _INTEGER.fullmatch(number) else None,
        )

    def _inflate(self, data: bytes) -> None:
        while not self.done and not self._inflater.eof:
            try:
                inflated = self._inflater.decompress(data, _INFLATED_AT_ONCE)
            except zlib.error as error:
                self._end(f"its data set cannot be inflated ({error})")
                return
            data = self._inflater.unconsumed_tail
            self._inflated += len(inflated)
            if self._inflated > _MOST_INFLATED:
                self._end("its data set inflates to too much in front of its identifiers")
                return
            self._read(inflated)
            if len(inflated) < _INFLATED_AT_ONCE:
                return

    def _read(self, data: bytes) -> None:
        if self._skip >= len(data):
            self._skip -= len(data)
            return
        self._buffer += memoryview(data)[self._skip :]
        self._skip = 0
        while not self.done and len(self._buffer) >= self._wanted:
            piece = bytes(self._buffer[: self._wanted])
            del self._buffer[: self._wanted]
            inflating = self._inflater is not None
            try:
                self._wanted = self._steps.send(piece)
            except StopIteration:
                self._end()
            except NotDicomError as error:
                self._end(str(error))
            if self._inflater is not None and not inflating:
                packed = bytes(self._buffer)
                self._buffer.clear()
                self._inflate(packed)
                return
            if self._skip:
                gone = min(self._skip, len(self._buffer))
                del self._buffer[:gone]
                self._skip -= gone
                if self._skip:
                    return

    def _end(self, problem: str = "") -> None:
        self.done = True
        self._problem = problem
        self._buffer.clear()
        self._inflater = None

    # The steps give the number of bytes that they need next, and are sent them.

    def _file(self) -> Generator[int, bytes, None]:
        start = yield 132
        if start[128:] != b"DICM":
            raise NotDicomError("it is no DICOM Part 10 file: DICM is not at byte 128")
        syntax = ""
        while True:
            head = yield 8
            group, element = struct.unpack_from("<HH", head)
            if group != 0x0002:
                break
            length = yield from self._length(head, "<", explicit=True)
            value = yield from self._value(length, keep=element == 0x0010)
            if element == 0x0010:
                syntax = value
        if syntax == _DEFLATED:
            self._inflater = zlib.decompressobj(-15)
            # The bytes taken for an element's head are the first of the deflated ones.
            self._buffer[:0] = head
            head = yield 8
        order = ">" if syntax == _BIG_ENDIAN else "<"
        # Real files may not keep to their transfer syntax; their first element tells.
        vr = head[4:6]
        known = vr in _SHORT_VRS or vr in _LONG_VRS
        explicit = known or (syntax != _IMPLICIT and _VR.fullmatch(vr) is not None)
        yield from self._data_set(head, order, explicit=explicit)

    def _data_set(self, head: bytes, order: str, *, explicit: bool) -> Generator[int, bytes, None]:
        # Whether the elements of each sequence or item that we are in are explicit.
        inside: list[bool] = []
        for _ in range(_MOST_ELEMENTS):
            group, element = struct.unpack_from(order + "HH", head)
            tag = group << 16 | element
            if group == 0xFFFE:
                (length,) = struct.unpack_from(order + "L", head, 4)
                if not inside or tag not in (_ITEM, _ITEM_END, _SEQUENCE_END):
                    raise NotDicomError("its data set has an item outside of a sequence")
                if tag != _ITEM:
                    inside.pop()
                elif length == _UNDEFINED:
                    inside.append(inside[-1])
                else:
                    yield from self._value(length, keep=False)
            else:
                if not inside and tag > INSTANCE_NUMBER:
                    return
                as_explicit = inside[-1] if inside else explicit
                length = yield from self._length(head, order, explicit=as_explicit)
                if length == _UNDEFINED:
                    # UN of undefined length holds implicit elements (PS3.5 section 6.2.2).
                    inside.append(as_explicit and head[4:6] != b"UN")
                else:
                    wanted = not inside and tag in _WANTED
                    value = yield from self._value(length, keep=wanted)
                    if wanted:
                        self._found[tag] = value
            if len(inside) > _DEEPEST:
                raise NotDicomError(f"its data set is nested more than {_DEEPEST} deep")
            head = yield 8
        raise NotDicomError(f"its data set has more than {_MOST_ELEMENTS} elements in front")

    def _length(self, head: bytes, order: str, *, explicit: bool) -> Generator[int, bytes, int]:
        if not explicit:
            return int(struct.unpack_from(order + "L", head, 4)[0])
        vr = head[4:6]
        if not _VR.fullmatch(vr):
            raise NotDicomError("its data set has an element without a value representation")
        if vr not in _LONG_VRS:
            return int(struct.unpack_from(order + "H", head, 6)[0])
        return int(struct.unpack(order + "L", (yield 4))[0])

    def _value(self, length: int, *, keep: bool) -> Generator[int, bytes, str]:
        if not keep:
            self._skip = length
            return ""
        if length > _LONGEST_VALUE:
            raise NotDicomError("an identifier in its header is overlong")
        value = (yield length) if length else b""
        return value.decode("ascii", "replace").strip(" \0")
