"""The reader of ZIP streams: same bytes as zipfile, or an error, however they are cut."""

import io
import random
import stat
import struct
import subprocess
import zipfile
import zlib
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from _runtime.downloads.errors import (
    CorruptDownloadError,
    DownloadError,
    LimitError,
    NotAFileError,
    UnsafeArchiveError,
)
from _runtime.downloads.options import Limits
from _runtime.downloads.unzip import MEMBER_END, MOST_AT_ONCE, MOST_PADDING, Unzip
from _runtime.downloads.zip_format import LIBRARY, Member, gives_back_the_rest

Read = list[tuple[str, bytes]]


def unpack(archive: bytes, step: int = 65536, limits: Limits | None = None) -> Read:
    unzip = Unzip(limits)
    found: Read = []
    data: list[bytes] = []
    chunks = [archive[at : at + step] for at in range(0, len(archive), step)]
    events = [event for chunk in chunks for event in unzip.feed(chunk)]
    unzip.finish()
    for event in events:
        if isinstance(event, Member):
            found.append((event.name, b""))
            data.clear()
        elif isinstance(event, bytes):
            assert 0 < len(event) <= MOST_AT_ONCE
            data.append(event)
        else:
            assert event is MEMBER_END
            found[-1] = (found[-1][0], b"".join(data))
    return found


contents = st.one_of(
    st.binary(max_size=300),
    st.integers(0, 200_000).map(bytes),
    st.lists(
        st.sampled_from([b"PK\x07\x08", b"PK\x03\x04", b"PK\x01\x02", b"PK", b"\0" * 12, b"x"]),
        max_size=40,
    ).map(b"".join),
)
names = st.text(
    st.characters(blacklist_categories=["Cs", "Cc"], blacklist_characters="\\"),
    min_size=1,
    max_size=20,
)
members = st.lists(
    st.tuples(
        names, contents, st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]), st.booleans()
    ),
    max_size=5,
    unique_by=lambda member: member[0],
)


class Pipe(io.BytesIO):
    """Cannot seek, so zipfile writes data descriptors."""

    def seekable(self) -> bool:
        return False

    def seek(self, *_: object) -> int:
        raise io.UnsupportedOperation

    tell = seek


def write(
    given_members: list[tuple[str, bytes, int, bool]], *, pipe: bool, comment: bytes
) -> bytes:
    sink = Pipe() if pipe else io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.comment = comment
        for name, data, method, wide in given_members:
            info = zipfile.ZipInfo(name)
            info.compress_type = method
            with archive.open(info, "w", force_zip64=wide) as file:
                file.write(data)
    return sink.getvalue()


