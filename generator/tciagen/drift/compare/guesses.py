"""Guesses of renamed endpoints: pairs from both contracts whose addresses differ.

Likeness is measured for each two endpoints that share something: the name, the Python name,
or a rare parameter or attribute. Two endpoints without a shared rare member cannot be like
enough (a prefix filter, as in set similarity joins). Where many share a member, those with
the nearest names are compared, so that the effort grows with the number of endpoints and not
with its square.
"""

import math
from bisect import bisect
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping
from difflib import SequenceMatcher

import attrs

from tciagen.contract.model import Endpoint
from tciagen.drift.names import python_name
from tciagen.python.signature import keywords

_SAME_RESULT = 0.5
_SAME_SIGNATURE = 0.6
_NEAR = 8
"""Number of neighbors on either side that are compared, in each order of names."""


@attrs.frozen(eq=False)
class _Known:
    """An endpoint and the features of its likeness, computed once."""

    endpoint: Endpoint
    python: str
    attributes: frozenset[Hashable]
    keys: frozenset[Hashable]

    @classmethod
    def of(cls, endpoint: Endpoint) -> "_Known":
        attributes = ((python_name(a), a.type) for a in endpoint.result.attributes)
        keys = ((python_name(p), p.type) for p in keywords(endpoint))
        return cls(endpoint, python_name(endpoint), frozenset(attributes), frozenset(keys))

    def members(self) -> Iterator[Hashable]:
        """Yield attributes and parameters, each with its kind."""
        yield from (("attribute", member) for member in self.attributes)
        yield from (("key", member) for member in self.keys)


class _Bucket:
    """Endpoints that share something, in two orders of their names."""

    def __init__(self, endpoints: list[_Known]) -> None:
        self._all = endpoints
        self._orders = [
            sorted((_spelled(e.endpoint, backwards=backwards), n) for n, e in enumerate(endpoints))
            for backwards in (False, True)
        ]

    def near(self, known: _Known) -> Iterator[_Known]:
        """Yield the endpoints whose names are nearest; all of them if they are few."""
        if len(self._all) <= 2 * _NEAR:
            yield from self._all
            return
        for backwards, order in zip((False, True), self._orders, strict=True):
            location = bisect(order, (_spelled(known.endpoint, backwards=backwards), -1))
            for _, number in order[max(location - _NEAR, 0) : location + _NEAR]:
                yield self._all[number]


def _spelled(endpoint: Endpoint, *, backwards: bool) -> tuple[str, str]:
    step = -1 if backwards else 1
    return endpoint.name[::step], endpoint.address


def guesses(
    left: Mapping[str, Endpoint], right: Mapping[str, Endpoint]
) -> Iterator[tuple[Endpoint, Endpoint]]:
    """Yield pairs from the surest to the least sure; each endpoint is in one at most."""
    old = {address: _Known.of(endpoint) for address, endpoint in left.items()}
    new = {address: _Known.of(endpoint) for address, endpoint in right.items()}
    while old and new:
        ranked = sorted(_ranked(old, new))
        if not ranked:
            return
        for _, before, after in ranked:
            if before in old and after in new:
                del old[before], new[after]
                yield left[before], right[after]


def _ranked(
    old: Mapping[str, _Known], new: Mapping[str, _Known]
) -> Iterator[tuple[float, str, str]]:
    """Yield the likeness, negative, and the addresses of each two that are like each other."""
    counts = Counter(m for side in (old, new) for k in side.values() for m in k.members())
    shared: dict[Hashable, list[_Known]] = {}
    for known in new.values():
        for key in {*_names(known, known.endpoint.name), *_rare(known, counts)}:
            shared.setdefault(key, []).append(known)
    buckets = {key: _Bucket(endpoints) for key, endpoints in shared.items()}
    for before, known in old.items():
        names = _names(known, known.endpoint.name, known.endpoint.replaced_by)
        keys = {*names, *_rare(known, counts)}
        near = {id(k): k for key in keys if key in buckets for k in buckets[key].near(known)}
        for other in near.values():
            if (likeness := _likeness(known, other)) > 0:
                yield -likeness, before, other.endpoint.address


def _names(known: _Known, *names: str | None) -> Iterator[Hashable]:
    yield ("python", known.python)
    yield from (("name", name) for name in names if name)


def _rare(known: _Known, counts: Mapping[Hashable, int]) -> list[Hashable]:
    """Return so many of the rarest members that one of them is shared with whatever is like it."""
    members = sorted(known.members(), key=lambda member: (counts[member], str(member)))
    return members[: len(members) - math.ceil(_SAME_SIGNATURE * len(members)) + 1]


def _likeness(old: _Known, new: _Known) -> float:
    """Return how sure it is that two endpoints are one; 0 for not at all."""
    before, after = old.endpoint, new.endpoint
    if before.returns_file != after.returns_file:
        return 0
    if before.name == after.name:
        sure = 5.0
    elif before.replaced_by == after.name:
        sure = 4.0
    elif old.python == new.python:
        sure = 3.0
    else:
        sure = _share(old, new)
    spelling = SequenceMatcher(None, before.name, after.name).ratio() / 10 if sure else 0
    return sure + spelling


def _share(old: _Known, new: _Known) -> float:
    """Return which share of their members two endpoints have in common; 0 if it is too small."""
    attributes = len(old.attributes & new.attributes)
    all_attributes = len(old.attributes | new.attributes)
    both = attributes + len(old.keys & new.keys)
    share = both / (all_attributes + len(old.keys | new.keys) or 1)
    same_result = (
        set(old.endpoint.formats or ()) == set(new.endpoint.formats or ())
        if old.endpoint.returns_file
        else attributes >= _SAME_RESULT * all_attributes
    )
    return share if same_result and share >= _SAME_SIGNATURE else 0
