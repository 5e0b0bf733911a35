"""``serve --fault``: faults of real servers, on demand."""

import io
import json
import zipfile
from collections.abc import Iterator

import httpx
import pytest
from tests.archive.conftest import Caller, Image, Run

from tciagen.archive.demo import DemoArchive
from tciagen.archive.running import running_archive
from tciagen.archive.testing.faults import KINDS, parse_fault
from tciagen.errors import UsageProblem


@pytest.fixture(scope="module")
def faulty(demo: DemoArchive) -> Iterator[str]:
    faults = [
        "getSeries:truncate@1000",
        "getPatient:status-503@2",
        "getPatientStudy:status-429",
        "getModalityValues:html",
        "getBodyPartValues:sentence",
        "getManufacturerValues:empty",
        "PatientsByModality:no-content",
        "getCollectionValues:metadata-absent",
        "getSOPInstanceUIDs:metadata-malformed",
        "getSeriesSize:metadata-huge@30000",
        "getSeries/metadata:status-502@1",
        "NewPatientsInCollection:latency@0.01",
        "NewPatientsInCollection:slow@1000000",
        "ContentsByName:truncate@0",
    ]
    options = [word for fault in faults for word in ("--fault", fault)]
    with running_archive(demo.catalog, options=options) as server:
        yield f"{server.base_url}/TCIA/query/"


def test_fault_truncate_closes_the_connection(faulty: str, http: httpx.Client) -> None:
    plain = {"Accept-Encoding": "identity"}
    with http.stream("GET", faulty + "getSeries", headers=plain) as response:
        assert response.status_code == 200
        got: list[bytes] = []
        with pytest.raises(httpx.RemoteProtocolError):
            got.extend(response.iter_raw())
    assert len(b"".join(got)) == 1000
    with pytest.raises(httpx.RemoteProtocolError):
        http.get(faulty.replace("TCIA", "SharedList") + "ContentsByName?name=x")


def test_fault_status_503_ends_after_its_number(faulty: str, http: httpx.Client) -> None:
    responses = [http.get(faulty + "getPatient") for _ in range(4)]
    assert [response.status_code for response in responses] == [503, 503, 200, 200]
    assert responses[0].headers["retry-after"] == "0"
    assert responses[0].text.startswith("<html>")


def test_fault_status_429_occurs_once(faulty: str, http: httpx.Client) -> None:
    assert [http.get(faulty + "getPatientStudy").status_code for _ in range(2)] == [429, 200]


def test_fault_of_metadata_leaves_the_query_unchanged(faulty: str, http: httpx.Client) -> None:
    url = faulty + "getSeries/metadata"
    assert [http.get(url).status_code for _ in range(2)] == [502, 200]


@pytest.mark.parametrize(
    ("name", "status", "start"),
    [
        ("getModalityValues", 200, "<html>"),
        ("getBodyPartValues", 200, "The archive is closed"),
        ("getManufacturerValues", 200, ""),
        ("PatientsByModality", 204, ""),
    ],
)
def test_fault_sends_a_body_of_another_type(
    faulty: str, http: httpx.Client, name: str, status: int, start: str
) -> None:
    response = http.get(faulty + name)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/json"
    assert response.text.startswith(start)
    assert start or not response.content


def test_fault_makes_the_metadata_header_absent_malformed_or_huge(
    faulty: str, http: httpx.Client
) -> None:
    assert "metadata" not in http.get(faulty + "getCollectionValues").headers
    broken = http.get(faulty + "getSOPInstanceUIDs?SeriesInstanceUID=1").headers["metadata"]
    with pytest.raises(json.JSONDecodeError):
        json.loads(broken)
    huge = http.get(faulty + "getSeriesSize?SeriesInstanceUID=1").headers["metadata"]
    assert len(huge) > 30_000


def test_slow_and_delayed_responses_are_complete(
    faulty: str, http: httpx.Client, call: Caller
) -> None:
    values = {"Collection": "PYDICOM-OTHER", "Date": "2000-01-01"}
    assert http.get(faulty + "NewPatientsInCollection", params=values).json() == call.rows(
        "NewPatientsInCollection", **values
    )


