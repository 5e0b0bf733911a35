"""Validation of metadata documents: the schema, and what the schema cannot express."""

import json
import sys
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import attrs
from jsonschema import Draft202012Validator

from tciagen.documents import schema
from tciagen.documents.folder import document_path
from tciagen.documents.parsing import JsonObject
from tciagen.documents.schema import (
    Violation,
    form_validator,
    json_pointer,
    load_validator,
    violations,
)
from tciagen.errors import DocumentProblem
from tciagen.store import code_digest, key_of, read_results, write_results


@attrs.frozen(order=True)
class Finding:
    """One finding in a document; ``rule`` is the ID of a drift rule."""

    address: str
    violation: Violation
    rule: str


def validate(
    address: str, document: object, validator: Draft202012Validator | None = None
) -> list[Finding]:
    """Return every finding that makes a document invalid, in stable order.

    Beyond the schema, the findings are an empty object, a QueryName that differs from the
    address, a duplicate parameter or attribute, and a DefaultFormat outside Formats. A custom
    schema can allow other names, but no other structure.
    """
    if document == {}:
        empty = Violation("", "{}", "a document; the server has no metadata for this endpoint")
        return [Finding(address, empty, "document-empty")]
    wrong = violations(document, validator)
    if not wrong and validator is not None and validator is not load_validator():
        wrong = violations(document, form_validator())
    found = [Finding(address, v, "document-invalid") for v in wrong]
    if isinstance(document, dict) and not found:
        found.extend(_beyond_schema(address, document))
    return sorted(found)


def _beyond_schema(address: str, document: JsonObject) -> Iterable[Finding]:
    expected = address.rsplit("/", 1)[-1]
    if document["QueryName"] != expected:
        violation = Violation("/QueryName", json.dumps(document["QueryName"]), json.dumps(expected))
        yield Finding(address, violation, "document-misplaced")
    lists: list[tuple[tuple[str, ...], list[Any]]] = [
        (("Parameters",), document["Parameters"]),
        (("Result", "Attributes"), document["Result"]["Attributes"]),
    ]
    for path, members in lists:
        first: dict[str, int] = {}
        for index, member in enumerate(members):
            name = member_name(member)
            if name in first:
                violation = Violation(
                    json_pointer((*path, index)),
                    f"the name {json.dumps(name)} again",
                    f"a unique name (element {first[name]} has this one)",
                )
                yield Finding(address, violation, "name-duplicated")
            first.setdefault(name, index)
    default, formats = document.get("DefaultFormat"), document.get("Formats")
    if default is not None and formats is not None and default not in formats:
        violation = Violation("/DefaultFormat", json.dumps(default), "one of " + ", ".join(formats))
        yield Finding(address, violation, "default-format-unknown")


def as_object(member: str | Mapping[str, Any]) -> JsonObject:
    """Return a parameter or attribute as an object.

    A parameter's short form is ``Name``, ``Name (R)`` or ``Name (O)``.
    """
    if not isinstance(member, str):
        return dict(member)
    name, _, mark = member.partition(" ")
    mark = mark.strip(" ()")
    return {"Name": name, **({"Required": mark == "R"} if mark else {})}


def member_name(member: str | Mapping[str, Any]) -> str:
    """Return the name of a parameter or attribute, also of one in short form."""
    return str(as_object(member)["Name"])


def require_valid(
    documents: Mapping[str, JsonObject],
    validator: Draft202012Validator | None = None,
    folder: Path | None = None,
) -> None:
    """Raise one DocumentProblem with every finding of every document."""
    code = _code((validator or load_validator()).schema)
    keys = {
        address: key_of(code, address, json.dumps(document, sort_keys=True))
        for address, document in sorted(documents.items())
    }
    known = read_results(keys.values())
    lines = []
    valid: dict[bytes, str] = {}
    for address, key in keys.items():
        if key in known:
            continue
        where = str(document_path(folder, address)) if folder else address
        findings = validate(address, documents[address], validator)
        lines += [f"{where}: {finding.violation}" for finding in findings]
        if not findings:
            valid[key] = ""
    write_results(valid)
    if lines:
        raise DocumentProblem("\n".join(lines))


def _code(used: object) -> str:
    """Return a digest of everything but the document that decides whether it is valid."""
    tools = f"{version('jsonschema')} {sys.version} {json.dumps(used, sort_keys=True)}"
    return code_digest(sys.modules[__name__], schema, also=tools)
