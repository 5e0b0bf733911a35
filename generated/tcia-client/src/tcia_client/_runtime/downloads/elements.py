"""Walk through the elements of a DICOM file (PS3.5 section 7), for the values of a few.

Values of no interest are skipped. Sequences of undefined length are walked through, since
their end is not stated elsewhere. The walk follows what files have in practice as pydicom follows
it, so that both find the same values. Of the two ways to read an implicit element of undefined
length it takes that of PS3.5 section 7.5: a sequence.
"""

import re
import struct
from collections.abc import Callable
from math import inf
from typing import Any

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

# The bounds of a header. A reader looks at 12 bytes of an element and at the values of the
# identifiers; all other values are skipped, so these bounds are bounds of its time as well.
MOST_ELEMENTS = 2_000_000
"""Elements and items in front of the pixel data, those in sequences included."""
LONGEST_VALUE = 1024
"""Bytes of an identifier."""
DEEPEST = 64
"""Levels of nested sequences."""

_PIXELS = frozenset({0x7FE0_0008, 0x7FE0_0009, 0x7FE0_0010})
_TRANSFER_SYNTAX_UID = 0x0002_0010
_WANTED = frozenset({*KEYWORDS.values(), INSTANCE_NUMBER, _TRANSFER_SYNTAX_UID})
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFE_E000, 0xFFFE_E00D, 0xFFFE_E0DD
_META, _DELIMITERS = 0x0002, 0xFFFE
_IMPLICIT = "1.2.840.10008.1.2"
_DEFLATED = "1.2.840.10008.1.2.1.99"
_BIG_ENDIAN = "1.2.840.10008.1.2.2"
_LONG_VRS = frozenset(
    (b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV")
)
_SHORT_VRS = frozenset(
    (b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS", b"LO")
) | frozenset((b"LT", b"PN", b"SH", b"SL", b"SS", b"ST", b"TM", b"UI", b"UL", b"US"))
_VRS = _LONG_VRS | _SHORT_VRS
_NO_VR = b""
_VRS_OF_UIDS = frozenset(
    (_NO_VR, b"UI", b"UN", b"AE", b"CS", b"LO", b"LT", b"SH", b"ST", b"UC", b"UR", b"UT")
)
_LETTERS = re.compile(rb"[A-Z]{2}")
_PADDING = "\0\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0"
_UNDEFINED = 0xFFFFFFFF
_SHORT_HEAD, _LONG_HEAD = 8, 12
_MOST_AT_ONCE = _LONG_HEAD + 8


class NotDicomError(ValueError):
    """The bytes are not a DICOM Part 10 file, or one that identifies no object."""


class UnreadableError(ValueError):
    """A header that cannot be followed: it may identify any object."""


class Elements:
    """The elements of one file in front of its pixel data, read in chunks of any size.

    Attributes:
        done: Whether further bytes are of no interest.
        found: Values by their tags, without padding.
        error: Why the file could not be read to the pixel data or its end.
        irregular: Whether the file breaks a rule of PS3.5.
        deflated: The first bytes of a deflated data set, once that begins. They, and all that
            follow, have to be inflated before they are read.
    """

    def __init__(self) -> None:
        self.done = False
        self.found: dict[int, str] = {}
        self.error: ValueError | None = None
        self.irregular = False
        self.deflated = b""
        # Bytes that are fed and not yet read, from _at on; _start is their position in the file.
        self._data = b""
        self._at = self._start = self._skip = 0
        self._ended = False
        # What reads the next bytes, and how many of them it has to see.
        self._step: Callable[[], None] = self._prefix
        self._need = 132 + _MOST_AT_ONCE
        # The data set that is read: the file's own, or a sequence's item inside of others.
        self._explicit = True
        self._until = inf
        self._outer: list[tuple[bool, float]] = []
        self._in_meta = True
        self._syntax: str | None = None
        self._read_head, self._read_long = _unpackers("<")
        self._last_tag = -1
        self._elements = 0
        self._tag = self._length = 0

    def read(self, data: bytes) -> None:
        """Read the next chunk."""
        self._start += self._at
        self._data = self._data[self._at :] + data if self._at < len(self._data) else data
        self._at = 0
        try:
            while not self.done and self._is_ready():
                self._step()
        except (NotDicomError, UnreadableError) as error:
            self.end(error)

    def finish(self) -> None:
        """Read to the end: no chunk follows."""
        self._ended = True
        self.read(b"")

    def end(self, error: ValueError | None = None) -> None:
        """Read no further."""
        self.done = True
        self.error = error
        self._data = b""

    def _is_ready(self) -> bool:
        """Skip what is to be skipped, and return whether the next step can be made."""
        there = len(self._data) - self._at
        if self._skip:
            skipped = min(self._skip, there)
            self._at += skipped
            self._skip -= skipped
            there -= skipped
            if self._ended:
                self._skip = 0
        if self._ended:
            return not self.deflated
        return there >= self._need and not self._skip

    def _end_of_file(self) -> None:
        if self._outer:
            if self.irregular:
                raise UnreadableError("its header is irregular and ends inside of a sequence")
            raise NotDicomError("its header is cut short")
        self.end()

    # The steps. Each one sees as many bytes as it needs, fewer only at the end of the file.

    def _prefix(self) -> None:
        if self._data[128:132] != b"DICM":
            raise NotDicomError("it is not a DICOM Part 10 file: DICM is not at byte 128")
        self._at = 132
        self._begin_data_set()

    def _begin_data_set(self) -> None:
        """Recognize whether elements have a value representation, by the first of them."""
        self._explicit = self._has_vr(self._at)
        if not self._in_meta:
            self.irregular |= self._explicit == (self._syntax == _IMPLICIT)
        self._step, self._need = self._element, _MOST_AT_ONCE

    def _has_vr(self, at: int) -> bool:
        return _LETTERS.fullmatch(self._data, at + 4, at + 6) is not None

    def _end_meta(self) -> None:
        data, at = self._data, self._at
        group, vr = struct.unpack_from("<H2x2s", data, at)
        if group in (0x0000, _DELIMITERS):
            raise UnreadableError("its data set begins with a command or a delimiter")
        self._in_meta, self._last_tag = False, -1
        self._syntax = syntax = self.found.pop(_TRANSFER_SYNTAX_UID, None)
        if syntax == _BIG_ENDIAN or (syntax is None and vr in _VRS and group >= 0x0400):
            self._read_head, self._read_long = _unpackers(">")
        self._step = self._begin_data_set
        if syntax == _DEFLATED:
            self.deflated = data[at:]
            self._data, self._at = b"", 0

    def _element(self) -> None:
        if self._outer and self._pass_elements():
            return
        data, at = self._data, self._at
        if len(data) - at < _SHORT_HEAD:
            self._end_of_file()
            return
        group, element, vr, length = self._read_head(data, at)
        tag, size = group << 16 | element, _SHORT_HEAD
        if not self._outer and self._is_end(tag):
            return
        if not self._explicit or not b"AA" <= vr <= b"ZZ":
            self.irregular |= self._explicit and group != _DELIMITERS
            vr = _NO_VR
            (length,) = self._read_long(data, at + 4)
        elif vr in _LONG_VRS:
            size = _LONG_HEAD
            if len(data) - at < size:
                self._end_of_file()
                return
            (length,) = self._read_long(data, at + 8)
        elif vr not in _VRS:
            self.irregular = True
        self._at = at + size
        self._count()
        if tag == _ITEM_END:
            self._end_item()
        elif length == _UNDEFINED:
            self._begin_sequence(tag, vr)
        elif tag in _WANTED and not self._outer:
            self._begin_value(tag, vr, length)
        else:
            self.irregular |= group == _DELIMITERS
            self._skip = length

    def _pass_elements(self) -> bool:
        """Skip the next elements of an item, and return whether there were some."""
        data, at = self._data, self._at
        read_head, read_long, explicit = self._read_head, self._read_long, self._explicit
        item_end = self._until - self._start
        if at >= item_end:
            self._step = self._item
            return True
        end = min(len(data) - _LONG_HEAD, item_end - 1)
        count = 0
        while at <= end:
            group, _, vr, length = read_head(data, at)
            size = _SHORT_HEAD
            if not explicit:
                (length,) = read_long(data, at + 4)
            elif vr in _LONG_VRS:
                size = _LONG_HEAD
                (length,) = read_long(data, at + 8)
            elif vr not in _SHORT_VRS:
                break
            if length == _UNDEFINED or group == _DELIMITERS:
                break
            at += size + length
            count += 1
        self._at = min(at, len(data))
        self._skip = at - self._at
        self._count(count)
        return count > 0

    def _is_end(self, tag: int) -> bool:
        """Whether an element of the file's own data set is behind what is read of it."""
        if self._in_meta and tag >> 16 != _META:
            self._end_meta()
            return True
        if tag in _PIXELS:
            self.end()
            return True
        self.irregular |= tag <= self._last_tag
        self._last_tag = tag
        return False

    def _count(self, count: int = 1) -> None:
        self._elements += count
        if self._elements > MOST_ELEMENTS:
            raise UnreadableError(f"its header has over {MOST_ELEMENTS} elements")

    def _begin_value(self, tag: int, vr: bytes, length: int) -> None:
        self.found[tag] = ""
        if tag == INSTANCE_NUMBER and length > LONGEST_VALUE:
            self._skip = length
            return
        if length > LONGEST_VALUE:
            raise UnreadableError(f"an identifier in its header has over {LONGEST_VALUE} bytes")
        if tag != INSTANCE_NUMBER and vr not in _VRS_OF_UIDS:
            raise UnreadableError("an identifier in its header is not text")
        self._tag, self._length = tag, length
        self._step, self._need = self._value, length

    def _value(self) -> None:
        value = self._data[self._at : self._at + self._length]
        self._at += len(value)
        # pydicom keeps other blanks than these, so a transfer syntax with one is unknown to it.
        text = value.decode("latin-1")
        self.found[self._tag] = text.rstrip(" \0") if self._in_meta else text.strip(_PADDING)
        self._step, self._need = self._element, _MOST_AT_ONCE

    def _begin_sequence(self, tag: int, vr: bytes) -> None:
        if self._in_meta or (tag in _WANTED and not self._outer):
            raise UnreadableError("an identifier in its header is a sequence")
        if vr not in (_NO_VR, b"SQ", b"UN"):
            self._step = self._fragment
            return
        if vr == _NO_VR and self._tag_at(self._at) not in (_ITEM, _SEQUENCE_END):
            raise UnreadableError("its header has a value without an end")
        if len(self._outer) == DEEPEST:
            raise UnreadableError(f"its header is nested more than {DEEPEST} deep")
        self._outer.append((self._explicit, self._until))
        self._step = self._item

    def _item(self) -> None:
        at = self._at
        if len(self._data) - at < _SHORT_HEAD:
            self._end_of_file()
            return
        tag = self._tag_at(at)
        (length,) = self._read_long(self._data, at + 4)
        self._at = at = at + _SHORT_HEAD
        self._count()
        if tag == _SEQUENCE_END:
            self._explicit, self._until = self._outer.pop()
        # A delimiter that an item's length makes needless is read as an item without elements.
        elif tag == _ITEM or (tag == _ITEM_END and length == 0):
            self.irregular |= tag != _ITEM
            self._explicit = self._outer[-1][0] and self._has_vr(at)
            self._until = inf if length == _UNDEFINED else self._start + at + length
        else:
            raise UnreadableError("a sequence in its header has something other than an item")
        self._step = self._element

    def _end_item(self) -> None:
        if self._outer:
            self._step = self._item
        else:  # pydicom, too, ends the data set at this delimiter
            self.irregular = True
            self.end()

    def _fragment(self) -> None:
        """Read a chunk of a value of undefined length, as of encapsulated pixel data."""
        at = self._at
        there = len(self._data) - at >= _SHORT_HEAD
        tag = self._tag_at(at) if there else 0
        length = self._read_long(self._data, at + 4)[0] if there else 0
        self._at = at + _SHORT_HEAD
        self._count()
        if tag == _ITEM and length != _UNDEFINED:
            self._skip = length
        elif tag == _SEQUENCE_END:
            self._step = self._element
        else:
            raise UnreadableError("its header has a value without an end")

    def _tag_at(self, at: int) -> int:
        if len(self._data) - at < _SHORT_HEAD:
            return 0
        group, element, *_ = self._read_head(self._data, at)
        return int(group << 16 | element)


def _unpackers(order: str) -> tuple[Callable[..., tuple[Any, ...]], ...]:
    """Return what reads an element's header, and a length, in an order of bytes."""
    return struct.Struct(order + "HH2sH").unpack_from, struct.Struct(order + "L").unpack_from
