"""The endpoints of changed documents, for ``serve --contract DIR``.

Each ``DIR/<Resource>/<QueryName>.json`` is served unchanged, and the responses
follow it where possible: an endpoint without a document is removed. A renamed
attribute or parameter retains its meaning (found by name, tag or position). A new
one is null or has an invented value. A changed type is written as that type. A
changed tag selects or filters by that element, if the endpoint's table has it. An
attribute that has become optional is missing in every second row, and each third
row has one of the new allowed values, from the first row on.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from tciagen.archive import queries
from tciagen.archive.formats import sql_text
from tciagen.archive.queries import Column, Endpoint, Kind, Parameter
from tciagen.errors import DocumentProblem, UsageProblem

_TAG = re.compile(r"[0-9A-Fa-f]{4} [0-9A-Fa-f]{4}")
_FILE_FORMATS = {"ZIP", "DICOM"}
_FORMATS = _FILE_FORMATS | {"CSV", "HTML", "XML", "JSON"}
_NOTHING = (
    "(SELECT NULL AS sop_uid, NULL AS path, NULL AS target, NULL AS size, NULL AS mtime_ns WHERE 0)"
)
_ONE_ROW = "(SELECT 1)"
_ROW = "row_number() OVER ()"
_MADE_UP = {
    "integer": "1",
    "decimal": "'1.000000'",
    "boolean": "'true'",
    "date": "'1998-12-08'",
    "dateTime": "'1998-12-08 00:00:00.0'",
    "time": "'12:00:00'",
    "uid": "'2.25.1'",
}
_KINDS = {"integer": Kind.INTEGER, "decimal": Kind.DECIMAL, "date": Kind.DATE}
_WRITTEN = {
    "string": "CAST({0} AS TEXT)",
    "integer": "CAST({0} AS INTEGER)",
    "decimal": "iif({0} IS NULL, NULL, printf('%.6f', {0}))",
    "boolean": "iif({0} IS NULL, NULL, iif({0} IN (0, '0', ''), 'false', 'true'))",
    "uid": "'2.25.' || length({0})",
}


def endpoints(folder: Path) -> dict[str, Endpoint]:
    """Return the endpoints of the documents in ``folder`` by their address.

    Raises:
        UsageProblem: the folder contains no document.
        DocumentProblem: a file is not a JSON object.
    """
    documents = {
        f"{path.parent.name}/query/{path.stem}": _read(path)
        for path in sorted(folder.glob("*/*.json"))
    }
    if not documents:
        raise UsageProblem(f"{folder} contains no <Resource>/<QueryName>.json")
    previous = queries.endpoints()
    gone = [endpoint for address, endpoint in previous.items() if address not in documents]
    served = {}
    for address, document in documents.items():
        original = previous.get(address) or _counterpart(address, document, gone)
        served[address] = _changed(original or _invented(), address, document)
    return served


def _read(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DocumentProblem(f"{path} is not readable JSON: {error}") from error
    if not isinstance(document, dict):
        raise DocumentProblem(f"{path} is not a JSON object")
    return document


def _counterpart(
    address: str, document: Mapping[str, Any], gone: Sequence[Endpoint]
) -> Endpoint | None:
    """Return the endpoint that was moved or renamed to ``address``, if one was."""
    name = address.rpartition("/")[2]
    for endpoint in gone:
        if endpoint.name == name:
            return endpoint
    for endpoint in gone:
        if document and _names(document) == _names(endpoint.document):
            return endpoint
    return None


def _invented() -> Endpoint:
    return Endpoint("", (), (), _ONE_ROW, "", ("CSV", "HTML", "XML", "JSON"), "JSON", {})


def _changed(original: Endpoint, address: str, document: dict[str, Any]) -> Endpoint:
    named = (str(one).upper() for one in _list(document, "Formats"))
    formats = tuple(one for one in named if one in _FORMATS) or original.formats
    preferred = str(document.get("DefaultFormat", original.default_format)).upper()
    default = next((one for one in (preferred, "JSON") if one in formats), formats[0])
    parameters = _parameters(original, document)
    columns = _columns(original, document)
    source, tail, condition = original.source, original.tail, original.condition
    if _FILE_FORMATS.intersection(formats) and not _FILE_FORMATS.intersection(original.formats):
        source, tail, condition = _NOTHING, "", ""
        parameters = tuple(attrs.evolve(parameter, clause=None) for parameter in parameters)
    return Endpoint(
        address, parameters, columns, source, tail, formats, default, document, condition
    )


def _columns(original: Endpoint, document: dict[str, Any]) -> tuple[Column, ...]:
    before = _attributes(original.document)
    after = _attributes(document)
    if not after:
        return original.columns
    columns = []
    elements = _elements(original.source)
    matches = _matches(before, after)
    for attribute, match in zip(after, matches, strict=True):
        name = str(attribute.get("Name"))
        type_name = attribute.get("Type")
        if match is None:
            made_up = attribute.get("Optional", True) is False
            value = _MADE_UP.get(str(type_name), "'made up'") if made_up else "NULL"
            columns.append(Column(name, value, _KINDS.get(str(type_name), Kind.TEXT)))
            continue
        column, previous = original.columns[match], before[match]
        if name != previous["Name"]:
            column = attrs.evolve(column, name=name)
        if (other := _other_element(previous, attribute, elements)) is not None:
            column = attrs.evolve(column, expression=other.expression, kind=other.kind)
        if type_name is not None and type_name != previous.get("Type"):
            column = _as_type(column, str(previous.get("Type")), str(type_name))
        columns.append(_varied(column, previous, attribute))
    return tuple(columns)


def _elements(source: str) -> dict[str, Column]:
    """Return the column of each DICOM tag in a source of rows."""
    found: dict[str, Column] = {}
    for endpoint in queries.endpoints().values():
        if endpoint.source == source:
            attributes = _attributes(endpoint.document)
            for attribute, column in zip(attributes, endpoint.columns, strict=True):
                found.setdefault(_tag(attribute), column)
    return found


def _other_element(
    before: Mapping[str, Any], after: Mapping[str, Any], elements: Mapping[str, Column]
) -> Column | None:
    tag = _tag(after)
    return elements.get(tag) if _TAG.fullmatch(tag) and tag != _tag(before) else None


def _varied(column: Column, before: Mapping[str, Any], after: Mapping[str, Any]) -> Column:
    """Return a column in which some rows have a newly allowed value, or no value."""
    expression = column.expression
    if after.get("Optional") is True and before.get("Optional") is False:
        expression = f"iif({_ROW} % 2 = 1, NULL, {expression})"
    previous = _list(before, "AllowedValues")
    if added := [str(one) for one in _list(after, "AllowedValues") if one not in previous]:
        cases = " ".join(f"WHEN {n} THEN {sql_text(one)}" for n, one in enumerate(added))
        chosen = f"CASE {_ROW} / 3 % {len(added)} {cases} END"
        expression = f"iif({_ROW} % 3 = 1, {chosen}, {expression})"
    return attrs.evolve(column, expression=expression)


def _as_type(column: Column, before: str, type_name: str) -> Column:
    if before == "date" and type_name == "dateTime":
        expression = f"{column.expression} || ' 00:00:00.0'"
    elif type_name in _WRITTEN:
        expression = _WRITTEN[type_name].format(column.expression)
    else:
        expression = _MADE_UP.get(type_name, column.expression)
    return Column(column.name, expression, _KINDS.get(type_name, Kind.TEXT))


def _parameters(original: Endpoint, document: dict[str, Any]) -> tuple[Parameter, ...]:
    if "Parameters" not in document:
        return original.parameters
    before = _list(original.document, "Parameters")
    after = [_long_form(parameter) for parameter in _list(document, "Parameters")]
    parameters = []
    elements = _elements(original.source)
    for entry, match in zip(after, _matches(before, after), strict=True):
        parameter = Parameter("") if match is None else original.parameters[match]
        previous = {} if match is None else before[match]
        type_name = entry.get("Type", previous.get("Type"))
        other = _other_element(previous, entry, elements) if previous else None
        if other is not None and "(" not in other.expression:
            parameter = attrs.evolve(parameter, clause=f"{other.expression} = :{parameter.bind}")
        parameters.append(
            attrs.evolve(
                parameter,
                name=str(entry.get("Name")),
                required=bool(entry.get("Required", parameter.required)),
                checked_type=parameter.checked_type
                if type_name == previous.get("Type")
                else str(type_name),
                allowed=tuple(str(value) for value in _list(entry, "AllowedValues")),
                default=str(entry.get("Default", "")),
            )
        )
    return tuple(parameters)


def _long_form(parameter: object) -> dict[str, Any]:
    if isinstance(parameter, dict):
        return parameter
    name, _, mark = str(parameter).partition(" (")
    return {"Name": name, **({"Required": mark == "R)"} if mark else {})}


def _matches(
    before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]
) -> list[int | None]:
    """Return the position of the old element that each new one was, None for an added one."""
    found: list[int | None] = [None] * len(after)
    free = set(range(len(before)))
    names = {entry.get("Name") for entry in after}
    for same in (_same_name, _same_plain_name, _same_tag):
        for position, entry in enumerate(after):
            if found[position] is None:
                fits = (old for old in sorted(free) if same(before[old], entry))
                if (old := next(fits, None)) is not None:
                    found[position] = old
                    free.remove(old)
    for position, entry in enumerate(after):
        follows = 0 if position == 0 else _next(found[position - 1])
        if (
            found[position] is None
            and follows in free
            and before[follows].get("Name") not in names
            and entry.get("Type") == before[follows].get("Type")
        ):
            found[position] = follows
            free.remove(follows)
    return found


def _next(position: int | None) -> int:
    return -1 if position is None else position + 1


def _same_name(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    return bool(old.get("Name") == new.get("Name"))


def _same_plain_name(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    return _plain(old) == _plain(new)


def _same_tag(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    return bool(_TAG.fullmatch(_tag(old))) and _tag(old) == _tag(new)


def _tag(entry: Mapping[str, Any]) -> str:
    return str(entry.get("DICOM")).upper()


def _plain(entry: Mapping[str, Any]) -> str:
    return str(entry.get("Name")).replace("_", "").lower()


def _names(document: Mapping[str, Any]) -> list[object]:
    return [entry.get("Name") for entry in _attributes(document)]


def _attributes(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    result = document.get("Result")
    return _objects(_list(result, "Attributes")) if isinstance(result, Mapping) else []


def _objects(entries: Iterable[object]) -> list[dict[str, Any]]:
    return [entry for entry in entries if isinstance(entry, dict)]


def _list(holder: Mapping[str, Any], member: str) -> list[Any]:
    value = holder.get(member)
    return value if isinstance(value, list) else []
