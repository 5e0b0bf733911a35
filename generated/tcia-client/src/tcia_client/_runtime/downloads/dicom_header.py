"""Read the attributes that identify a DICOM Part 10 file from its header (PS3.5, PS3.10).

If the reader identifies an object, pydicom identifies the same one, also in files with
irregularities that occur in practice. It reads an implicit element of undefined length as a
sequence (PS3.5, section 7.5). Reading always ends, in time proportional to the number of bytes
and in bounded memory.
"""

import re
import struct
import zlib
from collections.abc import Generator
from math import inf

import attrs

INSTANCE_NUMBER = 0x0020_0013
KEYWORDS = {
    "SOPInstanceUID": 0x0008_0018,
    "StudyInstanceUID": 0x0020_000D,
    "SeriesInstanceUID": 0x0020_000E,
}
"""Keywords of DICOM PS3.6 whose values identify an object, with their tags."""

MOST_ELEMENTS = 2_000_000  # before the pixel data, items and those in sequences included
MOST_INFLATED = 256 * 1024 * 1024  # bytes of a deflated data set, skipped values included
LONGEST_VALUE = 1024  # bytes of an identifier
DEEPEST = 64  # levels of nested sequences

_PIXELS = frozenset({0x7FE0_0008, 0x7FE0_0009, 0x7FE0_0010})
_TRANSFER_SYNTAX_UID = 0x0002_0010
_WANTED = frozenset({*KEYWORDS.values(), INSTANCE_NUMBER, _TRANSFER_SYNTAX_UID})
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFE_E000, 0xFFFE_E00D, 0xFFFE_E0DD
_META, _DELIMITERS = 0x0002, 0xFFFE
_IMPLICIT = "1.2.840.10008.1.2"
_DEFLATED = "1.2.840.10008.1.2.1.99"
_BIG_ENDIAN = "1.2.840.10008.1.2.2"
_NO_VR = b""
_LONG_VRS = frozenset(re.findall(rb"..", b"OBODOFOLOVOWSQSVUCUNURUTUV"))
_SHORT_VRS = frozenset(re.findall(rb"..", b"AEASATCSDADSDTFDFLISLOLTPNSHSLSSSTTMUIULUS"))
_VRS = _LONG_VRS | _SHORT_VRS
_VRS_OF_UIDS = frozenset(re.findall(rb"..", b"UIUNAECSLOLTSHSTUCURUT")) | {_NO_VR}
_LETTERS = re.compile(rb"[A-Z]{2}")
_INTEGER = re.compile(r"[+-]?[0-9]{1,12}")
_PADDING = "\0\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0"
_UNDEFINED = 0xFFFFFFFF
_SHORT_HEAD, _LONG_HEAD = 8, 12
_AHEAD = _LONG_HEAD + 8
_INFLATED_AT_ONCE = 64 * 1024

_Steps = Generator[None, None, None]


class NotDicomError(ValueError):
    """The bytes are not a DICOM Part 10 file, or one that identifies no object."""


class UnreadableError(ValueError):
    """A header that cannot be followed: it may identify any object."""


@attrs.frozen
class Header:
    """The identifiers in a header, None for those that it lacks.

    It is ``certain`` if the file is known to lack these. ``uids`` has the names of KEYWORDS.
    """

    uids: dict[str, str | None]
    instance_number: int | None
    certain: bool = True


