"""A contract as a GraphQL schema (SDL, October 2021).

A resource is a type, an endpoint a field of it, a query key an argument, an attribute a
field of the record's type. Types that GraphQL lacks are scalars, a closed set is an enum,
prose is a description, a DICOM tag the argument of a directive. The format is an argument.
"""

import json
from collections.abc import Iterator

from tciagen.contract.model import Attribute, Contract, Endpoint, Parameter, Type

from .naming import by_resource, first_of_each, record_names, symbol

SCALARS = {
    Type.STRING: "String",
    Type.INTEGER: "Int",
    Type.DECIMAL: "Decimal",
    Type.BOOLEAN: "Boolean",
    Type.DATE: "Date",
    Type.DATE_TIME: "DateTime",
    Type.TIME: "Time",
    Type.UID: "UID",
}
PREAMBLE = """\
directive @dicom(tag: String!) on ARGUMENT_DEFINITION | FIELD_DEFINITION
scalar Decimal
scalar Date
scalar DateTime
scalar Time
scalar UID
scalar File
"""


def project(contract: Contract) -> str:
    """Return the schema."""
    names = record_names(contract)
    parts = [PREAMBLE]
    resources = by_resource(contract)
    fields = "".join(f"  {symbol(name)}: {symbol(name)}Resource!\n" for name in resources)
    parts.append(f"type Query {{\n{fields}}}\n")
    for name, endpoints in resources.items():
        body = "".join(_endpoint(endpoint, names.get(endpoint.address)) for endpoint in endpoints)
        parts.append(f"type {symbol(name)}Resource {{\n{body}}}\n")
        for endpoint in endpoints:
            parts += _argument_enums(endpoint)
    for name, endpoint in first_of_each(contract, names).items():
        attributes = endpoint.result.attributes
        body = "".join(_field(name, attribute) for attribute in attributes)
        parts.append(f"{_text(endpoint.result.description)}type {name} {{\n{body}}}\n")
        for attribute in attributes:
            if attribute.allowed_values:
                parts.append(_enum(f"{name}_{attribute.name}", attribute.allowed_values))
    return "\n".join(parts)


def _endpoint(endpoint: Endpoint, record: str | None) -> str:
    arguments = [_argument(endpoint, parameter) for parameter in endpoint.parameters]
    kind = "String" if endpoint.formats is None else f"{_scope(endpoint)}_format"
    default = "" if endpoint.default_format is None else f" = {symbol(endpoint.default_format)}"
    arguments.append(f"    format: {kind}{default if endpoint.formats else ''}\n")
    result = "File!" if record is None else f"[{record}!]!"
    deprecated = _deprecated(endpoint.deprecated, endpoint.replaced_by)
    return (
        f"{_text(endpoint.description, '  ')}  {symbol(endpoint.name)}(\n"
        f"{''.join(arguments)}  ): {result}{deprecated}\n"
    )


def _argument(endpoint: Endpoint, parameter: Parameter) -> str:
    kind = SCALARS[parameter.type]
    default = parameter.default
    shown = "" if default is None else f" = {_value(parameter, default)}"
    if parameter.allowed_values:
        kind = f"{_scope(endpoint)}_{parameter.name}"
    required = "!" if parameter.required else ""
    return (
        f"{_text(parameter.description, '    ')}    {parameter.name}: {kind}{required}{shown}"
        f"{_dicom(parameter)}{_deprecated(parameter.deprecated)}\n"
    )


def _argument_enums(endpoint: Endpoint) -> Iterator[str]:
    for parameter in endpoint.parameters:
        if parameter.allowed_values:
            yield _enum(f"{_scope(endpoint)}_{parameter.name}", parameter.allowed_values)
    if endpoint.formats:
        yield _enum(f"{_scope(endpoint)}_format", endpoint.formats)


def _field(record: str, attribute: Attribute) -> str:
    kind = f"{record}_{attribute.name}" if attribute.allowed_values else SCALARS[attribute.type]
    required = "" if attribute.optional else "!"
    return (
        f"{_text(attribute.description, '  ')}  {attribute.name}: {kind}{required}"
        f"{_dicom(attribute)}{_deprecated(attribute.deprecated)}\n"
    )


def _enum(name: str, values: tuple[str, ...]) -> str:
    lines = "".join(f"  {symbol(value)}\n" for value in values)
    return f"enum {name} {{\n{lines}}}\n"


def _value(parameter: Parameter, default: str) -> str:
    if parameter.allowed_values:
        return symbol(default)
    plain = parameter.type in (Type.INTEGER, Type.BOOLEAN)
    return default if plain else json.dumps(default)


def _scope(endpoint: Endpoint) -> str:
    return f"{symbol(endpoint.resource)}_{symbol(endpoint.name)}"


def _text(prose: str, indent: str = "") -> str:
    return f"{indent}{json.dumps(prose)}\n" if prose else ""


def _dicom(member: Parameter | Attribute) -> str:
    return "" if member.dicom is None else f" @dicom(tag: {json.dumps(member.dicom)})"


def _deprecated(deprecated: bool, replaced_by: str | None = None) -> str:
    if not deprecated:
        return ""
    reason = f"Use {replaced_by}." if replaced_by else "Deprecated."
    return f" @deprecated(reason: {json.dumps(reason)})"
