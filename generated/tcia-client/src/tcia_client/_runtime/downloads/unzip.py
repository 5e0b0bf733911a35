"""Read a ZIP archive as a stream: from chunks to members and their data.

Nothing here does I/O. A member is given out as it is read, before the end of the
archive is known, so the data is valid only after :meth:`Unzip.finish` has compared it
with the central directory. The reading is strict: members follow each other without a
gap, each one is in the directory once, and nothing but padding is behind its end.
"""

from collections.abc import Generator, Iterator
from typing import Any

from ..redaction import redacted
from .errors import CorruptDownloadError, LimitError, NotAFileError, UnsafeArchiveError
from .options import Limits
from .zip_format import (
    CENTRAL,
    CENTRAL_RECORD,
    DEFLATED,
    DESCRIPTOR,
    END,
    END_64,
    END_64_RECORD,
    END_RECORD,
    LIBRARY,
    LOCAL,
    LOCAL_RECORD,
    LOCATOR_64,
    LOCATOR_64_RECORD,
    LONGEST_DESCRIPTOR,
    MARK_16,
    MARK_32,
    STORED,
    Member,
    descriptor_length,
    ends_stored_data,
    read_central,
    read_local,
)

MOST_AT_ONCE = 1024 * 1024
"""Bytes of data that one event holds at most."""

MOST_PADDING = 1024 * 1024
"""Bytes of padding behind an archive."""

_PADDING = b"\0\r\n"
_DESCRIBED = 0x0008
_ENCRYPTED = 0x0001 | 0x0040 | 0x2000
_FORMAT_BITS = 0xF000
_PLAIN_KINDS = frozenset({0, 0x8000, 0x4000})
_LONGEST_EXTENSION = 64 * 1024


class MemberEnd:
    """The event that ends a member: its CRC and size are right."""


MEMBER_END = MemberEnd()
Event = Member | bytes | MemberEnd
"""A member begins, data of it, it ends; in that order."""


