"""``serve --contract``: changed documents, and responses that follow them."""

import copy
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import httpx
import pytest
from tests.archive.conftest import Caller, Run, WriteDocuments

from tciagen.archive.demo import DemoArchive
from tciagen.archive.documents import full_documents
from tciagen.archive.running import running_archive
from tciagen.archive.testing import contract_server as changed
from tciagen.documents.parsing import JsonObject

SERIES = "TCIA/query/getSeries"
STUDIES = "TCIA/query/getPatientStudy"
Documents = dict[str, JsonObject]
Query = Callable[..., httpx.Response]
Serve = Callable[[Documents], AbstractContextManager[Query]]


@pytest.fixture
def documents() -> Documents:
    return copy.deepcopy(full_documents())


@pytest.fixture
def serve(demo: DemoArchive, http: httpx.Client, write_documents: WriteDocuments) -> Serve:
    @contextmanager
    def serving(documents: Documents) -> Iterator[Query]:
        folder = write_documents(documents)
        with running_archive(demo.catalog, options=["--contract", str(folder)]) as server:
            yield lambda address, **values: http.get(f"{server.base_url}/{address}", params=values)

    return serving


def named(entries: list[JsonObject], name: str) -> JsonObject:
    return next(entry for entry in entries if entry["Name"] == name)


def test_unchanged_documents_change_nothing(
    call: Caller, serve: Serve, documents: Documents
) -> None:
    with serve(documents) as query:
        for address in (SERIES, STUDIES, "TCIA/query/getBodyPartValues"):
            assert query(address).json() == call.rows(address)
        name = "demo-first-look"
        address = "SharedList/query/ContentsByName"
        assert query(address, name=name).json() == call.rows(address, name=name)


def test_changed_documents_change_the_responses(
    call: Caller, serve: Serve, documents: Documents
) -> None:
    """One server serves independent changes."""
    del documents["TCIA/query/getPatient"]
    series = documents[SERIES]
    attributes = series["Result"]["Attributes"]
    named(attributes, "PatientID")["Name"] = "PatientId"
    named(attributes, "BodyPartExamined")["Name"] = "AnatomicRegion"
    named(attributes, "Collection")["Name"] = "Project"
    named(attributes, "ImageCount")["Type"] = "string"
    named(attributes, "SeriesDate")["Type"] = "dateTime"
    attributes.remove(named(attributes, "Visibility"))
    attributes.append({"Name": "Added", "Description": "", "DICOM": "NA"})
    attributes.append(
        {"Name": "Sure", "Description": "", "DICOM": "NA", "Type": "integer", "Optional": False}
    )
    parameters = series["Parameters"]
    named(parameters, "PatientID")["Name"] = "PatientId"
    parameters.remove(named(parameters, "Modality"))
    named(parameters, "Manufacturer")["AllowedValues"] = ["SIEMENS"]
    documents[STUDIES]["Parameters"][0]["Required"] = True
    documents[STUDIES]["Formats"] = ["XML", "JSON"]
    documents[STUDIES]["DefaultFormat"] = "XML"
    documents["Imaging/query/getBodyParts"] = documents.pop("TCIA/query/getBodyPartValues")
    documents["TCIA/query/getModalityValues"]["Parameters"][0]["Default"] = "DEMO-PET-CT"
    documents["TCIA/query/getTools"] = {
        "QueryName": "getTools",
        "Description": "New.",
        "Parameters": ["Kind (R)"],
        "Result": {
            "Name": "Tool",
            "Description": "",
            "Attributes": [{"Name": "Title", "Description": "", "DICOM": "NA", "Optional": False}],
        },
    }
    documents["TCIA/query/getManufacturerValues"] = {}
    with serve(documents) as query:
        gone = query("TCIA/query/getPatient")
        assert (gone.status_code, gone.json()) == (
            500,
            {"errorMessage": "QueryEndpoint [getPatient] not found"},
        )
        old = {row["SeriesInstanceUID"]: row for row in call.rows("getSeries")}
        rows = query(SERIES).json()
        assert len(rows) == len(old)
        for row in rows:
            before = old[row["SeriesInstanceUID"]]
            assert row["PatientId"] == before["PatientID"]
            assert row["Project"] == before["Collection"]
            assert row.get("AnatomicRegion") == before.get("BodyPartExamined")
            assert row["ImageCount"] == str(before["ImageCount"])
            if "SeriesDate" in before:
                assert row["SeriesDate"] == f"{before['SeriesDate']} 00:00:00.0"
            assert row["Sure"] == 1
            assert not {"Added", "Visibility", "PatientID"} & set(row)
        assert len(query(SERIES, PatientId="PET-7").json()) == 2
        assert len(query(SERIES, PatientID="PET-7", Modality="CT").json()) == len(old)
        assert query(SERIES, Manufacturer="SIEMENS").status_code == 200
        assert query(SERIES, Manufacturer="TOSHIBA").status_code == 575
        assert query(STUDIES).status_code == 471
        assert query(STUDIES, Collection="DEMO-PET-CT", format="csv").text.startswith("<Results>")
        assert query("TCIA/query/getBodyPartValues").status_code == 500
        moved = query("Imaging/query/getBodyParts", Modality="PT").json()
        assert moved == call.rows("getBodyPartValues", Modality="PT")
        defaulted = query("TCIA/query/getModalityValues").json()
        assert defaulted == call.rows("getModalityValues", Collection="DEMO-PET-CT")
        assert query("TCIA/query/getTools").status_code == 471
        assert query("TCIA/query/getTools", Kind="x").json() == [{"Title": "made up"}]
        assert query("TCIA/query/getManufacturerValues/metadata").json() == {}
        assert query("TCIA/query/getManufacturerValues").json() == call.rows(
            "getManufacturerValues"
        )
        assert query(f"{SERIES}/metadata").json() == series


