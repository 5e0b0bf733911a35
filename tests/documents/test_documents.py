"""Documents are read with suspicion, judged in full, and written in one form."""

import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tciagen.documents.canonical import canonical
from tciagen.documents.folder import read_folder
from tciagen.documents.parsing import JsonObject, parse
from tciagen.documents.validation import require_valid, validate
from tciagen.errors import DocumentProblem

ADDRESS = "TCIA/query/getSeriesSize"


@pytest.fixture
def document(tcia_documents: Mapping[str, JsonObject]) -> JsonObject:
    return copy.deepcopy(tcia_documents[ADDRESS])


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "line 1, column 1: Expecting value"),
        (b'{"a": 1,\n "b" 2}', "line 2, column 6: Expecting ':' delimiter"),
        (b"\xff{}", "byte 0 is not UTF-8"),
        (b"[]", "it is an array, not an object"),
        (b"null", "it is null, not an object"),
        (b"3", "it is a number, not an object"),
        (b'{"a": NaN}', "NaN is not a JSON value"),
        (b'{"a": 1e999}', "the number 1e999 is too large"),
        (b'{"a": [-1e999]}', "the number -1e999 is too large"),
        (b'{"a": 1, "a": 2}', 'the member "a" is duplicated in an object'),
        (b'{"a": "\\ud800"}', "a string contains half of a surrogate pair"),
        (b'{"a": ' + b"[" * 200_000 + b"}", "its values are nested too deeply"),
        (b'{"a": ' + b"9" * 5000 + b"}", "Exceeds the limit"),
        (b" " * 5_000_000, "it is larger than 4,194,304 bytes"),
    ],
)
def test_parse_unreadable_body_is_reported_in_one_sentence(body: bytes, reason: str) -> None:
    with pytest.raises(DocumentProblem) as caught:
        parse(body, "x.json")
    assert str(caught.value).startswith("x.json cannot be read: " + reason)
    assert "\n" not in str(caught.value)


def test_canonical_form_is_sorted_and_reviewable() -> None:
    body = canonical({"b": "Grüße\u202e\x00", "a": ["\u2028"]})
    assert body.decode() == '{\n  "a": [\n    "\\u2028"\n  ],\n  "b": "Grüße\\u202e\\u0000"\n}\n'
    assert json.loads(body) == {"b": "Grüße\u202e\x00", "a": ["\u2028"]}


def test_committed_documents_are_canonical_and_valid(
    root: Path, tcia_documents: Mapping[str, JsonObject]
) -> None:
    folder = root / "generator/contracts/tcia-v3/documents"
    for path in sorted(folder.glob("*/*.json")):
        assert path.read_bytes() == canonical(json.loads(path.read_bytes())), path
    assert len(tcia_documents) == 15
    require_valid(tcia_documents)


def rules(document: object) -> list[tuple[str, str]]:
    return [(f.rule, f.violation.pointer) for f in validate(ADDRESS, document)]


def test_validate_valid_document_has_no_finding(document: JsonObject) -> None:
    assert rules(document) == []


def test_validate_empty_object_is_reported_as_empty() -> None:
    assert rules({}) == [("document-empty", "")]


def test_validate_document_of_another_endpoint_is_misplaced(document: JsonObject) -> None:
    document["QueryName"] = "getSeries"
    assert rules(document) == [("document-misplaced", "/QueryName")]


def test_validate_duplicate_names_are_reported(document: JsonObject) -> None:
    document["Parameters"].append("SeriesInstanceUID (O)")
    document["Result"]["Attributes"].append(document["Result"]["Attributes"][0])
    assert rules(document) == [
        ("name-duplicated", "/Parameters/1"),
        ("name-duplicated", "/Result/Attributes/2"),
    ]


def test_validate_default_format_outside_formats_is_reported(document: JsonObject) -> None:
    document["Formats"], document["DefaultFormat"] = ["CSV"], "JSON"
    assert rules(document) == [("default-format-unknown", "/DefaultFormat")]


def test_read_folder_reports_all_unreadable_files(tmp_path: Path) -> None:
    (tmp_path / "A").mkdir()
    (tmp_path / "A" / "one.json").write_text("{")
    (tmp_path / "A" / "two.json").write_text("[]")
    (tmp_path / "A" / "not a name.json").write_text("{}")
    with pytest.raises(DocumentProblem) as caught:
        read_folder(tmp_path)
    reported = str(caught.value).replace(f"{tmp_path}/A/", "").splitlines()
    assert reported == [
        "not a name.json is not named <Resource>/<QueryName>.json",
        "one.json cannot be read: line 1, column 2:"
        " Expecting property name enclosed in double quotes",
        "two.json cannot be read: it is an array, not an object",
    ]


@pytest.mark.parametrize("name", ["absent", "empty"])
def test_read_folder_without_documents_is_reported(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DocumentProblem, match="There is no document"):
        read_folder(tmp_path / name)


@pytest.mark.parametrize(
    ("place", "value", "pointer"),
    [
        (("Formats",), ["JSON", 'X"), exit() or ("'], "/Formats/1"),
        (("DefaultFormat",), "YAML", "/DefaultFormat"),
        (("Result", "Attributes", 0, "Type"), "uri", "/Result/Attributes/0/Type"),
        (("Parameters", 0), {"Name": "x", "Default": 5}, "/Parameters/0/Default"),
        (("Result",), {"Name": "Row"}, "/Result"),
        (("Parameters",), None, "/Parameters"),
    ],
)
def test_validate_custom_schema_allows_no_other_structure(
    document: JsonObject, place: tuple[str | int, ...], value: object, pointer: str
) -> None:
    inner: Any = document
    for part in place[:-1]:
        inner = inner[part]
    inner[place[-1]] = value
    anything = Draft202012Validator({})
    found = validate(ADDRESS, document, anything)
    assert {(f.rule, f.violation.pointer) for f in found} == {("document-invalid", pointer)}


def test_validate_custom_schema_can_allow_other_names(document: JsonObject) -> None:
    document["Parameters"] = ["vessel-name (R)", {"Name": "größe"}]
    document["Result"]["Name"] = "Vessel_Row"
    assert validate(ADDRESS, document, Draft202012Validator({})) == []
    assert validate(ADDRESS, document)


@pytest.mark.parametrize(
    ("names", "reported"),
    [
        (("Fleet/getSeries", "Fleet/GETSERIES"), "differ in letter case only"),
        (("Fleet/getSeries", "fleet/getImage"), "differ in letter case only"),
    ],
)
def test_read_folder_names_that_differ_in_case_only_are_refused(
    tmp_path: Path, names: tuple[str, str], reported: str
) -> None:
    for name in names:
        path = tmp_path / f"{name}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text("{}")
    with pytest.raises(DocumentProblem, match=reported):
        read_folder(tmp_path)
