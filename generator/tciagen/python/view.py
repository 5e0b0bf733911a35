"""The Python view: every name, annotation and docstring of the client, decided here.

Templates lay out what stands in these classes and decide nothing. Names are
:class:`~tciagen.python.names.Identifier`, texts from documents are
:class:`~tciagen.python.text.ServerText`.
"""

from collections.abc import Iterable, Sequence
from typing import TypeVar

import attrs

from tciagen.contract import (
    RECORD_FORMATS,
    Attribute,
    Contract,
    Endpoint,
    Parameter,
    Result,
    Type,
)
from tciagen.dicom import is_code_string
from tciagen.errors import DocumentProblem
from tciagen.python.docs import class_doc, method_doc
from tciagen.python.examples import argument, example
from tciagen.python.names import Identifier, class_name, pascal_case, variable, words
from tciagen.python.text import ServerText

RESERVED_METHODS = frozenset(
    {"close", "aclose", "base_url", "files", "records", "models", "datetime", "decimal"}
)
"""Public names of the runtime's client classes and of the module that defines the methods."""

RESERVED_PARAMETERS = frozenset({"self", "format", "options", "to"})
DOWNLOAD_KEYWORDS = frozenset(
    {"target", "items", "workers", "progress", "keep_zip", "names", "limits", "expect"}
    | {"existing", "on_difference"}
)
"""Keywords of the runtime's own in a call that downloads; see its ``DownloadOptions``."""

RESERVED_CLASSES = frozenset({"Literal"})
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


@attrs.frozen(kw_only=True)
class ParameterView:
    """One keyword of a method. ``annotation`` is without ``| None``."""

    name: Identifier
    wire: ServerText
    kind: str
    annotation: str
    allowed: tuple[ServerText, ...]
    required: bool
    deprecated: bool
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
    optional: bool
    code: bool


@attrs.frozen(kw_only=True)
class ClassView:
    """One record class; its required fields come first where a constructor needs that."""

    name: Identifier
    fields: tuple[FieldView, ...]
    doc: ServerText


@attrs.frozen(kw_only=True)
class MethodView:
    """One endpoint's method; ``record`` is None where the answer is a file."""

    name: Identifier
    constant: Identifier
    resource: ServerText
    query_name: ServerText
    summary: ServerText
    doc: ServerText
    parameters: tuple[ParameterView, ...]
    formats: tuple[str, ...]
    default_format: str
    deprecated: bool
    replaced_by: ServerText | None
    record: ClassView | None

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
    """What the templates see of the contract."""

    classes: tuple[ClassView, ...]
    methods: tuple[MethodView, ...]

    def uses(self, module: str, place: str) -> bool:
        """Whether annotations of ``models`` or ``methods`` name a module or class."""
        if place == "models":
            texts: Iterable[str] = (f.annotation for c in self.classes for f in c.fields)
        else:
            texts = (p.annotation for m in self.methods for p in m.parameters)
        return any(module in text for text in texts)

    @property
    def has_parameters(self) -> bool:
        """Whether any endpoint takes a query key."""
        return any(m.parameters for m in self.methods)

    @property
    def has_attributes(self) -> bool:
        """Whether any endpoint answers records with attributes."""
        return any(c.fields for c in self.classes)

    @property
    def answers_files(self) -> bool:
        """Whether any endpoint answers a file."""
        return any(m.record is None for m in self.methods)

    @property
    def typing_names(self) -> tuple[str, ...]:
        """What the methods need of :mod:`typing`."""
        literal = any(p.allowed for m in self.methods for p in m.parameters) or any(
            len(m.record_formats) > 1 for m in self.methods
        )
        return ("Literal",) * literal + ("Unpack",) * self.answers_files

    @property
    def models_use_literal(self) -> bool:
        """Whether a field has a closed set of values."""
        return any(f.allowed for c in self.classes for f in c.fields)


