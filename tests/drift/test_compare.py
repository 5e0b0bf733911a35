"""Contents of a comparison beyond the rule: pairs, causes, collisions, positions."""

from typing import Any

import pytest
from tests.drift.benchmark import BENCHMARK, Documents, contract_of
from tests.drift.edits import edited

from tciagen.contract.model import Contract, Type
from tciagen.contract.overlay import Entry, Overlay
from tciagen.contract.resolve import resolve
from tciagen.drift.change import Change
from tciagen.drift.compare.contracts import compare
from tciagen.drift.compare.types import request_type, result_type

SERIES = "TCIA/query/getSeries"
B, D, N = "breaking", "dangerous", "non-breaking"


def changes_of(old: Documents, new: Documents) -> list[Change]:
    return list(compare(contract_of(old), contract_of(new)))


def overlaid(documents: Documents, *entries: tuple[str, str, dict[str, Any]]) -> Contract:
    listed = tuple(
        Entry(i, SERIES, kind, member, values, "because")
        for i, (kind, member, values) in enumerate(entries, 1)
    )
    return resolve(documents, Overlay("overlay.toml", listed)).contract


@pytest.mark.parametrize("address", BENCHMARK["base_documents"])
def test_each_endpoint_can_be_renamed_and_moved(base: Documents, address: str) -> None:
    resource, _, name = address.split("/")
    elsewhere = {("Elsewhere/query/" + name if a == address else a): d for a, d in base.items()}
    assert [c.rule for c in changes_of(base, elsewhere)] == ["endpoint-moved"]
    renamed = {a: d for a, d in base.items() if a != address}
    renamed[f"{resource}/query/brandNew"] = {**base[address], "QueryName": "brandNew"}
    (change,) = changes_of(base, renamed)
    assert (change.rule, change.bump, change.guess) == ("endpoint-renamed", "major", True)
    assert (change.before, change.after) == (name, "brandNew")
    assert "is a guess" in change.message


def test_renamed_endpoint_is_still_compared_inside(base: Documents) -> None:
    document = {**base[SERIES], "QueryName": "listSeries", "Deprecated": True}
    new = {a: d for a, d in base.items() if a != SERIES} | {"TCIA/query/listSeries": document}
    rules = [c.rule for c in changes_of(base, new)]
    assert rules == ["endpoint-renamed", "endpoint-deprecated"]


def test_different_added_and_removed_endpoints_are_not_a_rename(base: Documents) -> None:
    station = {
        "QueryName": "getStationValues",
        "Description": "Lists the stations.",
        "Parameters": ["Collection"],
        "Result": {
            "Name": "StationValue",
            "Description": "One station.",
            "Attributes": [{"Name": "StationName", "Description": "", "DICOM": "0008 1010"}],
        },
    }
    for address in base:
        new = {a: d for a, d in base.items() if a != address}
        new["TCIA/query/getStationValues"] = station
        assert [c.rule for c in changes_of(base, new)] == ["endpoint-removed", "endpoint-added"]


def test_replacement_that_was_announced_is_a_renaming(base: Documents) -> None:
    old = {**base, SERIES: {**base[SERIES], "Deprecated": True, "ReplacedBy": "getStation"}}
    new = {a: d for a, d in base.items() if a != SERIES}
    removed = changes_of(old, new)
    assert [c.rule for c in removed] == ["endpoint-removed-deprecated"]
    assert "getStation was announced" in removed[0].message
    new["TCIA/query/getStation"] = {**base[SERIES], "QueryName": "getStation"}
    assert "endpoint-renamed" in {c.rule for c in changes_of(old, new)}


def test_both_names_that_are_one_in_python_need_only_a_patch(base: Documents) -> None:
    place = (SERIES, "Parameters", 2, "Name")
    (change,) = changes_of(base, edited(base, ("set", place, "PatientId")))
    assert (change.rule, change.severity) == ("param-renamed", "breaking")
    assert (change.wire, change.source, change.bump) == ("silent", "ok", "patch")
    assert "user code need not change" in change.message
    assert "without an error" in change.message


