"""Lists of rows that are tables as well.

Arrow's PyCapsule interface hands a whole answer to polars, pyarrow, duckdb, pandas and
others at once, with the types that the endpoint's attributes have:

=========  ==================================================================
kind       Arrow type
=========  ==================================================================
string     string; dictionary of strings for code strings (CS)
uid        string
undeclared string, also of JSON numbers and booleans
integer    int64
decimal    decimal128 of 38 digits, 18 of them behind the point: room for all
           that DICOM's 16 characters and a database's DECIMAL say
boolean    bool
date       date32
dateTime   timestamp in microseconds; one with an offset is brought to UTC
time       time64 in microseconds
=========  ==================================================================
"""

import functools
import shutil
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from importlib import import_module
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Generic, NoReturn, SupportsIndex, TypeVar, overload

from .decoding.rows import shown
from .display import columns, html_table
from .endpoint import Attribute, Kind

R = TypeVar("R")

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
"""What a column may hold; Arrow itself would take 5 for a date."""


def arrow_schema(attributes: Sequence[Attribute]) -> Any:
    """The Arrow schema of an endpoint's rows, a ``pyarrow.Schema``.

    Raises:
        ImportError: pyarrow is not installed.
    """
    arrow = _pyarrow()
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
    """Rows as a ``pyarrow.Table``.

    Raises:
        ImportError: pyarrow is not installed.
        ValueError: A value that does not fit its column.
    """
    arrow = _pyarrow()
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
    except UnicodeEncodeError:  # half of a surrogate pair, which is no text
        return arrow.array([v and _whole(v) for v in values], type_)
    except (arrow.ArrowInvalid, OverflowError):  # more digits than the column has
        pass
    for number, value in enumerate(values, 1):
        try:
            arrow.array([value] if type(value) in known else [object()], type_)
        except (arrow.ArrowException, OverflowError):
            raise ValueError(
                f"row {number}: {attribute.python_name} is {shown(value)}, which does not fit a "
                f"column of kind {attribute.kind}; leave the row out, or take CSV or JSON"
            ) from None
    raise AssertionError("every value fits alone, but not all together")


def _whole(text: str) -> str:
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _pyarrow() -> Any:
    try:
        return import_module("pyarrow")
    except ImportError as error:
        package = (__package__ or "").partition(".")[0]
        raise ImportError(
            f"tables need pyarrow; install {package} with its extra 'arrow'", name="pyarrow"
        ) from error


if TYPE_CHECKING:
    _List = list
else:
    _List = Generic


class RowList(_List[R]):
    """The rows of an answer: a list of objects, and a table for those who take Arrow.

    ``polars.DataFrame(rows)``, ``pyarrow.table(rows)``, ``pandas.DataFrame.from_arrow(rows)``
    and ``duckdb.sql("from rows")`` take all rows at once. It equals a list, does what a list
    does, and is one to type checkers; yet ``isinstance(rows, list)`` is False, because those
    libraries would otherwise look at its elements and never ask whether it is a table.

    Attributes:
        attributes: What the endpoint says of each attribute; the columns of the table.
    """

    __slots__ = ("_rows", "attributes")
    __hash__ = None

    def __init__(self, rows: Iterable[R], attributes: Sequence[Attribute]) -> None:
        self._rows = list(rows)
        self.attributes = tuple(attributes)

    @overload
    def __getitem__(self, place: SupportsIndex, /) -> R: ...
    @overload
    def __getitem__(self, place: slice, /) -> "RowList[R]": ...
    def __getitem__(self, place: SupportsIndex | slice, /) -> "R | RowList[R]":
        if isinstance(place, slice):
            return RowList(self._rows[place], self.attributes)
        return self._rows[place]

    def __radd__(self, other: list[Any]) -> list[Any]:
        return other + self._rows

    def copy(self) -> "RowList[R]":
        """A list of the same rows."""
        return RowList(self._rows, self.attributes)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._rows, self.attributes)

    def __arrow_c_schema__(self) -> object:
        return arrow_schema(self.attributes).__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return arrow_table(self._rows, self.attributes).__arrow_c_stream__(requested_schema)

    def __array__(self, *_args: Any, **_options: Any) -> NoReturn:
        raise TypeError(
            "rows have columns of several types; use pandas.DataFrame.from_arrow(rows), "
            "or list(rows) for an array of objects"
        )

    def __repr__(self) -> str:
        names, rows, note = self._excerpt()
        table = columns(names, rows, shutil.get_terminal_size().columns)
        more = f"; not shown: {', '.join(table.left_out)}" * bool(table.left_out)
        return "\n".join([table.head, *table.body, f"[{note}{more}]"])

    def _repr_html_(self) -> str:
        return html_table(*self._excerpt())

    def _excerpt(self) -> tuple[list[str], list[list[Any]], str]:
        names = [attribute.python_name for attribute in self.attributes]
        rows = [[getattr(row, n, None) for n in names] for row in self._rows[:_SHOWN_ROWS]]
        first = f"first {_SHOWN_ROWS} of " * (len(self._rows) > _SHOWN_ROWS)
        return names, rows, f"{first}{len(self._rows):,} row{'s' * (len(self._rows) != 1)}"


_GIVE_LISTS = frozenset({"__add__", "__mul__", "__rmul__"})


def _as_list(name: str) -> Callable[..., Any]:
    method = getattr(list, name)

    @functools.wraps(method)
    def forward(self: RowList[Any], *args: Any, **options: Any) -> Any:
        rows, *plain = (getattr(one, "_rows", one) for one in (self, *args))
        done: Any = method(rows, *plain, **options)
        if done is rows:
            return self
        return RowList[Any](done, self.attributes) if name in _GIVE_LISTS else done

    return forward


if not TYPE_CHECKING:
    _compared = {"__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__"}
    for _name in {*dir(list)} - {*dir(object)} - {*dir(RowList)} | _compared:
        setattr(RowList, _name, _as_list(_name))
