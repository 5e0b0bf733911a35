"""The reader of DICOM headers: the identity that pydicom reads, or none."""

import io
import logging
import struct
import warnings
from pathlib import Path

import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import config as pydicom_config
from pydicom.data import get_testdata_file
from pydicom.multival import MultiValue
from tests import dicom_corpus as corpus

from _runtime.downloads import dicom_header as dicom
from _runtime.downloads.dicom_header import (
    KEYWORDS,
    Header,
    HeaderReader,
    NotDicomError,
    UnreadableError,
)

PADDING = "\0" + "".join(filter(str.isspace, map(chr, range(256))))
Identity = tuple[str | None, ...]


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


def identity(header: Header) -> Identity:
    return tuple(header.uids[keyword] for keyword in KEYWORDS)


def dataset_by_pydicom(data: bytes) -> pydicom.Dataset:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pydicom.dcmread(io.BytesIO(data), stop_before_pixels=True)


def identity_by_pydicom(data: bytes) -> Identity:
    """Return the identity that pydicom reads before the pixel data, without padding."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = dataset_by_pydicom(data)
        values = [found.get(keyword) for keyword in KEYWORDS]
    joined = ["\\".join(value) if isinstance(value, MultiValue) else value for value in values]
    return tuple(None if value is None else str(value).strip(PADDING) or None for value in joined)


@pytest.fixture(autouse=True)
def _quiet_pydicom(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = pydicom_config.settings
    monkeypatch.setattr(settings, "_reading_validation_mode", pydicom_config.IGNORE)
    monkeypatch.setattr(logging.getLogger("pydicom"), "disabled", True)


@pytest.mark.parametrize("path", shipped(), ids=lambda path: path.name)
def test_reader_finds_identity_of_pydicom_test_files(path: Path) -> None:
    data = path.read_bytes()
    wanted = identity_by_pydicom(data)
    if not any(wanted):
        with pytest.raises((NotDicomError, UnreadableError)):
            read(data)
        return
    header = read(data)
    assert identity(header) == wanted
    assert read(data, 997) == header
    number = dataset_by_pydicom(data).get("InstanceNumber")
    assert header.instance_number == (None if number in (None, "") else int(number))


@pytest.mark.parametrize("name", corpus.READABLE)
def test_reader_finds_identity_of_odd_files(name: str) -> None:
    data = corpus.READABLE[name]
    wanted = (corpus.SOP, corpus.STUDY, corpus.SERIES)
    assert identity_by_pydicom(data) == wanted
    assert identity(read(data)) == wanted
    for step in (1, 7, 4096):
        if len(data) < 10_000 * step:
            assert identity(read(data, step)) == wanted


@pytest.mark.parametrize("name", corpus.UNREADABLE)
def test_reader_reports_header_that_it_cannot_follow(name: str) -> None:
    for step in (1, 7, 65536):
        with pytest.raises(UnreadableError):
            read(corpus.UNREADABLE[name], step)


@pytest.mark.parametrize("name", corpus.NOT_DICOM)
def test_reader_reports_file_that_identifies_no_object(name: str) -> None:
    data, words = corpus.NOT_DICOM[name]
    for step in (1, 7, 65536):
        with pytest.raises(NotDicomError, match=words):
            read(data, step)


def test_reader_is_certain_of_missing_identifier_in_regular_file_only() -> None:
    tags = [corpus.SOP_TAG, corpus.STUDY_TAG, 0x00280010]
    plain = read(corpus.with_elements({}, tags))
    assert (plain.uids["SeriesInstanceUID"], plain.certain) == (None, True)
    odd = {corpus.PRIVATE: corpus.element(corpus.PRIVATE, "", b"12")}
    assert not read(corpus.with_elements(odd, [tags[0], *odd, *tags[1:]])).certain


def test_reader_stops_at_its_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dicom, "MOST_ELEMENTS", 1000)
    monkeypatch.setattr(dicom, "MOST_INFLATED", 500_000)
    for name, words in [
        ("30,000 references", "over 1000 elements"),
        ("110,000 private elements", "over 1000 elements"),
        ("many frames behind the identifiers", "over 1000 elements"),
        ("deflated, with a megabyte in front", "inflates to over 500000 bytes"),
    ]:
        with pytest.raises(UnreadableError, match=words):
            read(corpus.READABLE[name])


def test_reader_retains_at_most_one_value() -> None:
    reader = HeaderReader()
    data = corpus.READABLE["30,000 references"]
    for at in range(0, len(data), 1000):
        reader.feed(data[at : at + 1000])
        assert len(reader._data) - reader._at <= dicom.LONGEST_VALUE
    assert reader.done


def agrees(data: bytes, step: int) -> bool:
    """Compare an identity, if there is one, with pydicom's; return whether there is one."""
    try:
        header = read(data, step)
    except (NotDicomError, UnreadableError):
        return False
    try:
        wanted = identity_by_pydicom(data)
    except Exception:  # without an identity it cannot be mistaken for another
        return False
    if not any(wanted):  # it drops all that it has read where one value is beyond it
        return False
    for ours, theirs in zip(identity(header), wanted, strict=True):
        assert ours == theirs or (ours is None and not header.certain)
    return True


