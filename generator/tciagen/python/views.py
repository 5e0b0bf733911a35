"""The view of a contract in the templates: names, annotations and docstrings.

Names are :class:`~tciagen.python.names.Identifier`, texts from documents are
:class:`~tciagen.python.text.ServerText`.
"""

from collections.abc import Iterable

import attrs

from tciagen.contract.model import RECORD_FORMATS
from tciagen.python.examples import argument
from tciagen.python.names import Identifier
from tciagen.python.text import ServerText


@attrs.frozen(kw_only=True)
class ParameterView:
    """One keyword of a method.

    ``annotation`` is without ``| None``; a closed set has ``choices`` in Python, which are
    ``allowed`` on the wire. ``dicom_keyword`` is empty where the query key has the same letters
    and digits.
    """

    name: Identifier
    wire: ServerText
    kind: str
    annotation: str
    allowed: tuple[ServerText, ...]
    choices: tuple[ServerText | int, ...]
    takes_bool: bool
    required: bool
    deprecated: bool
    dicom_keyword: str
    example: ServerText

    def argument(self, value: str | ServerText) -> str:
        """Return a value as a call in Python has it."""
        return argument(self.kind, value)


@attrs.frozen(kw_only=True)
class FieldView:
    """One attribute of a record class."""

    name: Identifier
    wire: ServerText
    aliases: tuple[ServerText, ...]
    kind: str
    annotation: str
    allowed: tuple[ServerText, ...]
    choices: tuple[ServerText | int, ...]
    optional: bool
    code: bool


@attrs.frozen(kw_only=True)
class ClassView:
    """One record class; its required fields come first where a constructor needs that."""

    name: Identifier
    fields: tuple[FieldView, ...]
    doc: ServerText


@attrs.frozen(kw_only=True)
class CountView:
    """An endpoint whose rows state how many files a download has, and its fields that do.

    ``size`` is the field that states their size in bytes, or None; ``columns`` are further
    names of the count in tables of other tools.
    """

    constant: Identifier
    field: Identifier
    size: Identifier | None
    columns: tuple[ServerText, ...]


@attrs.frozen(kw_only=True)
class MethodView:
    """One endpoint's methods; ``record`` is None if the response is a file.

    ``many`` is the method for many downloads, None for records and for an endpoint that has one
    file only.
    """

    name: Identifier
    constant: Identifier
    resource: ServerText
    query_name: ServerText
    summary: ServerText
    doc: ServerText
    many: Identifier | None
    many_doc: ServerText
    streaming_doc: ServerText
    raw_doc: ServerText
    parameters: tuple[ParameterView, ...]
    formats: tuple[str, ...]
    default_format: str
    deprecated: bool
    replaced_by: ServerText | None
    record: ClassView | None
    counts: tuple[CountView, ...] = ()

    @property
    def record_formats(self) -> tuple[str, ...]:
        """Values that the keyword ``format`` takes, in small letters."""
        return tuple(f.lower() for f in self.formats if f in RECORD_FORMATS)

    @property
    def shown_parameters(self) -> tuple[ParameterView, ...]:
        """Those of an example call: the required ones, else the first."""
        return tuple(p for p in self.parameters if p.required) or self.parameters[:1]


@attrs.frozen(kw_only=True)
class ApiView:
    """The contract as the templates read it."""

    classes: tuple[ClassView, ...]
    methods: tuple[MethodView, ...]

    def uses(self, module: str, place: str) -> bool:
        """Return whether annotations of ``models`` or ``methods`` name a module or class."""
        if place == "models":
            texts: Iterable[str] = (
                f.annotation for c in self.classes for f in c.fields if not f.choices
            )
        else:
            texts = (p.annotation for m in self.methods for p in m.parameters if not p.choices)
        return any(module in text for text in texts)

    @property
    def definitions(self) -> tuple[MethodView, ...]:
        """The methods, so that each one follows those that it refers to."""
        return tuple(sorted(self.methods, key=lambda method: bool(method.counts)))

    @property
    def returns_files(self) -> bool:
        """Whether any endpoint returns a file."""
        return any(m.record is None for m in self.methods)

    @property
    def has_many(self) -> bool:
        """Whether any endpoint has a method for many downloads."""
        return any(m.many for m in self.methods)

    @property
    def uses_literal(self) -> bool:
        """Whether a parameter of a method has a closed set of values."""
        closed = any(p.choices for m in self.methods for p in m.parameters)
        return closed or any(len(m.record_formats) > 1 for m in self.methods)

    @property
    def typing_names(self) -> tuple[str, ...]:
        """The names from :mod:`typing` in the module of the clients."""
        used = {"Any": self.has_many, "Literal": self.uses_literal, "Unpack": self.returns_files}
        return tuple(name for name, is_used in used.items() if is_used)

    @property
    def endpoint_names(self) -> tuple[str, ...]:
        """The runtime's names in the module of the endpoints."""
        used = {
            "Attribute": any(c.fields for c in self.classes),
            "CountSource": any(m.counts for m in self.methods),
            "FileEndpoint": self.returns_files,
            "Parameter": any(m.parameters for m in self.methods),
            "RecordEndpoint": bool(self.classes),
        }
        return tuple(name for name, is_used in used.items() if is_used)

    @property
    def models_use_literal(self) -> bool:
        """Whether a field has a closed set of values."""
        return any(f.allowed for c in self.classes for f in c.fields)
