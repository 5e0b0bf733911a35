"""Series whose files contradict one another: every value is found and reported."""

import itertools
import shutil
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import date
from pathlib import Path

import httpx
import pytest
from pydicom.uid import generate_uid
from tests.archive.conftest import Caller, Row, Run
from tests.archive.dicom_files import put, put_object

from tciagen.archive import queries
from tciagen.archive.catalog import open_for_writing
from tciagen.archive.formats import LAYOUTS
from tciagen.archive.rules import CollectionRule
from tciagen.archive.running import running_archive
from tciagen.archive.scan import ScanResult, index

TODAY = date(2020, 2, 29)
MAJORITY: Mapping[str, object] = {
    "PatientID": "P1",
    "StudyInstanceUID": "1.2.1",
    "SeriesInstanceUID": "1.2.9",
    "Modality": "CT",
    "ClinicalTrialProtocolID": "ONE",
}
OTHERS: Mapping[str, tuple[str, str]] = {
    "PatientID": ("PatientID", "P2"),
    "StudyInstanceUID": ("StudyInstanceUID", "1.2.2"),
    "Modality": ("Modality", "PT"),
    "ClinicalTrialProtocolID": ("collection", "TWO"),
}
RULE = CollectionRule()


def scan(catalog: sqlite3.Connection, *folders: Path, today: date = TODAY) -> ScanResult:
    return index(catalog, folders, rule=RULE, today=today)


def rows(catalog: sqlite3.Connection, endpoint: str, **values: str) -> list[str]:
    """Return the sorted JSON rows of an endpoint, with the query of the server."""
    one = queries.endpoints()[f"TCIA/query/{endpoint}"]
    sql, bound = one.select(LAYOUTS["JSON"].row(one.columns), values)
    return sorted(row for (row,) in catalog.execute(sql, bound))


def state(catalog: sqlite3.Connection) -> dict[str, list[str]]:
    """Return the rows of every endpoint without a required parameter."""
    names = [
        "getCollectionValues",
        "getModalityValues",
        "getBodyPartValues",
        "getManufacturerValues",
        "getPatient",
        "getPatientStudy",
        "getSeries",
    ]
    return {name: rows(catalog, name) for name in names}


def two_to_one(folder: Path, keyword: str, *, names: Sequence[str] = "abc") -> list[Path]:
    """Write a series of three files, the last of which has another value of ``keyword``."""
    other = {**MAJORITY, keyword: OTHERS[keyword][1]}
    return [
        put_object(folder, f"{name}.dcm", **(other if position == 2 else MAJORITY))
        for position, name in enumerate(names)
    ]


@pytest.mark.parametrize("keyword", OTHERS)
def test_index_of_contradictory_series_finds_each_value_by_its_endpoint(
    tmp_path: Path, http: httpx.Client, keyword: str, run: Run
) -> None:
    two_to_one(tmp_path / "files", keyword)
    catalog = tmp_path / "catalog.sqlite"
    run("index", tmp_path / "files", "--catalog", catalog)
    stated: dict[str, set[object]] = {name: {MAJORITY[name]} for name in OTHERS}
    stated[keyword].add(OTHERS[keyword][1])
    with running_archive(catalog) as server:
        call = Caller(http, server.base_url)
        assert column(call.rows("getPatient"), "PatientID") == stated["PatientID"]
        studies = call.rows("getPatientStudy")
        assert column(studies, "PatientID") == stated["PatientID"]
        assert column(studies, "StudyInstanceUID") == stated["StudyInstanceUID"]
        assert {row["SeriesCount"] for row in studies} == {1}
        assert column(call.rows("getModalityValues"), "Modality") == stated["Modality"]
        collections = column(call.rows("getCollectionValues"), "Collection")
        assert collections == stated["ClinicalTrialProtocolID"]
        found = [
            row
            for collection in collections
            for modality in stated["Modality"]
            for row in call.rows(
                "PatientsByModality", Collection=str(collection), Modality=str(modality)
            )
        ]
        assert column(found, "PatientID") == stated["PatientID"]
        added = [
            row
            for collection in collections
            for row in call.rows(
                "NewStudiesInPatientCollection", Collection=str(collection), Date="2000-01-01"
            )
        ]
        assert column(added, "StudyInstanceUID") == stated["StudyInstanceUID"]
        (series,) = call.rows("getSeries")
        assert {name: series[key] for key, name in WIRE.items()} == {**MAJORITY}
        assert series["ImageCount"] == 3
        assert len(call.rows("getSOPInstanceUIDs", SeriesInstanceUID="1.2.9")) == 3
        assert call.rows("getSeriesSize", SeriesInstanceUID="1.2.9")[0]["ObjectCount"] == 3


