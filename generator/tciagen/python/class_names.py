"""The name of each endpoint's record class.

A name depends on the endpoint and on what was published, never on how many endpoints
there are:

1. A class name of the overlay is final.
2. A published endpoint keeps its class while its ``Result.Name`` stays the same.
3. Any other endpoint gets its ``Result.Name``, or ``Result.Name`` with the endpoint's name
   in front where another class has that name.

Endpoints share a class where they have the same ``Result.Name`` and the same attributes.
"""

from collections.abc import Iterable, Sequence

import attrs

from tciagen.contract.model import Contract, Endpoint, Result
from tciagen.python.names import RESERVED, Identifier, class_name, pascal_case

_MODULE_NAMES = frozenset({"Literal", "RecordBase", "UID", "attrs", "datetime", "decimal"})
"""Imports of the module of the record classes."""


@attrs.frozen
class Naming:
    """A contract whose record classes have names.

    Attributes:
        contract: The contract with every ``result.class_name`` set that could be chosen.
        prefixed: Endpoints that got a prefix now, because another class has the plain name.
        problems: Names that collide, or that are not Python names.
    """

    contract: Contract
    prefixed: tuple[Endpoint, ...]
    problems: tuple[str, ...]


def title_of(result: Result) -> str:
    """Return the class name that the overlay sets, else the one that the document states."""
    return result.python_name or result.name


def class_of(endpoint: Endpoint) -> str:
    """Return the name of the endpoint's record class."""
    return endpoint.result.class_name or title_of(endpoint.result)


def shape_of(result: Result) -> object:
    """Return what two results must share to be one class: no text, no order."""
    return frozenset(
        (
            attribute.name,
            attribute.type,
            attribute.optional,
            frozenset(attribute.allowed_values or ()),
            attribute.aliases,
            attribute.python_name,
        )
        for attribute in result.attributes
    )


def name_classes(
    contract: Contract, published: Contract | None = None, exported: Iterable[str] = ()
) -> Naming:
    """Return the contract with the name of every record class.

    The result is a fixed point: with itself as the published contract, the same contract
    gets the same names.

    Args:
        contract: The contract to name; names that it already has stay.
        published: The contract of the package that users have, None before the first
            generation.
        exported: The package's other public names, which no class may take.
    """
    reserved = frozenset(exported) | _MODULE_NAMES
    if published is not None:
        published = name_classes(published, None, exported).contract
    return _Namer(contract, published, reserved).run()


class _Namer:
    def __init__(
        self, contract: Contract, published: Contract | None, reserved: frozenset[str]
    ) -> None:
        self.contract = contract
        self.reserved = reserved
        self.published = {e.address: e for e in published or () if not e.returns_file}
        self.former = {(class_of(e), shape_of(e.result)) for e in self.published.values()}
        self.taken = {name for name, _ in self.former}
        self.names: dict[str, Identifier] = {}
        self.holders: dict[str, tuple[Endpoint, object]] = {}
        self.problems: list[str] = []
        self.prefixed: list[Endpoint] = []

    def run(self) -> Naming:
        records = [endpoint for endpoint in self.contract if not endpoint.returns_file]
        for endpoint in records:
            if endpoint.result.class_name is not None:
                self._claim(endpoint, endpoint.result.class_name)
        self._overlay([e for e in records if e.result.python_name])
        self._published(records)
        for endpoint in records:
            if endpoint.address not in self.names and not endpoint.result.python_name:
                self._new(endpoint)
        return Naming(
            Contract(tuple(map(self._named, self.contract))),
            tuple(map(self._named, self.prefixed)),
            tuple(self.problems),
        )

    def _named(self, endpoint: Endpoint) -> Endpoint:
        name = self.names.get(endpoint.address)
        if name is None or name == endpoint.result.class_name:
            return endpoint
        return attrs.evolve(endpoint, result=attrs.evolve(endpoint.result, class_name=name))

    def _claim(self, endpoint: Endpoint, name: str) -> bool:
        """Give a class name to an endpoint unless records of another shape have it."""
        if not _is_class_name(name):
            return False
        shape = shape_of(endpoint.result)
        _, taken = self.holders.setdefault(name, (endpoint, shape))
        if taken == shape:
            self.names[endpoint.address] = Identifier(name)
        return taken == shape

    def _overlay(self, endpoints: Sequence[Endpoint]) -> None:
        for endpoint in endpoints:
            name = title_of(endpoint.result)
            if endpoint.address in self.names:
                continue
            if not _is_class_name(name) or name in self.reserved:
                self.problems.append(
                    f"{endpoint.address}: the overlay sets `class` to {name!r}, which is no class"
                    " name or one that the package itself uses; choose another one."
                )
            elif not self._claim(endpoint, name):
                holder, _ = self.holders[name]
                self.problems.append(
                    f"The overlay sets the class {name} for {holder.address} and"
                    f" {endpoint.address}, whose attributes differ; set another `class` for one"
                    " of them."
                )

    def _published(self, endpoints: Sequence[Endpoint]) -> None:
        """Let published endpoints keep their class; the first are those that did not change."""
        kept = [
            (shape_of(before.result) != shape_of(endpoint.result), endpoint, class_of(before))
            for endpoint in endpoints
            if endpoint.address not in self.names and not endpoint.result.python_name
            for before in [self.published.get(endpoint.address)]
            if before is not None and title_of(before.result) == title_of(endpoint.result)
        ]
        for _, endpoint, name in sorted(kept, key=lambda one: (one[0], one[1].address)):
            self._claim(endpoint, name)

    def _new(self, endpoint: Endpoint) -> None:
        """Name a class that has no published name, or lost it to another endpoint."""
        title = title_of(endpoint.result)
        try:
            plain = class_name(title, self.reserved)
            long = class_name(pascal_case(endpoint.name) + title, self.reserved)
        except ValueError:
            self.problems.append(
                f"{endpoint.address}: the class name {title!r} is no Python name;"
                " set `class` for it in the overlay."
            )
            return
        unlike = plain in self.taken and (plain, shape_of(endpoint.result)) not in self.former
        if not unlike and self._claim(endpoint, plain):
            return
        if self._claim(endpoint, long):
            self.prefixed.append(endpoint)
            return
        holder, _ = self.holders[long]
        self.problems.append(
            f"The class name {long} of {endpoint.address} is also that of {holder.address};"
            " set `class` for one of them in the overlay."
        )


def _is_class_name(name: str) -> bool:
    try:
        return Identifier(name) not in RESERVED | _MODULE_NAMES
    except ValueError:
        return False