@settings(max_examples=150, deadline=None)
@given(members, st.booleans(), st.binary(max_size=30), st.integers(1, 70_000))
def test_unzip_of_any_zipfile_archive_returns_the_same_bytes(
    given_members: list[tuple[str, bytes, int, bool]], pipe: bool, comment: bytes, step: int
) -> None:
    archive = write(given_members, pipe=pipe, comment=comment)
    wanted = [(name, data) for name, data, _, _ in given_members]
    assert unpack(archive, max(step, len(archive) // 500)) == wanted


@settings(max_examples=60, deadline=None)
@given(members, st.booleans(), st.binary(max_size=5), st.data())
def test_unzip_refuses_every_truncation(
    given_members: list[tuple[str, bytes, int, bool]],
    pipe: bool,
    comment: bytes,
    data: st.DataObject,
) -> None:
    archive = write(given_members, pipe=pipe, comment=comment)
    with pytest.raises(DownloadError):
        unpack(archive[: data.draw(st.integers(0, len(archive) - 1))])


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_unzip_refuses_archive_truncated_at_any_byte(
    make: SimpleNamespace, stream: bool, method: int
) -> None:
    archive = make.zipped(
        [("a", b"PK\x07\x08 and so on"), ("b/", b""), ("b/c", b"")], stream=stream, method=method
    )
    for length in range(len(archive)):
        with pytest.raises(CorruptDownloadError, match="cut short"):
            unpack(archive[:length])


@pytest.mark.parametrize("stream", [True, False])
def test_unzip_never_returns_other_data_for_a_changed_byte(
    make: SimpleNamespace, stream: bool
) -> None:
    archive = make.zipped([("a.dcm", bytes(range(200))), ("b", b"x" * 400)], stream=stream)
    right = unpack(archive)
    errors = 0
    for at in range(len(archive)):
        for bit in (1, 0x80):
            changed = bytearray(archive)
            changed[at] ^= bit
            try:
                assert unpack(bytes(changed)) == right
            except DownloadError:
                errors += 1
    assert errors > len(archive)


def test_unzip_reads_archives_of_info_zip(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(random.Random(1).randbytes(50_000))
    (tmp_path / "b").write_bytes(bytes(90_000))
    command = ["zip", "-q", "-r", "-", "a", "b"]
    try:
        piped = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True).stdout
    except FileNotFoundError:
        pytest.skip("there is no zip here")
    assert dict(unpack(piped, 1000)) == {"a": (tmp_path / "a").read_bytes(), "b": bytes(90_000)}


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("wide", [True, False])
def test_unzip_reads_data_descriptors_of_every_form(
    make: SimpleNamespace, signed: bool, wide: bool
) -> None:
    archive = make.zipped([("a", b"hello " * 50)])
    at = archive.index(b"PK\x07\x08")
    crc, packed, size = struct.unpack_from("<LLL", archive, at + 4)
    descriptor = struct.pack("<LQQ" if wide else "<LLL", crc, packed, size)
    other = (b"PK\x07\x08" if signed else b"") + descriptor
    end = bytearray(archive[at + 16 :])
    where = end.index(b"PK\x05\x06")
    moved = struct.unpack_from("<L", end, where + 16)[0] + len(other) - 16
    struct.pack_into("<L", end, where + 16, moved)
    assert unpack(archive[:at] + other + bytes(end), 1) == [("a", b"hello " * 50)]


def test_unzip_returns_an_archive_inside_an_archive_as_data(make: SimpleNamespace) -> None:
    inner = make.zipped([("x", b"1" * 100)], method=zipfile.ZIP_STORED)
    archive = make.zipped([("inner.zip", inner), ("b", b"2")], method=zipfile.ZIP_STORED)
    assert unpack(archive, 13) == [("inner.zip", inner), ("b", b"2")]


def test_unzip_reads_more_than_65535_members() -> None:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        for number in range(65_600):
            archive.writestr(zipfile.ZipInfo(str(number)), b"")
    assert len(unpack(sink.getvalue())) == 65_600


def patched(archive: bytes, *places: tuple[int, bytes]) -> bytes:
    changed = bytearray(archive)
    for at, value in places:
        changed[at : at + len(value)] = value
    return bytes(changed)


def link(target: bytes = b"/etc/passwd") -> tuple[zipfile.ZipInfo, bytes]:
    info = zipfile.ZipInfo("images/0.dcm")
    info.create_system = 3
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info, target


def test_unzip_refuses_unsafe_members(make: SimpleNamespace) -> None:
    archive = make.zipped([("a", b"data")], stream=False)
    central = archive.index(b"PK\x01\x02")
    for bad, words in [
        (patched(archive, (6, b"\x01\x00")), "encrypted"),
        (patched(archive, (central + 8, b"\x01\x00")), "encrypted"),
        (patched(archive, (8, b"\x0c\x00")), "method 12"),
        (make.zipped([link()]), "link"),
    ]:
        with pytest.raises(UnsafeArchiveError, match=words):
            unpack(bad)


def test_unzip_refuses_other_formats_and_two_archives(make: SimpleNamespace) -> None:
    archive = make.zipped([("a", b"data")])
    for body in (b"<html>", b"\x1f\x8b\x08" + bytes(50), b"PK\x07\x08" + archive):
        with pytest.raises(NotAFileError):
            unpack(body)
    for body in (archive + b"\0x", archive + archive, archive[:30] + b"!" + archive[30:]):
        with pytest.raises(CorruptDownloadError):
            unpack(body)


PADDINGS = [b"\n", b"\r\n", b"\0", bytes(512), bytes(10240), bytes(MOST_PADDING)]


@pytest.mark.parametrize("padding", PADDINGS, ids=lambda padding: f"{len(padding)} bytes")
def test_unzip_reads_archive_with_padding_after_its_end(
    make: SimpleNamespace, padding: bytes
) -> None:
    archive = make.zipped([("a", b"data")]) + padding
    for step in (7, 65536):
        if len(padding) < 100 * step:
            assert unpack(archive, step) == [("a", b"data")]


@pytest.mark.parametrize("tail", [b" ", b"\0x", bytes(600) + b"PK", bytes(MOST_PADDING + 1)])
def test_unzip_refuses_other_bytes_after_the_end(make: SimpleNamespace, tail: bytes) -> None:
    for step in (4096, 2**21):
        with pytest.raises(CorruptDownloadError, match="follow its end"):
            unpack(make.zipped([("a", b"data")]) + tail, step)


def test_unzip_refuses_directory_that_differs_from_the_members(make: SimpleNamespace) -> None:
    archive = make.zipped([("a", b"data"), ("b", b"more")], stream=False)
    first = archive.index(b"PK\x01\x02")
    second = archive.index(b"PK\x01\x02", first + 4)
    end = archive.index(b"PK\x05\x06")
    for bad in [
        patched(archive, (first + 46, b"c")),  # another name
        patched(archive, (second + 42, bytes(4))),  # the first member, twice
        patched(archive, (end + 8, b"\x01\x00\x01\x00")),  # fewer entries
        archive[:second] + patched(archive[end:], (8, b"\x01\x00\x01\x00")),  # one left out
    ]:
        with pytest.raises(CorruptDownloadError):
            unpack(bad)


def test_unzip_raises_limit_error_beyond_each_limit(make: SimpleNamespace) -> None:
    bomb = make.zipped([("zeros", bytes(4_000_000)), ("more", bytes(4_000_000))])
    for limits, words in [
        (Limits(members=1), "more than 1 members"),
        (Limits(member_bytes=3_999_999), "'zeros' unpacks to more than 3999999"),
        (Limits(total_bytes=7_999_999), "archive unpacks to more than 7999999"),
    ]:
        with pytest.raises(LimitError, match=words):
            unpack(bomb, limits=limits)
    assert len(unpack(bomb, limits=Limits(members=2, total_bytes=8_000_000))) == 2
    assert len(unpack(bomb, limits=Limits())) == 2


class Forgetful:
    """Inflates with zlib, and loses the bytes after a stream."""

    unused_data = b""

    def __init__(self, wbits: int) -> None:
        self._inflater = zlib.decompressobj(wbits)

    def decompress(self, data: bytes, most: int) -> bytes:
        return self._inflater.decompress(data, most)

    @property
    def eof(self) -> bool:
        return self._inflater.eof

    @property
    def unconsumed_tail(self) -> bytes:
        return self._inflater.unconsumed_tail


def test_inflate_library_that_loses_bytes_after_a_stream_is_not_used() -> None:
    assert gives_back_the_rest(zlib)
    assert gives_back_the_rest(LIBRARY)
    assert not gives_back_the_rest(SimpleNamespace(decompressobj=Forgetful))