WIRE = {
    "PatientID": "PatientID",
    "StudyInstanceUID": "StudyInstanceUID",
    "SeriesInstanceUID": "SeriesInstanceUID",
    "Modality": "Modality",
    "Collection": "ClinicalTrialProtocolID",
}


def column(found: list[Row], name: str) -> set[object]:
    return {row[name] for row in found}


@pytest.mark.parametrize("keyword", OTHERS)
def test_index_reports_contradiction_with_files_values_and_decision(
    tmp_path: Path, run: Run, keyword: str
) -> None:
    paths = two_to_one(tmp_path / "files", keyword)
    attribute, other = OTHERS[keyword]
    majority = MAJORITY[keyword]
    output = run("index", tmp_path / "files", "--catalog", tmp_path / "catalog.sqlite")
    assert "1 contradiction;" in output.stdout
    assert output.stderr == (
        f"contradiction: the files of series 1.2.9 state 2 values of {attribute}: "
        f"{majority!r} in {str(paths[0])!r}, {str(paths[1])!r}; {other!r} in {str(paths[2])!r}; "
        f"its row has {majority!r}\n"
    )
    again = run("index", tmp_path / "files", "--catalog", tmp_path / "catalog.sqlite")
    assert again.stderr == output.stderr


def test_index_result_does_not_depend_on_the_order_of_files(tmp_path: Path) -> None:
    source = tmp_path / "source"
    paths = two_to_one(source, "PatientID")
    paths.append(put_object(source, "d.dcm", **MAJORITY, SeriesDescription="other"))
    states = []
    for number, order in enumerate(itertools.permutations(paths)):
        folder = tmp_path / str(number)
        folder.mkdir()
        with closing(open_for_writing(folder / "catalog.sqlite")) as catalog:
            for path in order:
                shutil.copy(path, folder)
                scan(catalog, folder)
            states.append(state(catalog))
    assert len(states) == 24
    assert all(one == states[0] for one in states)


@pytest.mark.parametrize("keyword", OTHERS)
def test_index_of_one_changed_file_moves_no_series(
    catalog: sqlite3.Connection, tmp_path: Path, keyword: str
) -> None:
    paths = two_to_one(tmp_path / "files", keyword)
    scan(catalog, tmp_path / "files")
    before = state(catalog)
    for path in paths:
        path.touch()
        assert scan(catalog, tmp_path / "files").read == 1
        assert state(catalog) == before


def test_index_with_equally_frequent_values_decides_by_sort_order(
    catalog: sqlite3.Connection, tmp_path: Path
) -> None:
    put_object(tmp_path / "files", "a.dcm", **{**MAJORITY, "PatientID": "Z"})
    put_object(tmp_path / "files", "b.dcm", **{**MAJORITY, "PatientID": "B"})
    (found,) = scan(catalog, tmp_path / "files").contradictions
    assert (found.attribute, found.decided) == ("PatientID", "B")
    assert catalog.execute("SELECT patient_id FROM series WHERE own = 1").fetchall() == [("B",)]


def test_index_after_removal_of_one_side_has_no_contradiction(
    catalog: sqlite3.Connection, tmp_path: Path
) -> None:
    paths = two_to_one(tmp_path / "files", "PatientID")
    scan(catalog, tmp_path / "files")
    paths[2].unlink()
    assert scan(catalog, tmp_path / "files").contradictions == []
    assert [row for row in state(catalog)["getPatient"] if '"P2"' in row] == []
    for table in ("patient_values", "study_values", "series_values", "series"):
        assert catalog.execute(f"SELECT count(*) FROM {table}").fetchone() == (1,)


