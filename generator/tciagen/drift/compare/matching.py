"""Matching of the nodes of two contracts: by name, else by a guess.

Each node is matched once. A guess is marked: the same DICOM tag and type, else
the same Python name, else the same words in the same type.
"""

from collections.abc import Callable, Hashable, Mapping
from typing import Generic, TypeVar

import attrs

from tciagen.contract.model import COMPUTED, NO_TAG, Attribute, Contract, Endpoint, Parameter
from tciagen.drift.compare.guesses import guesses
from tciagen.drift.names import python_name

M = TypeVar("M", Parameter, Attribute)
N = TypeVar("N", Parameter, Attribute, Endpoint)


def is_tag(dicom: str | None) -> bool:
    """Return whether a DICOM member names a tag."""
    return dicom not in (None, NO_TAG, COMPUTED)


@attrs.frozen
class Pair(Generic[N]):
    """One node in both contracts, with its index in each list."""

    old: N
    new: N
    old_index: int
    new_index: int
    guess: bool = False


@attrs.frozen
class Matching(Generic[N]):
    """All nodes of two lists; ``removed`` and ``added`` carry their index."""

    pairs: tuple[Pair[N], ...]
    removed: tuple[tuple[int, N], ...]
    added: tuple[tuple[int, N], ...]

    @property
    def reordered(self) -> bool:
        """Whether the nodes that are in both have another order."""
        indices = [pair.new_index for pair in self.pairs]
        return indices != sorted(indices)


def _by_tag(member: Parameter | Attribute) -> Hashable:
    return (member.dicom, member.type) if is_tag(member.dicom) else None


def _by_words(member: Parameter | Attribute) -> Hashable:
    words = " ".join(member.description.split())
    return (words, member.dicom, member.type) if words else None


def match_members(old: Mapping[int, M], new: Mapping[int, M]) -> Matching[M]:
    """Pair the parameters or attributes of one endpoint, each by its index in its document."""
    left = dict(old)
    right = dict(new)
    pairs: list[Pair[M]] = []
    passes: tuple[Callable[[M], Hashable], ...] = (
        lambda m: m.name,
        lambda m: (_by_tag(m), python_name(m)) if is_tag(m.dicom) else None,
        _by_tag,
        python_name,
        _by_words,
    )
    for number, key in enumerate(passes):
        if not (left and right):
            break
        waiting: dict[Hashable, list[int]] = {}
        for index, member in right.items():
            waiting.setdefault(key(member), []).append(index)
        for index, member in list(left.items()):
            wanted = key(member)
            if wanted is not None and waiting.get(wanted):
                found = waiting[wanted].pop(0)
                pairs.append(Pair(left.pop(index), right.pop(found), index, found, number > 0))
    return Matching(
        tuple(sorted(pairs, key=lambda pair: pair.old_index)),
        tuple(left.items()),
        tuple(right.items()),
    )


def match_endpoints(old: Contract, new: Contract) -> Matching[Endpoint]:
    """Pair the endpoints of two contracts: by address, else by the best guess."""
    positions = {e.address: i for i, e in enumerate(old)}, {e.address: i for i, e in enumerate(new)}
    left = {e.address: e for e in old if e.address not in positions[1]}
    right = {e.address: e for e in new if e.address not in positions[0]}
    pairs = [
        Pair(e, new.endpoints[positions[1][e.address]], i, positions[1][e.address])
        for i, e in enumerate(old)
        if e.address in positions[1]
    ]
    for before, after in guesses(left, right):
        pairs.append(
            Pair(
                left.pop(before.address),
                right.pop(after.address),
                positions[0][before.address],
                positions[1][after.address],
                guess=True,
            )
        )
    return Matching(
        tuple(sorted(pairs, key=lambda pair: pair.old_index)),
        tuple((positions[0][a], e) for a, e in left.items()),
        tuple((positions[1][a], e) for a, e in right.items()),
    )
