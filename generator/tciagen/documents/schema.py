"""The published schema of a metadata document, and every violation of it.

The schema is ``query-endpoint-metadata.schema.json`` beside this module (JSON Schema draft
2020-12). :func:`load_validator` reads another one from a file, and :func:`form_validator`
requires only the members that the generator needs.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import attrs
from jsonschema import Draft202012Validator, SchemaError
from jsonschema import ValidationError as JsonSchemaError
from jsonschema.validators import extend
from referencing.exceptions import Unresolvable

from tciagen.display import count, shorten
from tciagen.errors import DocumentProblem

SCHEMA_NAME = "query-endpoint-metadata.schema.json"
_SHOWN = 60
_CLASS_OR_END = re.compile(r"(\\.|\[(?:\\.|[^]\\])*])|\$", re.DOTALL)
"""An escape or character class, in which ``$`` is literal, or a ``$`` that is the end."""


@attrs.frozen(order=True)
class Violation:
    """One position in a document that violates the schema."""

    pointer: str
    found: str
    expected: str

    def __str__(self) -> str:
        return f"{self.pointer or '/'}: found {self.found}, expected {self.expected}"


def schema_text() -> str:
    """Return the text of the published schema, byte for byte."""
    return files(__package__).joinpath(SCHEMA_NAME).read_text(encoding="utf-8")


def json_pointer(path: Iterable[object]) -> str:
    """Return the RFC 6901 pointer of a path of member names and indices."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def _pattern(
    _validator: object, pattern: str, instance: object, _schema: object
) -> Iterator[JsonSchemaError]:
    """Read ``$`` as ECMA 262 does: Python's also matches before a final newline."""
    ends = _CLASS_OR_END.sub(lambda match: match[1] or r"\Z", pattern)
    if isinstance(instance, str) and not re.search(ends, instance):
        yield JsonSchemaError(f"does not match {pattern!r}")


_Validator = extend(Draft202012Validator, {"pattern": _pattern})  # type: ignore[no-untyped-call]


def load_validator(path: Path | None = None) -> Draft202012Validator:
    """Return a validator of the schema at ``path``. Default: the published schema.

    Raises:
        DocumentProblem: The file is not a JSON Schema.
    """
    if path is None:
        return _published_validator()
    try:
        schema = json.loads(path.read_text(encoding="utf-8"))
        Draft202012Validator.check_schema(schema)
    except (OSError, ValueError, SchemaError) as error:
        reason = error.message if isinstance(error, SchemaError) else str(error)
        raise DocumentProblem(f"{path} is not a readable JSON Schema: {reason}") from error
    return _Validator(schema)  # type: ignore[no-any-return]


@cache
def form_validator() -> Draft202012Validator:
    """Return a validator of the published schema that accepts names of any form and length.

    Another schema may allow more than this, but the generator could not read it.
    """
    form = extend(Draft202012Validator, {"pattern": _any, "maxLength": _any})  # type: ignore[no-untyped-call]
    return form(json.loads(schema_text()))  # type: ignore[no-any-return]


def _any(*_: object) -> Iterator[JsonSchemaError]:
    yield from ()


@cache
def _published_validator() -> Draft202012Validator:
    return _Validator(json.loads(schema_text()))  # type: ignore[no-any-return]


def violations(document: object, validator: Draft202012Validator | None = None) -> list[Violation]:
    """Return every violation of the schema, in the order of their pointers.

    Raises:
        DocumentProblem: The schema has a reference that cannot be resolved.
    """
    errors = (validator or load_validator()).iter_errors(document)
    try:
        return sorted({violation for error in errors for violation in _reported(error)})
    except Unresolvable as error:
        raise DocumentProblem(f"The schema refers to {error.ref}, which does not exist.") from error


def unknown_members(
    document: object, validator: Draft202012Validator | None = None
) -> tuple[str, ...]:
    """Return the JSON pointers of members that the schema does not know, sorted."""
    schema = (validator or load_validator()).schema
    if not isinstance(schema, Mapping):
        return ()
    return tuple(sorted(_unknown(document, schema, schema, ())))


def _unknown(
    value: object, schema: Mapping[str, Any], root: Mapping[str, Any], path: tuple[object, ...]
) -> Iterator[str]:
    shapes = list(_shapes(schema, root))
    if isinstance(value, dict):
        known: dict[str, Any] = {}
        for shape in shapes:
            known.update(shape.get("properties", {}))
        for name, member in value.items():
            if name not in known:
                if known:
                    yield json_pointer((*path, name))
            else:
                yield from _unknown(member, known[name], root, (*path, name))
    elif isinstance(value, list):
        for shape in shapes:
            if "items" in shape:
                for index, item in enumerate(value):
                    yield from _unknown(item, shape["items"], root, (*path, index))


def _shapes(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the schema and those that it refers to by ``$ref`` or ``oneOf``."""
    yield schema
    reference = schema.get("$ref", "")
    if reference.startswith("#/"):
        target: Any = root
        for part in reference[2:].split("/"):
            target = target[part]
        yield from _shapes(target, root)
    for branch in schema.get("oneOf", ()):
        yield from _shapes(branch, root)


def _reported(error: JsonSchemaError) -> Iterator[Violation]:
    if error.validator in ("oneOf", "anyOf") and error.context:
        judged = isinstance(error.instance, str | dict)
        inside = [e for e in error.context if e.validator != "type" or e.relative_path]
        if judged and inside:
            for child in inside:
                yield from _reported(child)
            return
    pointer = json_pointer(error.absolute_path)
    if error.validator == "required":
        missing = error.message.split("'")[1] if "'" in error.message else error.message
        yield Violation(pointer, "no member " + _short(missing), "that member, which is required")
        return
    yield Violation(pointer, _short(error.instance), _expected(error))


def _expected(error: JsonSchemaError) -> str:
    value: Any = error.validator_value
    match error.validator:
        case "type":
            return f"{_an(value)}"
        case "enum":
            return "one of " + ", ".join(map(str, value))
        case "const":
            return json.dumps(value)
        case "pattern":
            return f"a string that matches {value}"
        case "maxLength":
            return f"at most {value} characters"
        case "minItems":
            return f"at least {count(value, 'element')}"
        case "uniqueItems":
            return "unique elements"
        case "oneOf" | "anyOf":
            return "an object or its short form, a string"
        case _:
            return f"{error.validator!r} of the schema: {_short(value)}"


def _an(name: object) -> str:
    if isinstance(name, list):
        return " or ".join(map(_an, name))
    return f"an {name}" if str(name)[0] in "aeiou" else f"a {name}"


def _short(value: object) -> str:
    return shorten(json.dumps(value, ensure_ascii=True, sort_keys=True), _SHOWN)
