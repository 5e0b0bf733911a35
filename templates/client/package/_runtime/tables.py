"""Rows of a response as a list that converts to the tables of other libraries.

Each kind of attribute has one Arrow type:

=========  ==================================================================
kind       Arrow type
=========  ==================================================================
string     string; dictionary of strings for code strings (CS)
uid        string
undeclared string, also of JSON numbers and booleans
integer    int64
decimal    decimal128 of 38 digits, 18 of them after the point, which holds the
           16 characters of DICOM's DS and the DECIMAL of common databases
boolean    bool
date       date32
dateTime   timestamp in microseconds; one with an offset is converted to UTC
time       time64 in microseconds
=========  ==================================================================
"""

import shutil
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from importlib import import_module
from operator import attrgetter
from typing import Any, Self, SupportsIndex, TypeVar, overload

from .display import columns, html_table, short_repr
from .endpoint import Attribute, Kind

R = TypeVar("R")
T = TypeVar("T")

_SHOWN_ROWS = 20
_NONE = type(None)
_TYPES: dict[Kind, frozenset[type]] = {
    "string": frozenset({str, _NONE}),
    "undeclared": frozenset({str, _NONE}),
    "uid": frozenset({str, _NONE}),
    "integer": frozenset({int, _NONE}),
    "decimal": frozenset({Decimal, _NONE}),
    "boolean": frozenset({bool, _NONE}),
    "date": frozenset({date, _NONE}),
    "dateTime": frozenset({datetime, _NONE}),
    "time": frozenset({time, _NONE}),
}
"""The types that a column may hold; Arrow itself accepts 5 as a date."""


def arrow_schema(attributes: Sequence[Attribute]) -> Any:
    """Return the Arrow schema of an endpoint's rows, a ``pyarrow.Schema``.

    Raises:
        ImportError: pyarrow is not installed.
    """
    arrow = _library("pyarrow", "arrow")
    types = {
        "string": arrow.string(),
        "undeclared": arrow.string(),
        "uid": arrow.string(),
        "integer": arrow.int64(),
        "decimal": arrow.decimal128(38, 18),
        "boolean": arrow.bool_(),
        "date": arrow.date32(),
        "dateTime": arrow.timestamp("us"),
        "time": arrow.time64("us"),
    }
    codes = arrow.dictionary(arrow.int32(), arrow.string())
    return arrow.schema(
        [
            arrow.field(
                attribute.python_name,
                codes if attribute.code else types[attribute.kind],
            )
            for attribute in attributes
        ]
    )


def arrow_table(rows: Sequence[Any], attributes: Sequence[Attribute]) -> Any:
    """Return rows as a ``pyarrow.Table``.

    Raises:
        ImportError: pyarrow is not installed.
        ValueError: A value does not fit its column.
    """
    arrow = _library("pyarrow", "arrow")
    schema = arrow_schema(attributes)
    arrays = [
        _array(arrow, list(map(attrgetter(attribute.python_name), rows)), attribute, field.type)
        for attribute, field in zip(attributes, schema, strict=True)
    ]
    return arrow.Table.from_arrays(arrays, schema=schema)


def _array(arrow: Any, values: list[Any], attribute: Attribute, type_: Any) -> Any:
    known = _TYPES[attribute.kind]
    try:
        if known.issuperset(map(type, values)):
            return arrow.array(values, type_)
    except UnicodeEncodeError:  # half of a surrogate pair, which UTF-8 cannot hold
        return arrow.array([v and _without_half_pairs(v) for v in values], type_)
    except (arrow.ArrowInvalid, OverflowError):  # more digits than the column has
        pass
    for number, value in enumerate(values, 1):
        try:
            arrow.array([value] if type(value) in known else [object()], type_)
        except (arrow.ArrowException, OverflowError):
            raise ValueError(
                f"row {number}: {attribute.python_name} is {short_repr(value)}, which does not "
                f"fit a column of kind {attribute.kind}; leave the row out, or write CSV or JSON"
            ) from None
    raise AssertionError("every value fits alone, but not all together")


