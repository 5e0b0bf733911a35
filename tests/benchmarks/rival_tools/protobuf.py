"""A contract as Protocol Buffers (proto2, which has required fields and defaults).

A resource is a service, an endpoint a method, a query key a field of its request, an
attribute a field of the streamed record. Calendar types are messages, as Google's are; a
UID is a string, a closed set an enum, prose a comment, a DICOM tag a custom option. A
number is a digest of the name, so a name has the same number at every position.
"""

import json
import zlib
from collections.abc import Iterable

from tciagen.contract.model import Attribute, Contract, Endpoint, Parameter, Type

from .naming import by_resource, first_of_each, record_names, symbol

KINDS = {
    Type.STRING: "string",
    Type.INTEGER: "int64",
    Type.DECIMAL: "double",
    Type.BOOLEAN: "bool",
    Type.DATE: "Date",
    Type.DATE_TIME: "DateTime",
    Type.TIME: "TimeOfDay",
    Type.UID: "string",
}
PREAMBLE = """\
syntax = "proto2";
package query;
import "google/protobuf/descriptor.proto";
extend google.protobuf.FieldOptions { optional string dicom = 50001; }
extend google.protobuf.MethodOptions { optional string replaced_by = 50002; }
message Date { optional int32 year = 1; optional int32 month = 2; optional int32 day = 3; }
message TimeOfDay { optional int32 seconds = 1; optional int32 nanos = 2; }
message DateTime { optional Date date = 1; optional TimeOfDay time = 2; }
message File { optional bytes content = 1; }
"""
NAMED, SPAN = 20_000, 500_000_000
"""Digests give numbers above those that the language reserves and below its last."""


def project(contract: Contract) -> str:
    """Return the one file of the package."""
    names = record_names(contract)
    parts = [PREAMBLE]
    for resource, endpoints in by_resource(contract).items():
        methods = "".join(_method(endpoint, names.get(endpoint.address)) for endpoint in endpoints)
        parts.append(f"service {symbol(resource)}Resource {{\n{methods}}}\n")
        parts += [_request(endpoint) for endpoint in endpoints]
    for name, endpoint in first_of_each(contract, names).items():
        fields = "".join(_field(a, not a.optional) for a in endpoint.result.attributes)
        parts.append(f"{_text(endpoint.result.description)}message {name} {{\n{fields}}}\n")
    return "\n".join(parts)


def _method(endpoint: Endpoint, record: str | None) -> str:
    options = "    option deprecated = true;\n" if endpoint.deprecated else ""
    if endpoint.replaced_by is not None:
        options += f"    option (replaced_by) = {json.dumps(endpoint.replaced_by)};\n"
    return (
        f"{_text(endpoint.description, '  ')}  rpc {symbol(endpoint.name)}({_scope(endpoint)})"
        f" returns (stream {record or 'File'}) {{\n{options}  }}\n"
    )


def _request(endpoint: Endpoint) -> str:
    fields = [_field(parameter, parameter.required) for parameter in endpoint.parameters]
    number = _number("format")
    if endpoint.formats is None:
        fields.append(f"  optional string format = {number};\n")
    else:
        default = endpoint.default_format
        shown = "" if default is None else f" [default = format_{symbol(default)}]"
        fields.append(_enum("format", endpoint.formats))
        fields.append(f"  optional format_Value format = {number}{shown};\n")
    return f"message {_scope(endpoint)} {{\n{''.join(fields)}}}\n"


def _field(member: Parameter | Attribute, required: bool) -> str:
    values = member.allowed_values
    kind = f"{member.name}_Value" if values else KINDS[member.type]
    options = [f"(dicom) = {json.dumps(member.dicom)}"] if member.dicom is not None else []
    default = member.default if isinstance(member, Parameter) else None
    if default is not None and kind not in ("Date", "DateTime", "TimeOfDay"):
        options.append(f"default = {_value(member, default)}")
    if member.deprecated:
        options.append("deprecated = true")
    shown = f" [{', '.join(options)}]" if options else ""
    return (
        f"{_enum(member.name, values) if values else ''}{_text(member.description, '  ')}"
        f"  {'required' if required else 'optional'} {kind} {member.name}"
        f" = {_number(member.name)}{shown};\n"
    )


def _enum(name: str, values: Iterable[str]) -> str:
    lines = (f"    {name}_{symbol(value)} = {_number(value)};\n" for value in values)
    return f"  enum {name}_Value {{\n{''.join(lines)}  }}\n"


def _value(member: Parameter | Attribute, default: str) -> str:
    if member.allowed_values:
        return f"{member.name}_{symbol(default)}"
    return json.dumps(default) if KINDS[member.type] == "string" else default


def _number(name: str) -> int:
    return NAMED + zlib.crc32(name.encode()) % SPAN


def _scope(endpoint: Endpoint) -> str:
    return f"{symbol(endpoint.resource)}_{symbol(endpoint.name)}_Request"


def _text(prose: str, indent: str = "") -> str:
    return "".join(f"{indent}// {line}\n" for line in prose.splitlines())
