"""The contract in the languages of other tools: changes they can and cannot express."""

import ast
import copy
import json
import re
from collections import Counter
from pathlib import Path

import pytest
from tests.benchmarks.rival_tools import graphql, openapi, protobuf, python_module
from tests.benchmarks.rival_tools.cases import Case, all_cases, write_projected
from tests.benchmarks.rival_tools.judges import Verdict
from tests.benchmarks.rivals import rated_right
from tests.drift.benchmark import BENCHMARK, contract_of

from tciagen.drift.levels import Severity

PROJECTIONS = {
    "GraphQL": graphql.project,
    "OpenAPI": openapi.project,
    "Protobuf": protobuf.project,
    "Python": python_module.project,
}
CASES = {case.name: case for case in all_cases()}
# Edits that leave the contract as it is; members that the schema does not know; silence;
# collisions of Python names.
INEXPRESSIBLE = {"C04", "C06", "C10", "C11", "E12", "A36", "K03", "G01", "G02", "G03"}
# The same name in Python; a UID is a plain text in a call, as in Protobuf everywhere.
INEXPRESSIBLE_IN = {
    "GraphQL": set(),
    "OpenAPI": set(),
    "Protobuf": {"P14"},
    "Python": {"E04", "A06", "P14"},
}

each_language = pytest.mark.parametrize("language", PROJECTIONS)


def texts(case: str, language: str) -> tuple[str, str]:
    project = PROJECTIONS[language]
    return project(contract_of(CASES[case].old)), project(contract_of(CASES[case].new))


def new_lines(case: str, language: str) -> set[str]:
    old, new = (Counter(map(str.strip, text.splitlines())) for text in texts(case, language))
    return set(new - old)


@each_language
def test_language_expresses_every_change_except_the_listed_ones(
    language: str, tmp_path: Path
) -> None:
    written = write_projected(list(CASES.values()), tmp_path, "file", PROJECTIONS[language])
    assert set(CASES) - {w.case.name for w in written} == INEXPRESSIBLE | INEXPRESSIBLE_IN[language]
    for change in written:
        assert change.old.read_text("utf-8") != change.new.read_text("utf-8")


@pytest.mark.parametrize(
    ("case", "language", "line"),
    [
        ("P06", "GraphQL", 'Collection: String! @dicom(tag: "NA")'),
        ("P06", "Protobuf", 'required string Collection = 4216578 [(dicom) = "NA"];'),
        ("A16", "GraphQL", 'Modality: String @dicom(tag: "0008 0060")'),
        ("A12", "GraphQL", 'SeriesDate: DateTime @dicom(tag: "0008 0021")'),
        ("A12", "OpenAPI", '"format": "date-time",'),
        ("A13", "Python", "series_date: Annotated[str | None, '0008 0021'] = None"),
        ("E06", "GraphQL", '): File! @deprecated(reason: "Deprecated.")'),
        ("E06", "Protobuf", "option deprecated = true;"),
        ("E06", "Python", "@deprecated('Deprecated.')"),
        ("F05", "GraphQL", "format: TCIA_getSeries_format"),
        ("R02", "Protobuf", "message SeriesRecord {"),
    ],
)
def test_change_has_the_syntax_of_the_language(case: str, language: str, line: str) -> None:
    assert line in new_lines(case, language)


@each_language
def test_order_of_members_changes_only_the_order_of_lines(language: str) -> None:
    old, new = texts("P32", language)
    assert old != new
    if language != "Python":
        assert sorted(old.splitlines()) == sorted(new.splitlines())


def test_protobuf_field_retains_its_number_when_others_come_before_it() -> None:
    numbers = [
        dict(re.findall(r"(\w+) = (\d+) \[", message))
        for text in texts("P03", "Protobuf")
        for message in re.findall(r"message TCIA_getSeries_Request \{(.*?)\n\}", text, re.DOTALL)
    ]
    assert set(numbers[1]) - set(numbers[0]) == {"StationName"}
    assert numbers[0].items() <= numbers[1].items()


