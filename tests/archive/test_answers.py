"""The rows of each endpoint, compared with the files."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable

import pytest
from tests.archive.conftest import Caller, Image, Row

SERIES_COLUMNS = [
    "SeriesInstanceUID",
    "StudyInstanceUID",
    "Modality",
    "ProtocolName",
    "SeriesDate",
    "SeriesDescription",
    "BodyPartExamined",
    "SeriesNumber",
    "Collection",
    "Manufacturer",
    "ManufacturerModelName",
    "SoftwareVersions",
    "PatientID",
]
STUDY_COLUMNS = [
    "Collection",
    "PatientID",
    "PatientName",
    "PatientBirthDate",
    "PatientSex",
    "EthnicGroup",
    "StudyInstanceUID",
    "StudyDate",
    "StudyDescription",
    "AdmittingDiagnosesDescription",
    "StudyID",
    "PatientAge",
]
PATIENT_COLUMNS = [
    "PatientID",
    "PatientName",
    "PatientBirthDate",
    "PatientSex",
    "EthnicGroup",
    "Collection",
]


def expected_row(image: Image, columns: Iterable[str]) -> Row:
    """Return the row of an image without its nulls."""
    values = {c: image.collection if c == "Collection" else image.text(c) for c in columns}
    return {name: value for name, value in values.items() if value is not None}


def distinct(rows: Iterable[Row]) -> set[tuple[tuple[str, object], ...]]:
    return {tuple(sorted(row.items())) for row in rows}


@pytest.fixture(scope="session")
def series_rows(images: list[Image]) -> list[Row]:
    by_uid: defaultdict[str, list[Image]] = defaultdict(list)
    for image in images:
        by_uid[image.header.SeriesInstanceUID].append(image)
    return [
        expected_row(members[-1], SERIES_COLUMNS) | {"Visibility": "1", "ImageCount": len(members)}
        for members in by_uid.values()
    ]


@pytest.fixture(scope="session")
def study_rows(images: list[Image]) -> list[Row]:
    series: defaultdict[str, set[str]] = defaultdict(set)
    last: dict[str, Image] = {}
    for image in images:
        uid = image.header.StudyInstanceUID
        series[uid].add(image.header.SeriesInstanceUID)
        last[uid] = image
    return [
        expected_row(image, STUDY_COLUMNS) | {"SeriesCount": len(series[uid])}
        for uid, image in last.items()
    ]


def matching(rows: list[Row], values: dict[str, str]) -> list[Row]:
    return [row for row in rows if all(row.get(name) == value for name, value in values.items())]


def test_get_series_returns_the_series_of_the_files(call: Caller, series_rows: list[Row]) -> None:
    assert distinct(call.rows("getSeries")) == distinct(series_rows)


def test_get_patient_study_returns_the_studies_of_the_files(
    call: Caller, study_rows: list[Row]
) -> None:
    actual = {row["StudyInstanceUID"]: row for row in call.rows("getPatientStudy")}
    expected = {row["StudyInstanceUID"]: row for row in study_rows}
    assert actual.keys() == expected.keys()
    for uid, row in expected.items():
        patient = {"PatientName", "PatientSex", "PatientBirthDate", "EthnicGroup"}
        assert {k: v for k, v in actual[uid].items() if k not in patient} == {
            k: v for k, v in row.items() if k not in patient
        }


def test_get_patient_returns_the_patients_of_the_files(call: Caller, images: list[Image]) -> None:
    last: dict[tuple[str | None, ...], Row] = {}
    for image in images:
        patient_id = image.text("PatientID")
        name = image.text("PatientName") if patient_id == "UNKNOWN" else None
        last[image.collection, patient_id, name] = expected_row(image, PATIENT_COLUMNS)
    assert distinct(call.rows("getPatient")) == distinct(last.values())


@pytest.mark.parametrize(
    ("endpoint", "column"),
    [
        ("getCollectionValues", "Collection"),
        ("getModalityValues", "Modality"),
        ("getBodyPartValues", "BodyPartExamined"),
        ("getManufacturerValues", "Manufacturer"),
    ],
)
def test_values_are_distinct_and_null_is_an_empty_object(
    call: Caller, series_rows: list[Row], endpoint: str, column: str
) -> None:
    rows = call.rows(endpoint)
    assert Counter(row.get(column) for row in rows) == Counter(
        {row.get(column) for row in series_rows}
    )


FILTERS = {
    "getModalityValues": ("Collection", "BodyPartExamined"),
    "getBodyPartValues": ("Collection", "Modality"),
    "getManufacturerValues": ("Collection", "Modality", "BodyPartExamined"),
    "getPatient": ("Collection",),
    "getPatientStudy": ("Collection", "PatientID", "StudyInstanceUID"),
    "getSeries": (
        "Collection",
        "StudyInstanceUID",
        "PatientID",
        "SeriesInstanceUID",
        "Modality",
        "BodyPartExamined",
        "ManufacturerModelName",
        "Manufacturer",
    ),
}
SOURCE = {
    "getModalityValues": ("series_rows", ("Modality",)),
    "getBodyPartValues": ("series_rows", ("BodyPartExamined",)),
    "getManufacturerValues": ("series_rows", ("Manufacturer",)),
    "getPatient": ("study_rows", ("PatientID", "Collection")),
    "getPatientStudy": ("study_rows", ("StudyInstanceUID", "SeriesCount")),
    "getSeries": ("series_rows", ("SeriesInstanceUID", "ImageCount")),
}


@pytest.mark.parametrize(
    ("endpoint", "parameter"), [(e, p) for e, names in FILTERS.items() for p in names]
)
def test_each_parameter_filters_by_each_of_its_values(
    call: Caller, request: pytest.FixtureRequest, endpoint: str, parameter: str
) -> None:
    source, columns = SOURCE[endpoint]
    rows = request.getfixturevalue(source)
    values = sorted({str(row[parameter]) for row in rows if parameter in row})
    assert len(values) > 1
    for value in values[:: max(1, len(values) // 12)]:
        actual = call.rows(endpoint, **{parameter: value})
        shown = [{c: row[c] for c in columns if c in row} for row in actual]
        expected = matching(rows, {parameter: value})
        assert distinct(shown) == distinct({c: r[c] for c in columns if c in r} for r in expected)


def test_several_filters_select_rows_that_match_all(call: Caller, series_rows: list[Row]) -> None:
    values = {"Collection": "DEMO-BRAIN-MR", "Modality": "MR", "BodyPartExamined": "HEAD"}
    expected = matching(series_rows, values)
    assert distinct(call.rows("getSeries", **values)) == distinct(expected)
    assert len(expected) == 3


def test_patients_by_modality_returns_patients_with_such_a_series(
    call: Caller, images: list[Image]
) -> None:
    expected = {
        image.text("PatientID") or ""
        for image in images
        if image.collection == "DEMO-PET-CT" and image.text("Modality") == "PT"
    }
    rows = call.rows("PatientsByModality", Collection="DEMO-PET-CT", Modality="PT")
    assert [row["PatientID"] for row in rows] == sorted(expected)
    assert {(row["Collection"], row["Modality"]) for row in rows} == {("DEMO-PET-CT", "PT")}


def test_series_size_is_the_sum_of_the_files(call: Caller, images: list[Image]) -> None:
    uid = images[-1].header.SeriesInstanceUID
    sizes = [i.path.stat().st_size for i in images if i.header.SeriesInstanceUID == uid]
    assert call.rows("getSeriesSize", SeriesInstanceUID=uid) == [
        {"TotalSizeInBytes": f"{sum(sizes)}.000000", "ObjectCount": len(sizes)}
    ]


def test_size_of_an_unknown_series_is_one_row(call: Caller) -> None:
    assert call.rows("getSeriesSize", SeriesInstanceUID="1.2.3") == [{"ObjectCount": 0}]


def test_object_uids_of_a_series_have_the_wire_name(call: Caller, images: list[Image]) -> None:
    uid = images[-1].header.SeriesInstanceUID
    expected = {i.header.SOPInstanceUID for i in images if i.header.SeriesInstanceUID == uid}
    rows = call.rows("getSOPInstanceUIDs", SeriesInstanceUID=uid)
    assert {row["sop_instance_uid"] for row in rows} == expected
    assert all(list(row) == ["sop_instance_uid"] for row in rows)


@pytest.mark.parametrize(
    ("day", "count"), [("2022-02-28", 3), ("2022-03-01", 3), ("2022-03-02", 0)]
)
def test_new_patients_include_the_day_of_the_filter(call: Caller, day: str, count: int) -> None:
    rows = call.rows("NewPatientsInCollection", Collection="DEMO-BRAIN-MR", Date=day)
    assert len(rows) == count
    assert all(row["Collection"] == "DEMO-BRAIN-MR" for row in rows)


@pytest.mark.parametrize(
    ("values", "count"),
    [
        ({"Date": "2022-03-01"}, 6),
        ({"Date": "2022-03-02"}, 0),
        ({"Date": "2011-01-01", "PatientID": "DEMO-MR-002"}, 2),
        ({"Date": "2011-01-01", "PatientID": "nobody"}, 0),
    ],
)
def test_new_studies_of_a_collection_or_a_subject(
    call: Caller, values: dict[str, str], count: int
) -> None:
    rows = call.rows("NewStudiesInPatientCollection", Collection="DEMO-BRAIN-MR", **values)
    assert len({row["StudyInstanceUID"] for row in rows}) == len(rows) == count


def test_shared_list_returns_its_series_under_the_wire_name(
    call: Caller, images: list[Image]
) -> None:
    rows = call.rows("SharedList/query/ContentsByName", name="Liste für O'Neil & Co.")
    known = {image.header.SeriesInstanceUID for image in images}
    assert len(rows) == 2
    assert all(row["SERIES_INSTANCE_UID"] in known for row in rows)


def test_unknown_shared_list_is_empty(call: Caller) -> None:
    assert call.rows("SharedList/query/ContentsByName", name="none") == []


def test_csv_columns_have_the_order_of_the_document(call: Caller) -> None:
    document = call.query("TCIA/query/getSeries/metadata").json()
    names = [attribute["Name"] for attribute in document["Result"]["Attributes"]]
    assert call.query("getSeries", format="csv").text.split("\n")[0] == ",".join(names)


def csv_rows(text: str) -> list[dict[str, str]]:
    """Return the rows of the archive's CSV, parsed cell by cell."""
    header, *lines = text.split("\n")
    names = header.split(",")
    rows = []
    for line in lines:
        cells = re.findall(r'(?:^|,)(?:"((?:[^"\\]|\\.)*)")?', line)
        assert len(cells) == len(names), line
        values = [re.sub(r"\\u([0-9A-F]{4})|\\(.)", unescape, cell) for cell in cells]
        rows.append({n: utf16(v) for n, v in zip(names, values, strict=True) if v})
    return rows


