"""The archive's responses match its documents, whatever the headers of files contain."""

import warnings
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from tests.archive.dicom_files import element, raw_file

import tcia_client
from tciagen.archive.catalog import writing
from tciagen.archive.headers import read_header
from tciagen.archive.rules import CollectionRule
from tciagen.archive.running import RunningArchive, running_archive
from tciagen.archive.scan import index

NUMBERS = [
    b"2.5", b"0.1", b"1e-3", b"-7.000001", b"99999999999999999999", b"1e999999", b"NaN",
    b"Infinity", b"-Infinity", b"1\\2", b"twelve", b"0x10", b"1_000", b"\xd9\xa3", b"",
    b" ", b"--1", b"1 2",
]  # fmt: skip
WHOLE_NUMBERS = {b"7": 7, b" 7 ": 7, b"+7": 7, b"-0": 0, b"007": 7, b"7.0": 7, b"1E3": 1000}
ODD = [*NUMBERS, *WHOLE_NUMBERS, b"20230230", b"2023.02.03", b"99999999", b"\x1b[2J", b"A" * 2000]
ELEMENTS = [
    (0x08, 0x20), (0x08, 0x21), (0x08, 0x60), (0x08, 0x70), (0x08, 0x1030), (0x08, 0x103E),
    (0x08, 0x1080), (0x08, 0x1090), (0x10, 0x10), (0x10, 0x20), (0x10, 0x30), (0x10, 0x40),
    (0x10, 0x1010), (0x10, 0x2160), (0x12, 0x20), (0x18, 0x15), (0x18, 0x1020), (0x18, 0x1030),
    (0x20, 0x0D), (0x20, 0x0E), (0x20, 0x10), (0x20, 0x11),
]  # fmt: skip
FORMATS = ("json", "csv", "xml", "html")


def file_with(path: Path, number: int, odd: dict[tuple[int, int], bytes]) -> Path:
    """Write a file with odd values instead of, or besides, the identifiers."""
    values = {
        (0x08, 0x18): f"1.2.{number}.3".encode(),
        (0x20, 0x0D): f"1.2.{number}.1".encode(),
        (0x20, 0x0E): f"1.2.{number}.2".encode(),
        **odd,
    }
    return raw_file(path, b"".join(element(*tag, values[tag]) for tag in sorted(values)))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningArchive]:
    """An archive with each odd value in each element, one file for each of them."""
    folder = tmp_path_factory.mktemp("odd")
    cases = [{tag: value} for tag in ELEMENTS for value in ODD]
    for number, odd in enumerate(cases):
        file_with(folder / f"{number}.dcm", number, odd)
    with writing(folder / "catalog.sqlite") as connection:
        index(connection, [folder], rule=CollectionRule(), today=date(2020, 2, 29))
    with running_archive(folder / "catalog.sqlite") as server:
        yield server


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(
    "method",
    [
        "get_collection_values",
        "get_modality_values",
        "get_body_part_values",
        "get_manufacturer_values",
        "get_patient",
        "get_patient_study",
        "get_series",
    ],
)
def test_rows_of_odd_headers_fit_the_archive_own_documents(
    served: RunningArchive, method: str, form: str
) -> None:
    with warnings.catch_warnings(), tcia_client.Client(base_url=served.base_url) as client:
        warnings.simplefilter("error")
        assert list(getattr(client, method)(format=form))


@pytest.mark.parametrize("value", NUMBERS)
def test_series_number_that_is_no_integer_is_null(tmp_path: Path, value: bytes) -> None:
    path = file_with(tmp_path / "x.dcm", 1, {(0x20, 0x11): value})
    assert read_header(path).series[5] is None


@pytest.mark.parametrize(("value", "expected"), WHOLE_NUMBERS.items())
def test_integer_series_number_has_six_decimal_places(
    tmp_path: Path, value: bytes, expected: int
) -> None:
    path = file_with(tmp_path / "x.dcm", 1, {(0x20, 0x11): value})
    assert read_header(path).series[5] == f"{expected}.000000"