def test_changed_attributes_change_the_values(
    call: Caller, serve: Serve, documents: Documents
) -> None:
    before = {address: call.rows(address) for address in (SERIES, STUDIES)}
    attributes = documents[SERIES]["Result"]["Attributes"]
    named(attributes, "StudyInstanceUID").update(Optional=True)
    named(attributes, "SeriesDescription").update(DICOM="0018 1030")  # ProtocolName
    named(attributes, "Modality").update(AllowedValues=["CT", "it's"])
    named(attributes, "SoftwareVersions").update(DICOM="0010 4000")  # nowhere in the catalog
    named(documents[SERIES]["Parameters"], "Manufacturer").update(DICOM="0008 0060")  # Modality
    patients = documents[STUDIES]["Result"]["Attributes"]
    named(patients, "StudyDate").update(DICOM="0010 0020")
    with serve(documents) as query:
        rows = query(SERIES).json()
        mr = query(SERIES, Manufacturer="MR").json()
        studies = query(STUDIES).json()
        sheet = query(SERIES, format="csv").text
    old = before[SERIES]
    there = ["StudyInstanceUID" in row for row in rows]
    assert there == [n % 2 == 1 for n in range(len(rows))]
    changed = [row.get("SeriesDescription") for row in rows]
    assert changed == [row.get("ProtocolName") for row in old]
    assert changed != [row.get("SeriesDescription") for row in old]
    seen = [row["Modality"] for row in rows]
    assert seen[:8:3] == ["CT", "it's", "CT"]
    assert [seen[n] for n in range(len(rows)) if n % 3] == [
        old[n]["Modality"] for n in range(len(rows)) if n % 3
    ]
    for name in ("SeriesInstanceUID", "SoftwareVersions", "ImageCount"):
        assert [row.get(name) for row in rows] == [row.get(name) for row in old]
    assert len(mr) == sum(row["Modality"] == "MR" for row in old) > 0
    by_study = {row["StudyInstanceUID"]: row["PatientID"] for row in before[STUDIES]}
    shown = [row.get("StudyDate") for row in studies]
    assert shown == [by_study[row["StudyInstanceUID"]] for row in studies]
    assert '"it\\\'s"' in sheet


def test_endpoint_of_records_becomes_one_of_files(serve: Serve, documents: Documents) -> None:
    documents[SERIES]["Formats"] = ["ZIP"]
    documents[SERIES]["DefaultFormat"] = "ZIP"
    documents["TCIA/query/getImage"]["Formats"] = ["DICOM"]
    with serve(documents) as query:
        response = query(SERIES)
        assert response.headers["content-type"] == "application/zip"
        assert response.content.startswith(b"PK")
        uid = query("SharedList/query/ContentsByName", name="demo-first-look").json()[0]
        response = query("TCIA/query/getImage", SeriesInstanceUID=uid["SERIES_INSTANCE_UID"])
        assert response.content[128:132] == b"DICM"


def test_every_type_of_every_attribute_returns_rows(serve: Serve, documents: Documents) -> None:
    """Each type is a separate resource: the endpoint was moved there."""
    wanted = ("string", "integer", "decimal", "boolean", "date", "dateTime", "time", "uid")
    moved = {}
    for name in ("getSeries", "getPatientStudy"):
        for one in wanted:
            document = copy.deepcopy(documents[f"TCIA/query/{name}"])
            for attribute in document["Result"]["Attributes"]:
                attribute["Type"] = one
            moved[f"{one}/query/{name}"] = document
    with serve(moved) as query:
        for address in moved:
            rows = query(address).json()
            assert len(rows) > 40
            values = {type(row["StudyInstanceUID"]) for row in rows}
            assert values == ({int} if address.startswith("integer") else {str})


@pytest.mark.parametrize(
    ("content", "status", "sentence"),
    [
        ("{", 3, "is not readable JSON"),
        ("[]", 3, "is not a JSON object"),
        (None, 2, "contains no <Resource>/<QueryName>.json"),
    ],
)
def test_unreadable_contract_prints_one_error(
    run: Run, demo: DemoArchive, tmp_path: Path, content: str | None, status: int, sentence: str
) -> None:
    (tmp_path / "TCIA").mkdir()
    if content is not None:
        (tmp_path / "TCIA" / "getSeries.json").write_text(content)
    result = run(
        "serve", "--port", 0, "--catalog", demo.catalog, "--contract", tmp_path, status=status
    )
    assert sentence in result.stderr
    assert result.stderr.count("\n") == 1


TYPED: list[JsonObject] = [
    {"QueryName": None, "Parameters": None, "Result": None, "Formats": None},
    {"Parameters": [None, 3, "x'; --", {}], "Result": {"Attributes": [None, {}, "x"]}},
    {"Parameters": {}, "Result": {"Attributes": [{"Name": "a'b"}, {"Name": "a'b"}]}},
    {"Formats": ["tape"], "DefaultFormat": 7},
]


def test_documents_with_invalid_values_are_served(serve: Serve) -> None:
    moved = {f"R{number}/query/getSeries": typed for number, typed in enumerate(TYPED)}
    with serve(moved) as query:
        for address, document in moved.items():
            assert query(f"{address}/metadata").json() == document
            response = query(address)
            assert response.status_code == 200
            assert len(response.json()) == 61


def test_documents_are_found_by_path(documents: Documents, write_documents: WriteDocuments) -> None:
    assert set(changed.endpoints(write_documents(documents))) == set(documents)