@pytest.mark.parametrize("case", CASES)
def test_python_module_compiles_unless_names_collide(case: str) -> None:
    if CASES[case].rule != "name-collision":
        for text in texts(case, "Python"):
            ast.parse(text)


def test_openapi_document_points_only_at_schemas_that_it_has() -> None:
    for case in CASES:
        for text in texts(case, "OpenAPI"):
            document = json.loads(text)
            named = set(re.findall(r'"\$ref": "#/components/schemas/(\w+)"', text))
            assert named == set(document["components"]["schemas"])


@each_language
def test_two_records_of_one_name_and_other_attributes_are_two_types(language: str) -> None:
    old, new = texts("R05", language)
    assert "ContentsByNameSeriesKey" in old
    assert "getSOPInstanceUIDsSeriesKey" in old
    assert "NameSeriesKey" not in new
    assert "SeriesKey" in new


HOSTILE = '"""\'\n}\r*/ end\\'


def test_prose_of_a_server_stays_prose() -> None:
    documents = copy.deepcopy(BENCHMARK["base_documents"])
    plain = contract_of(copy.deepcopy(documents))
    documents["TCIA/query/getSeries"]["Description"] = HOSTILE
    hostile = contract_of(documents)
    for language, mark in (("GraphQL", '"'), ("Protobuf", "//")):
        lines = [PROJECTIONS[language](contract).split("\n") for contract in (plain, hostile)]
        code = [[line for line in side if not line.lstrip().startswith(mark)] for side in lines]
        assert code[0] == code[1]
    operation = json.loads(openapi.project(hostile))["paths"]["/TCIA/query/getSeries"]["get"]
    assert operation["description"] == HOSTILE
    methods = {
        node.name: ast.get_docstring(node, clean=False)
        for node in ast.walk(ast.parse(python_module.project(hostile)))
        if isinstance(node, ast.FunctionDef)
    }
    assert (methods["get_series"] or "").startswith(HOSTILE)


@pytest.mark.parametrize("language", ["GraphQL", "Protobuf"])
def test_values_that_are_no_identifiers_become_some(language: str) -> None:
    documents = copy.deepcopy(BENCHMARK["base_documents"])
    documents["TCIA/query/getSeries"]["Parameters"][4]["AllowedValues"] = ["a b", "1-2", "ok"]
    text = PROJECTIONS[language](contract_of(documents)).replace("Modality_", "")
    assert {"a_b", "_1_2", "ok"} <= set(re.findall(r"\w+", text))


def case_of(severity: Severity, worst: Severity | None = None) -> Case:
    return Case("any", {}, {}, None, severity, worst or severity, control=False)


@pytest.mark.parametrize(
    ("expected", "words", "two_levels", "three_levels"),
    [
        (Severity.BREAKING, ["BREAKING", "NON_BREAKING"], True, True),
        (Severity.BREAKING, ["changelog"], False, False),
        (Severity.DANGEROUS, ["Error"], True, False),
        (Severity.DANGEROUS, [], True, False),
        (Severity.DANGEROUS, ["DANGEROUS"], True, True),
        (Severity.NON_BREAKING, [], True, True),
        (Severity.DOCS, ["breaking"], False, False),
    ],
)
def test_verdict_is_rated_on_the_scale_of_the_tool(
    expected: Severity, words: list[str], two_levels: bool, three_levels: bool
) -> None:
    verdict = Verdict.of(words, 1.0)
    assert rated_right(2, case_of(expected), verdict) is two_levels
    assert rated_right(3, case_of(expected), verdict) is three_levels
    assert verdict.seen is bool(words)


def test_worse_finding_that_is_allowed_beside_the_expected_one_is_right() -> None:
    verdict = Verdict.of(["dangerous", "breaking"], 1.0)
    assert rated_right(3, case_of(Severity.DANGEROUS, Severity.BREAKING), verdict)
    assert not rated_right(3, case_of(Severity.DANGEROUS), verdict)