def unescape(match: re.Match[str]) -> str:
    if match[1]:
        return chr(int(match[1], 16))
    return {"n": "\n", "t": "\t"}.get(match[2], match[2])


def utf16(text: str) -> str:
    return text.encode("utf-16", "surrogatepass").decode("utf-16")


RECORD_QUERIES: dict[str, dict[str, str]] = {
    "getCollectionValues": {},
    "getModalityValues": {},
    "getBodyPartValues": {},
    "getManufacturerValues": {},
    "getPatient": {},
    "PatientsByModality": {"Collection": "DEMO-BRAIN-MR", "Modality": "MR"},
    "getPatientStudy": {},
    "getSeries": {},
    "getSeriesSize": {"SeriesInstanceUID": "1.2"},
    "NewPatientsInCollection": {"Collection": "肝臓-MR", "Date": "2020-01-01"},
    "NewStudiesInPatientCollection": {"Collection": "肝臓-MR", "Date": "2020-01-01"},
    "getSOPInstanceUIDs": {"SeriesInstanceUID": "SERIES"},
}


@pytest.fixture(params=RECORD_QUERIES)
def record_query(request: pytest.FixtureRequest, images: list[Image]) -> tuple[str, dict[str, str]]:
    values = RECORD_QUERIES[request.param]
    uid = images[0].header.SeriesInstanceUID
    return request.param, {k: uid if v == "SERIES" else v for k, v in values.items()}


