"""Rows against the contract: is what was described what comes? Pure, and for any rows."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tciagen.contract.model import Attribute, Endpoint, Type
from tciagen.contract.values import text_fits
from tciagen.live.observation import Observation

Row = Mapping[str, Any]


def judge_rows(endpoint: Endpoint, rows: Sequence[Row]) -> list[Observation]:
    """Return what the rows show otherwise than the contract, each thing once, sorted.

    A documented attribute that never comes, a key that no attribute has, a value that
    is always there and is missing, one that does not fit its type, and one outside
    AllowedValues. Names are matched as the client matches them: as documented, by
    alias, or but for case and underscores.
    """
    finder = _Finder(endpoint)
    for number, row in enumerate(rows, 1):
        finder.look(number, row)
    if rows:
        finder.finish(len(rows))
    return sorted(finder.found.values())


def attribute_values(endpoint: Endpoint, row: Row) -> dict[str, Any]:
    """Return a row's values by the documented name of the attribute; undeclared keys go."""
    return {a.name: row[key] for key, a in _matched(endpoint, row) if a is not None}


class _Finder:
    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.found: dict[tuple[str, str], Observation] = {}
        self.seen: set[str] = set()

    def tell(self, rule: str, name: str, message: str, row: int | None = None) -> None:
        place = f"/Result/Attributes/{name}"
        told = Observation(self.endpoint.address, place, rule, message, row)
        self.found.setdefault((rule, name), told)

    def look(self, number: int, row: Row) -> None:
        present = set()
        for key, attribute in _matched(self.endpoint, row):
            value = row[key]
            if attribute is None:
                self.tell("wire-attr-undeclared", key, f"the contract has no {key}", number)
            elif not _is_missing(attribute.type, value):
                present.add(attribute.name)
                self._value(number, attribute, value)
        for attribute in self.endpoint.result.attributes:
            if attribute.name not in present and not attribute.optional:
                message = f"{attribute.name} is said to be always there, and is missing"
                self.tell("wire-attr-missing", attribute.name, message, number)
        self.seen |= present

    def _value(self, number: int, attribute: Attribute, value: object) -> None:
        text = value if isinstance(value, str) else json.dumps(value)
        if not _fits(attribute, value):
            message = f"{_short(text)} is no {attribute.type}"
            self.tell("wire-type-mismatch", attribute.name, message, number)
        elif attribute.allowed_values is not None and text not in attribute.allowed_values:
            message = f"{_short(text)} is not among the allowed values"
            self.tell("wire-value-undeclared", attribute.name, message, number)

    def finish(self, rows: int) -> None:
        for attribute in self.endpoint.result.attributes:
            if attribute.optional and attribute.name not in self.seen:
                message = f"{attribute.name} is in none of {rows} sampled rows"
                self.tell("wire-attr-never-sent", attribute.name, message)


def _is_missing(type_: Type, value: object) -> bool:
    if value is None or type_ is Type.STRING:
        return value is None
    return value == "" or (type_ is not Type.UID and isinstance(value, str) and not value.strip())


def _fits(attribute: Attribute, value: object) -> bool:
    """Whether the client reads a value as one of the attribute's type."""
    type_ = attribute.type
    if attribute.undeclared and isinstance(value, bool | int | float):
        return True
    if isinstance(value, bool):
        return type_ is Type.BOOLEAN
    if isinstance(value, int):
        return type_ in (Type.INTEGER, Type.DECIMAL) or (type_ is Type.BOOLEAN and value in (0, 1))
    if isinstance(value, float):
        return type_ is Type.DECIMAL or (type_ is Type.INTEGER and value.is_integer())
    return isinstance(value, str) and text_fits(type_, value)


def _matched(endpoint: Endpoint, row: Row) -> Iterator[tuple[str, Attribute | None]]:
    attributes = endpoint.result.attributes
    exact = {n: a for a in attributes for n in a.aliases} | {a.name: a for a in attributes}
    folded = {fold(n): a for n, a in exact.items()}
    for key in row:
        yield key, exact.get(key) or folded.get(fold(key))


def fold(name: str) -> str:
    """Return a name without case and underscores, by which a client recognises it."""
    return name.replace("_", "").lower()


def _short(text: str) -> str:
    return json.dumps(text if len(text) <= 40 else text[:39] + "…")
