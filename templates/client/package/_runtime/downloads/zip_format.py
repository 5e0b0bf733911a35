"""The fixed records of a ZIP archive (PKWARE APPNOTE 4.3)."""

import struct
from collections.abc import Mapping

import attrs

LOCAL = b"PK\x03\x04"
DESCRIPTOR = b"PK\x07\x08"
CENTRAL = b"PK\x01\x02"
END = b"PK\x05\x06"
END_64 = b"PK\x06\x06"
LOCATOR_64 = b"PK\x06\x07"

STORED = 0
DEFLATED = 8

_LOCAL = struct.Struct("<4sHHHHHLLLHH")
_CENTRAL = struct.Struct("<4sHHHHHHLLLHHHHHLL")
_END = struct.Struct("<4sHHHHLLH")
_END_64 = struct.Struct("<4sQHHLLQQQQ")
_LOCATOR_64 = struct.Struct("<4sLQL")
LOCAL_SIZE = _LOCAL.size
CENTRAL_SIZE = _CENTRAL.size
END_SIZE = _END.size
END_64_SIZE = _END_64.size
LOCATOR_64_SIZE = _LOCATOR_64.size

_MARK_16 = 0xFFFF
_MARK_32 = 0xFFFFFFFF
_ZIP64 = 1
_NEWEST_VERSION = 63
_DESCRIPTORS = tuple(
    (struct.Struct(layout), signed)
    for layout, signed in (("<4sLQQ", True), ("<4sLLL", True), ("<LQQ", False), ("<LLL", False))
)
LONGEST_DESCRIPTOR = 24


@attrs.define(eq=False)
class Member:
    """One member: the values of its local header, and after its end the actual ones.

    Attributes:
        raw_name: The name's bytes.
        offset: Byte of the archive that its local header starts at.
        flags: General purpose bits.
        method: Compression method.
        crc: CRC-32 of the unpacked bytes.
        packed: Bytes in the archive.
        size: Bytes unpacked.
    """

    raw_name: bytes
    offset: int
    flags: int
    method: int
    crc: int
    packed: int
    size: int

    @property
    def name(self) -> str:
        """The name as a string; without the UTF-8 flag it is read as code page 437.

        Raises:
            UnicodeDecodeError: It is marked as UTF-8, and is not.
        """
        return self.raw_name.decode("utf-8" if self.flags & 0x800 else "cp437")

    @property
    def parts(self) -> tuple[str, ...]:
        """The folders and the file of the name, as they are: safe to show, not to write."""
        name = self.raw_name.decode("utf-8" if self.flags & 0x800 else "cp437", "replace")
        return tuple(part for part in name.split("/") if part not in ("", "."))

    @property
    def described(self) -> bool:
        """Whether CRC and sizes follow the data."""
        return bool(self.flags & 0x08)


@attrs.frozen
class Entry:
    """One member as the central directory has it; ``mode`` is its Unix file mode, 0 if unknown."""

    raw_name: bytes
    offset: int
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    mode: int


def local_lengths(head: bytes) -> int:
    """Bytes of name and extra fields behind the fixed part of a local header."""
    fields = _LOCAL.unpack(head)
    return int(fields[9]) + int(fields[10])


def read_local(head: bytes, rest: bytes, offset: int) -> Member:
    """Return the member of a local header.

    Raises:
        ValueError: The ZIP64 sizes are missing.
    """
    fields = _LOCAL.unpack(head)
    _, _, flags, method, _, _, crc, packed, size, name_length, _ = fields
    if _MARK_32 in (packed, size):
        wide = _wide(rest[name_length:], [size, packed])
        size, packed = wide
    return Member(rest[:name_length], offset, flags, method, crc, packed, size)


def central_lengths(head: bytes) -> int:
    """Bytes of name, extra fields and comment behind the fixed part of a directory entry."""
    fields = _CENTRAL.unpack(head)
    return int(fields[10]) + int(fields[11]) + int(fields[12])