def test_required_key_with_another_name_is_missed_by_the_server(base: Documents) -> None:
    place = ("TCIA/query/getImage", "Parameters", 0, "Name")
    (change,) = changes_of(base, edited(base, ("set", place, "SeriesUID")))
    assert (change.rule, change.wire, change.source) == ("param-renamed", "error", "runtime")


def test_type_that_follows_from_the_tag_names_its_cause(base: Documents) -> None:
    attribute = {"Name": "When", "Description": "When.", "DICOM": "0008 0020"}
    old = edited(base, ("insert", (SERIES, "Result", "Attributes", 0), attribute))
    place = (SERIES, "Result", "Attributes", 0, "DICOM")
    changes = changes_of(old, edited(old, ("set", place, "0020 0011")))
    typed, tag = changes
    assert [c.rule for c in changes] == ["attr-type-changed", "attr-dicom-tag-changed"]
    assert typed.cause == tag.fingerprint
    assert tag.cause is None
    kept, tag = changes_of(old, edited(old, ("set", place, "NA")))
    assert {kept.rule, tag.rule} == {"declaration-lost", "attr-dicom-tag-removed"}


def test_both_places_are_json_pointers_and_the_path_goes_by_name(base: Documents) -> None:
    station = {"Name": "StationName", "Type": "string"}
    new = edited(base, ("insert", (SERIES, "Parameters", 0), station))
    new = edited(new, ("set", (SERIES, "Parameters", 5, "Required"), True))
    required, added = changes_of(base, new)
    assert required.pointer == "/Parameters/Modality/Required"
    assert required.pointer_old == "/Parameters/4/Required"
    assert required.pointer_new == "/Parameters/5/Required"
    assert required.member == "Modality"
    assert (added.pointer, added.pointer_old) == ("/Parameters/StationName", None)
    assert added.pointer_new == "/Parameters/0"


@pytest.mark.parametrize("name", ["self", "Format"])
def test_parameter_that_takes_a_name_of_the_method_collides(base: Documents, name: str) -> None:
    new = edited(base, ("insert", (SERIES, "Parameters", 0), {"Name": name, "Type": "string"}))
    (change,) = changes_of(base, new)
    assert (change.rule, change.after) == ("name-collision", name)


@pytest.mark.parametrize("name", ["format", "api_key"])
@pytest.mark.parametrize("required", [True, False])
def test_query_key_of_the_api_itself_is_no_change_of_the_client(
    base: Documents, name: str, required: bool
) -> None:
    key = {"Name": name, "Type": "string", "Required": required}
    new = edited(base, ("insert", (SERIES, "Parameters", 0), key))
    assert changes_of(base, new) == []
    assert changes_of(new, base) == []
    stated = {"Default": "JSON", "AllowedValues": ["JSON"], "Deprecated": True, "Type": "integer"}
    for member, value in stated.items():
        other = edited(new, ("set", (SERIES, "Parameters", 0, member), value))
        assert changes_of(new, other) == []


@pytest.mark.parametrize("kind", ["date", "dateTime", "time", "decimal"])
def test_closed_set_without_a_literal_leaves_user_code_as_it_is(base: Documents, kind: str) -> None:
    place = (SERIES, "Parameters", 0)
    old = edited(base, ("set", (*place, "Type"), kind))
    closed = edited(old, ("set", (*place, "AllowedValues"), ["1", "2"]))
    (added,) = changes_of(old, closed)
    assert (added.rule, added.severity, added.source) == ("param-enum-added", B, "ok")
    assert (added.wire, added.bump) == ("error", "patch")
    assert "Literal" in added.message
    assert "annotation becomes" not in added.message
    less = edited(closed, ("set", (*place, "AllowedValues"), ["1"]))
    (removed,) = changes_of(closed, less)
    assert (removed.rule, removed.source) == ("param-enum-value-removed", "ok")


@pytest.mark.parametrize(("kind", "values"), [("integer", ["1", "2"]), ("uid", ["1.2", "1.3"])])
def test_closed_set_with_a_literal_changes_the_annotation(
    base: Documents, kind: str, values: list[str]
) -> None:
    place = (SERIES, "Parameters", 0)
    old = edited(base, ("set", (*place, "Type"), kind))
    (added,) = changes_of(old, edited(old, ("set", (*place, "AllowedValues"), values)))
    assert (added.rule, added.source, added.bump) == ("param-enum-added", "typing", "major")


