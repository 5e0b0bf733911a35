"""The values that the catalog stores of one DICOM file, read from its header.

Files are untrusted: values have any length, control characters, wrong UIDs and
dates. No content of a file raises anything but :class:`NotUsable`.
"""

import re
import unicodedata
import warnings
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import BinaryIO

import attrs
import pydicom
from pydicom import config as pydicom_config
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from pydicom.filereader import read_partial
from pydicom.multival import MultiValue
from pydicom.uid import DeflatedExplicitVRLittleEndian

NO_COLLECTION = "UNASSIGNED"
NO_PATIENT = "UNKNOWN"
NO_MODALITY = "OT"
_LONGEST_TEXT = 1024
_LONGEST_BODY_PART = 15
_LARGEST_INTEGER = 10**16
_LARGEST_INFLATED = 256 * 1024 * 1024
_PADDING = "\0\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0"
_UID = re.compile(r"[0-9]+(?:\.[0-9]+)*", re.ASCII)
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,9})?", re.ASCII)
_DA = re.compile(r"(\d{4})\.?(\d{2})\.?(\d{2})", re.ASCII)
_CTP_CREATOR, _CTP_PROJECT = 0x00130010, 0x00131010
_COLLECTION_TAGS = (_CTP_PROJECT, 0x00120020, 0x00120010)
_KEYWORDS = [
    "Modality",
    "SOPInstanceUID",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "PatientID",
    "PatientName",
    "PatientBirthDate",
    "PatientSex",
    "EthnicGroup",
    "PatientAge",
    "StudyDate",
    "StudyDescription",
    "AdmittingDiagnosesDescription",
    "StudyID",
    "ProtocolName",
    "SeriesDate",
    "SeriesDescription",
    "BodyPartExamined",
    "SeriesNumber",
    "Manufacturer",
    "ManufacturerModelName",
    "SoftwareVersions",
]


_SOP_UID = 0x00080018
_TAGS = [tag_for_keyword(keyword) or 0 for keyword in _KEYWORDS]
_TAGS += [_CTP_CREATOR, *_COLLECTION_TAGS]


class NotUsable(Exception):
    """The file is not a DICOM file, or lacks a required value; the message states the reason."""


class NotReadable(NotUsable):
    """The operating system cannot read the file; its content is unknown."""


@attrs.frozen
class Header:
    """The values of one file, as the catalog stores them.

    ``collection`` is None if the file states no collection. ``unidentified_name`` is the
    patient's name if the file has no Patient ID, else empty: it distinguishes the
    patients that share the ID ``UNKNOWN``.
    """

    sop_uid: str
    series_uid: str
    study_uid: str
    collection: str | None
    patient_id: str
    unidentified_name: str
    patient: tuple[str | None, ...]
    study: tuple[str | None, ...]
    series: tuple[str | None, ...]


def read_header(path: Path) -> Header:
    """Read the header of a DICOM file without its pixel data.

    Returns:
        ``patient`` holds name, birth date, sex, ethnic group; ``study`` date,
        description, admitting diagnoses, ID, age; ``series`` modality, protocol,
        date, description, body part, number, manufacturer, model, software.

    Raises:
        NotUsable: the file has a defect; the message states the reason.
    """
    with _reading(), path.open("rb") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _header(_read_dataset(file, _TAGS))


def has_sop_uid(file: BinaryIO, sop_uid: str) -> bool:
    """Return whether an open DICOM file holds the object ``sop_uid``.

    Raises:
        NotUsable: the file is not a DICOM file, or has no SOP Instance UID.
    """
    with _reading():
        _refuse_bomb(file)
        # In a file with sorted tags this ends at once; others are read as they were indexed.
        start = read_partial(file, lambda tag, *_: tag > _SOP_UID, specific_tags=[_SOP_UID])
        if _text(start, _SOP_UID) == sop_uid:
            return True
        return _uid(_read_dataset(file, [_SOP_UID]), "SOPInstanceUID") == sop_uid


@contextmanager
def _reading() -> Iterator[None]:
    """Let pydicom read without validation; raise NotUsable for any error."""
    pydicom_config.settings.reading_validation_mode = pydicom_config.IGNORE
    try:
        yield
    except NotUsable:
        raise
    except InvalidDicomError as error:
        raise NotUsable("not a DICOM Part 10 file") from error
    except OSError as error:
        # pydicom raises an OSError without a number if a sequence is malformed.
        kind = NotUsable if error.errno is None else NotReadable
        raise kind(f"cannot be read: {error.strerror or error}") from error
    except Exception as error:
        reason = str(error).splitlines()[:1] or [type(error).__name__]
        raise NotUsable(f"broken DICOM file: {_clean(reason[0])[:200]}") from error


def _read_dataset(file: BinaryIO, tags: Sequence[int]) -> Dataset:
    _refuse_bomb(file)
    return pydicom.dcmread(file, stop_before_pixels=True, specific_tags=list(tags))


