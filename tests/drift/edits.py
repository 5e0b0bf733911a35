"""Every single edit of a set of documents, and a second opinion on what documents mean."""

import copy
from collections.abc import Iterator
from typing import Any

from tests.drift.benchmark import Documents

from tciagen.contract.model import Contract, Endpoint, Parameter, Source
from tciagen.documents.validation import validate

Path = tuple[str | int, ...]
Edit = tuple[str, Path, Any]
"""``set``, ``insert`` or ``remove``; where; and the value that is put there."""

_OTHER_TYPE = ("string", "integer", "decimal", "boolean", "date", "dateTime", "time", "uid")
_TAGS = ("NA", "Computed", "0008 1030", "0020 000d", "0010 1000")
_NEW_MEMBER = {"Name": "StationName", "Description": "Station.", "DICOM": "0008 1010"}


def every_edit(documents: Documents) -> Iterator[Edit]:
    """Yield each edit that leaves every document valid."""
    for edit in _candidates(documents):
        address = str(edit[1][0])
        changed = edited(documents, edit)
        if address not in changed or not validate(address, changed[address]):
            yield edit


def edited(documents: Documents, edit: Edit) -> Documents:
    kind, path, value = edit
    result = dict(documents)
    if len(path) > 1:
        result[str(path[0])] = copy.deepcopy(documents[str(path[0])])
    container: Any = result
    for step in path[:-1]:
        container = container[step]
    if kind == "remove":
        del container[path[-1]]
    elif kind == "insert":
        container.insert(path[-1], copy.deepcopy(value))
    else:
        container[path[-1]] = copy.deepcopy(value)
    return result


def _candidates(documents: Documents) -> Iterator[Edit]:
    for address, document in documents.items():
        yield "remove", (address,), None
        yield (
            "set",
            (address.replace("/query/", "/query/x"),),
            {
                **document,
                "QueryName": "x" + document["QueryName"],
            },
        )
        yield from _members(
            (address,),
            document,
            {
                "Description": ["Another text.", document["Description"].replace(" ", "  ")],
                "Formats": [["JSON"], ["CSV", "JSON"], ["HTML"], ["ZIP"], ["DICOM"]],
                "DefaultFormat": ["CSV", "XML"],
                "Deprecated": [True, False],
                "Owner": ["someone"],
            },
        )
        formats = document["Formats"]
        yield "set", (address, "Formats"), formats[::-1]
        for index in range(len(formats)):
            yield "remove", (address, "Formats", index), None
        yield "insert", (address, "Formats", 0), "XML"
        yield from _elements((address, "Parameters"), document["Parameters"], "Required")
        result = (address, "Result")
        yield from _members(
            result, document["Result"], {"Name": ["Another"], "Description": ["Another."], "X": [1]}
        )
        attributes = document["Result"]["Attributes"]
        yield from _elements((*result, "Attributes"), attributes, "Optional")


def _elements(path: Path, elements: list[Any], mark: str) -> Iterator[Edit]:
    yield "set", path, elements[::-1]
    for value in (True, False):
        for index in {0, len(elements)}:
            yield "insert", (*path, index), {**_NEW_MEMBER, "Type": "string", mark: value}
    yield "insert", (*path, 0), {**_NEW_MEMBER, "Type": "date"}
    for index, element in enumerate(elements):
        here = (*path, index)
        yield "remove", here, None
        if mark == "Required":
            for short in ("", " (R)", " (O)"):
                yield "set", here, element["Name"] + short
        values: dict[str, list[Any]] = {
            "Name": [element["Name"] + "X", element["Name"].upper(), element["Name"].lower()],
            "Description": ["Another text.", f" {element['Description']}"],
            "Type": list(_OTHER_TYPE),
            "DICOM": list(_TAGS),
            mark: [True, False],
            "AllowedValues": [["A"], ["A", "B"], ["PT", "MR", "CT", "DX"], ["M", "O"]],
            "Deprecated": [True, False],
            "Example": ["An example"],
            "Column": ["a_column"],
        }
        if mark == "Required":
            values["Default"] = ["A default"]
        yield from _members(here, element, values)


def _members(path: Path, holder: dict[str, Any], values: dict[str, list[Any]]) -> Iterator[Edit]:
    for name in holder:
        yield "remove", (*path, name), None
    for name, choices in values.items():
        for value in choices:
            if holder.get(name) != value:
                yield "set", (*path, name), value


def meaning(contract: Contract) -> object:
    """Return the meaning of a contract: without order, white space and unknown members."""
    return frozenset(map(_endpoint, contract))


def _endpoint(endpoint: Endpoint) -> object:
    single = endpoint.formats is not None and len(endpoint.formats) == 1
    return (
        endpoint.address,
        tuple(endpoint.description.split()),
        endpoint.formats and frozenset(endpoint.formats),
        None if single else endpoint.default_format,
        endpoint.deprecated,
        endpoint.replaced_by,
        endpoint.result.name,
        tuple(endpoint.result.description.split()),
        frozenset(map(_member, endpoint.parameters)),
        frozenset(map(_member, endpoint.result.attributes)),
    )


def _member(member: Any) -> object:
    asked = member.required if isinstance(member, Parameter) else member.optional
    return (
        member.name,
        tuple(member.description.split()),
        member.type,
        member.type_source is not Source.ASSUMED,
        member.dicom,
        member.allowed_values and frozenset(member.allowed_values),
        member.deprecated,
        member.example,
        asked,
        getattr(member, "default", None),
        "Required" in member.declared,
    )
