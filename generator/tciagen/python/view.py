"""The Python view: every name, annotation and docstring of the client.

Templates only lay out the content of these classes. Names are
:class:`~tciagen.python.names.Identifier`, texts from documents are
:class:`~tciagen.python.text.ServerText`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

import attrs

from tciagen.client_runtime import fold
from tciagen.contract.dicom import is_code_string, keyword_of_tag
from tciagen.contract.model import (
    RECORD_FORMATS,
    Attribute,
    Contract,
    Endpoint,
    Parameter,
    StatedBy,
    Type,
)
from tciagen.errors import DocumentProblem
from tciagen.python.class_names import name_classes
from tciagen.python.docs import class_doc, many_doc, method_doc, raw_doc, streaming_doc
from tciagen.python.examples import Examples
from tciagen.python.names import Identifier, snake_case, variable
from tciagen.python.signature import (
    RESERVED_FIELDS,
    RESERVED_METHODS,
    VALUE_TYPES,
    argument_type,
    closed_set,
    keywords,
    kind_of,
    many_name,
    method_name,
    reserved_parameters,
    takes_bool,
)
from tciagen.python.text import ServerText
from tciagen.python.views import (
    ApiView,
    ClassView,
    CountView,
    FieldView,
    MethodView,
    ParameterView,
)


def build_view(contract: Contract, exported: Iterable[str]) -> ApiView:
    """Return the view of a contract.

    Args:
        contract: what to show; record classes without a name get one.
        exported: the package's other public names, which no class may take.

    Raises:
        DocumentProblem: Names collide or give no Python name; all findings are reported.
    """
    naming = name_classes(contract, exported=exported)
    builder = _Builder(naming.contract)
    builder.problems += naming.problems
    view = builder.build()
    if builder.problems:
        raise DocumentProblem("\n".join(builder.problems))
    return view


Member = TypeVar("Member", Parameter, Attribute)


class _Builder:
    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self.examples = Examples(contract)
        self.problems: list[str] = []

    def build(self) -> ApiView:
        classes = self._classes()
        wanted = [(e.address, e.python_name or method_name(e)) for e in self.contract]
        plurals = [
            (f"{endpoint.address} (many downloads)", many_name(snake_case(name)))
            for endpoint, (_, name) in zip(self.contract, wanted, strict=True)
            if endpoint.returns_file and keywords(endpoint) and snake_case(name).isidentifier()
        ]
        names = self._names([*wanted, *plurals], RESERVED_METHODS, "method")
        by_source = dict(zip((source for source, _ in [*wanted, *plurals]), names, strict=True))
        methods = tuple(
            attrs.evolve(
                self._method(
                    endpoint,
                    name,
                    by_source.get(f"{endpoint.address} (many downloads)"),
                    classes.get(endpoint.address),
                ),
                counts=tuple(_counts(endpoint, by_source, classes)),
            )
            for endpoint in self.contract
            if (name := by_source[endpoint.address]) is not None
        )
        unique = {view.name: view for view in classes.values()}
        return ApiView(classes=tuple(unique[n] for n in sorted(unique)), methods=methods)

    def _method(
        self,
        endpoint: Endpoint,
        name: Identifier,
        many: Identifier | None,
        record: ClassView | None,
    ) -> MethodView:
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
            many=many,
            many_doc=many_doc(name, named),
            streaming_doc=streaming_doc(name, is_file=record is None),
            raw_doc=raw_doc(name),
            parameters=tuple(_parameter(endpoint, p, n, self.examples.of(p)) for p, n in named),
            formats=formats,
            default_format=default_format,
            deprecated=endpoint.deprecated,
            replaced_by=ServerText(endpoint.replaced_by) if endpoint.replaced_by else None,
            record=record,
        )

    def _classes(self) -> dict[str, ClassView]:
        """Return the record class of each endpoint, by address."""
        users: dict[str, list[Endpoint]] = {}
        for endpoint in self.contract:
            if not endpoint.returns_file and endpoint.result.class_name is not None:
                users.setdefault(endpoint.result.class_name, []).append(endpoint)
        return {
            endpoint.address: view
            for name, group in users.items()
            for view in [self._class(Identifier(name), group)]
            for endpoint in group
        }

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
        """Return a Python name for each source; report collisions."""
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


def _counts(
    endpoint: Endpoint,
    methods: Mapping[str, Identifier | None],
    classes: Mapping[str, ClassView],
) -> Iterator[CountView]:
    """Yield what states the count of an endpoint's downloads, under its names in Python."""

    def field_of(source: StatedBy) -> Identifier | None:
        record = classes.get(source.endpoint)
        wire = ServerText(source.attribute)
        return next((f.name for f in record.fields if f.wire == wire), None) if record else None

    sizes = {source.endpoint: field_of(source) for source in endpoint.roles.size}
    for source in endpoint.roles.count:
        method = methods.get(source.endpoint)
        field = field_of(source)
        if method is not None and field is not None:
            constant = Identifier(method.upper())
            size = sizes.get(source.endpoint)
            columns = tuple(map(ServerText, source.columns))
            yield CountView(constant=constant, field=field, size=size, columns=columns)


def _formats(endpoint: Endpoint) -> tuple[tuple[str, ...], str]:
    """Return the formats that a client can request, and the default of them.

    An endpoint of records has only formats of records, also if it offers files. A file has
    only the default format.
    """
    default = endpoint.default_format
    if endpoint.returns_file:
        formats_stated = (default,) if default else endpoint.formats or ("ZIP",)
        return formats_stated, formats_stated[0]
    formats_stated = endpoint.formats or (default or "JSON",)
    formats = tuple(f for f in formats_stated if f in RECORD_FORMATS)
    if default not in formats:
        default = "JSON" if "JSON" in formats else formats[0]
    return formats, default


def _parameter(
    endpoint: Endpoint, parameter: Parameter, name: Identifier, example: str
) -> ParameterView:
    return ParameterView(
        name=name,
        wire=ServerText(parameter.name),
        kind=kind_of(parameter),
        annotation=argument_type(endpoint, parameter),
        takes_bool=takes_bool(endpoint, parameter),
        allowed=_allowed(parameter),
        choices=_choices(parameter),
        required=parameter.required,
        deprecated=parameter.deprecated,
        dicom_keyword=_dicom_keyword(parameter),
        example=ServerText(example),
    )


def _dicom_keyword(parameter: Parameter) -> str:
    keyword = keyword_of_tag(parameter.dicom)
    same = fold(parameter.name) == fold(keyword)
    return "" if same else keyword


def _field(attribute: Attribute, name: Identifier) -> FieldView:
    return FieldView(
        name=name,
        wire=ServerText(attribute.name),
        aliases=tuple(map(ServerText, attribute.aliases)),
        kind=kind_of(attribute),
        annotation=VALUE_TYPES[attribute.type],
        allowed=_allowed(attribute),
        choices=_choices(attribute),
        optional=attribute.optional,
        code=attribute.type is Type.STRING
        and bool(attribute.allowed_values or is_code_string(attribute.dicom)),
    )


def _choices(member: Parameter | Attribute) -> tuple[ServerText | int, ...]:
    return tuple(v if isinstance(v, int) else ServerText(v) for v in closed_set(member))


def _allowed(member: Parameter | Attribute) -> tuple[ServerText, ...]:
    """Return the values of a closed set as the wire has them."""
    return tuple(map(ServerText, member.allowed_values or ())) if closed_set(member) else ()