def _header(dataset: Dataset) -> Header:
    patient_id, patient_name = _text(dataset, "PatientID"), _text(dataset, "PatientName")
    return Header(
        sop_uid=_uid(dataset, "SOPInstanceUID"),
        series_uid=_uid(dataset, "SeriesInstanceUID"),
        study_uid=_uid(dataset, "StudyInstanceUID"),
        collection=_collection(dataset),
        patient_id=patient_id or NO_PATIENT,
        unidentified_name="" if patient_id else patient_name or "",
        patient=(
            patient_name,
            _date(dataset, "PatientBirthDate"),
            _text(dataset, "PatientSex"),
            _text(dataset, "EthnicGroup"),
        ),
        study=(
            _date(dataset, "StudyDate"),
            _text(dataset, "StudyDescription"),
            _text(dataset, "AdmittingDiagnosesDescription"),
            _text(dataset, "StudyID"),
            _text(dataset, "PatientAge"),
        ),
        series=(
            _text(dataset, "Modality") or NO_MODALITY,
            _text(dataset, "ProtocolName"),
            _date(dataset, "SeriesDate"),
            _text(dataset, "SeriesDescription"),
            (_text(dataset, "BodyPartExamined") or "")[:_LONGEST_BODY_PART] or None,
            _integer(dataset, "SeriesNumber"),
            _text(dataset, "Manufacturer"),
            _text(dataset, "ManufacturerModelName"),
            _text(dataset, "SoftwareVersions"),
        ),
    )


def _collection(dataset: Dataset) -> str | None:
    for tag in _COLLECTION_TAGS:
        if tag == _CTP_PROJECT and _text(dataset, _CTP_CREATOR) != "CTP":
            continue
        if text := (_text(dataset, tag) or "").strip():
            return text
    return None


def _text(dataset: Dataset, tag: str | int) -> str | None:
    """Return a value as text, several joined by a backslash; None for an empty or broken one."""
    try:
        value = dataset[tag].value if tag in dataset else None
    except Exception:  # pydicom converts on access and raises any exception of the conversion
        return None
    if isinstance(value, MultiValue | list | tuple):
        text = "\\".join("" if one is None else str(one) for one in value[:_LONGEST_TEXT])
    elif isinstance(value, bytes):
        text = value[:_LONGEST_TEXT].decode("utf-8", "replace").rstrip()
    else:
        text = "" if value is None else str(value)
    return _clean(text)[:_LONGEST_TEXT] or None


def _clean(text: str) -> str:
    """Drop control characters and surrogates."""
    if text.isprintable():
        return text
    return "".join(
        c for c in text[: 2 * _LONGEST_TEXT] if unicodedata.category(c) not in ("Cc", "Cs")
    )


def _uid(dataset: Dataset, keyword: str) -> str:
    """Return an identifier without its padding; removing more would change the identifier."""
    try:
        value = dataset[keyword].value if keyword in dataset else None
    except Exception:  # as in _text
        raise NotUsable(f"its {keyword} is not a UID") from None
    if value is None or value == "":
        raise NotUsable(f"it has no {keyword}")
    text = value.strip(_PADDING) if isinstance(value, str) else ""
    if len(text) > 64 or not _UID.fullmatch(text):
        raise NotUsable(f"its {keyword} is not a UID")
    return text


def _date(dataset: Dataset, keyword: str) -> str | None:
    match = _DA.fullmatch((_text(dataset, keyword) or "").strip())
    if match is None:
        return None
    try:
        return date(*map(int, match.groups())).isoformat()
    except ValueError:
        return None


def _integer(dataset: Dataset, keyword: str) -> str | None:
    """Return an integer as the database writes decimal(22,6): text with six places.

    The documents declare an integer, so the function returns None for any other value.
    """
    text = (_text(dataset, keyword) or "").strip()
    if not _NUMBER.fullmatch(text):
        return None
    number = Decimal(text)
    if abs(number) >= _LARGEST_INTEGER or number != int(number):
        return None
    return f"{int(number)}.000000"


def _refuse_bomb(file: BinaryIO) -> None:
    """Raise NotUsable for a deflated file that unpacks to more than 256 MB."""
    file.seek(0)
    start = file.read(1024)
    position = start.find(DeflatedExplicitVRLittleEndian.encode())
    if position >= 0 and start[128:132] == b"DICM":
        length = int.from_bytes(start[140:144], "little")
        file.seek(144 + length)
        unpacker, size = zlib.decompressobj(-zlib.MAX_WBITS), 0
        while block := file.read(64 * 1024):
            while block:
                size += len(unpacker.decompress(block, 1024 * 1024))
                if size > _LARGEST_INFLATED:
                    raise NotUsable("it unpacks to more than 256 MB")
                block = unpacker.unconsumed_tail
    file.seek(0)