@pytest.mark.parametrize("kind", ["string", "integer", "date", "uid"])
def test_type_of_a_parameter_that_is_declared_now_is_one_change(base: Documents, kind: str) -> None:
    place = (SERIES, "Parameters", 0)
    old = edited(base, ("set", place, {"Name": "Collection", "DICOM": "NA"}))
    new = edited(old, ("set", (*place, "Type"), kind))
    (change,) = changes_of(old, new)
    assert (change.rule, change.wire, change.source) == ("type-declared", "ok", "typing")
    assert (change.before, change.after) == (None, kind)
    (back,) = changes_of(new, old)
    assert (back.rule, back.before) == ("declaration-lost", kind)


@pytest.mark.parametrize(
    ("kind", "rule"), [("string", "declaration-gained"), ("integer", "type-declared")]
)
def test_type_of_an_attribute_that_is_declared_now_is_one_change(
    base: Documents, kind: str, rule: str
) -> None:
    column = {"Name": "New", "Description": "", "DICOM": "NA"}
    place = (SERIES, "Result", "Attributes", 0)
    old = edited(base, ("insert", place, column))
    (change,) = changes_of(old, edited(old, ("set", (*place, "Type"), kind)))
    assert change.rule == rule


def test_collision_does_not_hide_a_worse_change(base: Documents) -> None:
    key = {"Name": "patientId", "Type": "string", "Required": True}
    changes = changes_of(base, edited(base, ("insert", (SERIES, "Parameters", 0), key)))
    assert [c.rule for c in changes] == ["param-added-required", "name-collision"]
    assert changes[1].cause == changes[0].fingerprint


def test_of_two_newcomers_with_one_name_the_second_collides(base: Documents) -> None:
    new = edited(base, ("insert", (SERIES, "Parameters", 8), {"Name": "new_key", "Type": "uid"}))
    new = edited(new, ("insert", (SERIES, "Parameters", 9), {"Name": "newKey", "Type": "uid"}))
    changes = changes_of(base, new)
    assert [(c.rule, c.after) for c in changes] == [
        ("name-collision", "newKey"),
        ("param-added-optional", "new_key"),
    ]


def test_new_endpoint_with_the_class_name_of_another_collides(base: Documents) -> None:
    document = {**base["TCIA/query/getPatient"], "QueryName": "getSubject"}
    document["Result"] = {**document["Result"], "Name": "Series"}
    (change,) = changes_of(base, {**base, "TCIA/query/getSubject": document})
    assert (change.rule, change.pointer) == ("name-collision", "/Result/Name")
    assert "the records of the new endpoint become GetSubjectSeries" in change.message


def test_class_that_the_overlay_gives_to_another_endpoint_is_a_breaking_change(
    base: Documents,
) -> None:
    taken = {"class": "Series"}
    entry = Entry(1, "TCIA/query/getPatient", "endpoint", "", taken, "because")
    new = resolve(base, Overlay("overlay.toml", (entry,))).contract
    changes = [
        c for c in compare(contract_of(base), new) if (c.endpoint, c.severity) == (SERIES, B)
    ]
    assert [(c.rule, c.before, c.after) for c in changes] == [
        ("return-object-renamed", "Series", "GetSeriesSeries")
    ]
    assert "gets the records of another endpoint" in changes[0].message


def test_endpoint_that_parts_from_a_shared_class_leaves_the_name_to_the_others(
    base: Documents,
) -> None:
    twin = {**base[SERIES], "QueryName": "aSeries"}
    old = {**base, "TCIA/query/aSeries": twin}
    column = {"Name": "New", "Description": "", "DICOM": "NA", "Type": "string"}
    edit = ("insert", ("TCIA/query/aSeries", "Result", "Attributes", 0), column)
    diverged, _ = changes_of(old, edited(old, edit))
    assert (diverged.rule, diverged.endpoint) == ("return-object-diverged", "TCIA/query/aSeries")
    assert "Records of TCIA/query/aSeries become ASeriesSeries." in diverged.message


