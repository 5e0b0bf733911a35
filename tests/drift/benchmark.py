"""The benchmark's documents and operations, and what a judge needs around them."""

import copy
import json
from pathlib import Path
from typing import Any

from tciagen.contract.model import Contract
from tciagen.contract.resolve import resolve
from tciagen.documents.validation import member_name

Documents = dict[str, Any]
BENCHMARK = json.loads((Path(__file__).parent / "data" / "drift-mutations.json").read_bytes())


def contract_of(documents: Documents) -> Contract:
    return resolve(dict(documents)).contract


def find(container: Any, key: str) -> Any:
    """Return the index or key of a member; elements of a list go by their name."""
    if isinstance(container, dict):
        return key
    for index, element in enumerate(container):
        if member_name(element) == key:
            return index
    return None


def apply_operation(documents: Documents, operation: dict[str, Any]) -> None:
    kind, path = operation["op"], operation["path"]
    if kind in ("none", "fault"):
        return
    if kind == "move":
        documents[operation["after"]] = documents.pop(operation["before"])
        return
    if kind == "shuffle-documents":
        for address in sorted(documents, reverse=True):
            documents[address] = documents.pop(address)
        return
    if kind == "shuffle-keys":
        for address in documents:
            documents[address] = reverse_keys(documents[address])
        return
    address, _, pointer = path.partition("#")
    steps = [step for step in pointer.split("/") if step]
    container: Any = documents
    for step, key in zip([address, *steps], [*steps, None], strict=True):
        if key is not None:
            container = container[find(container, step)]
    key = find(container, steps[-1] if steps else address)
    after: Any = copy.deepcopy(operation.get("after"))
    if kind == "add" and isinstance(container, list):
        container.insert(operation.get("index", len(container)), after)
    elif kind == "remove":
        assert container[key] == operation["before"]
        del container[key]
    else:
        assert kind in ("add", "replace", "reorder"), kind
        if kind == "reorder" and isinstance(container[key], list):
            known = {name_of(element): element for element in container[key]}
            after = [known[name_of(element)] for element in after]
        container[key] = after


def name_of(element: Any) -> str:
    return str(element["Name"]) if isinstance(element, dict) else str(element)


def reverse_keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: reverse_keys(value[key]) for key in reversed(value)}
    return [reverse_keys(element) for element in value] if isinstance(value, list) else value


def mutated(mutation: dict[str, Any]) -> tuple[Documents, Documents]:
    """Return the old and the new documents of one mutation of the benchmark."""
    old = copy.deepcopy(BENCHMARK["base_documents"])
    for operation in mutation.get("pre_ops", ()):
        apply_operation(old, operation)
    new = copy.deepcopy(old)
    for operation in mutation["ops"]:
        apply_operation(new, operation)
    return (new, old) if mutation.get("reverse") else (old, new)
