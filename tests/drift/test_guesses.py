"""Guessed renames: the best pairs as if each were compared with each, at linear effort."""

import sys
from collections import Counter
from collections.abc import Mapping
from itertools import product
from types import FrameType

import attrs
from hypothesis import given
from hypothesis import strategies as st
from tests.drift.benchmark import BENCHMARK, Documents, contract_of

from tciagen.contract.model import Endpoint
from tciagen.drift.compare import guesses as module
from tciagen.drift.compare.guesses import guesses

BASE: Documents = BENCHMARK["base_documents"]
ENDPOINTS = tuple(contract_of(BASE))


@st.composite
def endpoints(draw: st.DrawFn, resource: str) -> dict[str, Endpoint]:
    """Return a few endpoints under other names, with some of their members."""
    found = {}
    for number in range(draw(st.integers(0, 6))):
        endpoint = draw(st.sampled_from(ENDPOINTS))
        attributes = endpoint.result.attributes[draw(st.integers(0, 3)) :]
        keys = endpoint.parameters[: draw(st.integers(0, 4))]
        prefix = draw(st.sampled_from(["get", "fetch", "list"]))
        name = f"{prefix}{endpoint.name.removeprefix('get')}{draw(st.sampled_from(['', 'V2']))}"
        changed = attrs.evolve(
            endpoint,
            resource=f"{resource}{number}",
            name=name,
            parameters=keys,
            result=attrs.evolve(endpoint.result, attributes=attributes),
        )
        found[changed.address] = changed
    return found


def exhaustive(
    left: Mapping[str, Endpoint], right: Mapping[str, Endpoint]
) -> list[tuple[Endpoint, Endpoint]]:
    """Return the pairs that comparing each with each gives."""
    known = {a: module._Known.of(e) for a, e in (*left.items(), *right.items())}
    ranked = sorted(
        (-likeness, before, after)
        for before, after in product(left, right)
        if (likeness := module._likeness(known[before], known[after])) > 0
    )
    taken: set[str] = set()
    pairs = []
    for _, before, after in ranked:
        if not taken & {before, after}:
            taken |= {before, after}
            pairs.append((left[before], right[after]))
    return pairs


@given(endpoints("Old"), endpoints("New"))
def test_guesses_are_those_of_comparing_each_with_each(
    left: dict[str, Endpoint], right: dict[str, Endpoint]
) -> None:
    assert list(guesses(left, right)) == exhaustive(left, right)


def many(number: int, prefix: str) -> dict[str, Endpoint]:
    """Return endpoints of which many have the same members."""
    found = (
        attrs.evolve(ENDPOINTS[n % len(ENDPOINTS)], resource="R", name=f"{prefix}Thing{n}")
        for n in range(number)
    )
    return {endpoint.address: endpoint for endpoint in found}


def test_renamed_endpoints_of_any_number_find_each_other() -> None:
    left, right = many(300, "get"), many(300, "fetch")
    pairs = {old.name: new.name for old, new in guesses(left, right)}
    assert pairs == {f"getThing{n}": f"fetchThing{n}" for n in range(300)}


def comparisons(number: int) -> int:
    """Return how often two of so many renamed endpoints are compared."""
    left, right = many(number, "get"), many(number, "fetch")
    calls: Counter[str] = Counter()

    def count(frame: FrameType, event: str, _argument: object) -> None:
        if event == "call" and frame.f_code is module._likeness.__code__:
            calls["likeness"] += 1

    sys.setprofile(count)
    try:
        pairs = list(guesses(left, right))
    finally:
        sys.setprofile(None)
    assert len(pairs) == number
    return calls["likeness"]


def test_effort_of_renames_grows_with_their_number_not_its_square() -> None:
    assert comparisons(600) <= 2.5 * comparisons(300)
