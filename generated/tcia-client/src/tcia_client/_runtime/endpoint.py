"""The description of an endpoint in a generated client, as plain data."""

from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Generic, Literal, TypeVar

import attrs

from .record import RecordBase

Kind = Literal[
    "string", "integer", "decimal", "boolean", "date", "dateTime", "time", "uid", "undeclared"
]
"""The type of a value; ``undeclared`` where neither the server nor an overlay states one."""

RecordFormat = Literal["csv", "html", "xml", "json"]
R = TypeVar("R")
Value = str | int | float | Decimal | bool | date | datetime | time | None


@attrs.frozen
class Parameter:
    """One query key: its name on the wire, its keyword, and what it takes.

    ``takes_bool`` lets a parameter of undeclared type take true and false.
    ``dicom_keyword`` is that of its DICOM tag, empty where ``name`` has the same letters.
    """

    name: str
    python_name: str
    kind: Kind = "string"
    takes_bool: bool = attrs.field(default=False, kw_only=True)
    required: bool = attrs.field(default=False, kw_only=True)
    allowed_values: tuple[str, ...] = attrs.field(default=(), kw_only=True)
    default: str | None = attrs.field(default=None, kw_only=True)
    deprecated: bool = attrs.field(default=False, kw_only=True)
    dicom_keyword: str = attrs.field(default="", kw_only=True)


@attrs.frozen
class Attribute(RecordBase):
    """One value of a record.

    ``aliases`` are further names that the wire may use for it. A ``code`` is a text of few
    distinct values, such as a modality.
    """

    name: str
    python_name: str
    kind: Kind = "string"
    optional: bool = attrs.field(default=True, kw_only=True)
    aliases: tuple[str, ...] = attrs.field(default=(), kw_only=True)
    allowed_values: tuple[str, ...] = attrs.field(default=(), kw_only=True)
    code: bool = attrs.field(default=False, kw_only=True)
    deprecated: bool = attrs.field(default=False, kw_only=True)


@attrs.frozen(kw_only=True, eq=False)
class Endpoint:
    """One query endpoint; compared by identity, since a client has one of each.

    ``method`` is the name of the client's method for it.
    """

    resource: str
    name: str
    method: str = ""
    formats: tuple[str, ...] = ()
    default_format: str | None = None
    parameters: tuple[Parameter, ...] = ()
    attributes: tuple[Attribute, ...] = ()
    deprecated: bool = False
    replaced_by: str | None = None

    @property
    def address(self) -> str:
        """Path below the base URL, such as ``Resource/query/name``."""
        return f"{self.resource}/query/{self.name}"


@attrs.frozen(kw_only=True, eq=False)
class RecordEndpoint(Endpoint, Generic[R]):
    """An endpoint that returns records; ``model`` is the class of its rows."""

    model: type[R]


@attrs.frozen(kw_only=True, eq=False)
class FileEndpoint(Endpoint):
    """An endpoint that returns a file.

    ``many`` is the name of the client's method for many downloads. ``counts`` state how many
    files one download has; the first one that takes the parameters of a request is queried.
    """

    many: str = ""
    counts: "tuple[CountSource, ...]" = ()


@attrs.frozen
class CountSource:
    """An attribute that states how many files one download of a file endpoint has.

    Attributes:
        endpoint: The record endpoint with that attribute.
        attribute: Python name of the attribute.
        size: Python name of the attribute that states the size of these files in bytes, None
            if none does.
        columns: Further names of the number in tables of other tools.
    """

    endpoint: RecordEndpoint[Any]
    attribute: str
    size: str | None = attrs.field(default=None, kw_only=True)
    columns: tuple[str, ...] = attrs.field(default=(), kw_only=True)

    @property
    def names(self) -> frozenset[str]:
        """The names that a row or a table may use for the attribute."""
        own = (
            name
            for attribute in self.endpoint.attributes
            if attribute.python_name == self.attribute
            for name in (attribute.python_name, attribute.name, *attribute.aliases)
        )
        return frozenset((*own, *self.columns))


@attrs.define
class Arguments:
    """The arguments of one call: a value for each query key, the format, and options.

    ``values`` has the names of the query keys; None is not sent.
    """

    values: Mapping[str, Value]
    format: str | None = attrs.field(default=None, kw_only=True)
    options: Mapping[str, Any] = attrs.field(factory=dict[str, Any], kw_only=True)
