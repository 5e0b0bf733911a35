"""Declarations that a server no longer makes are retained until it contradicts them.

A document that no longer has a declaration (``declaration-lost``) gets the old value back
before it is committed, so that the generated client does not change.
"""

import copy
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator

from tciagen.contract.resolve import resolve
from tciagen.documents.parsing import JsonObject
from tciagen.documents.validation import as_object, validate
from tciagen.drift.change import Change
from tciagen.drift.compare.contracts import compare


def retain_declarations(
    old: Mapping[str, JsonObject],
    new: Mapping[str, JsonObject],
    validator: Draft202012Validator | None = None,
) -> tuple[dict[str, JsonObject], tuple[Change, ...]]:
    """Return the new documents with the lost declarations of the old ones, and those changes.

    Both are valid documents by address. A document that would become invalid is returned
    unchanged.
    """
    changes = compare(resolve(old).contract, resolve(new).contract)
    lost = tuple(c for c in changes if c.rule == "declaration-lost" and c.endpoint in new)
    completed = {address: copy.deepcopy(document) for address, document in new.items()}
    for change in lost:
        _put_back(change, old[change.endpoint], completed[change.endpoint])
    for address, document in completed.items():
        if validate(address, document, validator):
            completed[address] = new[address]
    return completed, lost


def _put_back(change: Change, old: JsonObject, new: JsonObject) -> None:
    source = _node(old, _steps(change.pointer_old))
    target = _node(new, _steps(change.pointer_new))
    for name in _names(change):
        if name in source:
            target.setdefault(name, source[name])


def _names(change: Change) -> Iterable[str]:
    """Return the names of the lost members: one that is pointed at, or several of a node."""
    last = (change.pointer_old or "").rsplit("/", 1)[-1]
    if last.isdigit():
        return change.before if isinstance(change.before, tuple) else ()
    return ("Formats", "DefaultFormat") if last == "Formats" else (last,)


def _steps(pointer: str | None) -> Iterator[str | int]:
    """Yield the steps to the node of a pointer, without the member's name."""
    steps = (pointer or "").split("/")[1:]
    for step in steps if steps and steps[-1].isdigit() else steps[:-1]:
        yield int(step) if step.isdigit() else step


def _node(document: JsonObject, steps: Iterable[str | int]) -> JsonObject:
    """Return an object within a document; a parameter in short form becomes one there."""
    node: Any = document
    for step in steps:
        if isinstance(node[step], str):
            node[step] = as_object(node[step])
        node = node[step]
    found: JsonObject = node
    return found
