"""A contract as the public API of a Python client.

An endpoint is a method with keyword-only arguments, a record a dataclass, which the tool
supports better than other classes. A closed set is a ``Literal``, prose a docstring, a
DICOM tag metadata of ``Annotated``. Only Python names are shown: a change of a wire name
under the same Python name is no change of a Python API.
"""

from tciagen.contract.model import Attribute, Contract, Endpoint, Parameter, Type
from tciagen.drift.names import python_name
from tciagen.python.names import variable

from .naming import first_of_each, record_names

ANNOTATIONS = {
    Type.STRING: "str",
    Type.INTEGER: "int",
    Type.DECIMAL: "Decimal",
    Type.BOOLEAN: "bool",
    Type.DATE: "date",
    Type.DATE_TIME: "datetime",
    Type.TIME: "time",
    Type.UID: "UID",
}
IN_CALLS = {Type.DECIMAL: "Decimal | float | int", Type.UID: "str"}
PREAMBLE = '''\
"""A client."""
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Annotated, Literal
from warnings import deprecated

class UID(str):
    """A DICOM unique identifier."""

class File:
    """A downloaded file."""
'''


def project(contract: Contract) -> str:
    """Return the module's source."""
    names = record_names(contract)
    parts = [PREAMBLE]
    for name, endpoint in sorted(first_of_each(contract, names).items()):
        fields = "".join(map(_field, endpoint.result.attributes))
        parts.append(
            f"@dataclass(frozen=True, kw_only=True)\nclass {name}:\n"
            f"    {(endpoint.result.description or name)!r}\n{fields}"
        )
    endpoints = sorted(contract, key=python_name)
    methods = "".join(_method(endpoint, names.get(endpoint.address)) for endpoint in endpoints)
    parts.append(f'class Client:\n    """The query endpoints."""\n{methods}')
    return "\n".join(parts)


def _method(endpoint: Endpoint, record: str | None) -> str:
    shown = "".join(map(_argument, endpoint.parameters)) + _format(endpoint)
    mark = ""
    if endpoint.deprecated:
        reason = f"Use {endpoint.replaced_by}." if endpoint.replaced_by else "Deprecated."
        mark = f"    @deprecated({reason!r})\n"
    prose = [endpoint.description]
    prose += [
        f"{variable(python_name(p))}: {p.description}{' Deprecated.' if p.deprecated else ''}"
        for p in endpoint.parameters
    ]
    result = f"list[{record}]" if record else "File"
    docstring = "\n".join(prose)
    return (
        f"{mark}    def {variable(python_name(endpoint))}(self, *, {shown}) -> {result}:\n"
        f"        {docstring!r}\n        raise NotImplementedError\n"
    )


def _argument(parameter: Parameter) -> str:
    name, default = variable(python_name(parameter)), parameter.default
    if parameter.required and default is None:
        return f"{name}: {_annotation(parameter, optional=False)}, "
    return f"{name}: {_annotation(parameter, optional=default is None)} = {default!r}, "


def _format(endpoint: Endpoint) -> str:
    values = ", ".join(map(repr, endpoint.formats or ()))
    kind = f"Literal[{values}]" if values else "str"
    default = endpoint.default_format
    return f"format: {kind}{' | None' if default is None else ''} = {default!r}"


def _field(attribute: Attribute) -> str:
    default = " = None" if attribute.optional else ""
    prose = f"{attribute.description}{' Deprecated.' if attribute.deprecated else ''}"
    return (
        f"    {variable(python_name(attribute))}:"
        f" {_annotation(attribute, optional=attribute.optional)}{default}\n    {prose!r}\n"
    )


def _annotation(member: Parameter | Attribute, *, optional: bool) -> str:
    kind = ANNOTATIONS[member.type]
    if isinstance(member, Parameter):
        kind = IN_CALLS.get(member.type, kind)
    if member.allowed_values:
        kind = f"Literal[{', '.join(map(repr, member.allowed_values))}]"
    if optional:
        kind += " | None"
    return kind if member.dicom is None else f"Annotated[{kind}, {member.dicom!r}]"
