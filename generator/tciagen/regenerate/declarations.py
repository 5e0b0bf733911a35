"""What a server no longer says is kept until it is contradicted.

A document that falls silent on a declaration (``declaration-lost``) gets the old value
back before it is committed, so that the generated client stays as it is.
"""

import copy
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator

from tciagen.contract.resolve import resolve
from tciagen.documents.parsing import JsonObject
from tciagen.documents.validation import member_name, validate
from tciagen.drift.change import Change
from tciagen.drift.compare.contracts import compare


def keep_declarations(
    old: Mapping[str, JsonObject],
    new: Mapping[str, JsonObject],
    validator: Draft202012Validator | None = None,
) -> tuple[dict[str, JsonObject], tuple[Change, ...]]:
    """Return the new documents with what only the old ones say, and what that was.

    Both are valid documents by address. A document that would become invalid by it is
    returned as it came.
    """
    changes = compare(resolve(old).contract, resolve(new).contract)
    lost = tuple(c for c in changes if c.rule == "declaration-lost" and c.endpoint in new)
    kept = {address: copy.deepcopy(document) for address, document in new.items()}
    for change in lost:
        _put_back(change, old[change.endpoint], kept[change.endpoint])
    for address, document in kept.items():
        if validate(address, document, validator):
            kept[address] = new[address]
    return kept, lost


def _put_back(change: Change, old: JsonObject, new: JsonObject) -> None:
    source = _node(old, _steps(change.pointer_old))
    target = _node(new, _steps(change.pointer_new))
    for name in _names(change):
        if name in source:
            target.setdefault(name, source[name])


def _names(change: Change) -> Iterable[str]:
    """Return the members that fell silent: one that is pointed at, or several of a node."""
    last = (change.pointer_old or "").rsplit("/", 1)[-1]
    if last.isdigit():
        return change.before if isinstance(change.before, tuple) else ()
    return ("Formats", "DefaultFormat") if last == "Formats" else (last,)


def _steps(pointer: str | None) -> Iterator[str | int]:
    """Yield the way to the node that a pointer is about, without the member's name."""
    steps = (pointer or "").split("/")[1:]
    for step in steps if steps and steps[-1].isdigit() else steps[:-1]:
        yield int(step) if step.isdigit() else step


def _node(document: JsonObject, steps: Iterable[str | int]) -> JsonObject:
    """Return an object within a document; a parameter in short form becomes one there."""
    node: Any = document
    for step in steps:
        if isinstance(node[step], str):
            node[step] = _object(node[step])
        node = node[step]
    found: JsonObject = node
    return found


def _object(parameter: str) -> JsonObject:
    """Return a parameter of the form ``Name``, ``Name (R)`` or ``Name (O)`` as an object."""
    name = member_name(parameter)
    mark = parameter[len(name) :].strip(" ()")
    return {"Name": name, **({"Required": mark == "R"} if mark else {})}
