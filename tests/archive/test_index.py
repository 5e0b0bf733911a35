"""Scans of folders: files that are read or left out, and a second scan."""

import os
import shutil
import sqlite3
import zlib
from contextlib import closing, suppress
from datetime import date
from pathlib import Path

import pydicom
import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian
from tests.archive.dicom_files import element, put, raw_file

from tciagen.archive.catalog import open_for_reading, open_for_writing
from tciagen.archive.demo import DemoArchive
from tciagen.archive.headers import NotUsable, read_header
from tciagen.archive.rules import CollectionRule
from tciagen.archive.scan import index
from tciagen.errors import DocumentProblem, UsageProblem

RULE = CollectionRule()
SeriesRow = tuple[str, str, int, str]


@pytest.fixture
def folder(tmp_path: Path, demo: DemoArchive) -> Path:
    """A copy of some demo files: two series of the PET collection."""
    target = tmp_path / "files"
    for name in ("00", "02"):
        shutil.copytree(demo.folder / "images" / "pet" / name, target / "pet" / name)
    return target


def series_of(catalog: sqlite3.Connection) -> list[SeriesRow]:
    rows: list[SeriesRow] = catalog.execute(
        "SELECT series_uid, collection, image_count, added FROM series ORDER BY series_uid"
    ).fetchall()
    return rows


def test_unchanged_files_are_not_read_again(
    catalog: sqlite3.Connection, folder: Path, today: date
) -> None:
    first = index(catalog, [folder], rule=RULE, today=today)
    before = series_of(catalog)
    again = index(catalog, [folder], rule=RULE, today=date(2030, 1, 1))
    assert (first.read, first.unchanged) == (132, 0)
    assert (again.read, again.unchanged, again.removed) == (0, 132, 0)
    assert series_of(catalog) == before


def test_changed_series_is_read_again_and_retains_its_added_day(
    catalog: sqlite3.Connection, folder: Path, today: date
) -> None:
    index(catalog, [folder], rule=RULE, today=today)
    for path in (folder / "pet" / "00").iterdir():
        dataset = pydicom.dcmread(path)
        dataset.SeriesDescription = "changed"
        dataset.save_as(path)
    result = index(catalog, [folder], rule=RULE, today=date(2030, 1, 1))
    assert (result.read, result.unchanged) == (72, 60)
    assert {row[3] for row in series_of(catalog)} == {"2020-02-29"}
    descriptions = catalog.execute("SELECT series_description FROM series").fetchall()
    assert ("changed",) in descriptions


def test_series_of_a_later_scan_has_the_day_of_that_scan(
    catalog: sqlite3.Connection, folder: Path, today: date
) -> None:
    shutil.move(folder / "pet" / "02", folder.parent / "later")
    index(catalog, [folder], rule=RULE, today=today)
    shutil.move(folder.parent / "later", folder / "pet" / "02")
    index(catalog, [folder], rule=RULE, today=date(2021, 5, 5))
    assert sorted(row[3] for row in series_of(catalog)) == ["2020-02-29", "2021-05-05"]


def test_absent_files_are_removed_from_the_catalog(
    catalog: sqlite3.Connection, folder: Path, today: date
) -> None:
    index(catalog, [folder], rule=RULE, today=today)
    shutil.rmtree(folder / "pet" / "02")
    (folder / "pet" / "00" / "001.dcm").unlink()
    result = index(catalog, [folder], rule=RULE, today=today)
    assert result.removed == 61
    assert [row[2] for row in series_of(catalog)] == [71]
    assert catalog.execute("SELECT patient_id FROM patient").fetchall() == [("PET-7",)]
    assert catalog.execute("SELECT count(*) FROM study").fetchone() == (1,)


def test_moved_files_stay_in_their_series(
    catalog: sqlite3.Connection, folder: Path, today: date
) -> None:
    index(catalog, [folder], rule=RULE, today=today)
    before = series_of(catalog)
    shutil.move(folder / "pet", folder / "elsewhere")
    result = index(catalog, [folder], rule=RULE, today=date(2030, 1, 1))
    assert (result.read, result.removed, result.problems) == (132, 132, [])
    assert series_of(catalog) == before


def test_scan_leaves_other_folders_unchanged(
    catalog: sqlite3.Connection, folder: Path, today: date
) -> None:
    index(catalog, [folder / "pet" / "00"], rule=RULE, today=today)
    index(catalog, [folder / "pet" / "02"], rule=RULE, today=today)
    assert len(series_of(catalog)) == 2


