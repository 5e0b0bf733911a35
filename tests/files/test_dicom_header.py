"""The identifiers of DICOM files: as pydicom reads them, and never a crash."""

import struct
import warnings
import zlib
from pathlib import Path
from types import SimpleNamespace

import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.data import get_testdata_file

from _runtime.files.dicom import Header, HeaderReader, NotDicomError


def shipped() -> list[Path]:
    known = get_testdata_file("CT_small.dcm", download=False)
    assert isinstance(known, str)
    found = (path for path in sorted(Path(known).parent.rglob("*.dcm")) if path.is_file())
    return [path for path in found if path.read_bytes()[128:132] == b"DICM"]


def read(data: bytes, step: int = 65536) -> Header:
    reader = HeaderReader()
    for at in range(0, len(data), step):
        reader.feed(data[at : at + step])
    return reader.result()


@pytest.mark.parametrize("path", shipped(), ids=lambda path: path.name)
def test_identifiers_are_those_that_pydicom_reads(path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = pydicom.dcmread(path, stop_before_pixels=True)
    data = path.read_bytes()[:100_000]
    sop, study, series = uids = [
        str(dataset.get(k) or "") or None
        for k in ("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")
    ]
    if not any(uids):
        with pytest.raises(NotDicomError):
            read(data)
        return
    number = dataset.get("InstanceNumber")
    expected = Header(sop, study, series, None if number in (None, "") else int(number))
    assert read(data) == read(data, 13) == expected


def test_a_deflated_data_set_is_read(make: SimpleNamespace) -> None:
    element = make.element
    meta = element(0x00020010, b"UI", b"1.2.840.10008.1.2.1.99")
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    body = element(0x00080018, b"UI", b"1.2.9") + element(0x00091001, b"OB", bytes(900_000))
    body += element(0x0020000E, b"UI", b"1.2.3") + element(0x7FE00010, b"OW", bytes(500))
    packed = packer.compress(body) + packer.flush()
    data = bytes(128) + b"DICM" + meta + packed
    for step in (1, 7, 4096):
        assert read(data, step) == Header("1.2.9", None, "1.2.3", None)


def test_identifiers_inside_sequences_are_not_the_file_s(make: SimpleNamespace) -> None:
    inner = make.element(0x00080018, b"UI", b"6.6.6")
    item = struct.pack("<HHL", 0xFFFE, 0xE000, 0xFFFFFFFF) + inner
    item += struct.pack("<HHL", 0xFFFE, 0xE00D, 0)
    sequence = struct.pack("<HH2sHL", 0x0008, 0x0012, b"SQ", 0, 0xFFFFFFFF) + item * 2
    sequence += struct.pack("<HHL", 0xFFFE, 0xE0DD, 0)
    data = make.dicom("1.2.9")
    at = data.index(struct.pack("<HH", 0x0008, 0x0018))
    assert read(data[:at] + sequence + data[at:]).sop_instance_uid == "1.2.9"


HOSTILE = [
    (b"", "identifies no object"),
    (b"<html>" * 100, "DICM"),
    (struct.pack("<HH2sHL", 8, 0x12, b"SQ", 0, 0xFFFFFFFF) * 100, "nested"),
    (struct.pack("<HH2sH", 8, 0x05, b"CS", 0) * 150_000, "100000 elements"),
    (struct.pack("<HH2sH", 8, 0x18, b"UI", 0xFFFF) + b"1" * 70_000, "overlong"),
    (struct.pack("<HH4s", 8, 0x18, b"\xff\xff\0\0"), "value representation"),
    (struct.pack("<HHL", 0xFFFE, 0xE0DD, 0) * 3, "outside of a sequence"),
]


@pytest.mark.parametrize(("tail", "words"), HOSTILE, ids=[words for _, words in HOSTILE])
def test_hostile_headers_are_refused(make: SimpleNamespace, tail: bytes, words: str) -> None:
    start = b"" if words == "DICM" else make.dicom("1.2")[:132]
    meta = make.element(0x00020010, b"UI", b"1.2.840.10008.1.2.1")
    # A first element that shows that the data set is explicit.
    first = make.element(0x00080005, b"CS", b"X") if tail and start else b""
    with pytest.raises(NotDicomError, match=words):
        read(start + (meta + first if start else b"") + tail)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_bytes_are_read_to_an_end(make: SimpleNamespace, data: st.DataObject) -> None:
    changed = bytearray(make.dicom("1.2.9", size=300))
    for _ in range(data.draw(st.integers(0, 12))):
        changed[data.draw(st.integers(132, len(changed) - 1))] = data.draw(st.integers(0, 255))
    step = data.draw(st.integers(1, 400))
    try:
        header = read(bytes(changed) + data.draw(st.binary(max_size=50)), step)
    except NotDicomError:
        pass
    else:
        assert isinstance(header, Header)
