"""The wire format of v3 servers, one fact a test."""

import gzip
import json

import httpx
import pytest
from tests.archive.conftest import Caller

from tciagen.archive.demo import DemoArchive
from tciagen.archive.documents import bare, full_documents
from tciagen.archive.running import running_archive
from tciagen.documents.schema import schema_text, violations

MEDIA_TYPES = {
    "CSV": "application/csv",
    "HTML": "text/html",
    "XML": "application/xml",
    "JSON": "application/json",
}


FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize("response_format", MEDIA_TYPES)
def test_content_type_names_no_charset(call: Caller, response_format: str) -> None:
    response = call.query("getPatient", format=response_format)
    assert response.headers["content-type"] == MEDIA_TYPES[response_format]


@pytest.mark.parametrize("value", ["json", "JsOn", "", "yaml", "ZIP"])
def test_format_absent_or_unknown_is_json(call: Caller, value: str) -> None:
    assert call.query("getPatient", format=value).headers["content-type"] == "application/json"


def test_responses_are_chunked_without_a_length(call: Caller) -> None:
    headers = call.query("getSeries").headers
    assert headers["transfer-encoding"] == "chunked"
    assert "content-length" not in headers


def test_gzip_is_sent_only_to_clients_that_accept_it(call: Caller) -> None:
    url = f"{call.base_url}/TCIA/query/getSeries"
    plain = call.http.get(url, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    for accepted in ("gzip", "br, GZip;q=0.5"):
        with call.http.stream("GET", url, headers={"Accept-Encoding": accepted}) as packed:
            assert packed.headers["content-encoding"] == "gzip"
            assert gzip.decompress(b"".join(packed.iter_raw())) == plain.content
    refused = call.http.get(url, headers={"Accept-Encoding": "gzip;q=0, br"})
    assert "content-encoding" not in refused.headers


@pytest.mark.parametrize("address", full_documents())
def test_metadata_is_the_full_document_in_body_and_header(call: Caller, address: str) -> None:
    document = full_documents()[address]
    response = call.query(f"{address}/metadata")
    assert response.headers["content-type"] == "application/json"
    assert response.json() == document
    assert response.text == json.dumps(document, separators=(",", ":"))
    assert violations(document) == []
    assert json.loads(call.query(address).headers["metadata"]) == document


def test_bare_metadata_has_only_the_required_members(demo: DemoArchive, http: httpx.Client) -> None:
    with running_archive(demo.catalog, options=["--bare"]) as server:
        for address, document in full_documents().items():
            served = http.get(f"{server.base_url}/{address}/metadata").json()
            assert served == bare(document)
            assert set(served) == {"QueryName", "Description", "Parameters", "Result"}
            assert violations(served) == []
        response = http.get(f"{server.base_url}/TCIA/query/getPatient")
        assert json.loads(response.headers["metadata"]) == bare(
            full_documents()["TCIA/query/getPatient"]
        )


def test_schema_is_served_at_its_path(call: Caller) -> None:
    assert call.query("schema/").status_code == 404
    response = call.http.get(f"{call.base_url}/schema")
    assert response.headers["content-type"] == "application/json"
    assert response.text == schema_text()


def test_every_query_response_has_the_headers_of_the_middleware(call: Caller) -> None:
    for response in (call.query("getPatient"), call.query("getSeriesSize"), call.query("getImage")):
        assert response.headers["access-control-allow-origin"] == "*"
        assert int(response.headers["responsetime"]) >= 0
        assert response.headers["tags"] == "[]"
        assert response.headers["vendor"]
        assert response.headers["bindaas-version"]


def test_post_form_is_the_same_query(call: Caller) -> None:
    url = f"{call.base_url}/TCIA/query/getPatient"
    posted = call.http.post(url, data={"Collection": "肝臓-MR", "format": "csv"})
    assert posted.text == call.query("getPatient", Collection="肝臓-MR", format="csv").text
    assert posted.headers["content-type"] == "application/csv"


@pytest.mark.parametrize(
    "media_type",
    [
        "APPLICATION/X-WWW-Form-Urlencoded",
        "application/x-www-form-urlencoded ; charset=UTF-8",
        'application/x-www-form-urlencoded;Charset="utf-8"',
    ],
)
def test_post_form_media_type_compares_without_case(call: Caller, media_type: str) -> None:
    url = f"{call.base_url}/TCIA/query/getPatient"
    posted = call.http.post(
        url, content="Collection=DEMO-PET-CT", headers={"Content-Type": media_type}
    )
    assert posted.status_code == 200
    assert {row["Collection"] for row in posted.json()} == {"DEMO-PET-CT"}


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "application/json"},
        {"Content-Type": "multipart/form-data; boundary=x"},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded-v2"},
        {"Content-Type": ""},
        {"Content-Type": "application/x-www-form-urlencoded; charset=utf-16"},
        {**FORM, "Content-Encoding": "gzip"},
        {},
    ],
)
@pytest.mark.parametrize("name", ["getPatient", "getImage", "getPatient/metadata"])
def test_post_body_that_is_no_form_is_415(call: Caller, name: str, headers: dict[str, str]) -> None:
    url = f"{call.base_url}/TCIA/query/{name}"
    refused = call.http.post(url, content=b"Collection=DEMO-PET-CT", headers=headers)
    assert refused.status_code == 415
    assert "application/x-www-form-urlencoded" in refused.json()["errorMessage"]