SMALL = [data for data in corpus.READABLE.values() if len(data) < 5000]
SMALL += [data for data in corpus.UNREADABLE.values() if len(data) < 5000]
UIDS = [b"1.2.3", b"9.9.9", b"9.9.9\n", b"", b"1\\2"]
TAGS = [*corpus.TAGS, 0x00080005, corpus.REFERENCES, corpus.PRIVATE, 0x00400275, 0x00200013]
VRS = ["", "UI", "UN", "LO", "OB", "UT", "US", "SQ", "ZZ"]


def edited(data: st.DataObject, file: bytes) -> bytes:
    """Return a file with some bytes changed, removed, doubled or inserted."""
    changed = bytearray(file)
    values = st.sampled_from([0, 1, 2, 8, 0x20, 0x41, 0x5A, 0xFE, 0xFF]) | st.integers(0, 255)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(132, max(132, len(changed) - 1)))
        match data.draw(st.integers(0, 4)):
            case 0 | 1:
                changed[at : at + 1] = bytes([data.draw(values)])
            case 2:
                del changed[at : at + data.draw(st.integers(1, 12))]
            case 3:
                changed[at:at] = changed[at : at + data.draw(st.integers(1, 40))]
            case _:
                changed[at:at] = data.draw(elements_of(2))
    return bytes(changed)


def elements_of(depth: int) -> st.SearchStrategy[bytes]:
    """Return elements, valid or not, as different writers make them."""
    plain = st.builds(
        corpus.element, st.sampled_from(TAGS), st.sampled_from(VRS), st.sampled_from(UIDS)
    )
    marks = st.sampled_from([corpus.ITEM_END, corpus.SEQUENCE_END, corpus.marker(0xE000, 8)])
    if not depth:
        return plain
    inner = st.lists(elements_of(depth - 1), max_size=3).map(b"".join)
    whole = inner.map(lambda content: corpus.item(content, length=len(content)))
    items = st.lists(st.one_of(inner.map(corpus.item), whole, marks), max_size=3)
    sequences = st.builds(
        lambda tag, vr, content: corpus.sequence(tag, *content, vr=vr),
        st.sampled_from([corpus.REFERENCES, corpus.PRIVATE, 0x00400275]),
        st.sampled_from(["SQ", "UN", "", "OB"]),
        items,
    )
    closed = st.builds(
        lambda tag, content: corpus.element(tag, "SQ", b"".join(content)),
        st.sampled_from([corpus.REFERENCES, corpus.PRIVATE]),
        items,
    )
    return st.one_of(plain, plain, sequences, closed, marks)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_reader_never_finds_another_identity_than_pydicom_in_edited_files(
    data: st.DataObject,
) -> None:
    file = edited(data, data.draw(st.sampled_from(SMALL)))
    agrees(file, data.draw(st.sampled_from([1, 13, 65536])))


@settings(max_examples=300, deadline=None)
@given(
    st.lists(elements_of(3), max_size=8).map(b"".join),
    st.sampled_from([corpus.EXPLICIT, corpus.IMPLICIT, None, ""]),
    st.booleans(),
    st.sampled_from([1, 13, 65536]),
)
def test_reader_never_finds_another_identity_than_pydicom_in_composed_files(
    content: bytes, syntax: str | None, first: bool, step: int
) -> None:
    known = corpus.data_set({}, corpus.TAGS)
    agrees(corpus.part10(known + content if first else content + known, syntax), step)


def test_fuzz_compares_identities() -> None:
    assert agrees(corpus.READABLE["plain"], 13)
    assert not agrees(corpus.UNREADABLE["random bytes"], 13)
    other = corpus.READABLE["plain"].replace(struct.pack("<HH", 0x20, 0xE), b"\x21\0\x0e\0")
    assert identity(read(other))[2] is None