def _without_half_pairs(text: str) -> str:
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _library(name: str, extra: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        from importlib.metadata import packages_distributions  # noqa: PLC0415 - slow, rarely needed

        package = (__package__ or "").partition(".")[0]
        distribution = packages_distributions().get(package, [package])[0]
        raise ImportError(
            f"{name} is not installed; install it with: pip install '{distribution}[{extra}]'",
            name=name,
        ) from error


class Rows(list[R]):
    """The rows of a response: a list that converts to a table.

    ``rows.to_polars()``, ``rows.to_pandas()`` and ``rows.to_arrow()`` convert all rows at once,
    with the types of the endpoint's attributes. Libraries that look at the elements of a list,
    such as polars, pandas, pyarrow and DuckDB, need these methods. Libraries that use the
    Arrow PyCapsule interface accept the rows directly.

    A slice, a copy, a sum and a product of rows are rows, too.

    Attributes:
        attributes: The endpoint's attributes, which are the columns of the table.
    """

    __slots__ = ("attributes",)

    def __init__(self, rows: Iterable[R] = (), attributes: Sequence[Attribute] = ()) -> None:
        super().__init__(rows)
        self.attributes = tuple(attributes)

    def to_arrow(self) -> Any:
        """Return the rows as a ``pyarrow.Table``.

        Raises:
            ImportError: pyarrow is not installed.
            ValueError: A value does not fit its column.
        """
        return arrow_table(self, self.attributes)

    def to_pandas(self) -> Any:
        """Return the rows as a ``pandas.DataFrame``.

        Raises:
            ImportError: pandas or pyarrow is not installed.
            ValueError: A value does not fit its column.
        """
        _library("pandas", "pandas")
        return self.to_arrow().to_pandas()

    def to_polars(self) -> Any:
        """Return the rows as a ``polars.DataFrame``.

        Raises:
            ImportError: polars or pyarrow is not installed.
            ValueError: A value does not fit its column.
        """
        return _library("polars", "polars").DataFrame(self.to_arrow())

    def __arrow_c_schema__(self) -> object:
        return arrow_schema(self.attributes).__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.to_arrow().__arrow_c_stream__(requested_schema)

    @overload
    def __getitem__(self, index: SupportsIndex, /) -> R: ...
    @overload
    def __getitem__(self, index: slice, /) -> Self: ...
    def __getitem__(self, index: SupportsIndex | slice, /) -> R | Self:
        if isinstance(index, slice):
            return self._like(super().__getitem__(index))
        return super().__getitem__(index)

    @overload
    def __add__(self, other: list[R], /) -> Self: ...
    @overload
    def __add__(self, other: list[T], /) -> "Rows[R | T]": ...
    def __add__(self, other: list[Any], /) -> Any:
        return self._like(super().__add__(other))

    def __mul__(self, count: SupportsIndex, /) -> Self:
        return self._like(super().__mul__(count))

    def __rmul__(self, count: SupportsIndex, /) -> Self:
        return self._like(super().__rmul__(count))

    def copy(self) -> Self:
        """Return a list of the same rows."""
        return self._like(self)

    def _like(self, rows: Iterable[R]) -> Self:
        return type(self)(rows, self.attributes)

    def __reduce__(self) -> tuple[Any, ...]:
        return _load_rows, (type(self), [*self], self.attributes)

    def __repr__(self) -> str:
        names, rows, note = self._excerpt()
        table = columns(names, rows, shutil.get_terminal_size().columns)
        more = f"; not shown: {', '.join(table.left_out)}" * bool(table.left_out)
        return "\n".join([table.head, *table.body, f"[{note}{more}]"])

    def _repr_html_(self) -> str:
        return html_table(*self._excerpt())

    def _excerpt(self) -> tuple[list[str], list[list[Any]], str]:
        names = [attribute.python_name for attribute in self.attributes]
        rows = [[getattr(row, n, None) for n in names] for row in self[:_SHOWN_ROWS]]
        first = f"first {_SHOWN_ROWS} of " * (len(self) > _SHOWN_ROWS)
        return names, rows, f"{first}{len(self):,} row{'s' * (len(self) != 1)}"


def _load_rows(kind: type[Rows[R]], rows: list[R], attributes: Sequence[Attribute]) -> Rows[R]:
    """Return the rows of a pickle, without the columns that another version of the package had."""
    return kind(rows, [a for a in attributes if not rows or hasattr(rows[0], a.python_name)])