class HeaderReader:
    """Reads one file in chunks of any size, until it is ``done``: more bytes do not matter."""

    def __init__(self) -> None:
        self.done = False
        self._found: dict[int, str] = {}
        self._irregular = False
        self._error: ValueError | None = None
        self._inflater = zlib.decompressobj(-15)
        self._is_deflated = False
        self._deflated = b""  # the first bytes of a deflated data set, once it begins
        self._inflated = 0
        # Received bytes, read up to _at, which is beyond them where a value is skipped.
        self._data = b""
        self._at = self._start = 0
        self._ended = False
        self._elements = 0
        self._set_order("<")
        self._steps = self._file()

    def feed(self, data: bytes) -> None:
        """Read the next chunk."""
        if not self._is_deflated:
            self._read(data)
            data, self._deflated = self._deflated, b""
        while data and not (self.done or self._inflater.eof):
            try:
                inflated = self._inflater.decompress(data, _INFLATED_AT_ONCE)
            except zlib.error as error:
                self._end(UnreadableError(f"its data set cannot be inflated ({error})"))
                return
            data = self._inflater.unconsumed_tail
            self._inflated += len(inflated)
            if self._inflated > MOST_INFLATED:
                reason = f"its data set inflates to over {MOST_INFLATED} bytes"
                self._end(UnreadableError(reason))
            self._read(inflated)
            if len(inflated) < _INFLATED_AT_ONCE:
                return

    def result(self) -> Header:
        """Return the identifiers; no chunk may follow.

        Raises:
            NotDicomError: The file is not DICOM, is truncated, or identifies no object.
            UnreadableError: The header cannot be followed.
        """
        self._ended = True
        self.feed(b"")
        self._read(b"")
        if self._error is not None:
            raise self._error
        uids = {keyword: self._found.get(tag) or None for keyword, tag in KEYWORDS.items()}
        if not any(uids.values()):
            if self._irregular:
                raise UnreadableError("its header is irregular and identifies no object")
            raise NotDicomError("its header identifies no object")
        number = self._found.get(INSTANCE_NUMBER, "")
        value = int(number) if _INTEGER.fullmatch(number) else None
        return Header(uids, value, certain=not self._irregular)

    def _read(self, data: bytes) -> None:
        if self.done:
            return
        read = min(self._at, len(self._data))
        self._start += read
        self._data = self._data[read:] + data
        self._at -= read
        try:
            next(self._steps)
        except StopIteration:
            self._end()
        except (NotDicomError, UnreadableError) as error:
            self._end(error)

    def _end(self, error: ValueError | None = None) -> None:
        self.done = True
        self._error = error
        self._data = b""

    # The steps. They yield when they need more bytes, and see fewer at the end of the file.

    def _need(self, count: int) -> _Steps:
        while len(self._data) - self._at < count and not self._ended:
            yield

    def _file(self) -> _Steps:
        yield from self._need(132 + _AHEAD)
        if self._data[128:132] != b"DICM":
            raise NotDicomError("it is not a DICOM Part 10 file: DICM is not at byte 128")
        self._at = 132
        explicit, in_meta, last_tag = self._has_vr(), True, -1
        while True:
            yield from self._need(_AHEAD)
            tag, _ = self._peek()
            if in_meta and tag >= 0 and tag >> 16 != _META:
                explicit = yield from self._end_meta()
                in_meta, last_tag = False, -1
                continue
            head = None if tag in _PIXELS else self._head(explicit)
            if head is None:
                return
            self._irregular |= tag <= last_tag
            last_tag = tag
            vr, length = head
            if tag == _ITEM_END:  # pydicom, too, ends the data set here
                self._irregular = True
                return
            if length == _UNDEFINED and (in_meta or tag in _WANTED):
                raise UnreadableError("an identifier in its header is a sequence")
            if tag in _WANTED:
                yield from self._value(tag, vr, length)
            else:
                yield from self._pass(tag, vr, length, explicit, 0)

    def _end_meta(self) -> Generator[None, None, bool]:
        """Begin the data set; return whether its elements have a value representation."""
        group, _, vr, _ = self._unpack_head(self._data, self._at)
        if group in (0x0000, _DELIMITERS):
            raise UnreadableError("its data set begins with a command or a delimiter")
        syntax = self._found.pop(_TRANSFER_SYNTAX_UID, None)
        if syntax == _BIG_ENDIAN or (syntax is None and vr in _VRS and group >= 0x0400):
            self._set_order(">")
        if syntax == _DEFLATED:
            self._deflated, self._data, self._at = self._data[self._at :], b"", 0
            self._is_deflated = True
            yield
            yield from self._need(_AHEAD)
        explicit = self._has_vr()
        self._irregular |= explicit == (syntax == _IMPLICIT)
        return explicit

    def _value(self, tag: int, vr: bytes, length: int) -> _Steps:
        self._found[tag] = ""
        if length > LONGEST_VALUE:
            if tag != INSTANCE_NUMBER:
                raise UnreadableError(f"an identifier in its header has over {LONGEST_VALUE} bytes")
            self._at += length
            return
        if tag != INSTANCE_NUMBER and vr not in _VRS_OF_UIDS:
            raise UnreadableError("an identifier in its header is not text")
        yield from self._need(length)
        text = self._data[self._at : self._at + length].decode("latin-1")
        self._at += length
        # pydicom retains other padding of a transfer syntax, which is unknown to it then.
        is_syntax = tag == _TRANSFER_SYNTAX_UID
        self._found[tag] = text.rstrip(" \0") if is_syntax else text.strip(_PADDING)

    def _pass(self, tag: int, vr: bytes, length: int, explicit: bool, depth: int) -> _Steps:
        """Pass the value of an element; one of undefined length is read up to its end."""
        if length != _UNDEFINED:
            self._irregular |= tag >> 16 == _DELIMITERS
            self._at += length
        elif vr not in (_NO_VR, b"SQ", b"UN"):
            yield from self._pass_fragments()
        elif vr == _NO_VR and self._peek()[0] not in (_ITEM, _SEQUENCE_END):
            raise UnreadableError("its header has a value without an end")
        elif depth == DEEPEST:
            raise UnreadableError(f"its header is nested more than {DEEPEST} deep")
        else:
            yield from self._pass_items(explicit, depth + 1)

    def _pass_fragments(self) -> _Steps:
        """Pass a value of undefined length, such as encapsulated pixel data."""
        while True:
            yield from self._need(_AHEAD)
            tag, length = self._peek()
            self._at += _SHORT_HEAD
            self._count()
            if tag == _SEQUENCE_END:
                return
            if tag != _ITEM or length == _UNDEFINED:
                raise UnreadableError("its header has a value without an end")
            self._at += length

    def _pass_items(self, explicit: bool, depth: int) -> _Steps:
        """Pass the items of a sequence of undefined length, with the delimiter behind them."""
        while True:
            yield from self._need(_AHEAD)
            tag, length = self._peek()
            if tag < 0:
                raise self._cut_short()
            self._at += _SHORT_HEAD
            self._count()
            if tag == _SEQUENCE_END:
                return
            # A delimiter that an item's length makes needless is read as an empty item.
            if tag != _ITEM and (tag != _ITEM_END or length):
                raise UnreadableError("a sequence in its header has something other than an item")
            self._irregular |= tag != _ITEM
            until = inf if length == _UNDEFINED else self._start + self._at + length
            yield from self._pass_item(explicit and self._has_vr(), until, depth)

    def _pass_item(self, explicit: bool, until: float, depth: int) -> _Steps:
        while True:
            self._pass_plain_elements(explicit, until)
            if self._start + self._at >= until:
                return
            yield from self._need(_AHEAD)
            tag, _ = self._peek()
            head = self._head(explicit)
            if head is None:
                raise self._cut_short()
            if tag == _ITEM_END:
                return
            yield from self._pass(tag, *head, explicit, depth)

    def _pass_plain_elements(self, explicit: bool, until: float) -> None:
        """Pass the next elements of an item in one loop: items may have millions of them."""
        data, at = self._data, self._at
        unpack_head, unpack_long = self._unpack_head, self._unpack_long
        end = min(len(data) - _LONG_HEAD, until - self._start - 1)
        count = 0
        while at <= end:
            group, _, vr, length = unpack_head(data, at)
            size = _SHORT_HEAD
            if not explicit:
                (length,) = unpack_long(data, at + 4)
            elif vr in _LONG_VRS:
                size = _LONG_HEAD
                (length,) = unpack_long(data, at + 8)
            elif vr not in _SHORT_VRS:
                break
            if length == _UNDEFINED or group == _DELIMITERS:
                break
            at += size + length
            count += 1
        self._at = at
        self._count(count)

    def _peek(self) -> tuple[int, int]:
        """Return the next tag, and the length that follows it; -1 at the end of the file."""
        if len(self._data) - self._at < _SHORT_HEAD:
            return -1, 0
        group, element, _, _ = self._unpack_head(self._data, self._at)
        (length,) = self._unpack_long(self._data, self._at + 4)
        return group << 16 | element, length

    def _head(self, explicit: bool) -> tuple[bytes, int] | None:
        """Pass the header of an element; return its VR and length, None at the end of the file."""
        data, at = self._data, self._at
        if len(data) - at < _SHORT_HEAD:
            return None
        group, _, vr, length = self._unpack_head(data, at)
        size = _SHORT_HEAD
        if not explicit or not b"AA" <= vr <= b"ZZ":
            self._irregular |= explicit and group != _DELIMITERS
            vr = _NO_VR
            (length,) = self._unpack_long(data, at + 4)
        elif vr in _LONG_VRS:
            size = _LONG_HEAD
            if len(data) - at < size:
                return None
            (length,) = self._unpack_long(data, at + 8)
        elif vr not in _VRS:
            self._irregular = True
        self._at = at + size
        self._count()
        return vr, length

    def _has_vr(self) -> bool:
        return _LETTERS.fullmatch(self._data, self._at + 4, self._at + 6) is not None

    def _count(self, count: int = 1) -> None:
        self._elements += count
        if self._elements > MOST_ELEMENTS:
            raise UnreadableError(f"its header has over {MOST_ELEMENTS} elements")

    def _cut_short(self) -> ValueError:
        if self._irregular:
            return UnreadableError("its header is irregular and ends inside of a sequence")
        return NotDicomError("its header is cut short")

    def _set_order(self, order: str) -> None:
        """Set the order of bytes of an element's header and of a length."""
        self._unpack_head = struct.Struct(order + "HH2sH").unpack_from
        self._unpack_long = struct.Struct(order + "L").unpack_from