def test_copy_of_an_object_is_reported_and_replaces_the_removed_original(
    catalog: sqlite3.Connection, folder: Path, today: date
) -> None:
    original = folder / "pet" / "00" / "001.dcm"
    copy = folder / "pet" / "00" / "zz.dcm"
    shutil.copy(original, copy)
    result = index(catalog, [folder], rule=RULE, today=today)
    assert result.problems == [(copy, f"the same object as {str(original)!r}")]
    original.unlink()
    assert index(catalog, [folder], rule=RULE, today=today).problems == []
    assert {row[2] for row in series_of(catalog)} == {60, 72}


def test_broken_files_are_reported_with_a_reason(
    catalog: sqlite3.Connection, tmp_path: Path, today: date
) -> None:
    folder = tmp_path / "odd"
    folder.mkdir()
    (folder / "a-note.txt").write_text("no image")
    (folder / "b-empty.dcm").write_bytes(b"")
    (folder / "c-head.dcm").write_bytes(b"\0" * 128 + b"DICM")
    put(folder, "d-no-series.dcm", SeriesInstanceUID=None)
    put(folder, "e-bad-uid.dcm", SOPInstanceUID="1.2.x")
    (folder / "f-random.dcm").write_bytes(b"\0" * 128 + b"DICM" + bytes(range(256)) * 9)
    os.mkfifo(folder / "g-fifo")
    put(folder, "h-good.dcm")
    result = index(catalog, [folder], rule=RULE, today=today)
    reasons = {path.name: reason for path, reason in result.problems}
    assert set(reasons) == {
        "a-note.txt",
        "b-empty.dcm",
        "c-head.dcm",
        "d-no-series.dcm",
        "e-bad-uid.dcm",
        "f-random.dcm",
    }
    assert reasons["a-note.txt"] == "not a DICOM Part 10 file"
    assert reasons["d-no-series.dcm"] == "it has no SeriesInstanceUID"
    assert reasons["e-bad-uid.dcm"] == "its SOPInstanceUID is not a UID"
    assert len(series_of(catalog)) == 1
    again = index(catalog, [folder], rule=RULE, today=today)
    assert (again.read, again.problems) == (0, result.problems)


HOSTILE = (
    element(8, 0x18, b"1.2.3") + element(8, 0x20, b"99999999") + element(8, 0x60, b"C\0T\x1b[2J")
)
UIDS = element(0x20, 0xD, b"1.2.4\0") + element(0x20, 0xE, b"1.2.5")


def test_control_characters_and_long_values_are_cleaned(tmp_path: Path) -> None:
    huge = element(8, 0x103E, b"A" * 2_000_000)
    people = element(0x10, 0x10, b"^=^=^=^=\\" * 300) + element(0x10, 0x20, b"\xff\xfe\x00x")
    number = element(0x20, 0x11, b"1e999999")
    header = read_header(raw_file(tmp_path / "x", HOSTILE + huge + people + UIDS + number))
    assert header.sop_uid == "1.2.3"
    assert header.study[0] is None
    modality, _, _, description, *_ = header.series
    assert modality == "CT[2J"
    assert description is not None
    assert len(description) == 1024
    assert header.series[5] is None
    for text in (header.patient_id, *header.patient, *header.study, *header.series):
        assert text is None or text.isprintable()


@pytest.mark.parametrize("length", [0, 3, 8, 20, 47, 80])
def test_cut_files_are_refused_or_read(tmp_path: Path, length: int) -> None:
    whole = raw_file(tmp_path / "whole", HOSTILE + UIDS).read_bytes()
    path = tmp_path / "cut"
    path.write_bytes(whole[: len(whole) - length])
    with suppress(NotUsable):
        assert read_header(path).sop_uid == "1.2.3"


def test_deflated_bomb_is_refused(tmp_path: Path) -> None:
    packer = zlib.compressobj(9, wbits=-15)
    megabyte = packer.compress(bytes(1024 * 1024)) + packer.flush(zlib.Z_FULL_FLUSH)
    bomb = megabyte * 300 + packer.flush()
    assert len(zlib.decompressobj(-15).decompress(bomb, 2_000_000)) == 2_000_000
    path = raw_file(tmp_path / "bomb", bomb, DeflatedExplicitVRLittleEndian)
    assert path.stat().st_size < 400_000
    with pytest.raises(NotUsable, match="unpacks to more than"):
        read_header(path)


