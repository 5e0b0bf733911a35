"""Properties of every edit: no changes if and only if the meaning is equal, and reversibility."""

from collections import Counter
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.drift.benchmark import BENCHMARK, contract_of, reverse_keys
from tests.drift.edits import Edit, edited, every_edit, meaning

from tciagen.contract.model import Contract
from tciagen.drift.change import Change, in_order
from tciagen.drift.compare.contracts import compare
from tciagen.drift.levels import Severity

BASE = BENCHMARK["base_documents"]
OLD = contract_of(BASE)


@cache
def all_edited() -> list[tuple[Edit, Contract, tuple[Change, ...]]]:
    """Return each edit, the contract that it gives, and the changes."""
    found = []
    for edit in every_edit(BASE):
        documents = edited(BASE, edit)
        touched = {a: d for a, d in documents.items() if BASE.get(a) is not d}
        same = (e for e in OLD if e.address in documents and e.address not in touched)
        new = Contract((*same, *contract_of(touched).endpoints))
        found.append((edit, new, compare(OLD, new)))
    return found


@cache
def in_place() -> list[Edit]:
    """Return the edits that put another value into a node of a document."""
    edits = (edit for edit, _, _ in all_edited())
    return [e for e in edits if e[0] == "set" and len(e[1]) > 2 and e[1][-1] != "Name"]


_SWAPPED = [
    ("endpoint-added", "endpoint-removed"),
    ("endpoint-added", "endpoint-removed-deprecated"),
    ("endpoint-deprecated", "endpoint-undeprecated"),
    ("declaration-gained", "declaration-lost"),
    ("type-declared", "declaration-lost"),
    ("param-added-required", "param-removed"),
    ("param-added-optional", "param-removed"),
    ("param-became-required", "param-became-optional"),
    ("param-became-required", "declaration-lost"),
    ("name-collision", "param-removed"),
    ("name-collision", "attr-removed"),
    ("attr-added-required", "attr-removed"),
    ("attr-added-optional", "attr-removed"),
    ("attr-became-required", "attr-became-optional"),
    ("format-added", "format-removed"),
    ("default-format-added", "default-format-removed"),
    ("param-default-added", "param-default-removed"),
    *(
        (f"{kind}-{one}", f"{kind}-{other}")
        for kind in ("param", "attr")
        for one, other in (
            ("enum-added", "enum-removed"),
            ("enum-value-added", "enum-value-removed"),
            ("deprecated", "undeprecated"),
            ("dicom-tag-added", "dicom-tag-removed"),
            ("type-widened", "type-narrowed"),
        )
    ),
    *(
        (f"{kind}-{rule}", "declaration-lost")
        for kind in ("param", "attr")
        for rule in ("type-narrowed", "type-changed", "enum-added")
    ),
]
REVERSED = {(a, b) for one, other in _SWAPPED for a, b in ((one, other), (other, one))}


def is_reverse(change: Change, other: Change) -> bool:
    same_rule = change.rule == other.rule
    return same_rule or (change.rule, other.rule) in REVERSED


def drift(changes: tuple[Change, ...]) -> list[Change]:
    return [change for change in changes if change.severity is not Severity.NONE]


def test_there_are_edits_of_every_document() -> None:
    edits = [edit for edit, _, _ in all_edited()]
    assert len(edits) > 2_000
    assert {str(path[0]) for _, path, _ in edits} >= set(BASE)


def test_comparison_is_empty_exactly_when_the_meaning_is_the_same() -> None:
    same = meaning(OLD)
    wrong = []
    for edit, new, changes in all_edited():
        if (meaning(new) == same) != (not drift(changes)):
            wrong.append(edit)
    assert wrong == []


def test_each_change_has_its_reverse() -> None:
    wrong = []
    for edit, new, forth in all_edited():
        back = list(compare(new, OLD))
        for change in forth:
            match = next(
                (b for b in back if is_reverse(change, b) and _swaps(change, b)),
                None,
            )
            if match is not None:
                back.remove(match)
            else:
                wrong.append((edit, change.rule))
        wrong += [(edit, change.rule) for change in back]
    assert wrong == []


def _swaps(change: Change, other: Change) -> bool:
    if "declaration-lost" in (change.rule, other.rule):
        lost, gained = (change, other) if change.rule == "declaration-lost" else (other, change)
        return lost.before == gained.after
    return (change.before, change.after) == (other.after, other.before)


