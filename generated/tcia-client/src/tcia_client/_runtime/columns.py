"""From wire values to Python values, some hundred of one attribute at a time."""

from collections.abc import Callable, Iterable, Sequence
from itertools import filterfalse, repeat
from typing import Any

from .endpoint import Attribute
from .values import CONVERTERS, MisfitError, uids

_NUMBERS = ("integer", "decimal")
_ONE_VALUE = (str, type(None))
_MOST_REMEMBERED = 8192
_FEW = 16


class Column(dict[Any, Any]):
    """Wire value to Python value of one attribute, remembered for the next rows."""

    __slots__ = ("_convert", "_distinct", "_kind", "_optional")

    def __init__(self, attribute: Attribute, convert: Callable[[Any], Any]) -> None:
        self._kind = attribute.kind
        self._convert = convert
        self._optional = attribute.optional
        self._distinct = False

    def __missing__(self, value: Any) -> Any:
        converted = self._convert(value)
        if value is None or type(value) is str or type(value) is int:
            self[value] = converted
        return converted

    def values_of(self, wire: Sequence[Any], *, texts: bool) -> Iterable[Any]:
        """The Python values of the next wire values.

        Args:
            wire: A value per row, None for a missing one.
            texts: That a value of a text attribute is known to be text, if it is there,
                and that of an integer attribute no boolean.

        Raises:
            MisfitError: When the value is reached that does not fit.
        """
        if len(self) > _MOST_REMEMBERED:
            self.clear()
        if self._kind == "uid":
            return self._uids(wire)
        first = wire[0]
        if first == wire[-1] and type(first) in _ONE_VALUE and wire.count(first) == len(wire):
            return repeat(self[first], len(wire))
        if texts:
            if self._kind == "string" and (self._optional or None not in wire):
                return map(self.setdefault, wire, wire)
        elif self._kind in _NUMBERS and bool in set(map(type, wire)):  # True and 1 are one key
            return map(self._convert, wire)
        return map(self.__getitem__, wire)

    def _uids(self, wire: Sequence[Any]) -> Iterable[Any]:
        """UIDs at once, if they all are; not remembered where hardly one comes twice."""
        try:
            if self._distinct and (converted := uids(wire)) is not None:
                return converted
            new = list(filterfalse(self.__contains__, set(wire)))
            if (converted := uids(new)) is not None:
                self._distinct = len(new) > _FEW and len(new) > 0.9 * len(wire)
                self.update(zip(new, converted, strict=True))
        except TypeError:  # something that is no text: told where its row is built
            pass
        return map(self.__getitem__, wire)


def converter(attribute: Attribute) -> Callable[[Any], Any]:
    """A function from an attribute's wire value, or None, to its Python value."""
    convert, optional = CONVERTERS[attribute.kind], attribute.optional

    def converted(value: Any) -> Any:
        found = None if value is None else convert(value)
        if found is None and not optional:
            raise MisfitError("a value")
        return found

    return converted
