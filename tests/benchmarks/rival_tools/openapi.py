"""A contract as an OpenAPI 3.0 document.

An endpoint is a GET operation, a query key a parameter, an attribute a property of the
record's schema. UIDs and calendar types are formats of strings, a closed set an enum, prose
a description, a DICOM tag and a replacement members with ``x-``. The format is a query
parameter, as it is on the wire, and each format a media type of the response; the record's
schema is that of JSON, since OpenAPI cannot describe the columns of a CSV file.
"""

import json
from typing import Any

from tciagen.contract.model import Attribute, Contract, Endpoint, Parameter, Type

from .naming import first_of_each, record_names

SCHEMAS: dict[Type, dict[str, Any]] = {
    Type.STRING: {"type": "string"},
    Type.INTEGER: {"type": "integer"},
    Type.DECIMAL: {"type": "number"},
    Type.BOOLEAN: {"type": "boolean"},
    Type.DATE: {"type": "string", "format": "date"},
    Type.DATE_TIME: {"type": "string", "format": "date-time"},
    Type.TIME: {"type": "string", "format": "time"},
    Type.UID: {"type": "string", "format": "uid"},
}
MEDIA_TYPES = {
    "JSON": "application/json",
    "CSV": "text/csv",
    "HTML": "text/html",
    "XML": "application/xml",
    "ZIP": "application/zip",
    "DICOM": "application/dicom",
}
FILE = {"type": "string", "format": "binary"}


def project(contract: Contract) -> str:
    """Return the document as JSON."""
    names = record_names(contract)
    document = {
        "openapi": "3.0.3",
        "info": {"title": "Query endpoints", "version": "1"},
        "paths": {f"/{e.address}": {"get": _operation(e, names)} for e in contract},
        "components": {
            "schemas": {
                name: _record(endpoint) for name, endpoint in first_of_each(contract, names).items()
            }
        },
    }
    return json.dumps(document, indent=1)


def _operation(endpoint: Endpoint, names: dict[str, str]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": endpoint.address.replace("/", "_"),
        "description": endpoint.description,
        "parameters": [*map(_parameter, endpoint.parameters), _format(endpoint)],
        "responses": {
            "200": {"description": "The response.", "content": _content(endpoint, names)}
        },
    }
    if endpoint.deprecated:
        operation["deprecated"] = True
    if endpoint.replaced_by is not None:
        operation["x-replaced-by"] = endpoint.replaced_by
    return operation


def _parameter(parameter: Parameter) -> dict[str, Any]:
    schema = _schema(parameter)
    if parameter.default is not None:
        schema["default"] = parameter.default
    shown: dict[str, Any] = {
        "name": parameter.name,
        "in": "query",
        "description": parameter.description,
        "required": parameter.required,
        "schema": schema,
    }
    if parameter.deprecated:
        shown["deprecated"] = True
    if parameter.dicom is not None:
        shown["x-dicom"] = parameter.dicom
    return shown


def _format(endpoint: Endpoint) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    if endpoint.formats is not None:
        schema["enum"] = list(endpoint.formats)
    if endpoint.default_format is not None:
        schema["default"] = endpoint.default_format
    return {"name": "format", "in": "query", "required": False, "schema": schema}


def _content(endpoint: Endpoint, names: dict[str, str]) -> dict[str, Any]:
    record = names.get(endpoint.address)
    if record is None:
        return {MEDIA_TYPES[name]: {"schema": FILE} for name in endpoint.formats or ("ZIP",)}
    rows = {"type": "array", "items": {"$ref": f"#/components/schemas/{record}"}}
    return {
        MEDIA_TYPES[name]: {"schema": rows if name == "JSON" else {"type": "string"}}
        for name in endpoint.formats or ("JSON",)
    }


def _record(endpoint: Endpoint) -> dict[str, Any]:
    attributes = endpoint.result.attributes
    schema: dict[str, Any] = {
        "type": "object",
        "description": endpoint.result.description,
        "properties": {attribute.name: _property(attribute) for attribute in attributes},
    }
    if required := [attribute.name for attribute in attributes if not attribute.optional]:
        schema["required"] = required
    return schema


def _property(attribute: Attribute) -> dict[str, Any]:
    schema = _schema(attribute) | {"description": attribute.description}
    if attribute.deprecated:
        schema["deprecated"] = True
    if attribute.dicom is not None:
        schema["x-dicom"] = attribute.dicom
    return schema


def _schema(member: Parameter | Attribute) -> dict[str, Any]:
    schema = dict(SCHEMAS[member.type])
    if member.allowed_values:
        schema["enum"] = list(member.allowed_values)
    return schema
