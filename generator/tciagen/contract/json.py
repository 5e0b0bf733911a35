"""The contract as a file in the generated package.

``contract.json`` has the meaning of the contract (:func:`to_json`), so that two versions of a
client can be compared, and a client can detect at run time that its server has changed.
"""

import hashlib
import json
from functools import cache
from typing import Any

import attrs

from tciagen.contract.model import (
    Attribute,
    Contract,
    Endpoint,
    FileRoles,
    Parameter,
    Result,
    Source,
    StatedBy,
    Type,
)
from tciagen.documents.canonical import canonical
from tciagen.errors import DocumentProblem

FORMAT = 1
UNDECLARED = "undeclared"
"""The type in the file of a parameter or attribute whose type is undeclared."""


def to_json(contract: Contract) -> bytes:
    """Return the contract's canonical JSON; what only documents know is left out."""
    endpoints = [_plain(endpoint) for endpoint in contract]
    return canonical({"format": FORMAT, "digest": digest(contract), "endpoints": endpoints})


def from_json(body: bytes, where: str) -> Contract:
    """Return the contract that :func:`to_json` wrote.

    Raises:
        DocumentProblem: The body is not a contract file.
    """
    try:
        data = json.loads(body)
        if data["format"] != FORMAT:
            raise DocumentProblem(f"{where} has contract format {data['format']}, not {FORMAT}.")
        return Contract(tuple(map(_endpoint, data["endpoints"])))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DocumentProblem(f"{where} is not a contract file: {error!r}.") from error


def digest(contract: Contract) -> str:
    """Return the SHA-256 of the meaning: no prose, no examples, no provenance."""
    meaning = [_plain(endpoint, prose=False) for endpoint in contract]
    return hashlib.sha256(json.dumps(meaning, sort_keys=True).encode()).hexdigest()


_PROVENANCE = {"declared", "type_source", "unknown_members"}
_PROSE = {"description", "example"}


@cache
def _fields(kind: Any, *, prose: bool) -> tuple[tuple[str, Any], ...] | None:
    """Return the members of a class that go into the file with their defaults, if it has any."""
    if not attrs.has(kind):
        return None
    left_out = _PROVENANCE if prose else _PROVENANCE | _PROSE
    return tuple((f.name, f.default) for f in attrs.fields(kind) if f.name not in left_out)


def _plain(value: Any, *, prose: bool = True) -> Any:
    if isinstance(value, tuple):
        return [_plain(v, prose=prose) for v in value]
    kind: Any = type(value)
    fields = _fields(kind, prose=prose)
    if fields is not None:
        members = ((name, getattr(value, name), default) for name, default in fields)
        found = {
            name: _plain(member, prose=prose)
            for name, member, default in members
            if member != default
        }
        if isinstance(value, Parameter | Attribute) and value.undeclared:
            found["type"] = UNDECLARED
        return found
    return value


def _endpoint(data: dict[str, Any]) -> Endpoint:
    result = data["result"]
    attributes = tuple(Attribute(**_member(a)) for a in result.get("attributes", ()))
    declarable = {"Formats": "formats", "DefaultFormat": "default_format"}
    return Endpoint(
        **{
            **_tuples(data),
            "parameters": tuple(Parameter(**_member(p)) for p in data.get("parameters", ())),
            "result": Result(**{**result, "attributes": attributes}),
            "roles": _roles(data.get("roles", {})),
            "declared": frozenset(name for name, key in declarable.items() if key in data),
        }
    )


def _roles(data: dict[str, Any]) -> FileRoles:
    return FileRoles(**{role: tuple(StatedBy(**_tuples(s)) for s in data[role]) for role in data})


def _member(data: dict[str, Any]) -> dict[str, Any]:
    """Return a member's arguments; everything in the file counts as declared."""
    spelled = {
        "Required": "required",
        "Optional": "optional",
        "Type": "type",
        "AllowedValues": "allowed_values",
        "Default": "default",
        "DICOM": "dicom",
    }
    declared = frozenset(m for m, key in spelled.items() if key in data) | {"Type"}
    if data.get("type") == UNDECLARED:
        source, type_, declared = Source.ASSUMED, Type.STRING, declared - {"Type"}
    else:
        # Text is left out of the file.
        source, type_ = Source.DOCUMENT, Type(data.get("type", Type.STRING))
    return {**_tuples(data), "type": type_, "type_source": source, "declared": declared}


def _tuples(data: dict[str, Any]) -> dict[str, Any]:
    return {k: tuple(v) if isinstance(v, list) else v for k, v in data.items()}
