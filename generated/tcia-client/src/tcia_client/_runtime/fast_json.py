"""Records of JSON by msgspec, where it is installed and takes them as they stand."""

from collections.abc import Sequence
from typing import Any

from .endpoint import Kind
from .rows import Blueprint, Cells, Layouts

_WIRE_TYPES: dict[Kind, Any] = {"integer": int | str | None, "boolean": bool | int | str | None}


class Reader:
    """Reads a JSON array of one endpoint's records into structs of wire values.

    It refuses what the standard library would read otherwise or not at all: a name
    that it was not made for, a value of another JSON type than the wire gives.
    """

    def __init__(
        self, blueprint: Blueprint[Any], names: tuple[str, ...], extras: tuple[str, ...]
    ) -> None:
        import msgspec  # noqa: PLC0415 - an extra

        self.blueprint = blueprint
        self.names = names
        self.extras = extras
        fields = [
            (f"a{i}", _WIRE_TYPES.get(attribute.kind, str | None), None)
            for i, attribute in enumerate(blueprint.attributes)
        ]
        fields += [(f"x{i}", Any, None) for i in range(len(extras))]
        struct = msgspec.defstruct(
            "Record",
            fields,
            rename=dict(zip((name for name, _, _ in fields), names + extras, strict=True)),
            forbid_unknown_fields=True,
            gc=False,
        )
        self._decode = msgspec.json.Decoder(list[struct]).decode  # type: ignore[valid-type]
        self._error = msgspec.DecodeError
        self._tuple = msgspec.structs.astuple
        self._width = len(names)
        self.cells = self._cut if extras else self._tuple

    def _cut(self, record: Any) -> Cells:
        return self._tuple(record)[: self._width]

    def columns(self, records: Sequence[Any]) -> Sequence[Sequence[Any]]:
        """The values of many records, a sequence per attribute."""
        return list(zip(*map(self._tuple, records), strict=True))[: self._width]

    def read(self, document: bytes) -> Sequence[Any] | None:
        """The records of a document, or None if it is not for this reader."""
        try:
            return self._decode(document)
        except (self._error, ValueError, RecursionError):
            return None

    def learn(self, layouts: Layouts) -> "Reader | None":
        """A reader for the names that an answer really has, or None if none would help."""
        wanted = layouts.wire_names()
        if wanted is None or wanted == (self.names, self.extras):
            return None
        reader = Reader(self.blueprint, *wanted)
        self.blueprint.reader = reader
        return reader


def reader(blueprint: Blueprint[Any]) -> Reader | None:
    """The reader for an endpoint, made once; None without msgspec."""
    if blueprint.reader is None:
        try:
            import msgspec  # noqa: F401, PLC0415 - an extra
        except ImportError:
            blueprint.reader = False
        else:
            blueprint.reader = Reader(blueprint, tuple(a.name for a in blueprint.attributes), ())
    return blueprint.reader if isinstance(blueprint.reader, Reader) else None