def test_post_without_a_body_needs_no_media_type(call: Caller) -> None:
    url = f"{call.base_url}/TCIA/query/getPatient?Collection=DEMO-PET-CT"
    assert call.http.post(url).json() == call.rows("getPatient", Collection="DEMO-PET-CT")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_body_of_a_request_that_has_none_is_400(call: Caller, method: str) -> None:
    url = f"{call.base_url}/TCIA/query/getPatient"
    refused = call.http.request(method, url, content=b"Collection=DEMO-PET-CT", headers=FORM)
    assert refused.status_code == 400


def test_first_value_of_a_repeated_key_counts(call: Caller) -> None:
    url = f"{call.base_url}/TCIA/query/getPatient?Collection=DEMO-PET-CT&Collection=DEMO-BRAIN-MR"
    assert {row["Collection"] for row in call.http.get(url).json()} == {"DEMO-PET-CT"}
    body = "Collection=DEMO-BRAIN-MR&Collection=DEMO-PET-CT"
    rows = call.http.post(url.partition("?")[0], content=body, headers=FORM).json()
    assert {row["Collection"] for row in rows} == {"DEMO-BRAIN-MR"}


def test_unknown_keys_are_ignored_and_keys_are_case_sensitive(call: Caller) -> None:
    everything = call.rows("getPatient")
    assert call.rows("getPatient", collection="DEMO-PET-CT", Colour="red") == everything


def test_empty_value_is_no_filter_but_not_enough_for_a_required_key(call: Caller) -> None:
    assert call.rows("getPatient", Collection="") == call.rows("getPatient")
    assert call.query("getSeriesSize", SeriesInstanceUID="").status_code == 471


@pytest.mark.parametrize(
    ("name", "values", "missing"),
    [
        ("PatientsByModality", {"Collection": "x"}, "Modality"),
        ("getSeriesSize", {}, "SeriesInstanceUID"),
        ("getImage", {}, "SeriesInstanceUID"),
        ("NewPatientsInCollection", {"Collection": "x"}, "Date"),
        ("NewStudiesInPatientCollection", {"Date": "2020-01-01"}, "Collection"),
        ("getSOPInstanceUIDs", {}, "SeriesInstanceUID"),
        ("getSingleImage", {"SeriesInstanceUID": "1.2"}, "SOPInstanceUID"),
        ("SharedList/query/ContentsByName", {}, "name"),
    ],
)
def test_missing_required_key_is_471(
    call: Caller, name: str, values: dict[str, str], missing: str
) -> None:
    response = call.query(name, **values)
    assert response.status_code == 471
    assert response.headers["content-type"] == "application/json"
    assert set(response.json()) == {"errorDescription", "suggestedAction", "detailedMessage"}
    assert f"[{missing}]" in response.json()["errorDescription"]


@pytest.mark.parametrize(
    "day", ["2022-02-30", "01/02/2022", "2022-1-1", "\u0662022-01-01", "0000-00-00"]
)
def test_bad_date_is_575(call: Caller, day: str) -> None:
    response = call.query("NewPatientsInCollection", Collection="x", Date=day)
    assert response.status_code == 575
    assert "errorDescription" in response.json()


@pytest.mark.parametrize("value", ["x; y", "a--b", "a/*b", "`x`", "DROP table", "x exec y"])
def test_unsafe_value_is_571(call: Caller, value: str) -> None:
    response = call.query("getPatient", Collection=value)
    assert response.status_code == 571
    assert "errorDescription" in response.json()