def read_central(head: bytes, rest: bytes) -> Entry:
    """Return the entry of a member in the central directory.

    Raises:
        ValueError: The ZIP64 sizes are missing.
    """
    fields = _CENTRAL.unpack(head)
    flags, method = fields[3], fields[4]
    crc, packed, size, name_length, extra_length = fields[7:12]
    attributes, offset = fields[15:17]
    extra = rest[name_length : name_length + extra_length]
    size, packed, offset = _wide(extra, [size, packed, offset])
    mode = attributes >> 16
    return Entry(rest[:name_length], offset, flags, method, crc, packed, size, mode)


def _wide(extra: bytes, values: list[int]) -> list[int]:
    """The values, those that are marked as too wide from the ZIP64 field."""
    marked = [index for index, value in enumerate(values) if value == _MARK_32]
    if not marked:
        return values
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        field = extra[at + 4 : at + 4 + length]
        at += 4 + length
        if kind == _ZIP64:
            if len(field) < 8 * len(marked):
                break
            sizes = struct.iter_unpack("<Q", field[: 8 * len(marked)])
            for index, (size,) in zip(marked, sizes, strict=True):
                values[index] = size
            return values
    raise ValueError("its ZIP64 field is missing or cut")


def descriptor_length(data: bytes, crc: int, packed: int, size: int) -> int:
    """Bytes of the data descriptor that ``data`` starts with, 0 if it is not that of the values.

    It may have a signature or none, and sizes of 4 or 8 bytes.
    """
    for layout, signed in _DESCRIPTORS:
        if len(data) >= layout.size:
            fields = layout.unpack_from(data)
            values = (crc, packed, size)
            if fields == ((DESCRIPTOR, *values) if signed else values):
                return layout.size
    return 0


def could_be_header(head: bytes, names: Mapping[int, Member]) -> bool:
    """Whether a header behind stored data is one, and not data that starts like one.

    Args:
        head: Bytes enough for either kind.
        names: The members so far by their offset, one of which the directory starts with.
    """
    if head.startswith(LOCAL):
        _, version, flags, method, *_, name_length, _ = _LOCAL.unpack_from(head)
        known = version <= _NEWEST_VERSION and flags & 1 == 0 and method in (STORED, DEFLATED)
        return known and name_length > 0
    fields = _CENTRAL.unpack_from(head)
    named = names.get(fields[16])
    return named is not None and len(named.raw_name) == fields[10]


def signed_descriptor_length(data: bytes, crc: int, size: int) -> int:
    """The same for stored data of unknown length: signature needed, and a header behind it."""
    for layout, signed in _DESCRIPTORS:
        behind = layout.size
        if (
            signed
            and len(data) >= behind + 4
            and layout.unpack_from(data) == (DESCRIPTOR, crc, size, size)
            and data[behind : behind + 4] in (LOCAL, CENTRAL)
        ):
            return behind
    return 0


@attrs.frozen
class End:
    """The end of the archive: entries, size and position of the central directory."""

    entries: int
    size: int
    offset: int
    one_disk: bool
    comment: int = 0

    def agrees(self, other: "End") -> bool:
        """Return whether a ZIP64 record has the values that this one states."""
        return (
            self.entries in (other.entries, _MARK_16)
            and self.size in (other.size, _MARK_32)
            and self.offset in (other.offset, _MARK_32)
        )


def read_end(data: bytes) -> End:
    """Return the end of central directory record."""
    _, disk, first, here, entries, size, offset, comment = _END.unpack(data)
    one_disk = {disk, first} <= {0, _MARK_16} and here == entries
    return End(entries, size, offset, one_disk, comment)


def read_end_64(data: bytes) -> tuple[End, int]:
    """Return the ZIP64 end of central directory record, and the bytes after its fixed part."""
    _, length, _, _, disk, first, here, entries, size, offset = _END_64.unpack(data)
    further = length + 12 - END_64_SIZE
    return End(entries, size, offset, disk == first == 0 and here == entries), further


def read_locator_64(data: bytes) -> tuple[int, bool]:
    """Return where the ZIP64 record starts, and whether the archive is in one file."""
    _, disk, offset, disks = _LOCATOR_64.unpack(data)
    return offset, disk == 0 and disks <= 1
