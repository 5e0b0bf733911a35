"""Small DICOM files for tests of the index, with any values."""

from pathlib import Path

import pydicom
from pydicom.data import get_testdata_file
from pydicom.uid import ImplicitVRLittleEndian, generate_uid


def put(folder: Path, name: str, **values: object) -> Path:
    """Write a small DICOM file with other values than CT_small has; None removes an element."""
    source = get_testdata_file("CT_small.dcm", download=False)
    assert isinstance(source, str)
    dataset = pydicom.dcmread(source)
    del dataset.PixelData
    for keyword, value in values.items():
        if value is None:
            del dataset[keyword]
        else:
            setattr(dataset, keyword, value)
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path)
    return path


def put_object(folder: Path, name: str, **values: object) -> Path:
    """Write a file with a separate object: the SOP instance UID follows from the name."""
    return put(folder, name, SOPInstanceUID=generate_uid(entropy_srcs=[name]), **values)


def raw_file(path: Path, elements: bytes, syntax: str = ImplicitVRLittleEndian) -> Path:
    """Write a Part 10 file with the bytes of a data set as they are."""
    uid = syntax.encode() + b"\0" * (len(syntax) % 2)
    group = b"\x02\x00\x10\x00UI" + len(uid).to_bytes(2, "little") + uid
    length = b"\x02\x00\x00\x00UL\x04\x00" + len(group).to_bytes(4, "little")
    path.write_bytes(b"\0" * 128 + b"DICM" + length + group + elements)
    return path


def element(group: int, number: int, value: bytes) -> bytes:
    """Return an element in implicit VR, little endian."""
    value += b" " * (len(value) % 2)
    head = group.to_bytes(2, "little") + number.to_bytes(2, "little")
    return head + len(value).to_bytes(4, "little") + value