@pytest.mark.parametrize(
    "value", ["' OR '1'='1", "\x00", "%", "*", "\\", '"', "\u202e", "x" * 20_000, "𠮷", "Raindrop"]
)
def test_values_with_special_characters_are_compared_literally(call: Caller, value: str) -> None:
    assert call.rows("getSeries", Collection=value) == []


def test_values_that_are_not_utf8_have_no_results(call: Caller) -> None:
    response = call.http.get(f"{call.base_url}/TCIA/query/getPatient?Collection=%ff%fe&%00=%zz")
    assert response.json() == []


def test_unknown_endpoint_is_500_and_names_it(call: Caller) -> None:
    for path in ("TCIA/query/getNothing", "TCIA/query/getNothing/metadata"):
        response = call.query(path)
        assert response.status_code == 500
        assert response.json() == {"errorMessage": "QueryEndpoint [getNothing] not found"}


@pytest.mark.parametrize(
    "path",
    [
        "x",
        "TCIA",
        "/TCIA/query/getSeries",
        "TCIA/query",
        "Other/query/getSeries",
        "TCIA/x/getSeries",
    ],
)
def test_path_that_is_no_endpoint_is_404(call: Caller, path: str) -> None:
    assert call.http.get(f"{call.base_url}/{path}").status_code == 404


def test_query_without_results_returns_an_empty_set(call: Caller) -> None:
    values = {"Collection": "none"}
    assert call.query("getPatient", **values).text == "[]"
    names = "PatientID,PatientName,PatientBirthDate,PatientSex,EthnicGroup,Collection"
    assert call.query("getPatient", format="csv", **values).text == names
    assert call.query("getPatient", format="xml", **values).text == "<Results></Results>"


def test_query_without_results_is_204_with_no_content(
    demo: DemoArchive, http: httpx.Client
) -> None:
    with running_archive(demo.catalog, options=["--no-content"]) as server:
        response = http.get(f"{server.base_url}/TCIA/query/getPatient?Collection=none")
        assert (response.status_code, response.content) == (204, b"")
        assert "metadata" in response.headers
        assert http.get(f"{server.base_url}/TCIA/query/getPatient").status_code == 200


def test_csv_escapes_are_those_of_ecmascript(call: Caller) -> None:
    text = call.query("getSeries", format="csv", PatientID="Süß/01").text
    assert "Süß" not in text
    assert r'"S\u00FC\u00DF\/01"' in text
    assert r'"S\u00F6hne & \"T\u00F6chter\" <O\'Test>\/1"' in text
    assert r'"Kopf\\Hals"' in text
    assert not text.endswith("\n")
    tokyo = call.query("getSeries", format="csv", PatientID="東京-0001").text
    assert r"\uD842\uDFB7\u91CE" in tokyo


def test_csv_null_is_nothing_between_two_commas(call: Caller) -> None:
    lines = call.query("getSeries", format="csv", PatientID="PET-8").text.split("\n")
    assert len(lines) == 2
    assert ',"PT",,,,,,,"DEMO-PET-CT",,,,"1","60","PET-8"' in lines[1]


def test_xml_escapes_nothing_and_null_is_empty(call: Caller) -> None:
    text = call.query("getSeries", format="xml", PatientID="R&D <7>").text
    assert "<PatientID type='VARCHAR' >R&D <7></PatientID>" in text
    assert "<Manufacturer type='VARCHAR' ></Manufacturer>" in text


def test_html_null_is_the_word_null(call: Caller) -> None:
    assert "<TD>null</TD>" in call.query("getSeries", format="html", PatientID="PET-8").text


def test_body_part_is_cut_to_15_characters_and_may_end_in_a_blank(call: Caller) -> None:
    parts = {row.get("BodyPartExamined") for row in call.rows("getBodyPartValues")}
    assert {"ABDOMEN_PELVIS ", "LOWER_EXTREMITY"} <= parts


def test_form_above_the_limit_is_413(call: Caller) -> None:
    response = call.http.post(
        f"{call.base_url}/TCIA/query/getPatient", content=b"x" * 2_000_000, headers=FORM
    )
    assert response.status_code == 413
    assert response.json() == {"errorMessage": "The form is larger than 1 MB"}


def test_unsupported_methods_are_405(call: Caller) -> None:
    assert call.http.put(f"{call.base_url}/TCIA/query/getPatient").status_code == 405


def test_server_responds_after_an_aborted_download(call: Caller) -> None:
    url = f"{call.base_url}/TCIA/query/getSeries"
    for _ in range(5):
        with httpx.stream("GET", url) as response:
            assert response.status_code == 200
    assert len(call.rows("getSeries")) == 61