def test_csv_has_the_rows_of_json(call: Caller, record_query: tuple[str, dict[str, str]]) -> None:
    name, values = record_query
    rows = [{k: str(v) for k, v in row.items()} for row in call.rows(name, **values)]
    assert csv_rows(call.query(name, format="CSV", **values).text) == rows


def test_xml_has_the_rows_of_json(call: Caller, record_query: tuple[str, dict[str, str]]) -> None:
    name, values = record_query
    text = call.query(name, format="Xml", **values).text
    assert text.startswith("<Results>")
    assert text.endswith("</Results>")
    rows = []
    for row in re.findall(r"<Row>(.*?)</Row>", text, re.DOTALL):
        cells = re.findall(r"<(\w+) type='(?:VARCHAR|DATE|DECIMAL|BIGINT)' >(.*?)</\1>", row)
        rows.append({column: value for column, value in cells if value})
    assert rows == [{k: str(v) for k, v in row.items()} for row in call.rows(name, **values)]


def test_html_has_the_rows_of_json(call: Caller, record_query: tuple[str, dict[str, str]]) -> None:
    name, values = record_query
    text = call.query(name, format="html", **values).text
    assert text.startswith("<HTML><BODY><TABLE id='data' BORDER=1><thead>")
    assert text.endswith("</BODY></HTML")
    header, body = text.split("</thead><tbody>")
    names = re.findall(r"<TH>(.*?)</TH>", header)
    rows = []
    for row in re.findall(r"<TR>(.*?)</TR>", body, re.DOTALL):
        cells = row.removeprefix("<TD>").removesuffix("</TD>").split("</TD><TD>")
        rows.append({n: v for n, v in zip(names, cells, strict=True) if v != "null"})
    assert rows == [{k: str(v) for k, v in row.items()} for row in call.rows(name, **values)]
