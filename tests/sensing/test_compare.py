"""The client's comparison reports the same rules as `tciagen diff`."""

import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tcia_client import ContractChange
from tcia_client._runtime.drift.compare import compare
from tciagen.contract.json import to_json
from tciagen.contract.overlay import Entry, Overlay
from tciagen.contract.resolve import resolve
from tciagen.documents.parsing import JsonObject
from tciagen.drift.compare.contracts import compare as compare_contracts

ADDRESS = "TCIA/query/getSeries"


def contract(document: JsonObject) -> Mapping[str, Any]:
    body = to_json(resolve({ADDRESS: document}).contract)
    (endpoint,) = json.loads(body)["endpoints"]
    return dict(endpoint)


def changes(old: JsonObject, new: JsonObject) -> list[ContractChange]:
    return list(compare(contract(old), new))


@pytest.fixture(scope="module")
def document(tcia_documents: Mapping[str, JsonObject]) -> JsonObject:
    """The document of getSeries with each optional member."""
    document = copy.deepcopy(tcia_documents[ADDRESS])
    document["Parameters"][0].update(AllowedValues=["A", "B"], Default="A")
    document["Result"]["Attributes"][2]["AllowedValues"] = ["CT", "MR"]
    return document


Edit = tuple[str, Any]


def edits(document: JsonObject) -> list[tuple[str, JsonObject]]:
    """Yield each edit of one meaningful member, with a name."""
    found = []

    def edit(name: str, change: Any) -> None:
        new = copy.deepcopy(document)
        change(new)
        found.append((name, new))

    values: dict[str, list[Any]] = {
        "Type": ["string", "integer", "decimal", "uid", "date", "dateTime"],
        "DICOM": ["NA", "Computed", "0010 0020", "0020 000E"],
        "AllowedValues": [["A"], ["A", "B", "C"], ["CT", "X"]],
        "Default": ["Z"],
        "Deprecated": [True],
        "Required": [True, False],
        "Optional": [True, False],
    }
    for path in (("Parameters",), ("Result", "Attributes")):

        def members(d: JsonObject, path: tuple[str, ...] = path) -> Any:
            return d[path[0]] if len(path) == 1 else d[path[0]][path[1]]

        kind = "Optional" if len(path) == 2 else "Required"
        for index, member in enumerate(members(document)):
            edit(f"remove {member['Name']}", lambda d, i=index, m=members: m(d).pop(i))
            edit(
                f"rename {member['Name']}",
                lambda d, i=index, m=members: m(d)[i].update(Name="Wholly" + "Other"),
            )
            for key, options in values.items():
                if key in ("Required", "Optional") and key != kind:
                    continue
                if key == "Default" and kind == "Optional":
                    continue
                for value in options:
                    edit(
                        f"{member['Name']}.{key} = {value}",
                        lambda d, i=index, m=members, k=key, v=value: m(d)[i].update({k: v}),
                    )
        edit(
            "add",
            lambda d, m=members: m(d).append(
                {"Name": "New", "Description": "x", "DICOM": "NA", "Type": "string"}
            ),
        )
    edit("deprecate", lambda d: d.update(Deprecated=True))
    edit("default", lambda d: d.update(DefaultFormat="CSV"))
    edit("formats", lambda d: d.update(Formats=["JSON", "CSV", "HTML"]))
    edit("class", lambda d: d["Result"].update(Name="Other"))
    return found


def test_compare_single_edit_has_the_rules_of_diff(document: JsonObject) -> None:
    old = resolve({ADDRESS: document}).contract
    wrong = {}
    made = edits(document)
    for name, new in made:
        stated = sorted(c.rule for c in changes(document, new))
        judged = compare_contracts(old, resolve({ADDRESS: new}).contract)
        wanted = sorted(c.rule for c in judged if c.rule not in LEFT_OUT)
        if stated != wanted:
            wrong[name] = (stated, wanted)
    assert len(made) > 300
    assert wrong == {}


LEFT_OUT = {"attr-reordered", "param-reordered", "declaration-lost", "declaration-gained"}


def test_compare_same_meaning_has_no_change(document: JsonObject) -> None:
    assert changes(document, document) == []
    other = json.loads(json.dumps(document, sort_keys=True))
    other["Formats"].reverse()
    other["Description"] = "Other words."
    other["Owner"] = "unknown members are no change"
    other["Parameters"][0]["AllowedValues"].reverse()
    for attribute in other["Result"]["Attributes"]:
        attribute["DICOM"] = attribute["DICOM"].lower().replace("na", "NA").replace("comp", "Comp")
    assert changes(document, other) == []


def test_compare_unstated_member_is_no_change(document: JsonObject) -> None:
    bare = copy.deepcopy(document)
    del bare["Formats"], bare["DefaultFormat"]
    bare["Parameters"] = [p["Name"] for p in document["Parameters"]]
    for attribute in bare["Result"]["Attributes"]:
        for key in ("Type", "AllowedValues", "Example"):
            attribute.pop(key, None)
    assert changes(document, bare) == []


def test_compare_member_from_overlay_is_no_change(document: JsonObject) -> None:
    """The contract has members of the overlay that the document does not state."""
    bare = copy.deepcopy(document)
    bare["Parameters"] = [{"Name": "Modality", "Type": "string"}]
    bare["Result"]["Attributes"] = [
        {"Name": "Modality", "Description": "What made it.", "DICOM": "0008 0060"}
    ]
    stated = (
        Entry(1, ADDRESS, "parameter", "Modality", {"required": True}, "because"),
        Entry(2, ADDRESS, "attribute", "Modality", {"optional": False}, "because"),
    )
    overlaid = resolve({ADDRESS: bare}, Overlay("overlay.toml", stated)).contract
    (endpoint,) = json.loads(to_json(overlaid))["endpoints"]
    assert list(compare(endpoint, bare)) == []
    bare["Parameters"][0]["Required"] = False
    bare["Result"]["Attributes"][0]["Optional"] = True
    assert [c.rule for c in compare(endpoint, bare)] == [
        "param-became-optional",
        "attr-became-optional",
    ]


def test_contract_of_package_equals_that_of_documents(
    tcia_documents: Mapping[str, JsonObject], root: Path
) -> None:
    path = root / "generated/tcia-client/src/tcia_client/contract.json"
    for endpoint in json.loads(path.read_bytes())["endpoints"]:
        address = f"{endpoint['resource']}/query/{endpoint['name']}"
        assert list(compare(endpoint, tcia_documents[address])) == []