def test_shift_of_columns_does_not_move_unknown_members(base: Documents) -> None:
    old = edited(base, ("set", (SERIES, "Result", "Attributes", 3, "Column"), "x"))
    column = {"Name": "New", "Description": "", "DICOM": "NA", "Type": "string"}
    new = edited(old, ("insert", (SERIES, "Result", "Attributes", 0), column))
    assert [c.rule for c in changes_of(old, new)] == ["attr-added-optional"]
    (gone,) = changes_of(old, base)
    assert (gone.rule, gone.before, gone.after) == ("unknown-member", "Column", None)
    assert gone.pointer == "/Result/Attributes/ProtocolName/Column"
    assert gone.pointer_old == "/Result/Attributes/3/Column"


def test_declarations_of_the_overlay_are_not_lost(base: Documents) -> None:
    formats = tuple(base[SERIES]["Formats"])
    bare = edited(edited(base, ("remove", (SERIES, "Formats"), None)),
                  ("remove", (SERIES, "DefaultFormat"), None))  # fmt: skip
    reported = {"formats": formats, "default_format": "JSON"}
    changes = compare(contract_of(base), overlaid(bare, ("endpoint", "", reported)))
    assert {c.rule for c in changes} == {"declaration-lost"}
    other = {"formats": ("JSON",), "default_format": "JSON"}
    changes = compare(contract_of(base), overlaid(bare, ("endpoint", "", other)))
    assert {c.rule for c in changes} == {"format-removed"}


def test_another_python_name_from_the_overlay_is_a_renaming_in_source_only(
    base: Documents,
) -> None:
    named = overlaid(base, ("parameter", "Modality", {"name": "kind"}))
    (change,) = compare(contract_of(base), named)
    assert (change.rule, change.wire, change.bump) == ("param-renamed", "ok", "major")
    assert (change.before, change.after) == ("modality", "kind")


def test_name_that_the_old_client_has_as_an_alias_breaks_nothing(base: Documents) -> None:
    aliased = overlaid(base, ("attribute", "Modality", {"aliases": ["MODALITY"]}))
    new = edited(base, ("set", (SERIES, "Result", "Attributes", 2, "Name"), "MODALITY"))
    (change,) = compare(aliased, contract_of(new))
    assert (change.rule, change.severity) == ("attr-renamed", "non-breaking")
    assert (change.wire, change.source, change.bump) == ("ok", "ok", "patch")


def test_bare_documents_lose_declarations_but_no_meaning(base: Documents) -> None:
    short = {**base[SERIES], "Parameters": [p["Name"] for p in base[SERIES]["Parameters"]]}
    changes = changes_of(base, {**base, SERIES: short})
    assert {c.rule for c in changes} == {"declaration-lost"}
    assert {c.bump for c in changes} == {"none"}


@pytest.mark.parametrize(
    ("old", "new", "request_level", "result_level"),
    [
        ("string", "integer", B, B),
        ("string", "decimal", B, B),
        ("string", "uid", D, N),
        ("string", "date", B, B),
        ("integer", "string", D, B),
        ("integer", "decimal", N, B),
        ("integer", "uid", B, B),
        ("integer", "time", B, B),
        ("decimal", "string", D, B),
        ("decimal", "integer", B, D),
        ("decimal", "uid", B, B),
        ("decimal", "boolean", B, B),
        ("uid", "string", N, D),
        ("uid", "integer", B, B),
        ("uid", "decimal", B, B),
        ("uid", "dateTime", B, B),
        ("date", "string", D, B),
        ("date", "integer", B, B),
        ("date", "decimal", B, B),
        ("date", "uid", B, B),
        ("date", "dateTime", B, B),
        ("dateTime", "date", B, B),
    ],
)
def test_type_change_is_rated_by_its_pair(
    old: str, new: str, request_level: str, result_level: str
) -> None:
    request, answer = request_type(Type(old), Type(new)), result_type(Type(old), Type(new))
    assert (request.severity, answer.severity) == (request_level, result_level)
    for judged in (request, answer):
        assert (judged.bump == "major") == (judged.severity == "breaking")
        back = {"widened": "narrowed", "narrowed": "widened"}.get(judged.kind, "changed")
        assert request_type(Type(new), Type(old)).kind == back