@pytest.mark.parametrize(
    ("kind", "missing", "short"),
    [("zip-left-out@1", 1, None), ("zip-cut-short@2", None, 2), ("zip-no-directory", None, None)],
)
def test_faults_of_a_zip_are_visible_to_its_reader(
    demo: DemoArchive,
    http: httpx.Client,
    images: list[Image],
    kind: str,
    missing: int | None,
    short: int | None,
) -> None:
    uid = images[-1].header.SeriesInstanceUID
    paths = [image.path for image in images if image.header.SeriesInstanceUID == uid]
    with running_archive(demo.catalog, options=["--fault", f"getImage:{kind}"]) as server:
        url = f"{server.base_url}/TCIA/query/getImage"
        response = http.get(url, params={"SeriesInstanceUID": uid})
    assert response.status_code == 200
    assert response.headers["imagecount"] == str(len(paths))
    if kind == "zip-no-directory":
        assert b"results.json" in response.content
        assert b"PK\x01\x02" not in response.content
        return
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        results = json.loads(archive.read("results.json"))
        harmed = missing if short is None else short
        assert [i for i, result in enumerate(results) if "error" in result] == [harmed]
        for number, path in enumerate(paths):
            name = f"images/{number}.dcm"
            if number == missing:
                assert name not in archive.namelist()
            else:
                data = path.read_bytes()
                expected = data[: len(data) // 2] if number == short else data
                assert archive.read(name) == expected


@pytest.mark.parametrize(
    ("kind", "sizes"), [("zip-left-out@1", [1, 1]), ("zip-cut-short@1", [1, 0.5, 1])]
)
def test_faults_of_a_blob_zip_leave_no_trace(
    demo: DemoArchive, http: httpx.Client, images: list[Image], kind: str, sizes: list[float]
) -> None:
    uid = images[-1].header.SeriesInstanceUID
    paths = [image.path for image in images if image.header.SeriesInstanceUID == uid]
    options = ["--files", "blob", "--fault", f"getImage:{kind}"]
    with running_archive(demo.catalog, options=options) as server:
        url = f"{server.base_url}/TCIA/query/getImage"
        response = http.get(url, params={"SeriesInstanceUID": uid})
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        assert archive.testzip() is None
        members = [entry for entry in archive.infolist() if not entry.is_dir()]
    full = paths[0].stat().st_size
    assert len(members) == len(paths) - (kind == "zip-left-out@1")
    assert [entry.file_size // (full // 2) / 2 for entry in members[: len(sizes)]] == sizes


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "is not ENDPOINT:KIND"),
        ("getSeries", "is not ENDPOINT:KIND"),
        ("html", "is not ENDPOINT:KIND"),
        ("getSeries:bend", "has no kind 'bend'"),
        ("getSeries:slwo@3", "did you mean 'slow'?"),
        ("x:slow@fast", "'fast' is not a number"),
        ("x:slow@", "'' is not a number"),
        ("x:html@3", "html takes no number"),
        ("x:slow@0", "specify a number from 1 on"),
        ("x:latency@-1", "specify a number from 0 on"),
        ("x:latency@nan", "specify a number from 0 on"),
        ("x:latency@inf", "specify a number from 0 on"),
        ("x:truncate@1.5", "specify a whole number from 0 on"),
        ("x:status-503@0", "specify a whole number from 1 on"),
        ("x:zip-left-out@-1", "specify a whole number from 0 on"),
    ],
)
def test_invalid_fault_is_a_usage_problem(text: str, sentence: str) -> None:
    with pytest.raises(UsageProblem, match="--fault") as problem:
        parse_fault(text)
    assert sentence in str(problem.value)


@pytest.mark.parametrize(
    ("faults", "sentence"),
    [
        (["getSerie:slow@10"], "there is no endpoint 'getSerie'; did you mean 'getSeries'?"),
        (["getseries:slow@10"], "did you mean 'getSeries'?"),
        (["TCIA/query/getSeries:slow@10"], "there is no endpoint 'TCIA/query/getSeries'"),
        (["getSerie/metadata:empty"], "did you mean 'getSeries/metadata'?"),
        (
            ["getSeries:zip-left-out@1"],
            "the endpoint sends no ZIP; getImage does",
        ),
        (["getImage/metadata:zip-left-out@1"], "has no effect"),
        (["getSeries/metadata:metadata-absent"], "write getSeries:metadata-absent"),
        (["getSeries:html", "getSeries:slow"], "getSeries:html replaces the response before it"),
        (["*:empty", "getSeries:slow"], "*:empty replaces the response before it"),
    ],
)
def test_fault_without_effect_prints_one_error(
    run: Run, demo: DemoArchive, faults: list[str], sentence: str
) -> None:
    options = [word for fault in faults for word in ("--fault", fault)]
    result = run("serve", "--catalog", demo.catalog, "--port", 0, *options, status=2)
    assert sentence in result.stderr
    assert result.stderr.count("\n") == 1


def test_several_faults_of_one_zip_all_occur(
    demo: DemoArchive, http: httpx.Client, images: list[Image]
) -> None:
    uid = images[-1].header.SeriesInstanceUID
    options = [f"--fault=getImage:{kind}" for kind in ("zip-left-out@0", "zip-left-out@2")]
    with running_archive(demo.catalog, options=options) as server:
        url = f"{server.base_url}/TCIA/query/getImage"
        response = http.get(url, params={"SeriesInstanceUID": uid})
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        names = archive.namelist()
    assert names[:3] == ["images/", "images/1.dcm", "images/3.dcm"]


def test_fault_of_star_applies_to_every_query_but_not_metadata() -> None:
    fault = parse_fault("*:html")
    assert fault.applies_to("/services/v3/TCIA/query/getSeries")
    assert not fault.applies_to("/services/v3/TCIA/query/getSeries/metadata")
    assert not fault.applies_to("/services/v3/schema")


def test_help_names_every_kind(run: Run) -> None:
    words = " ".join(run("serve", "--help").stdout.split()).replace("- ", "-")
    for kind in KINDS:
        assert f"{kind}:" in words
