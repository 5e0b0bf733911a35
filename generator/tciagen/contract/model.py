"""The contract: what an API means, free of JSON and of Python.

Built by :mod:`tciagen.contract.resolve` from documents, the DICOM data dictionary and the
overlay. Everything is frozen and ordered once: endpoints by address, parameters
and attributes as the document lists them (which for attributes is the order of
the CSV columns).
"""

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum

import attrs


class Type(StrEnum):
    """Logical type of a value; the names are those of the published schema."""

    STRING = "string"
    INTEGER = "integer"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    DATE = "date"
    DATE_TIME = "dateTime"
    TIME = "time"
    UID = "uid"


class Source(StrEnum):
    """The source of a type."""

    DOCUMENT = "document"
    TAG = "tag"
    OVERLAY = "overlay"
    ASSUMED = "assumed"


RECORD_FORMATS = ("CSV", "HTML", "XML", "JSON")
FILE_FORMATS = ("ZIP", "DICOM")
NO_TAG = "NA"
COMPUTED = "Computed"


@attrs.frozen(kw_only=True)
class Parameter:
    """One query key.

    ``dicom`` is a tag in capitals (``"0020 000E"``), ``"NA"``, ``"Computed"`` or
    None if undeclared. ``declared`` has the schema members that the document itself
    states; a short-form parameter with ``(R)`` or ``(O)`` declares ``Required``. Members from
    other sources are not in it.
    """

    name: str
    description: str = ""
    required: bool = False
    type: Type = Type.STRING
    type_source: Source = Source.DOCUMENT
    dicom: str | None = None
    allowed_values: tuple[str, ...] | None = None
    default: str | None = None
    deprecated: bool = False
    example: str | None = None
    python_name: str | None = None
    declared: frozenset[str] = frozenset()

    @property
    def undeclared(self) -> bool:
        """Whether no source states the type, so that ``type`` is an assumption."""
        return self.type_source is Source.ASSUMED


@attrs.frozen(kw_only=True)
class Attribute:
    """One column of a response; see :class:`Parameter` for the shared members.

    ``aliases`` are further wire names of the value. Only the overlay can state them.
    """

    name: str
    description: str = ""
    type: Type = Type.STRING
    type_source: Source = Source.DOCUMENT
    dicom: str | None = None
    optional: bool = True
    allowed_values: tuple[str, ...] | None = None
    deprecated: bool = False
    example: str | None = None
    python_name: str | None = None
    aliases: tuple[str, ...] = ()
    declared: frozenset[str] = frozenset()

    @property
    def undeclared(self) -> bool:
        """Whether no source states the type, so that ``type`` is an assumption."""
        return self.type_source is Source.ASSUMED


@attrs.frozen(kw_only=True)
class Result:
    """One record of the response, and its class in the generated client.

    ``python_name`` is the class name that the overlay sets, ``class_name`` the one that the
    generated client has; None before :mod:`tciagen.python.class_names` chose it.
    """

    name: str
    description: str = ""
    attributes: tuple[Attribute, ...] = ()
    python_name: str | None = None
    class_name: str | None = None


@attrs.frozen(kw_only=True)
class StatedBy:
    """An attribute of a record endpoint that states something about one download.

    ``endpoint`` is an address, ``attribute`` the name in the endpoint's document, and
    ``columns`` are further names of the same value in tables of other tools.
    """

    endpoint: str
    attribute: str
    columns: tuple[str, ...] = ()

    def __str__(self) -> str:
        return ", ".join((f"{self.endpoint} {self.attribute}", *map(repr, self.columns)))


@attrs.frozen(kw_only=True)
class FileRoles:
    """Statements of other endpoints about the downloads of a file endpoint.

    The configuration declares it, since no document does. ``count`` is the number of files,
    ``size`` the sum of their sizes in bytes.
    """

    count: tuple[StatedBy, ...] = ()
    size: tuple[StatedBy, ...] = ()


@attrs.frozen(kw_only=True)
class Endpoint:
    """One query endpoint below a resource.

    ``formats`` and ``default_format`` are undeclared (None) if neither the document nor the
    overlay states them; ``unknown_members`` are JSON pointers of members that the schema
    does not know.
    """

    resource: str
    name: str
    description: str = ""
    parameters: tuple[Parameter, ...] = ()
    formats: tuple[str, ...] | None = None
    default_format: str | None = None
    deprecated: bool = False
    replaced_by: str | None = None
    result: Result
    python_name: str | None = None
    roles: FileRoles = FileRoles()
    declared: frozenset[str] = frozenset()
    unknown_members: tuple[str, ...] = ()

    @property
    def address(self) -> str:
        """Path below the BaseURL, such as ``TCIA/query/getSeries``."""
        return f"{self.resource}/query/{self.name}"

    @property
    def returns_file(self) -> bool:
        """Whether a response is a file (ZIP or DICOM) and not records.

        Without formats, the default format decides. Without either, the attributes decide: a
        file has no attributes.
        """
        formats = self.formats or (self.default_format,)
        if formats == (None,):
            return not self.result.attributes
        return not set(formats) & set(RECORD_FORMATS)


def _by_address(endpoints: Iterable[Endpoint]) -> tuple[Endpoint, ...]:
    return tuple(sorted(endpoints, key=lambda endpoint: endpoint.address))


@attrs.frozen
class Contract:
    """All endpoints of one API, sorted by address."""

    endpoints: tuple[Endpoint, ...] = attrs.field(converter=_by_address)

    def __iter__(self) -> Iterator[Endpoint]:
        return iter(self.endpoints)

    def by_address(self) -> Mapping[str, Endpoint]:
        """Return the endpoints keyed by :attr:`Endpoint.address`."""
        return {endpoint.address: endpoint for endpoint in self.endpoints}
