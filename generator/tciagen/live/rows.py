"""Comparison of rows with the contract, without I/O and for any rows."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tciagen.contract.model import Attribute, Endpoint, Type
from tciagen.contract.names import fold
from tciagen.contract.values import text_fits
from tciagen.display import shorten
from tciagen.live.observation import Observation

Row = Mapping[str, Any]


def judge_rows(endpoint: Endpoint, rows: Sequence[Row]) -> list[Observation]:
    """Return the differences between rows and contract, each once, sorted.

    The differences are a documented attribute that is never sent, an undeclared key, a missing
    value that is not optional, an invalid value, and a value outside AllowedValues. Names match
    as in the client: exactly, by alias, or without case and underscores.
    """
    finder = _Finder(endpoint)
    for number, row in enumerate(rows, 1):
        finder.judge(number, row)
    if rows:
        finder.finish(len(rows))
    return sorted(finder.found.values())


def attribute_values(endpoint: Endpoint, row: Row) -> dict[str, Any]:
    """Return a row's values by the documented name of the attribute, without undeclared keys."""
    return {a.name: row[key] for key, a in _matched(endpoint, row) if a is not None}


class _Finder:
    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.found: dict[tuple[str, str], Observation] = {}
        self.seen: set[str] = set()

    def report(self, rule: str, name: str, message: str, row: int | None = None) -> None:
        pointer = f"/Result/Attributes/{name}"
        reported = Observation(self.endpoint.address, pointer, rule, message, row)
        self.found.setdefault((rule, name), reported)

    def judge(self, number: int, row: Row) -> None:
        present = set()
        for key, attribute in _matched(self.endpoint, row):
            value = row[key]
            if attribute is None:
                self.report("wire-attr-undeclared", key, f"the contract has no {key}", number)
            elif not _is_missing(attribute.type, value):
                present.add(attribute.name)
                self._value(number, attribute, value)
        for attribute in self.endpoint.result.attributes:
            if attribute.name not in present and not attribute.optional:
                message = f"{attribute.name} is declared as always present, but is missing"
                self.report("wire-attr-missing", attribute.name, message, number)
        self.seen |= present

    def _value(self, number: int, attribute: Attribute, value: object) -> None:
        text = value if isinstance(value, str) else json.dumps(value)
        if not _fits(attribute, value):
            message = f"{_short(text)} is not a valid {attribute.type}"
            self.report("wire-type-mismatch", attribute.name, message, number)
        elif attribute.allowed_values is not None and text not in attribute.allowed_values:
            message = f"{_short(text)} is not among the allowed values"
            self.report("wire-value-undeclared", attribute.name, message, number)

    def finish(self, rows: int) -> None:
        for attribute in self.endpoint.result.attributes:
            if attribute.optional and attribute.name not in self.seen:
                message = f"{attribute.name} is in none of {rows} sampled rows"
                self.report("wire-attr-never-sent", attribute.name, message)


def _is_missing(type_: Type, value: object) -> bool:
    if value is None or type_ is Type.STRING:
        return value is None
    return value == "" or (type_ is not Type.UID and isinstance(value, str) and not value.strip())


def _fits(attribute: Attribute, value: object) -> bool:
    """Return whether the client accepts a value of the attribute's type."""
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


def _short(text: str) -> str:
    return json.dumps(shorten(text, 40))
