"""From wire values to Python values, and what is remembered of those of one attribute."""

from collections.abc import Callable, Collection, Sequence
from typing import Any, Literal

from ..endpoint import Attribute, Kind
from ..values import CONVERTERS, InvalidValue, are_uids

Mode = Literal["plain", "native", "memo"]
"""How a wire value becomes a value: as it is; so if it is of the kind's own type; or by memory."""

UNLIKE = (AttributeError, KeyError, TypeError)
"""What asking a record raises that is not as its access says."""

_MOST_REMEMBERED = 8192
_NATIVE: dict[Kind, type] = {
    "string": str,
    "undeclared": str,
    "integer": int,
    "boolean": bool,
}


class Column:
    """The values of one attribute, remembered so that equal values are one.

    Attributes:
        known: Python values by wire values.
        native: The type whose values are what they shall be.
        usual: The mode for values that are to be looked up.
    """

    def __init__(self, attribute: Attribute, convert: Callable[[Any], Any]) -> None:
        self._attribute = attribute
        self._convert = convert
        self.native = _NATIVE.get(attribute.kind)
        self.usual: Mode = "native" if self.native in (int, bool) else "memo"
        self._before = 0
        self._distinct = False
        self.known: dict[Any, Any] = {}
        self._forget()

    def _forget(self) -> None:
        self.known.clear()
        if self._attribute.optional:
            self.known[None] = None

    def learn(self, value: Any) -> Any:
        """The Python value of a wire value that is not known; from now on it is.

        Raises:
            InvalidValue: The value does not fit the attribute.
        """
        converted = self._convert(value)
        # True and 1, False and 0 are one key, and so are 5 and 5.0, which spell otherwise
        rememberable = type(value) is int and value not in (0, 1) and self.native is not str
        if type(value) is str or rememberable:
            if len(self.known) > _MOST_REMEMBERED:
                self._forget()
            self.known[value] = converted
        return converted

    def watched(self) -> bool:
        """Whether :meth:`mode` may give another mode for other records."""
        match self._attribute.kind:
            case "uid":
                return True
            case "string" | "undeclared":
                return not self._attribute.allowed_values
            case _:
                return False

    def mode(self, records: Sequence[Any], get: Callable[[Any], Any]) -> Mode:
        """How the values of the next records are to be converted, if it is watched.

        Args:
            records: What is to come next.
            get: Gives a record's wire value of this attribute.
        """
        if self._attribute.kind in ("string", "undeclared"):
            return self._mode_of_texts(len(records))
        try:
            return self._mode_of_uids(records, get)
        except UNLIKE:
            self._distinct = False
            return self.usual

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
        return "plain" if are_uids(values) else self.usual

    def _mode_of_texts(self, count: int) -> Mode:
        """Texts are not remembered where hardly one comes twice."""
        if not self._distinct:
            self._distinct = len(self.known) - self._before > 0.5 * count
            self._before = len(self.known)
            if self._distinct:
                self._forget()
        return "native" if self._distinct else "memo"


def converter(attribute: Attribute) -> Callable[[Any], Any]:
    """A function from an attribute's wire value, or None, to its Python value."""
    convert, optional = CONVERTERS[attribute.kind], attribute.optional

    def converted(value: Any) -> Any:
        found = None if value is None else convert(value)
        if found is None and not optional:
            raise InvalidValue("a value")
        return found

    def text(value: Any) -> Any:
        if value is None or type(value) is str:
            return value
        raise InvalidValue("text")

    return text if optional and attribute.kind == "string" else converted
