"""Each rule of the contract fires on its own example, and not on its near miss."""

from typing import Any

import pytest
from tests.drift.benchmark import contract_of

from tciagen.documents.validation import validate
from tciagen.drift.catalogue.rule import Example, attributes, documents, members, parameters
from tciagen.drift.catalogue.rules import CONTRACT_RULES, RULES, get_rule
from tciagen.drift.compare.contracts import compare
from tciagen.drift.levels import DRIFT_LEVELS
from tciagen.drift.report.rule_pages import rule_page
from tciagen.errors import UsageProblem


def key(name: str = "Modality", **given: Any) -> dict[str, Any]:
    return {"Name": name, "Type": "string", "DICOM": "NA", **given}


def column(name: str = "Modality", **given: Any) -> dict[str, Any]:
    said = {"Description": "A column.", **key(name, **given)}
    return {name: value for name, value in said.items() if value is not None}


SERIES, LIST = "TCIA/query/getSeries", "SharedList/query/ContentsByName"
STUDY = "TCIA/query/getStudy"
GONE: dict[str, Any] = {"Deprecated": True}
FILE = {"Formats": ["ZIP"], "DefaultFormat": "ZIP"}


def result(*columns: Any, name: str = "Series", text: str = "One.") -> dict[str, Any]:
    return {"Result": {"Name": name, "Description": text, "Attributes": list(columns)}}


PAIR = {SERIES: result(column()), LIST: result(column(), column("A"))}