class Unzip:
    """The state of one archive that is being received.

    Args:
        limits: What it may unpack to.
        unpacked: Whether its members become files; if not, it may hold links and devices.
    """

    def __init__(self, limits: Limits | None = None, *, unpacked: bool = True) -> None:
        self._limits = limits or Limits()
        self._unpacked = unpacked
        # Received bytes, read up to _at, and the number of bytes before them.
        self._data = b""
        self._at = self._before = 0
        self._ended = False
        self._what = "its first header"
        self._seen: dict[int, Member] = {}
        self._members = self._total = 0
        self._crc = self._size = 0
        self._steps = self._archive()

    def feed(self, data: bytes) -> Iterator[Event]:
        """Read the next chunk; consume all events before the next call.

        Raises:
            DownloadError: It is not a ZIP archive, damaged, unreadable or beyond the limits.
        """
        self._before += self._at
        self._data = self._data[self._at :] + data if self._at < len(self._data) else data
        self._at = 0
        for event in self._steps:
            if event is None:
                return
            yield event

    def finish(self) -> None:
        """Read the rest after the last chunk, and check that the archive is complete.

        Raises:
            DownloadError: As :meth:`feed`, or the archive is truncated.
        """
        self._ended = True
        for _ in self.feed(b""):
            raise AssertionError("data in the end of an archive")

    # The steps. They yield None when they need more bytes.

    def _need(self, count: int) -> Generator[None, None, None]:
        while len(self._data) - self._at < count:
            if self._ended:
                length = self._before + len(self._data)
                raise CorruptDownloadError(
                    f"the ZIP archive is cut short: it ends at byte {length}, in {self._what}"
                )
            yield None

    def _take(self, count: int) -> Generator[None, None, bytes]:
        yield from self._need(count)
        self._at += count
        return self._data[self._at - count : self._at]

    def _peek(self, count: int) -> bytes:
        return self._data[self._at : self._at + count]

    @property
    def _position(self) -> int:
        return self._before + self._at

    def _damaged(self, reason: str) -> CorruptDownloadError:
        return CorruptDownloadError(
            f"the ZIP archive is damaged at byte {self._position}: {reason}"
        )

    def _archive(self) -> Generator[Event | None, None, None]:
        yield from self._need(4)
        if self._peek(4) not in (LOCAL, END, END_64):
            raise NotAFileError("the response is no ZIP archive")
        while True:
            yield from self._need(4)
            if self._peek(4) != LOCAL:
                break
            yield from self._member()
        yield from self._directory()
        yield from self._padding()

    def _padding(self) -> Generator[None, None, None]:
        """Read what tools write behind an archive: zeros up to a block's size, a line end."""
        end = self._position
        while True:
            if self._data[self._at :].strip(_PADDING):
                raise self._damaged("bytes follow its end")
            self._at = len(self._data)
            if self._position - end > MOST_PADDING:
                raise self._damaged(f"over {MOST_PADDING} bytes of padding follow its end")
            if self._ended:
                return
            yield None

    def _member(self) -> Generator[Event | None, None, None]:
        offset = self._position
        self._what = "the header of a member"
        head = yield from self._take(LOCAL_RECORD.size)
        rest = yield from self._take(sum(LOCAL_RECORD.unpack(head)[9:]))
        try:
            member = read_local(head, rest, offset)
        except ValueError as error:
            raise self._damaged(f"the header of a member: {error}") from None
        shown = repr(redacted(member.raw_name.decode("utf-8", "replace"))[:200])
        self._what = f"member {shown}"
        if member.flags & _ENCRYPTED:
            raise UnsafeArchiveError(f"member {shown} of the ZIP archive is encrypted")
        if member.method not in (STORED, DEFLATED):
            raise UnsafeArchiveError(
                f"member {shown} of the ZIP archive is packed by method {member.method}; only "
                "stored (0) and deflated (8) ones can be read"
            )
        self._members += 1
        if self._members > self._limits.members:
            raise LimitError(
                f"the ZIP archive has more than {self._limits.members} members", limit="members"
            )
        self._crc = self._size = 0
        self._seen[offset] = member
        yield member
        data_at = self._position
        described = member.flags & _DESCRIBED
        if member.method == DEFLATED:
            yield from self._deflated()
        elif described and not (member.packed or member.size):
            yield from self._stored_to_descriptor()
        else:
            yield from self._stored(member.packed or member.size)
        packed = self._position - data_at
        if described:
            yield from self._descriptor(member, packed)
        elif (member.crc, member.packed, member.size) != (self._crc, packed, self._size):
            raise self._differs(member, packed)
        member.crc, member.packed, member.size = self._crc, packed, self._size
        yield MEMBER_END

    def _differs(self, member: Member, packed: int) -> CorruptDownloadError:
        if (member.packed, member.size) != (packed, self._size):
            return self._damaged(f"{self._what} has another size than its header states")
        return self._damaged(f"{self._what} has another CRC-32 than its header states")

    def _counted(self, data: bytes) -> bytes:
        """Count the data of a member, and check the limits."""
        limits = self._limits
        self._crc = LIBRARY.crc32(data, self._crc)
        self._size += len(data)
        self._total += len(data)
        if self._size > limits.member_bytes:
            words = f"{self._what} unpacks to more than {limits.member_bytes} bytes"
            raise LimitError(words, limit="member_bytes")
        if self._total > limits.total_bytes:
            words = f"the ZIP archive unpacks to more than {limits.total_bytes} bytes"
            raise LimitError(words, limit="total_bytes")
        return data

    def _deflated(self) -> Generator[Event | None, None, None]:
        inflater: Any = LIBRARY.decompressobj(-15)
        while not inflater.eof:
            if self._at == len(self._data):
                yield from self._need(1)
            given: bytes | memoryview = (
                memoryview(self._data)[self._at :] if self._at else self._data
            )
            self._at = len(self._data)
            while True:
                try:
                    data = inflater.decompress(given, MOST_AT_ONCE)
                except LIBRARY.error as error:
                    raise self._damaged(f"{self._what} cannot be inflated ({error})") from None
                given = inflater.unconsumed_tail
                if inflater.eof:
                    self._at -= len(inflater.unused_data)
                if data:
                    yield self._counted(data)
                if inflater.eof or len(data) < MOST_AT_ONCE:
                    break

    def _stored(self, length: int) -> Generator[Event | None, None, None]:
        while length:
            if self._at == len(self._data):
                yield from self._need(1)
            data = self._peek(min(length, MOST_AT_ONCE))
            self._at += len(data)
            length -= len(data)
            yield self._counted(data)

    def _stored_to_descriptor(self) -> Generator[Event | None, None, None]:
        """Read data whose length only its data descriptor states, found by its values."""
        while True:
            yield from self._need(len(DESCRIPTOR))
            found = self._data.find(DESCRIPTOR, self._at)
            until = found if found >= 0 else len(self._data) - len(DESCRIPTOR) + 1
            while self._at < until:
                data = self._peek(min(until - self._at, MOST_AT_ONCE))
                self._at += len(data)
                yield self._counted(data)
            if found < 0:
                continue
            yield from self._need(LONGEST_DESCRIPTOR + CENTRAL_RECORD.size)
            ahead = self._peek(LONGEST_DESCRIPTOR + CENTRAL_RECORD.size)
            if ends_stored_data(ahead, self._crc, self._size, self._seen):
                return
            self._at += len(DESCRIPTOR)
            yield self._counted(DESCRIPTOR)

    def _descriptor(self, member: Member, packed: int) -> Generator[None, None, None]:
        yield from self._need(LONGEST_DESCRIPTOR)
        ahead = self._peek(LONGEST_DESCRIPTOR)
        length = descriptor_length(ahead, self._crc, packed, self._size)
        if not length:
            raise self._damaged(f"CRC-32 or size of {self._what} differs from its data descriptor")
        # Some writers know one of the values when they write the local header.
        for stated, value in (
            (member.crc, self._crc),
            (member.packed, packed),
            (member.size, self._size),
        ):
            if stated not in (0, value):
                raise self._differs(member, packed)
        self._at += length

    def _directory(self) -> Generator[None, None, None]:
        start = self._position
        entries = 0
        while True:
            self._what = "its central directory"
            yield from self._need(4)
            if self._peek(4) != CENTRAL:
                break
            head = yield from self._take(CENTRAL_RECORD.size)
            rest = yield from self._take(sum(CENTRAL_RECORD.unpack(head)[10:13]))
            try:
                entry = read_central(head, rest)
            except ValueError as error:
                raise self._damaged(f"its central directory: {error}") from None
            self._compare(entry)
            entries += 1
        if self._seen:
            name = redacted(next(iter(self._seen.values())).raw_name.decode("utf-8", "replace"))
            raise self._damaged(f"{len(self._seen)} members are not in its directory, as {name!r}")
        yield from self._end(entries, self._position - start, start)

    def _compare(self, entry: Member) -> None:
        shown = repr(redacted(entry.raw_name.decode("utf-8", "replace"))[:200])
        member = self._seen.pop(entry.offset, None)
        if member is None:
            raise self._damaged(f"its directory lists {shown}, which is not there or twice listed")
        if entry.flags & _ENCRYPTED:
            raise UnsafeArchiveError(f"member {shown} of the ZIP archive is encrypted")
        if self._unpacked and (entry.mode & _FORMAT_BITS) not in _PLAIN_KINDS:
            raise UnsafeArchiveError(f"member {shown} of the ZIP archive is a link or a device")
        if entry.values != member.values:
            raise self._damaged(f"its directory does not agree with member {shown}")

    def _end(self, entries: int, size: int, offset: int) -> Generator[None, None, None]:
        """Compare the end records with the directory; a marked value is in the ZIP64 record."""
        self._what = "the end of its central directory"
        counted = (0, 0, entries, entries, size, offset)
        marks: tuple[int, ...] = counted
        if self._peek(4) == END_64:
            marks = (MARK_16,) * 4 + (MARK_32,) * 2
            begin = self._position
            _, length, _, _, *wide = END_64_RECORD.unpack(
                (yield from self._take(END_64_RECORD.size))
            )
            further = length + 12 - END_64_RECORD.size
            if not 0 <= further <= _LONGEST_EXTENSION:
                raise self._damaged("the ZIP64 end of its directory has no sensible length")
            yield from self._take(further)
            locator = LOCATOR_64_RECORD.unpack((yield from self._take(LOCATOR_64_RECORD.size)))
            if locator[:3] != (LOCATOR_64, 0, begin) or locator[3] > 1 or tuple(wide) != counted:
                raise self._damaged("its ZIP64 end does not agree with its directory")
            yield from self._need(4)
        if self._peek(4) != END:
            raise self._damaged("neither a member nor its directory follows here")
        _, *narrow, comment = END_RECORD.unpack((yield from self._take(END_RECORD.size)))
        yield from self._take(comment)
        if any(value not in pair for value, *pair in zip(narrow, counted, marks, strict=True)):
            raise self._damaged("its end does not agree with its directory")