def test_compare_reports_nothing_but_the_edit() -> None:
    """Every finding is at the edited node, above it or below it."""
    wrong = []
    for edit, _, changes in all_edited():
        _, path, _ = edit
        address = str(path[0])
        for change in changes:
            pointers = [p for p in (change.pointer_old, change.pointer_new) if p is not None]
            place = "".join(f"/{step}" for step in path[1:])
            near = any(place.startswith(p) or p.startswith(place) for p in pointers)
            if address not in (change.endpoint, change.before) or not near:
                wrong.append((edit, change.rule, pointers))
    assert wrong == []


def touches(edit: Edit) -> tuple[object, ...]:
    """Return the node that an edit is about: an endpoint's own members, or an element."""
    _, path, _ = edit
    depth = 4 if path[1:2] == ("Result",) and len(path) > 3 else 3
    return tuple(path[:depth])


def reported(changes: tuple[Change, ...]) -> Counter[tuple[object, ...]]:
    return Counter((c.rule, c.endpoint, c.pointer, c.before, c.after) for c in changes)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_two_edits_cause_the_changes_of_both(data: st.DataObject) -> None:
    edits = in_place()
    one, other = (edits[data.draw(st.integers(0, len(edits) - 1))] for _ in range(2))
    if touches(one) == touches(other) or "Formats" in (*one[1], *other[1]):
        return
    if {one[1][-1], other[1][-1]} & {"Parameters", "Attributes"}:
        return
    both = compare(OLD, contract_of(edited(edited(BASE, one), other)))
    alone = compare(OLD, contract_of(edited(BASE, one)))
    alone_too = compare(OLD, contract_of(edited(BASE, other)))
    assert reported(both) == reported(alone) + reported(alone_too)


def test_order_and_white_space_mean_nothing() -> None:
    shuffled = {a: reverse_keys(d) for a, d in reversed(BASE.items())}
    assert compare(OLD, contract_of(shuffled)) == ()
    for address, document in shuffled.items():
        document["Formats"] = document["Formats"][::-1]
        document["Parameters"] = document["Parameters"][::-1]
        document["Description"] = f"  {document['Description']}\n"
        for attribute in document["Result"]["Attributes"]:
            attribute["Description"] = attribute["Description"].replace(" ", "\n ")
        shuffled[address] = document
    assert {c.rule for c in compare(OLD, contract_of(shuffled))} == {"param-reordered"}


def test_contract_does_not_differ_from_itself_or_an_equal_one() -> None:
    assert compare(OLD, OLD) == ()
    assert compare(OLD, contract_of(BASE)) == ()
    assert compare(Contract(()), Contract(())) == ()


def test_changes_are_sorted_by_severity_and_position() -> None:
    new = {a: edited(BASE, e)[a] for e in in_place()[::40] for a in [str(e[1][0])]}
    changes = compare(OLD, contract_of(new))
    assert len({c.severity for c in changes}) > 3
    keys = [(c.severity.rank, c.endpoint, c.pointer) for c in changes]
    assert keys == sorted(keys)
    assert in_order(changes[::-1]) == changes


def test_fingerprint_is_made_of_rule_place_before_and_after() -> None:
    changes = [c for edit, _, reported in all_edited() if edit[1][-1] == "Type" for c in reported]
    prints = {c.fingerprint for c in changes}
    places = {(c.rule, c.endpoint, c.pointer, c.before, c.after) for c in changes}
    assert len(prints) == len(places)
    assert all(len(p) == 16 and int(p, 16) >= 0 for p in prints)


@pytest.mark.parametrize("order", ["forth", "back"])
def test_fingerprint_survives_another_order_of_parameters(order: str) -> None:
    edit = next(e for e, _, _ in all_edited() if e[1][-1] == "Deprecated" and "Parameters" in e[1])
    new = edited(BASE, edit)
    reordered = {
        a: {**d, "Parameters": d["Parameters"][:: -1 if order == "back" else 1]}
        for a, d in new.items()
    }
    (change,) = compare(OLD, contract_of(new))
    assert change.fingerprint in {c.fingerprint for c in compare(OLD, contract_of(reordered))}