# Edits similar to the rule's change, and their real rules: an empty set is no change.
NEAR_MISSES: dict[str, tuple[Example, set[str]]] = {
    "endpoint-added": (
        documents({SERIES: {}}, {SERIES: {}, "TCIA/query/GetSeries": {}}),
        {"name-collision"},
    ),
    "endpoint-removed": (
        documents({SERIES: {}}, {"TCIA/query/GetSeries": {}}),
        {"endpoint-renamed"},
    ),
    "endpoint-removed-deprecated": (
        documents(
            {SERIES: {}, STUDY: {**GONE, "ReplacedBy": "listStudy"}},
            {SERIES: {}, "TCIA/query/listStudy": {}},
        ),
        {"endpoint-renamed", "endpoint-undeprecated"},
    ),
    "endpoint-renamed": (
        documents({SERIES: {}}, {STUDY: result(column("Other"), name="Study")}),
        {"endpoint-removed", "endpoint-added"},
    ),
    "endpoint-moved": (
        documents({SERIES: {}}, {"Archive/query/getSeries": FILE}),
        {"endpoint-removed", "endpoint-added"},
    ),
    "endpoint-deprecated": (members({}, {"Deprecated": False}), set()),
    "endpoint-undeprecated": (members({"Deprecated": False}, {}), set()),
    "endpoint-replacement-changed": (
        members({}, {**GONE, "ReplacedBy": "getStudy"}),
        {"endpoint-deprecated"},
    ),
    "endpoint-description-changed": (
        members({"Description": "Lists all series."}, {"Description": "Lists  all\n series. "}),
        set(),
    ),
    "unknown-member": (members({"Owner": "a"}, {"Owner": "b"}), set()),
    "declaration-lost": (
        attributes(
            [column(DICOM="0008 0021", Type="date")],
            [{"Name": "Modality", "Description": "A column.", "DICOM": "0008 0021"}],
        ),
        set(),
    ),
    "declaration-gained": (
        members(
            {"Formats": ["JSON"], "DefaultFormat": None},
            {"Formats": ["JSON"], "DefaultFormat": "JSON"},
        ),
        set(),
    ),
    "type-declared": (
        attributes([column(Type=None)], [column()]),
        {"declaration-gained"},
    ),
    "name-collision": (
        parameters([key("PatientID")], [key("PatientId")]),
        {"param-renamed"},
    ),
    "param-added-required": (parameters([], [key()]), {"param-added-optional"}),
    "param-added-optional": (parameters([], ["Modality (R)"]), {"param-added-required"}),
    "param-removed": (parameters([key("modality")], [key()]), {"param-renamed"}),
    "param-removed-deprecated": (
        parameters([key(), key("A", **GONE)], [key("A", **GONE)]),
        {"param-removed"},
    ),
    "param-renamed": (
        parameters([key(DICOM="0008 0060")], [key("Other", DICOM="0008 0060", Type="integer")]),
        {"param-removed", "param-added-optional"},
    ),
    "param-became-required": (parameters(["Modality (O)"], ["Modality"]), {"declaration-lost"}),
    "param-became-optional": (parameters(["Modality (R)"], ["Modality"]), {"declaration-lost"}),
    "param-type-widened": (
        parameters([key(Type="decimal")], [key(Type="integer")]),
        {"param-type-narrowed"},
    ),
    "param-type-narrowed": (
        parameters([key(Type="integer")], [key(Type="decimal")]),
        {"param-type-widened"},
    ),
    "param-type-changed": (parameters([key(Type="date")], [key()]), {"param-type-widened"}),
    "param-enum-added": (
        parameters([key(AllowedValues=["A"])], [key(AllowedValues=["A", "B"])]),
        {"param-enum-value-added"},
    ),
    "param-enum-removed": (
        parameters([key(AllowedValues=["A"])], ["Modality (O)"]),
        {"declaration-lost"},
    ),
    "param-enum-value-added": (
        parameters([key(AllowedValues=["A", "B"])], [key(AllowedValues=["B", "A"])]),
        set(),
    ),
    "param-enum-value-removed": (
        parameters([key(AllowedValues=["A", "B"])], [key()]),
        {"param-enum-removed"},
    ),
    "param-default-added": (
        parameters([key(Default="A")], [key(Default="B")]),
        {"param-default-changed"},
    ),
    "param-default-removed": (
        parameters([key(Default="A")], ["Modality (O)"]),
        {"declaration-lost"},
    ),
    "param-default-changed": (
        parameters([key(Default="A")], [key(Default="A", Example="B")]),
        {"param-example-changed"},
    ),
    "param-deprecated": (parameters([key()], [key(Deprecated=False)]), set()),
    "param-undeprecated": (parameters([key(**GONE)], ["Modality (O)"]), {"declaration-lost"}),
    "param-dicom-tag-changed": (
        parameters([key(DICOM="0020 000E")], [key(DICOM="0020 000e")]),
        set(),
    ),
    "param-dicom-tag-added": (
        parameters([key(DICOM="NA")], [key(DICOM="Computed")]),
        {"param-origin-changed"},
    ),
    "param-dicom-tag-removed": (
        parameters([key(DICOM="0008 0060")], ["Modality (O)"]),
        {"declaration-lost"},
    ),
    "param-origin-changed": (
        parameters([key(DICOM="Computed")], [key(DICOM="0008 0060")]),
        {"param-dicom-tag-added"},
    ),
    "param-reordered": (
        parameters([key("A"), key("B")], [key("C"), key("A"), key("B")]),
        {"param-added-optional"},
    ),
    "param-description-changed": (
        parameters([key(Description="A.")], ["Modality (O)"]),
        {"declaration-lost"},
    ),
    "param-example-changed": (
        parameters([key(Example="A")], ["Modality (O)"]),
        {"declaration-lost"},
    ),
    "format-added": (members({"Formats": ["CSV", "JSON"]}, {"Formats": ["JSON", "CSV"]}), set()),
    "format-removed": (members({}, {"Formats": None, "DefaultFormat": None}), {"declaration-lost"}),
    "format-undecodable": (
        members({}, {"Formats": ["HTML", "XML"], "DefaultFormat": "XML"}),
        {"format-removed", "default-format-changed"},
    ),
    "file-format-changed": (
        members({**FILE, "Formats": ["ZIP"]}, {**FILE, "Formats": ["ZIP", "DICOM"]}),
        {"format-added"},
    ),
    "default-format-changed": (members({}, {"DefaultFormat": None}), {"default-format-removed"}),
    "default-format-removed": (
        members({"Formats": ["JSON"]}, {"Formats": ["JSON"], "DefaultFormat": None}),
        set(),
    ),
    "default-format-added": (
        members({"Formats": None, "DefaultFormat": None}, {}),
        {"declaration-gained"},
    ),
    "return-kind-changed": (
        members(FILE, {"Formats": ["DICOM"], "DefaultFormat": "DICOM"}),
        {"file-format-changed"},
    ),
    "return-object-renamed": (
        members({**FILE, **result(name="A")}, {**FILE, **result(name="B")}),
        {"return-object-renamed"},
    ),
    "return-object-diverged": (
        documents(PAIR, {**PAIR, LIST: result(column(), column("A"), column("B"))}),
        {"attr-added-optional"},
    ),
    "return-object-merged": (
        documents(PAIR, {**PAIR, LIST: result(column(), name="Item")}),
        {"return-object-renamed", "attr-removed"},
    ),
    "result-description-changed": (
        members(result(column()), result(column(), text=" One. ")),
        set(),
    ),
    "attr-added-optional": (attributes([], [column(Optional=False)]), {"attr-added-required"}),
    "attr-added-required": (attributes([], [column()]), {"attr-added-optional"}),
    "attr-removed": (attributes([column("modality")], [column()]), {"attr-renamed"}),
    "attr-removed-deprecated": (
        attributes([column("A", **GONE), column(Description="Other.")], [column("A", **GONE)]),
        {"attr-removed"},
    ),
    "attr-renamed": (
        attributes([column(Description="Old.")], [column("Other", Description="New.")]),
        {"attr-removed", "attr-added-optional"},
    ),
    "attr-type-widened": (
        attributes([column(Type="decimal")], [column(Type="integer")]),
        {"attr-type-narrowed"},
    ),
    "attr-type-narrowed": (
        attributes([column(Type="integer")], [column(Type="decimal")]),
        {"attr-type-widened"},
    ),
    "attr-type-changed": (attributes([column(Type="date")], [column()]), {"attr-type-widened"}),
    "attr-became-optional": (attributes([column(Optional=True)], [column()]), set()),
    "attr-became-required": (
        attributes([column(Optional=False)], [column(Optional=False, Example="A")]),
        {"attr-example-changed"},
    ),
    "attr-enum-added": (
        attributes([column(AllowedValues=["A"])], [column(AllowedValues=["A", "B"])]),
        {"attr-enum-value-added"},
    ),
    "attr-enum-removed": (
        attributes([column(AllowedValues=["A", "B"])], [column(AllowedValues=["A"])]),
        {"attr-enum-value-removed"},
    ),
    "attr-enum-value-added": (
        attributes([column()], [column(AllowedValues=["A"])]),
        {"attr-enum-added"},
    ),
    "attr-enum-value-removed": (
        attributes([column(AllowedValues=["A", "B"])], [column(AllowedValues=["B", "A"])]),
        set(),
    ),
    "attr-dicom-tag-changed": (
        attributes([column(DICOM="0020 000E")], [column(DICOM="0020 000e")]),
        set(),
    ),
    "attr-dicom-tag-added": (
        attributes([column()], [column(DICOM="Computed")]),
        {"attr-origin-changed"},
    ),
    "attr-dicom-tag-removed": (
        attributes([column(DICOM="Computed")], [column()]),
        {"attr-origin-changed"},
    ),
    "attr-origin-changed": (
        attributes([column()], [column(DICOM="0008 0060")]),
        {"attr-dicom-tag-added"},
    ),
    "attr-deprecated": (attributes([column()], [column(Deprecated=False)]), set()),
    "attr-undeprecated": (attributes([column(**GONE)], []), {"attr-removed-deprecated"}),
    "attr-reordered": (attributes([column("A"), column("B")], [column("B")]), {"attr-removed"}),
    "attr-description-changed": (attributes([column()], [column(Description="A  column.")]), set()),
    "attr-example-changed": (attributes([column(Example="A")], [column(Example=" A")]), set()),
}