def test_values_are_normalised(tmp_path: Path) -> None:
    path = put(
        tmp_path,
        "x.dcm",
        StudyDate="1998.12.08",
        SeriesDate="20080230",
        BodyPartExamined="ABDOMEN_PELVIS X",
        SoftwareVersions=["1", "2"],
        SeriesNumber="7",
        PatientID="",
        Modality="",
    )
    header = read_header(path)
    assert header.study[0] == "1998-12-08"
    assert header.patient_id == "UNKNOWN"
    assert header.series[0] == "OT"
    assert header.series[2] is None
    assert header.series[4] == "ABDOMEN_PELVIS "
    assert header.series[5] == "7.000000"
    assert header.series[8] == "1\\2"


def collection_of(
    catalog: sqlite3.Connection, folder: Path, rule: CollectionRule, today: date
) -> str:
    index(catalog, [folder], rule=rule, today=today, reassign=True)
    (collection,) = catalog.execute("SELECT collection FROM series").fetchone()
    assert isinstance(collection, str)
    return collection


def test_collection_rules_in_their_order(
    catalog: sqlite3.Connection, tmp_path: Path, today: date
) -> None:
    folder = tmp_path / "scan"
    path = put(folder, "Träger/deep/x.dcm")
    assert collection_of(catalog, folder, RULE, today) == "UNASSIGNED"
    dataset = pydicom.dcmread(path)
    dataset.ClinicalTrialSponsorName = "sponsor"
    dataset.save_as(path)
    assert collection_of(catalog, folder, RULE, today) == "sponsor"
    dataset.ClinicalTrialProtocolID = "protocol 1"
    dataset.save_as(path)
    assert collection_of(catalog, folder, RULE, today) == "protocol 1"
    dataset.private_block(0x0013, "CTP", create=True).add_new(0x10, "LO", "ctp project")
    dataset.save_as(path)
    assert collection_of(catalog, folder, RULE, today) == "ctp project"
    assert collection_of(catalog, folder, CollectionRule(level=1), today) == "Träger"
    assert collection_of(catalog, folder, CollectionRule(level=2), today) == "deep"
    assert collection_of(catalog, folder, CollectionRule(level=3), today) == "ctp project"
    assert collection_of(catalog, folder, CollectionRule("named", 1), today) == "named"


def test_private_tag_of_another_creator_is_no_collection(
    catalog: sqlite3.Connection, tmp_path: Path, today: date
) -> None:
    path = put(tmp_path / "scan", "x.dcm")
    dataset = pydicom.dcmread(path)
    dataset.private_block(0x0013, "OTHER", create=True).add_new(0x10, "LO", "wrong")
    dataset.save_as(path)
    assert collection_of(catalog, tmp_path / "scan", RULE, today) == "UNASSIGNED"


def test_several_processes_find_the_rows_of_one(
    tmp_path: Path, demo: DemoArchive, today: date
) -> None:
    """One process read the demo's catalog, as each of its folders is small."""
    folders = [demo.folder / "images" / name for name in ("chest", "brain", "names")]
    with closing(open_for_writing(tmp_path / "two.sqlite")) as connection:
        found = index(connection, folders, rule=RULE, today=today, workers=2)
        read_by_two = series_without_day(connection)
    assert (found.read, len(read_by_two)) == (1080, 24)
    with closing(open_for_reading(demo.catalog)) as connection:
        assert read_by_two <= series_without_day(connection)


def series_without_day(connection: sqlite3.Connection) -> set[tuple[object, ...]]:
    rows = connection.execute("SELECT * FROM series")
    assert rows.description[-1][0] == "added"
    return {row[:-1] for row in rows}


def test_missing_folder_prints_one_error(
    catalog: sqlite3.Connection, tmp_path: Path, today: date
) -> None:
    with pytest.raises(UsageProblem, match="is not a folder"):
        index(catalog, [tmp_path / "none"], rule=RULE, today=today)


def test_file_of_another_format_is_refused_as_catalog(tmp_path: Path) -> None:
    path = tmp_path / "notes.sqlite"
    path.write_text("these are notes, not a database, and quite a few of them")
    for opener in (open_for_reading, open_for_writing):
        with pytest.raises(DocumentProblem, match="is not an archive catalog"):
            opener(path)
    assert path.read_text().startswith("these are notes")


def test_catalog_of_another_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite"
    connection = open_for_writing(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(DocumentProblem, match="version 99"):
        open_for_reading(path)
