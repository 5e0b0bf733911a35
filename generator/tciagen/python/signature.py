"""Signatures of methods and record classes: keywords, annotations, reserved names.

The view builds methods and classes from them, and :mod:`tciagen.drift` derives the effect of a
change on user code.
"""

import re

from tciagen.contract.model import Attribute, Endpoint, Parameter, Type
from tciagen.python.names import snake_case, words

RESERVED_METHODS = frozenset(
    {"close", "aclose", "base_url", "streaming", "with_raw_response"}
    | {"models", "datetime", "decimal"}
)
"""Public names of the runtime's client classes and of the module that defines the methods."""

RESERVED_PARAMETERS = frozenset({"self", "format", "options", "to"})
DOWNLOAD_KEYWORDS = frozenset(
    {"target", "items", "workers", "progress", "keep_zip", "names", "limits", "expect"}
    | {"existing", "on_difference"}
)
"""Keywords of the runtime's own in a call that downloads; see its ``DownloadOptions``."""

RESERVED_FIELDS = frozenset({"self", "datetime", "decimal", "attrs"})

ARGUMENT_TYPES = {
    Type.STRING: "str",
    Type.UID: "str",
    Type.INTEGER: "int",
    Type.DECIMAL: "decimal.Decimal | float",
    Type.BOOLEAN: "bool",
    Type.DATE: "datetime.date | str",
    Type.DATE_TIME: "datetime.datetime | str",
    Type.TIME: "datetime.time | str",
}
VALUE_TYPES = {
    Type.STRING: "str",
    Type.UID: "UID",
    Type.INTEGER: "int",
    Type.DECIMAL: "decimal.Decimal",
    Type.BOOLEAN: "bool",
    Type.DATE: "datetime.date",
    Type.DATE_TIME: "datetime.datetime",
    Type.TIME: "datetime.time",
}
UNDECLARED = "undeclared"
"""The runtime's kind of a parameter or attribute whose type is undeclared."""

_UNDECLARED_ARGUMENT = "str | int | decimal.Decimal | float | datetime.date | datetime.time"
_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,17}")


def keywords(endpoint: Endpoint) -> tuple[Parameter, ...]:
    """Return the parameters that callers pass: all but the query keys of the API itself.

    The client sends ``format`` with every query of records, and the key as a header. As query
    keys of a caller they would be duplicated, and the key would be in every log.
    """
    own = {"api_key"} if endpoint.returns_file else {"api_key", "format"}
    return tuple(p for p in endpoint.parameters if p.name not in own)


def closed_set(member: Parameter | Attribute) -> tuple[str | int, ...]:
    """Return the values of the member's ``Literal`` annotation, empty if it has none.

    A parameter has one where each value has a single spelling on the wire: text, UIDs,
    integers, and true or false. An attribute has one for text, since the client reports
    unlisted values of text alone.
    """
    allowed = member.allowed_values or ()
    if member.type is Type.STRING or not allowed:
        return allowed
    if isinstance(member, Attribute):
        return ()
    match member.type:
        case Type.UID:
            return allowed
        case Type.INTEGER if all(map(_INTEGER.fullmatch, allowed)):
            return tuple(map(int, allowed))
        case Type.BOOLEAN if len(allowed) == 1 and allowed[0] in ("true", "false"):
            return (allowed[0] == "true",)
    return ()


def kind_of(member: Parameter | Attribute) -> str:
    """Return the runtime's name of the member's type."""
    return UNDECLARED if member.undeclared else member.type.value


def namesake(endpoint: Endpoint, parameter: Parameter) -> Attribute | None:
    """Return the attribute of the same name and endpoint, for a parameter without a type.

    It documents the argument, and never narrows the annotation.
    """
    if not parameter.undeclared:
        return None
    same = (
        attribute
        for attribute in endpoint.result.attributes
        if snake_case(attribute.name) == snake_case(parameter.name) and not attribute.undeclared
    )
    return next(same, None)


def takes_bool(endpoint: Endpoint, parameter: Parameter) -> bool:
    """Return whether a parameter without a type takes true and false, as its namesake does."""
    same = namesake(endpoint, parameter)
    return same is not None and same.type is Type.BOOLEAN


def argument_type(endpoint: Endpoint, parameter: Parameter) -> str:
    """Return the annotation of a keyword, without ``| None``."""
    if not parameter.undeclared:
        return ARGUMENT_TYPES[parameter.type]
    return _UNDECLARED_ARGUMENT + (" | bool" if takes_bool(endpoint, parameter) else "")


def reserved_parameters(endpoint: Endpoint) -> frozenset[str]:
    """Return the keywords that no parameter of an endpoint can have."""
    return RESERVED_PARAMETERS | (DOWNLOAD_KEYWORDS if endpoint.returns_file else frozenset())


def method_name(endpoint: Endpoint) -> str:
    """Return the method's name: a file endpoint's ``getX`` is ``download_x``."""
    parts = words(endpoint.name)
    if endpoint.returns_file and parts and parts[0].lower() == "get" and parts[1:]:
        return "_".join(["download", *parts[1:]])
    return endpoint.name


def many_name(method: str) -> str:
    """Return the name of the method for many downloads: its plural, such as ``download_images``."""
    if method.endswith("s"):
        return f"{method}_many"
    if method.endswith(("x", "z", "ch", "sh")):
        return f"{method}es"
    if method.endswith("y") and method[-2:-1] not in "aeiou":
        return f"{method[:-1]}ies"
    return f"{method}s"