def rules_of(example: Example) -> list[str]:
    old, new = example.documents()
    for address, document in [*old.items(), *new.items()]:
        assert validate(address, document) == []
    return [change.rule for change in compare(contract_of(old), contract_of(new))]


@pytest.mark.parametrize("rule_id", CONTRACT_RULES)
def test_rule_is_reported_on_its_example_only(rule_id: str) -> None:
    expected = {rule_id}
    if rule_id == "return-object-diverged":
        expected.add("attr-added-optional")
    if rule_id == "return-object-merged":
        expected.add("attr-removed")
    fired = rules_of(CONTRACT_RULES[rule_id].example)
    assert set(fired) == expected
    assert fired.count(rule_id) == 1


@pytest.mark.parametrize("rule_id", CONTRACT_RULES)
def test_rule_is_not_reported_on_its_near_miss(rule_id: str) -> None:
    example, instead = NEAR_MISSES[rule_id]
    fired = set(rules_of(example))
    assert fired == instead
    assert rule_id not in fired or rule_id == "return-object-renamed"


@pytest.mark.parametrize("rule_id", CONTRACT_RULES)
def test_rule_has_the_effects_of_its_example(rule_id: str) -> None:
    rule = CONTRACT_RULES[rule_id]
    old, new = rule.example.documents()
    changes = compare(contract_of(old), contract_of(new))
    change = next(c for c in changes if c.rule == rule_id)
    shown = (change.severity, change.wire, change.bump)
    assert shown == (rule.level, rule.wire, rule.bump)
    assert change.message.startswith(rule.why) or rule.group in ("parameter", "attribute")
    assert ("without an error" in change.message) == (rule.wire == "silent")