def build_view(contract: Contract, exported: Iterable[str]) -> ApiView:
    """Return the view of a contract.

    Args:
        contract: what to show.
        exported: the package's other public names, which no class may take.

    Raises:
        DocumentProblem: names that collide, or that give no Python name; all are told.
    """
    builder = _Builder(contract, frozenset(exported))
    view = builder.build()
    if builder.problems:
        raise DocumentProblem("\n".join(builder.problems))
    return view


Member = TypeVar("Member", Parameter, Attribute)


class _Builder:
    def __init__(self, contract: Contract, exported: frozenset[str]) -> None:
        self.contract = contract
        self.exported = exported
        self.problems: list[str] = []

    def build(self) -> ApiView:
        classes = self._classes()
        names = self._names(
            [(e.address, e.python_name or method_name(e)) for e in self.contract],
            RESERVED_METHODS,
            "method",
        )
        methods = tuple(
            self._method(endpoint, name, classes.get(endpoint.address))
            for endpoint, name in zip(self.contract, names, strict=True)
            if name is not None
        )
        unique = {view.name: view for view in classes.values()}
        return ApiView(classes=tuple(unique[n] for n in sorted(unique)), methods=methods)

    def _method(self, endpoint: Endpoint, name: Identifier, record: ClassView | None) -> MethodView:
        formats, default_format = _formats(endpoint)
        named = self._members(
            keywords(endpoint), reserved_parameters(endpoint), endpoint.address, "parameter"
        )
        return MethodView(
            name=name,
            constant=Identifier(name.upper()),
            resource=ServerText(endpoint.resource),
            query_name=ServerText(endpoint.name),
            summary=ServerText(endpoint.description),
            doc=method_doc(endpoint, named, record.name if record else None),
            parameters=tuple(_parameter(p, n, example(self.contract, p)) for p, n in named),
            formats=formats,
            default_format=default_format,
            deprecated=endpoint.deprecated,
            replaced_by=ServerText(endpoint.replaced_by) if endpoint.replaced_by else None,
            record=record,
        )

    def _classes(self) -> dict[str, ClassView]:
        """Return the record class of each endpoint, by address.

        Endpoints that name the same class with the same attributes share it. Where the
        attributes differ, the name stays with those that are most, and the others have
        their endpoint's name in front.
        """
        wanted: dict[str, dict[object, list[Endpoint]]] = {}
        for endpoint in self.contract:
            if not endpoint.answers_file:
                title = endpoint.result.python_name or endpoint.result.name
                shapes = wanted.setdefault(title, {})
                shapes.setdefault(_shape(endpoint.result), []).append(endpoint)
        views: dict[str, ClassView] = {}
        owners: dict[str, Endpoint] = {}
        for title, shapes in sorted(wanted.items()):
            groups = sorted(shapes.values(), key=lambda group: (-len(group), group[0].address))
            for number, group in enumerate(groups):
                first = group[0]
                name = self._class_name(first, pascal_case(first.name) + title if number else title)
                if name is None:
                    continue
                owner = owners.setdefault(name, first)
                if owner is not first:
                    self.problems.append(
                        f"The class name {name} of {first.address} is also that of"
                        f" {owner.address}; set `class` for one of them in the overlay."
                    )
                view = self._class(name, group)
                views.update({endpoint.address: view for endpoint in group})
        return views

    def _class_name(self, endpoint: Endpoint, title: str) -> Identifier | None:
        try:
            return class_name(title, self.exported | RESERVED_CLASSES)
        except ValueError:
            self.problems.append(
                f"{endpoint.address}: the class name {title!r} is no Python name;"
                " set `class` for it in the overlay."
            )
            return None

    def _class(self, name: Identifier, endpoints: Sequence[Endpoint]) -> ClassView:
        first = endpoints[0]
        named = self._members(first.result.attributes, RESERVED_FIELDS, first.address, "attribute")
        return ClassView(
            name=name,
            fields=tuple(_field(a, n) for a, n in named),
            doc=class_doc(first.result, named, [e.address for e in endpoints]),
        )

    def _members(
        self, members: Sequence[Member], reserved: frozenset[str], address: str, kind: str
    ) -> list[tuple[Member, Identifier]]:
        names = self._names(
            [(f"{address} {m.name}", m.python_name or m.name) for m in members], reserved, kind
        )
        return [(m, n) for m, n in zip(members, names, strict=True) if n is not None]

    def _names(
        self, wanted: Sequence[tuple[str, str]], reserved: frozenset[str], kind: str
    ) -> list[Identifier | None]:
        """Return a Python name for each source; tell those that meet another's."""
        taken: dict[str, str] = {}
        names: list[Identifier | None] = []
        for source, name in wanted:
            try:
                python = variable(name, reserved)
            except DocumentProblem as problem:
                self.problems.append(f"{source}: {problem}")
                names.append(None)
                continue
            if taken.setdefault(python, source) != source:
                self.problems.append(
                    f"The {kind}s {taken[python]} and {source} both become {python!r} in Python;"
                    " set `name` for one of them in the overlay."
                )
            names.append(python)
        return names


