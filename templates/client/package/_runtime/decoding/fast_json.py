"""Records by msgspec, where it is installed and takes them as they stand."""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Literal

from ..endpoint import Attribute, Kind
from .row_factory import Access
from .rows import Blueprint, Cells, Layouts

_WIRE_TYPES: dict[Kind, Any] = {"integer": int | str, "boolean": bool | int | str}
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_LEARN_AFTER = 512
_MOST_TEXTS = 64
_LONGEST_TEXT = 256
_MOST_SURPRISES = 3
_MOST_SHAPES = 16

Names = tuple[tuple[str, int | None], ...]
"""Per value of a record, its name on the wire and the attribute that takes it."""

Learnt = type[int] | type[date] | frozenset[str] | None
"""What the values of an attribute have had in common so far: a type, or the only texts."""


class Shape:
    """How an endpoint's records stand in an answer: which names they have, as what.

    Args:
        attributes: The endpoint's attributes.
        names: What a record has.
        as_array: Whether a record is an array of all values in this order, None for a
            missing one, or else an object.
    """

    def __init__(self, attributes: Sequence[Attribute], names: Names, *, as_array: bool) -> None:
        import msgspec  # noqa: PLC0415 - an extra

        self.msgspec = msgspec
        self.attributes = attributes
        self.names = names
        self.as_array = as_array
        self.fields = [
            f"x{place}" if index is None else f"a{index}" for place, (_, index) in enumerate(names)
        ]
        self.places: list[str | None] = [None] * len(attributes)
        for field, (_, index) in zip(self.fields, names, strict=True):
            if index is not None:
                self.places[index] = field
        self.plain = Parser(self, {})


class Parser:
    """Reads JSON into structs of wire values.

    It refuses what the standard library would read otherwise or not at all: a name
    that it was not made for, a value of another JSON type than the wire gives.

    Args:
        shape: How the records stand.
        learnt: Per attribute, what its values are known to be; they need not be converted,
            or not be made.
    """

    def __init__(self, shape: Shape, learnt: Mapping[int, Learnt]) -> None:
        msgspec, attributes = shape.msgspec, shape.attributes
        fields: list[tuple[Any, ...]] = []
        for field, (_, index) in zip(shape.fields, shape.names, strict=True):
            if index is None:
                fields.append((field, Any) if shape.as_array else (field, Any, None))
                continue
            kind: Any = _WIRE_TYPES.get(attributes[index].kind, str)
            if known := learnt.get(index):
                kind = Literal[tuple(sorted(known))] if isinstance(known, frozenset) else known
            if not attributes[index].optional:
                fields.append((field, kind))
            elif shape.as_array:
                fields.append((field, kind | None))
            else:
                fields.append((field, kind | None, None))
        wire_names = (name for name, _ in shape.names)
        struct = msgspec.defstruct(
            "Record",
            fields,
            rename=None if shape.as_array else dict(zip(shape.fields, wire_names, strict=True)),
            forbid_unknown_fields=True,
            array_like=shape.as_array,
            kw_only=True,
            gc=False,
        )
        self._decode = msgspec.json.Decoder(list[struct]).decode  # type: ignore[valid-type]
        self._errors = (msgspec.DecodeError, ValueError, RecursionError)
        done = {
            index
            for index, attribute in enumerate(attributes)
            if (shape.places[index] is not None or attribute.optional)
            and (
                (attribute.kind in ("string", "undeclared") and not attribute.allowed_values)
                or learnt.get(index) in (int, date)
            )
        }
        self.access = Access("attribute", shape.places, done=done)

    def parse(self, document: bytes) -> Sequence[Any] | None:
        """The records of a document, or None if it is not for this parser."""
        try:
            records: Sequence[Any] = self._decode(document)
        except self._errors:
            return None
        return records

    def cells(self, record: Any) -> Cells:
        """The wire values of a record in the order of the attributes."""
        values = [get(record) for get in self.access.getters]
        return tuple(str(value) if type(value) is date else value for value in values)


class Reader:
    """Reads the records of one answer, faster once it has seen which values come again."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self._parser = shape.plain
        self._seen: list[Any] | None = []
        self._learnt: dict[int, Learnt] = {}
        self._surprises: dict[int, int] = {}

    def read(self, document: bytes) -> tuple[Sequence[Any], Parser] | None:
        """The records of a document, or None if it is not for this reader."""
        parser, plain = self._parser, self.shape.plain
        records = parser.parse(document)
        if records is None and parser is not plain:
            parser, records = plain, plain.parse(document)
            if records is not None:
                self._learn_again(records)
        if records is None:
            return None
        if self._seen is not None:
            self._seen += records
            if len(self._seen) >= _LEARN_AFTER:
                self._learn(self._seen)
                self._seen = None
        return records, parser

    def _type(self, index: int, records: Sequence[Any]) -> Learnt:
        """What the values of an attribute have in common, None if too little."""
        kind = self.shape.attributes[index].kind
        found = set(map(self.shape.plain.access.getters[index], records))
        found.discard(None)
        types = set(map(type, found))
        if types == {int} and kind == "integer":
            return int
        if types - {str}:
            return None
        if found and kind == "date" and all(map(_DATE.fullmatch, found)):
            return date
        few = len(found) <= _MOST_TEXTS and max(map(len, found), default=0) <= _LONGEST_TEXT
        return frozenset(found) if few else None

    def _learn(self, records: Sequence[Any]) -> None:
        for _, index in self.shape.names:
            if index is not None and self.shape.attributes[index].kind != "uid":
                self._learnt[index] = self._type(index, records)
        self._parser = Parser(self.shape, self._learnt)

    def _learn_again(self, records: Sequence[Any]) -> None:
        for index, before in self._learnt.items():
            now = self._type(index, records)
            if not before or now == before or (now == frozenset() and before in (int, date)):
                continue
            if not (isinstance(now, frozenset) and isinstance(before, frozenset)):
                self._learnt[index] = None
            elif not now <= before:
                surprises = self._surprises[index] = self._surprises.get(index, 0) + 1
                self._learnt[index] = None if surprises > _MOST_SURPRISES else now | before
        self._parser = Parser(self.shape, self._learnt)


def reader(
    blueprint: Blueprint[Any], names: Names | None = None, *, as_array: bool = False
) -> Reader | None:
    """A reader for one answer; None without msgspec.

    Args:
        blueprint: What the rows are; it keeps the shapes of earlier answers.
        names: See :class:`Shape`; by default the attributes' own.
        as_array: The same.
    """
    if blueprint.shapes is None:
        return None
    shape = blueprint.shapes.get((names, as_array))
    if shape is None:
        own = tuple((attribute.name, i) for i, attribute in enumerate(blueprint.attributes))
        try:
            shape = Shape(blueprint.attributes, names or own, as_array=as_array)
        except ImportError:
            blueprint.shapes = None
            return None
        except ValueError:  # a name that no struct can have
            return None
        if len(blueprint.shapes) >= _MOST_SHAPES:
            blueprint.shapes.clear()
        blueprint.shapes[names, as_array] = shape
    return Reader(shape)


def learnt(blueprint: Blueprint[Any], layouts: Layouts, used: Reader) -> Reader | None:
    """A reader for the names that an answer really has, or None if none would help."""
    wanted = layouts.wire_names()
    if wanted is None:
        return None
    own, further = wanted
    names = (*((name, i) for i, name in enumerate(own)), *((name, None) for name in further))
    return None if names == used.shape.names else reader(blueprint, names)