def test_index_of_other_folder_does_not_report_contradiction_again(
    catalog: sqlite3.Connection, tmp_path: Path
) -> None:
    two_to_one(tmp_path / "files", "PatientID")
    put_object(tmp_path / "other", "x.dcm", SeriesInstanceUID=generate_uid())
    assert len(scan(catalog, tmp_path / "files").contradictions) == 1
    assert scan(catalog, tmp_path / "other").contradictions == []


def test_index_of_files_without_patient_id_finds_each_name(
    catalog: sqlite3.Connection, tmp_path: Path
) -> None:
    folder = tmp_path / "files"
    for name, person in (("a", "Ann"), ("b", "Ben"), ("c", "Ben")):
        put_object(folder, f"{name}.dcm", **{**MAJORITY, "PatientID": "", "PatientName": person})
    result = scan(catalog, folder)
    patients = state(catalog)["getPatient"]
    assert len(patients) == 2
    assert '"PatientName":"Ann"' in patients[0]
    assert '"PatientName":"Ben"' in patients[1]
    assert len(state(catalog)["getPatientStudy"]) == 2
    series, people = result.contradictions
    assert (series.attribute, series.decided) == ("PatientName (without a PatientID)", "Ben")
    assert people.subject == "patient 'UNKNOWN' (without a PatientID) of collection 'ONE'"
    assert [(claim.value, claim.files) for claim in people.claims] == [("Ben", 2), ("Ann", 1)]
    assert people.decided is None


def test_index_of_patient_with_two_names_reports_them(
    catalog: sqlite3.Connection, tmp_path: Path
) -> None:
    folder = tmp_path / "files"
    for name, person in (("a", "Doe^J"), ("b", "Doe^Jane"), ("c", "Doe^Jane")):
        put_object(folder, f"{name}.dcm", **{**MAJORITY, "PatientName": person})
    (found,) = scan(catalog, folder).contradictions
    assert (found.attribute, found.decided) == ("PatientName", "Doe^Jane")
    assert [claim.paths for claim in found.claims] == [
        (folder / "b.dcm", folder / "c.dcm"),
        (folder / "a.dcm",),
    ]


def test_index_reports_study_of_two_patients_once(
    catalog: sqlite3.Connection, tmp_path: Path
) -> None:
    folder = tmp_path / "files"
    for name, patient in (("a", "P1"), ("b", "P2"), ("c", "P2"), ("d", "")):
        series = {"SeriesInstanceUID": f"1.2.9.{ord(name)}", "PatientID": patient}
        put_object(folder, f"{name}.dcm", **{**MAJORITY, **series})
    (found,) = scan(catalog, folder).contradictions
    assert (found.subject, found.attribute, found.decided) == ("study 1.2.1", "PatientID", None)
    assert [(claim.value, claim.paths) for claim in found.claims] == [
        ("P2", (folder / "b.dcm", folder / "c.dcm")),
        ("P1", (folder / "a.dcm",)),
    ]
    put_object(folder, "e.dcm", **{**MAJORITY, "SeriesInstanceUID": "1.2.9.98", "PatientID": "P1"})
    subjects = [one.subject for one in scan(catalog, folder).contradictions]
    assert subjects == ["series 1.2.9.98"]


def test_index_of_duplicate_with_another_patient_finds_both_patients(
    catalog: sqlite3.Connection, tmp_path: Path
) -> None:
    first = put(tmp_path / "files", "a.dcm", **MAJORITY)
    second = put(tmp_path / "files", "b.dcm", **{**MAJORITY, "PatientID": "P2"})
    result = scan(catalog, tmp_path / "files")
    assert result.problems == [(second, f"the same object as {str(first)!r}")]
    assert len(result.contradictions) == 1
    assert len(state(catalog)["getPatient"]) == 2
    assert catalog.execute("SELECT image_count FROM series WHERE own = 1").fetchall() == [(1,)]