def _formats(endpoint: Endpoint) -> tuple[tuple[str, ...], str]:
    """Return the formats that a client can ask for, and the one that it asks for by default.

    Rows come in those of records, whatever files there are as well. A file is not asked for
    in a format: it comes in the default one.
    """
    default = endpoint.default_format
    if endpoint.answers_file:
        told = (default,) if default else endpoint.formats or ("ZIP",)
        return told, told[0]
    told = endpoint.formats or (default or "JSON",)
    formats = tuple(f for f in told if f in RECORD_FORMATS)
    if default not in formats:
        default = "JSON" if "JSON" in formats else formats[0]
    return formats, default


def _shape(result: Result) -> object:
    """Return what two results must share to be one class: no prose, no order."""
    return frozenset(
        (a.name, a.type, a.optional, a.allowed_values, a.aliases, a.python_name)
        for a in result.attributes
    )


def keywords(endpoint: Endpoint) -> tuple[Parameter, ...]:
    """Return the parameters that callers give: all but the query keys of the API itself.

    The client sends ``format`` with every query of records, and the key as a header: as
    query keys of a caller they would come twice, and the key would stand in every log.
    """
    own = {"api_key"} if endpoint.answers_file else {"api_key", "format"}
    return tuple(p for p in endpoint.parameters if p.name not in own)


def reserved_parameters(endpoint: Endpoint) -> frozenset[str]:
    """Return the keywords that no parameter of an endpoint can have."""
    return RESERVED_PARAMETERS | (DOWNLOAD_KEYWORDS if endpoint.answers_file else frozenset())


def method_name(endpoint: Endpoint) -> str:
    """Return the method's name: a file endpoint's ``getX`` is ``download_x``."""
    parts = words(endpoint.name)
    if endpoint.answers_file and parts and parts[0].lower() == "get" and parts[1:]:
        return "_".join(["download", *parts[1:]])
    return endpoint.name


def _parameter(parameter: Parameter, name: Identifier, example: str) -> ParameterView:
    return ParameterView(
        name=name,
        wire=ServerText(parameter.name),
        kind=parameter.type.value,
        annotation=ARGUMENT_TYPES[parameter.type],
        allowed=_literals(parameter),
        required=parameter.required,
        deprecated=parameter.deprecated,
        example=ServerText(example),
    )


def _field(attribute: Attribute, name: Identifier) -> FieldView:
    return FieldView(
        name=name,
        wire=ServerText(attribute.name),
        aliases=tuple(map(ServerText, attribute.aliases)),
        kind=attribute.type.value,
        annotation=VALUE_TYPES[attribute.type],
        allowed=_literals(attribute),
        optional=attribute.optional,
        code=attribute.type is Type.STRING
        and bool(attribute.allowed_values or is_code_string(attribute.dicom)),
    )


def _literals(member: Parameter | Attribute) -> tuple[ServerText, ...]:
    """Return the closed set of a text; other types keep their own type."""
    if member.type is not Type.STRING or not member.allowed_values:
        return ()
    return tuple(map(ServerText, member.allowed_values))
