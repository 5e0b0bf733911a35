"""Small DICOM files for tests of the index, with any values."""

from pathlib import Path

import pydicom
from pydicom.data import get_testdata_file
from pydicom.uid import generate_uid


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
    """Write a file with an object of its own: the SOP instance UID follows from the name."""
    return put(folder, name, SOPInstanceUID=generate_uid(entropy_srcs=[name]), **values)
