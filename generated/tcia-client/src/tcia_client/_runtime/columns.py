"""From wire values to Python values, and what is remembered of those of one attribute."""

from collections.abc import Callable, Collection, Sequence
from typing import Any

from .building import UNLIKE, Mode
from .endpoint import Attribute
from .values import CONVERTERS, MisfitError, are_uids

_MOST_REMEMBERED = 8192


class Column(dict[Any, Any]):
    """Wire value to Python value of one attribute, remembered so that equal values are one.

    Attributes:
        convert: Gives the Python value of a wire value, None among them.
        remembered: The mode for values that are to be looked up here.
    """

    __slots__ = ("_attribute", "_before", "_distinct", "convert", "remembered")

    def __init__(self, attribute: Attribute, convert: Callable[[Any], Any]) -> None:
        self._attribute = attribute
        self.convert = convert
        self.remembered: Mode = "optional" if attribute.optional else "memo"
        self._before = 0
        self._distinct = False

    def __missing__(self, value: Any) -> Any:
        converted = self.convert(value)
        # True and 1, False and 0 are one key
        if type(value) is str or (type(value) is int and value not in (0, 1)):
            if len(self) > _MOST_REMEMBERED:
                self.clear()
            self[value] = converted
        return converted

    def watched(self) -> bool:
        """Whether :meth:`mode` may give another mode for other records."""
        match self._attribute.kind:
            case "uid":
                return True
            case "string":
                return not self._attribute.allowed_values
            case _:
                return False

    def mode(self, records: Sequence[Any], get: Callable[[Any], Any], *, texts: bool) -> Mode:
        """How the values of the next records are to be converted, if it is watched.

        Args:
            records: What is to come next.
            get: Gives a record's wire value of this attribute.
            texts: See :class:`.building.Access`.
        """
        try:
            if self._attribute.kind == "uid":
                return self._mode_of_uids(records, get)
            return self._mode_of_texts(records, get, texts=texts)
        except UNLIKE:
            self._distinct = False
            return self.remembered

    def _mode_of_uids(self, records: Sequence[Any], get: Callable[[Any], Any]) -> Mode:
        """All are looked at at once; only where one is none, each one is."""
        values: Collection[Any]
        if self._distinct:
            values = list(map(get, records))
        else:
            values = found = set(map(get, records))
            self._distinct = len(values) > 0.9 * len(records)
            if self._attribute.optional:
                found.discard(None)
        return "plain" if are_uids(values) else self.remembered

    def _mode_of_texts(
        self, records: Sequence[Any], get: Callable[[Any], Any], *, texts: bool
    ) -> Mode:
        """Texts are not remembered where hardly one comes twice."""
        if not self._distinct:
            self._distinct = len(self) - self._before > 0.5 * len(records) or (
                len(self) == _MOST_REMEMBERED
            )
            self._before = len(self)
        if not self._distinct:
            return self.remembered
        self.clear()
        if texts and self._attribute.optional:
            return "plain"
        found = set(map(type, map(get, records)))
        if self._attribute.optional:
            found.discard(type(None))
        return "plain" if found <= {str} else self.remembered


def converter(attribute: Attribute) -> Callable[[Any], Any]:
    """A function from an attribute's wire value, or None, to its Python value."""
    convert, optional = CONVERTERS[attribute.kind], attribute.optional

    def converted(value: Any) -> Any:
        found = None if value is None else convert(value)
        if found is None and not optional:
            raise MisfitError("a value")
        return found

    def text(value: Any) -> Any:
        if value is None or type(value) is str:
            return value
        raise MisfitError("text")

    return text if optional and attribute.kind == "string" else converted
