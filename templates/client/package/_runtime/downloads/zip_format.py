"""The fixed records of a ZIP archive (PKWARE APPNOTE 4.3), and what inflates its members."""

import struct
import zlib
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from typing import Any

import attrs

LOCAL = b"PK\x03\x04"
DESCRIPTOR = b"PK\x07\x08"
CENTRAL = b"PK\x01\x02"
END = b"PK\x05\x06"
END_64 = b"PK\x06\x06"
LOCATOR_64 = b"PK\x06\x07"

STORED = 0
DEFLATED = 8

LOCAL_RECORD = struct.Struct("<4sHHHHHLLLHH")
CENTRAL_RECORD = struct.Struct("<4sHHHHHHLLLHHHHHLL")
END_RECORD = struct.Struct("<4sHHHHLLH")
END_64_RECORD = struct.Struct("<4sQHHLLQQQQ")
LOCATOR_64_RECORD = struct.Struct("<4sLQL")

MARK_16 = 0xFFFF
MARK_32 = 0xFFFFFFFF
_ZIP64 = 1
_NEWEST_VERSION = 63
_DESCRIPTORS = tuple(map(struct.Struct, ("<4sLQQ", "<4sLLL", "<LQQ", "<LLL")))
LONGEST_DESCRIPTOR = 24


@attrs.define(eq=False)
class Member:
    """One member by its header or its entry in the directory, after its end by its data.

    Attributes:
        raw_name: The name's bytes.
        offset: Position of its local header in the archive, in bytes.
        flags: General purpose bits.
        method: Compression method.
        crc: CRC-32 of the unpacked bytes.
        packed: Bytes in the archive.
        size: Bytes unpacked.
        mode: Unix file mode, 0 if unknown.
    """

    raw_name: bytes
    offset: int
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    mode: int = 0

    @property
    def encoding(self) -> str:
        """The encoding of the name: code page 437 without the UTF-8 flag."""
        return "utf-8" if self.flags & 0x800 else "cp437"

    @property
    def name(self) -> str:
        """The name as a string.

        Raises:
            UnicodeDecodeError: It is marked as UTF-8, and is not.
        """
        return self.raw_name.decode(self.encoding)

    @property
    def parts(self) -> tuple[str, ...]:
        """The folders and the file of the name, as they are: safe to show, not to write."""
        name = self.raw_name.decode(self.encoding, "replace")
        return tuple(part for part in name.split("/") if part not in ("", "."))

    @property
    def values(self) -> tuple[bytes, int, int, int, int]:
        """The values on which a member and its entry in the directory agree."""
        return self.raw_name, self.method, self.crc, self.packed, self.size


def read_local(head: bytes, rest: bytes, offset: int) -> Member:
    """Return the member of a local header; raise ValueError if its ZIP64 sizes are missing."""
    _, _, flags, method, _, _, crc, packed, size, length, _ = LOCAL_RECORD.unpack(head)
    size, packed = _wide(rest[length:], [size, packed])
    return Member(rest[:length], offset, flags, method, crc, packed, size)


def read_central(head: bytes, rest: bytes) -> Member:
    """Return the entry of a member in the central directory, as :func:`read_local` does."""
    fields = CENTRAL_RECORD.unpack(head)
    flags, method = fields[3:5]
    crc, packed, size, length, extra_length = fields[7:12]
    attributes, offset = fields[15:]
    extra = rest[length : length + extra_length]
    size, packed, offset = _wide(extra, [size, packed, offset])
    return Member(rest[:length], offset, flags, method, crc, packed, size, attributes >> 16)


def _wide(extra: bytes, values: list[int]) -> list[int]:
    """Return the values, those that are marked as too wide from the ZIP64 field."""
    marked = [index for index, value in enumerate(values) if value == MARK_32]
    at = 0
    while marked and at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        field = extra[at + 4 : at + 4 + length]
        at += 4 + length
        if kind == _ZIP64 and len(field) >= 8 * len(marked):
            for position, index in enumerate(marked):
                (values[index],) = struct.unpack_from("<Q", field, 8 * position)
            return values
        if kind == _ZIP64:
            break
    if marked:
        raise ValueError("its ZIP64 field is missing or cut")
    return values


def descriptor_length(data: bytes, crc: int, packed: int, size: int) -> int:
    """Return the length of the data descriptor that ``data`` starts with, 0 if it differs.

    It may have a signature or none, and sizes of 4 or 8 bytes.
    """
    values = (crc, packed, size)
    for layout in _DESCRIPTORS:
        if len(data) >= layout.size:
            fields = layout.unpack_from(data)
            if fields in (values, (DESCRIPTOR, *values)):
                return layout.size
    return 0


def ends_stored_data(ahead: bytes, crc: int, size: int, members: Mapping[int, Member]) -> bool:
    """Return whether stored data of unknown length ends here, by a descriptor and a header.

    Args:
        ahead: The next bytes, which start with the signature of a descriptor.
        crc: CRC-32 of the data so far.
        size: Size of the data so far.
        members: The members so far by their offset, one of which the directory starts with.
    """
    head = ahead[descriptor_length(ahead, crc, size, size) :]
    if head.startswith(LOCAL):
        _, version, flags, method, *_, name_length, _ = LOCAL_RECORD.unpack_from(head)
        known = version <= _NEWEST_VERSION and flags & 1 == 0 and method in (STORED, DEFLATED)
        return known and name_length > 0
    if not head.startswith(CENTRAL):
        return False
    fields = CENTRAL_RECORD.unpack_from(head)
    named = members.get(fields[16])
    return named is not None and len(named.raw_name) == fields[10]


def gives_back_the_rest(library: Any) -> bool:
    """Return whether a library returns the bytes behind a stream that is inflated in steps.

    zlib does; Python-ISAL before 1.9 does not.
    """
    deflater = zlib.compressobj(wbits=-15)
    given = deflater.compress(bytes(64)) + deflater.flush() + b"rest"
    inflater = library.decompressobj(-15)
    for _ in range(8):
        inflater.decompress(given, 16)
        if inflater.eof:
            break
        given = inflater.unconsumed_tail
    return bytes(inflater.unused_data) == b"rest"


def _fastest() -> Any:
    for name in ("isal.isal_zlib", "zlib_ng.zlib_ng"):
        with suppress(ImportError):
            library = import_module(name)
            if gives_back_the_rest(library):
                return library
    return zlib


LIBRARY: Any = _fastest()
"""Python-ISAL or zlib-ng if installed, otherwise the standard library's zlib."""