def test_compare_class_name_of_a_file_endpoint_is_documentation() -> None:
    example, _ = NEAR_MISSES["return-object-renamed"]
    old, new = example.documents()
    (change,) = compare(contract_of(old), contract_of(new))
    assert (change.severity, change.source, change.bump) == ("docs", "ok", "patch")


def test_catalogue_has_the_agreed_rules() -> None:
    groups = [rule.group for rule in RULES.values()]
    assert len(CONTRACT_RULES) == 75
    assert [groups.count(g) for g in ("fault", "policy")] == [9, 7]
    seen = {rule.id.removeprefix("wire-") for rule in RULES.values() if rule.group == "run time"}
    assert seen >= {
        "metadata-differs", "metadata-unreadable", "attr-undeclared", "attr-missing",
        "type-mismatch", "value-undeclared", "format-ignored", "media-type-mismatch",
        "required-undeclared", "endpoint-gone", "count-mismatch", "server-changed",
    }  # fmt: skip
    levels = [rule.level for rule in CONTRACT_RULES.values()]
    counted = [levels.count(level) for level in DRIFT_LEVELS]
    assert counted == [25, 16, 15, 16, 3]


def test_rule_page_of_run_time_rule_quotes_the_client() -> None:
    of_the_client = [rule for rule in RULES.values() if rule.client_message]
    assert len(of_the_client) == 13
    for rule in of_the_client:
        page = rule_page(rule)
        assert f"- By default: {rule.action}" in page
        _, _, quoted = page.partition("Message of the generated client:")
        assert " ".join(quoted.split()) == f"```text {rule.client_message} ```"


def test_get_rule_unknown_id_names_the_closest() -> None:
    assert get_rule("attr-removed").id == "attr-removed"
    with pytest.raises(UsageProblem, match="did you mean 'attr-removed'"):
        get_rule("attr-remove")
    with pytest.raises(UsageProblem, match="tciagen rules"):
        get_rule("zzz")
