"""Every violation of the schema is reported with its position, found and expected values."""

import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tciagen.contract.model import Type
from tciagen.documents.parsing import JsonObject
from tciagen.documents.schema import load_validator, schema_text, unknown_members, violations
from tciagen.errors import DocumentProblem


@pytest.fixture
def document(tcia_documents: Mapping[str, JsonObject]) -> JsonObject:
    return copy.deepcopy(tcia_documents["TCIA/query/getSeriesSize"])


def reported(document: object) -> list[str]:
    return [str(v) for v in violations(document)]


def test_violations_are_reported_in_order_of_their_pointers(document: JsonObject) -> None:
    document["QueryName"] = "get series"
    document["Parameters"] = ["x (Q)", {"Name": 3, "Type": "text"}, 4]
    document["Formats"] = []
    del document["Result"]["Description"]
    document["Deprecated"] = "yes"
    assert reported(document) == [
        '/Deprecated: found "yes", expected a boolean',
        "/Formats: found [], expected at least 1 element",
        r'/Parameters/0: found "x (Q)", expected a string that matches '
        r"^[A-Za-z_][A-Za-z0-9_]*( \((R|O)\))?$",
        "/Parameters/1/Name: found 3, expected a string",
        '/Parameters/1/Type: found "text", expected one of ' + ", ".join(Type),
        "/Parameters/2: found 4, expected an object or its short form, a string",
        '/QueryName: found "get series", expected a string that matches ^[A-Za-z][A-Za-z0-9_]*$',
        '/Result: found no member "Description", expected that member, which is required',
    ]


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("QueryName",), "getSeriesSize\n"),
        (("Parameters", 0, "Name"), "SeriesInstanceUID\n"),
        (("Result", "Name"), "SeriesSize\n"),
        (("Result", "Attributes", 0, "DICOM"), "0020 000E\n"),
    ],
)
def test_final_newline_does_not_slip_through_a_pattern(
    document: JsonObject, place: tuple[str | int, ...], value: str
) -> None:
    inner: Any = document
    for part in place[:-1]:
        inner = inner[part]
    inner[place[-1]] = value
    assert len(reported(document)) == 1


def test_record_formats_need_attributes(document: JsonObject) -> None:
    document["Result"]["Attributes"] = []
    assert reported(document) == ["/Result/Attributes: found [], expected at least 1 element"]


def test_replacement_needs_a_deprecation(document: JsonObject) -> None:
    document["ReplacedBy"] = "getSeries"
    assert reported(document) == [
        '/: found no member "Deprecated", expected that member, which is required'
    ]


@pytest.mark.parametrize("value", [None, [], 3, "text", True])
def test_violations_value_that_is_not_an_object_is_reported(value: object) -> None:
    assert [v.expected for v in violations(value)] == ["an object"]


def test_unknown_members_are_named_by_pointer(document: JsonObject) -> None:
    document["Owner"] = {"Team": "a"}
    document["Result"]["Attributes"][1]["Column/Name"] = "c"
    document["Parameters"][0]["Extra"] = 1
    assert unknown_members(document) == (
        "/Owner",
        "/Parameters/0/Extra",
        "/Result/Attributes/1/Column~1Name",
    )
    assert reported(document) == []


def test_project_contains_the_unchanged_schema(root: Path) -> None:
    given = root.parent / "shared" / "spec" / "query-endpoint-metadata.schema.json"
    if not given.exists():
        pytest.skip("the given schema is not beside this checkout")
    assert schema_text() == given.read_text(encoding="utf-8")


@pytest.mark.parametrize("content", ["{", '{"type": 3}', "[]"])
def test_another_schema_must_be_one(tmp_path: Path, content: str) -> None:
    path = tmp_path / "schema.json"
    path.write_text(content)
    with pytest.raises(DocumentProblem, match="not a readable JSON Schema"):
        load_validator(path)


@pytest.fixture
def schema(tmp_path: Path) -> Any:
    """Write the published schema with another definition, and load it."""

    def changed(name: str, definition: object) -> Any:
        other = json.loads(schema_text())
        other["$defs"][name] = definition
        path = tmp_path / "schema.json"
        path.write_text(json.dumps(other))
        return load_validator(path)

    return changed


@pytest.mark.parametrize(
    ("pattern", "fits", "does_not"),
    [
        ("^[A-Za-z$]+$", "a$b", "a$b\n"),
        ("^[\\]$]+$", "$]", "$]\n"),
        (r"^a\$$", "a$", "a$\n"),
        (r"^a\\$", "a\\", "a\\\n"),
    ],
)
def test_dollar_is_the_end_or_one_of_a_class(
    document: JsonObject, schema: Any, pattern: str, fits: str, does_not: str
) -> None:
    validator = schema("name", {"type": "string", "pattern": pattern})
    document["Parameters"] = [{"Name": fits}, {"Name": does_not}]
    document["Result"]["Attributes"] = []
    del document["Formats"]
    (reported,) = violations(document, validator)
    assert reported.pointer == "/Parameters/1/Name"


def test_violations_unresolvable_reference_is_reported(document: JsonObject, schema: Any) -> None:
    validator = schema("name", {"$ref": "#/$defs/nowhere"})
    with pytest.raises(DocumentProblem, match="refers to /\\$defs/nowhere, which does not exist"):
        violations(document, validator)
