"""The items of many downloads: what a caller passes, as keyword arguments of each download.

Rows of pandas, polars, pyarrow and others are recognised by what they can do; none of these
libraries is imported.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, time
from math import isnan
from numbers import Number
from typing import Any, NoReturn, cast

import attrs

from ..endpoint import FileEndpoint, Parameter
from ..errors import ParameterError
from ..http.request import Request
from ..naming import closest, fold
from .count import Count
from .options import OPTION_NAMES, Expected, Limits


class AmbiguousColumnsError(ValueError):
    """Two columns are named as the same parameter."""

    def __init__(self, parameter: str, first: str, second: str) -> None:
        super().__init__(f"columns {first!r} and {second!r} both name {parameter}; keep one")
        self.column = second


def spellings(parameters: Iterable[Parameter]) -> Mapping[str, str]:
    """Return the keyword of each parameter by every folded spelling of it."""
    known: dict[str, str] = {}
    labels: dict[str, str] = {}
    for parameter in parameters:
        names = (parameter.python_name, parameter.name, parameter.dicom_keyword)
        for name in filter(None, names):
            known.setdefault(fold(name), parameter.python_name)
            if parameter.kind == "uid":
                labels.setdefault(fold(name).replace("instance", ""), parameter.python_name)
    return {**labels, **known}


def match_columns(known: Mapping[str, str], names: Sequence[str]) -> dict[str, int]:
    """Return the position of each parameter's column among these names.

    Args:
        known: What :func:`spellings` returned.
        names: The names of the columns.

    Raises:
        AmbiguousColumnsError: Two columns name the same parameter.
    """
    found: dict[str, int] = {}
    for position, name in enumerate(names):
        keyword = known.get(fold(name))
        if keyword is None:
            continue
        if keyword in found:
            raise AmbiguousColumnsError(keyword, names[found[keyword]], name)
        found[keyword] = position
    return found


def missing(keyword: str, names: Sequence[str]) -> str:
    """Return the message for columns of which none is the parameter's."""
    listed = ", ".join(map(repr, names[:8])) + ", …" * (len(names) > 8)
    return f"none of the columns {listed} is {keyword}"


_SINGLE = (str, Number, date, time)
_MISSING = frozenset({"NAType", "NaTType"})
"""Types of the missing values of pandas, which compare with nothing."""

_ROWS_OF_FRAMES = (
    ("to_pylist", "to_pylist()"),
    ("iter_rows", "iter_rows(named=True)"),
    ("to_dict", 'to_dict("records")'),
)


@attrs.frozen(kw_only=True)
class Item:
    """One download that was requested among many.

    Attributes:
        source: The row, mapping or UID that the caller passed.
        request: The request for it.
        count: The number of files that the item states, None if it states none.
    """

    source: Any
    request: Request
    count: Count | None = None


class ItemReader:
    """Reads the keyword arguments of each of many downloads from the items of a caller.

    Args:
        endpoint: The endpoint to query.
        fixed: Keyword arguments that were passed for all downloads.
    """

    def __init__(self, endpoint: FileEndpoint, fixed: Collection[str]) -> None:
        self._endpoint = endpoint
        self._keywords = {parameter.python_name: parameter for parameter in endpoint.parameters}
        self._known = spellings(endpoint.parameters)
        self._required = [
            parameter.python_name
            for parameter in endpoint.parameters
            if parameter.required and parameter.python_name not in fixed
        ]

    def each(self, items: Any) -> Any:
        """Return an iterable of the items; a string or a mapping is one item.

        Raises:
            ParameterError: It is no iterable of rows.
        """
        if isinstance(items, str | Mapping):
            return (items,)
        if hasattr(items, "columns"):
            rows = next((call for name, call in _ROWS_OF_FRAMES if hasattr(items, name)), None)
            self._refuse(
                f"items is a {type(items).__name__}, whose elements are columns and not rows",
                f"Pass its rows, such as items.{rows}, or its column of UIDs." if rows else "",
            )
        if not isinstance(items, Iterable):
            series = "Pass items.series." if hasattr(items, "series") else ""
            self._refuse(f"items is a {type(items).__name__}, not a list of items", series)
        return cast("Any", items)

    def read(self, number: int, item: Any) -> dict[str, Any]:
        """Return the keyword arguments that one item states.

        Args:
            number: Position of the item, counted from 1.
            item: A mapping, whose keys are keyword arguments or names of columns; an object
                with attributes of these names; or a single value, for the one required
                parameter.

        Raises:
            ParameterError: It states no value for a required parameter.
        """
        if callable(getattr(item, "as_py", None)):  # a scalar of pyarrow
            item = item.as_py()
        if isinstance(item, _SINGLE) or _is_missing(item):
            if len(self._required) != 1:
                self._refuse(f"item {number} is one value, {item!r:.80}")
            names, values = self._required, [item]
        else:
            names, values = self._columns(item)
            if not names:
                self._refuse(f"item {number} has no column, attribute or key: {item!r:.80}")
        given = self._given(number, names, values)
        for name in self._required:
            if name not in given:
                among = f": {missing(name, names)}" if names != self._required else ""
                self._refuse(f"item {number} has no value for {name}{among}")
        return given

    def _columns(self, item: Any) -> tuple[list[str], list[Any]]:
        if hasattr(item, "keys") and hasattr(item, "__getitem__"):
            keys: Iterable[object] = item.keys()
            names = [name for name in keys if isinstance(name, str)]
            if names:
                return names, [item[name] for name in names]
        found: dict[str, Any] = {}
        for keyword, parameter in self._keywords.items():
            for name in (keyword, parameter.name):
                if keyword in self._required and hasattr(item, name):
                    found.setdefault(keyword, getattr(item, name))
        if not found and hasattr(item, "_fields"):  # a named tuple
            return list(item._fields), list(item)
        return list(found), list(found.values())

    def _given(self, number: int, names: list[str], values: list[Any]) -> dict[str, Any]:
        try:
            positions = match_columns(self._known, names)
        except AmbiguousColumnsError as error:
            self._refuse(f"item {number}: {error}", "")
        given = {
            keyword: values[position]
            for keyword, position in positions.items()
            if not _is_missing(values[position])
        }
        taken = set(positions.values())
        for position, (name, value) in enumerate(zip(names, values, strict=True)):
            if position in taken:
                continue
            if name in OPTION_NAMES:
                given[name] = value
            elif close := _misspelt_option(name, value):
                self._refuse(f"item {number} has the key {name!r}; did you mean {close!r}?", "")
        return given

    def _refuse(self, reason: str, advice: str | None = None) -> NoReturn:
        needed = " and ".join(self._required) or "nothing"
        raise ParameterError(
            f"{self._endpoint.many}: {reason}",
            method=self._endpoint.many,
            parameter="items",
            endpoint=self._endpoint.address,
            advice=(
                advice
                if advice is not None
                else f"Pass mappings or rows with {needed}, or single values of one required "
                "parameter."
            ),
        )


def _misspelt_option(name: str, value: Any) -> str | None:
    """Return the option that a key means; other keys are columns that a download does not use."""
    if isinstance(value, Expected):
        return "expect"
    if isinstance(value, Limits):
        return "limits"
    return closest(name, {option: option for option in OPTION_NAMES if len(option) > 6})


def _is_missing(value: Any) -> bool:
    if value is None or type(value).__name__ in _MISSING:
        return True
    return isinstance(value, float) and isnan(value)
