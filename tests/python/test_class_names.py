"""Class names depend on the endpoint and on what was published, not on the other endpoints."""

from collections.abc import Sequence

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tciagen.contract.json import from_json, to_json
from tciagen.contract.model import Attribute, Contract, Endpoint, Result
from tciagen.errors import DocumentProblem
from tciagen.python.class_names import class_of, name_classes, shape_of
from tciagen.python.view import build_view


def endpoint(
    name: str, *fields: str, title: str = "Series", overlay: str | None = None
) -> Endpoint:
    attributes = tuple(Attribute(name=field) for field in fields)
    return Endpoint(
        resource="Fleet",
        name=name,
        formats=("JSON",),
        result=Result(name=title, attributes=attributes, python_name=overlay),
    )


def names(endpoints: Sequence[Endpoint], published: Contract | None = None) -> dict[str, str]:
    naming = name_classes(Contract(tuple(endpoints)), published)
    assert naming.problems == ()
    return {e.name: class_of(e) for e in naming.contract}


def published(*endpoints: Endpoint) -> Contract:
    """Return the contract as the generated package carries it."""
    naming = name_classes(Contract(endpoints))
    return from_json(to_json(naming.contract), "contract.json")


def test_published_class_retains_its_name_when_more_endpoints_take_it() -> None:
    before = published(endpoint("getSeries", "UID"))
    newcomers = [endpoint(name, "UID", "Size") for name in ("aSize", "bSize", "cSize")]
    assert names([endpoint("getSeries", "UID"), *newcomers], before) == {
        "getSeries": "Series",
        "aSize": "ASizeSeries",
        "bSize": "BSizeSeries",
        "cSize": "CSizeSeries",
    }


def test_prefixed_class_retains_its_name_when_the_plain_one_becomes_free() -> None:
    one, two = endpoint("a", "X"), endpoint("b", "Y")
    before = published(one, two)
    assert names([two], before) == {"b": "BSeries"}


def test_newcomer_does_not_take_the_name_of_a_removed_class_with_other_attributes() -> None:
    before = published(endpoint("getSeries", "UID"))
    assert names([endpoint("listSeries", "Size")], before) == {"listSeries": "ListSeriesSeries"}


def test_renamed_endpoint_with_the_same_attributes_retains_the_class() -> None:
    before = published(endpoint("getSeries", "UID"))
    assert names([endpoint("listSeries", "UID")], before) == {"listSeries": "Series"}


def test_endpoint_that_changes_leaves_the_shared_class_to_the_others() -> None:
    before = published(endpoint("a", "X"), endpoint("b", "X"))
    assert names([endpoint("a", "X", "New"), endpoint("b", "X")], before) == {
        "a": "ASeries",
        "b": "Series",
    }


def test_endpoint_with_only_changed_attributes_retains_its_class() -> None:
    before = published(endpoint("a", "X"))
    assert names([endpoint("a", "X", "New")], before) == {"a": "Series"}


def test_endpoints_with_the_same_name_and_attributes_share_a_class() -> None:
    assert names([endpoint("a", "X", "Y"), endpoint("b", "Y", "X")]) == {
        "a": "Series",
        "b": "Series",
    }


def test_overlay_name_is_final_and_moves_the_holder() -> None:
    before = published(endpoint("a", "X"), endpoint("b", "Y", title="Other"))
    new = [endpoint("a", "X"), endpoint("b", "Y", title="Other", overlay="Series")]
    assert names(new, before) == {"a": "ASeries", "b": "Series"}


@pytest.mark.parametrize("name", ["not a name", "class", "str", "Client", "UID", "2D"])
def test_overlay_name_that_is_no_class_name_is_a_problem(name: str) -> None:
    naming = name_classes(Contract((endpoint("a", "X", overlay=name),)), None, ["Client"])
    (problem,) = naming.problems
    assert problem == (
        f"Fleet/query/a: the overlay sets `class` to {name!r}, which is no class name or one"
        " that the package itself uses; choose another one."
    )


def test_overlay_name_for_two_kinds_of_records_is_a_problem() -> None:
    contract = Contract((endpoint("a", "X", overlay="Row"), endpoint("b", "Y", overlay="Row")))
    with pytest.raises(DocumentProblem, match="sets the class Row for Fleet/query/a and Fleet"):
        build_view(contract, [])


def test_published_name_that_is_no_identifier_is_not_used() -> None:
    before = name_classes(Contract((endpoint("a", "X"),))).contract
    (one,) = before
    evil = attrs.evolve(one, result=attrs.evolve(one.result, class_name="X:\n    import os"))
    assert names([endpoint("a", "X")], Contract((evil,))) == {"a": "Series"}


endpoints = st.lists(
    st.builds(
        endpoint,
        st.sampled_from(["a", "b", "c", "d", "getSeries"]),
        st.sampled_from(["X", "Y"]),
        title=st.sampled_from(["Series", "Study", "ASeries"]),
        overlay=st.sampled_from([None, None, None, "Study", "Row"]),
    ),
    max_size=5,
    unique_by=lambda e: e.name,
)


@given(endpoints, endpoints)
def test_generating_again_from_the_published_names_changes_nothing(
    old: list[Endpoint], new: list[Endpoint]
) -> None:
    first = name_classes(Contract(tuple(old)))
    second = name_classes(Contract(tuple(new)), first.contract)
    if first.problems or second.problems:
        return
    again = name_classes(Contract(tuple(new)), second.contract)
    assert to_json(again.contract) == to_json(second.contract)
    assert again.prefixed == ()
    shapes: dict[str, set[object]] = {}
    for one in second.contract:
        shapes.setdefault(class_of(one), set()).add(shape_of(one.result))
    assert all(len(found) == 1 for found in shapes.values())


@given(endpoints, endpoints)
def test_added_endpoint_moves_no_published_class(old: list[Endpoint], more: list[Endpoint]) -> None:
    plain = [
        attrs.evolve(e, result=attrs.evolve(e.result, python_name=None)) for e in (*old, *more)
    ]
    old, more = plain[: len(old)], plain[len(old) :]
    first = name_classes(Contract(tuple(old)))
    known = {e.name for e in old}
    grown = Contract((*old, *(e for e in more if e.name not in known)))
    second = name_classes(grown, first.contract)
    if first.problems:
        return
    after = {e.name: class_of(e) for e in second.contract}
    assert {e.name: class_of(e) for e in first.contract}.items() <= after.items()
