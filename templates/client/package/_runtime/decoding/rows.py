"""Rows from records: wire names to attributes, and wire values to typed, frozen objects.

A decoder states where its records have the value of each attribute. A compiled loop builds the
rows, see :mod:`.row_factory`. A record that the loop cannot read is read again by slower code that
raises an error with the row, the attribute and the value. That code takes a tuple of wire values
in the order of the attributes, with None for a missing value.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cached_property
from operator import itemgetter
from typing import Any, Generic, TypeVar

from ..display import short_repr
from ..endpoint import Attribute, Endpoint
from ..errors import InvalidResponseError, InvalidValueError, MissingValueError
from ..naming import fold
from ..redaction import NOTHING, Redactor, redacted_value
from ..values import CONVERTERS, InvalidValue
from .row_factory import ACCESS_ERRORS, Access, Column, Loop, Mode, RowFactory

R = TypeVar("R")
T = TypeVar("T")
Cells = tuple[Any, ...]

_FEW_RECORDS = 16
_MAX_LAYOUTS = 1024
_MAX_UNDECLARED = 64


def picker(positions: Sequence[int]) -> Callable[[Sequence[Any]], Cells]:
    """Return a function that returns the values at these positions of a sequence."""
    if len(positions) == 1:
        position = positions[0]
        return lambda values: (values[position],)
    return itemgetter(*positions) if positions else lambda _values: ()


class Blueprint(Generic[R]):
    """The plan of an endpoint's rows, which all responses of the endpoint share.

    Attributes:
        listed: Indexes of the attributes that list their values.
        in_order: The access to tuples of wire values in the order of the attributes.
        shapes: A cache of :mod:`.fast_json`; None without msgspec.
    """

    def __init__(self, endpoint: Endpoint, model: type[R]) -> None:
        self.endpoint = endpoint
        self.model = model
        self.attributes = endpoint.attributes
        self.listed = [i for i, attribute in enumerate(self.attributes) if attribute.allowed_values]
        self.factory = RowFactory([a.python_name for a in endpoint.attributes], model)
        self.in_order = Access("index", range(len(endpoint.attributes)))
        self.shapes: dict[Any, Any] | None = {}
        self._known = {a.name: (0, index) for index, a in enumerate(self.attributes)}
        indexes: dict[str, set[int]] = {}
        for index, attribute in enumerate(self.attributes):
            for rank, name in enumerate((attribute.name, *attribute.aliases)):
                self._known.setdefault(name, (rank, index))
                indexes.setdefault(fold(name), set()).add(index)
        self._folded = {name: found.pop() for name, found in indexes.items() if len(found) == 1}

    def positions(self, names: Sequence[str]) -> tuple[list[int], list[str]]:
        """Return the position of each attribute among wire names.

        The documented name comes first, then the aliases in their order, then the only name that
        has the same letters and digits.

        Returns:
            A position per attribute, -1 for a missing one, and the undeclared names.
        """
        positions = [-1] * len(self.attributes)
        ranks: dict[int, int] = {}
        similar: dict[int, list[int]] = {}
        for position, name in enumerate(names):
            if name in self._known:
                rank, index = self._known[name]
                if rank < ranks.get(index, rank + 1):
                    ranks[index] = rank
                    positions[index] = position
            elif (folded := fold(name)) in self._folded:
                similar.setdefault(self._folded[folded], []).append(position)
        for index, candidates in similar.items():
            if positions[index] < 0 and len(candidates) == 1:
                positions[index] = candidates[0]
        taken = {names[position] for position in positions if position >= 0}
        return positions, [name for name in names if name not in taken and name not in self._known]


class Layouts(dict[Any, Callable[[Sequence[Any]], Cells]]):
    """For a sequence of wire names, a function that puts values in the order of the attributes.

    The function expects the values and one more None, which it returns for missing values.
    """

    __slots__ = ("blueprint", "undeclared")

    def __init__(self, blueprint: Blueprint[Any]) -> None:
        self.blueprint = blueprint
        self.undeclared: dict[str, None] = {}

    def __missing__(self, names: tuple[str, ...]) -> Callable[[Sequence[Any]], Cells]:
        positions, undeclared = self.blueprint.positions(names)
        if len(self.undeclared) < _MAX_LAYOUTS:
            self.undeclared.update(dict.fromkeys(undeclared))
        pick = picker(positions)
        if len(self) < _MAX_LAYOUTS:
            self[names] = pick
        return pick

    def wire_names(self) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
        """Return the name that the response uses for each attribute, and the undeclared names.

        Returns:
            None if the names change within the response.
        """
        names = [attribute.name for attribute in self.blueprint.attributes]
        used: dict[int, str] = {}
        for layout in self:
            positions, _ = self.blueprint.positions(layout)
            for index, position in enumerate(positions):
                if position >= 0 and used.setdefault(index, layout[position]) != layout[position]:
                    return None
        for index, name in used.items():
            names[index] = name
        undeclared = dict.fromkeys(name for layout in self for name in layout if name not in names)
        if len(undeclared) > _MAX_UNDECLARED or len(set(names)) < len(names):
            return None
        return tuple(names), tuple(undeclared)


class RowReader(Generic[R]):
    """The rows of one response.

    Args:
        blueprint: The plan of the rows.
        report: Called with the first mismatch of each attribute; None raises it.
        redactor: Removes secrets from errors.

    Attributes:
        count: The number of rows so far.
        lacking: Whether a record lacked a key that its access has not as sparse.
    """

    def __init__(
        self,
        blueprint: Blueprint[R],
        report: Callable[[InvalidResponseError], None] | None = None,
        redactor: Redactor = NOTHING,
    ) -> None:
        self.blueprint = blueprint
        self.redactor = redactor
        self.layouts = Layouts(blueprint)
        self.count = 0
        self.lacking = False
        self._report = report
        self._reported: set[tuple[type[InvalidResponseError], str]] = set()
        self._texts: dict[int, set[str]] = {}
        self._varying: dict[Access, list[int]] = {}
        self._loops: dict[tuple[Access, tuple[Mode, ...]], Loop] = {}

    @cached_property
    def _columns(self) -> list[Column]:
        return [Column(attribute) for attribute in self.blueprint.attributes]

    def extend(
        self,
        built: list[R],
        records: Sequence[T],
        cells: Callable[[T], Cells],
        form: "tuple[Sequence[Any], Access] | None" = None,
    ) -> None:
        """Build the rows of records.

        Args:
            built: The list to which the rows are appended, also those before an error.
            records: The records of the format.
            cells: Returns a record's wire values in the order of the attributes.
            form: The same records in a form with faster access.

        Raises:
            InvalidResponseError: A record or one of its values is invalid.
        """
        before = len(built) - self.count
        try:
            if len(records) <= _FEW_RECORDS and not self.count:
                self._slowly(built, records, cells)  # a loop takes 2 ms to compile
            else:
                self._fast(built, records, cells, form)
        finally:
            self.count = len(built) - before

    def _fast(
        self,
        built: list[R],
        records: Sequence[T],
        cells: Callable[[T], Cells],
        form: "tuple[Sequence[Any], Access] | None",
    ) -> None:
        if form is None:
            tuples: list[Cells] = []
            with suppress(InvalidResponseError, TypeError):  # raised again below, with its row
                tuples.extend(map(cells, records))
            form = tuples, self.blueprint.in_order
        start = len(built)
        remaining = iter(form[0])
        loop = self._loop(*form)
        while True:
            try:
                loop(remaining, built.append)
            except (InvalidValue, *ACCESS_ERRORS) as error:
                self.lacking |= type(error) is KeyError
                done = len(built) - start
                self._slowly(built, records[done : done + 1], cells, done)
            else:
                break
        done = len(built) - start
        self._slowly(built, records[done:], cells, done)

    def _slowly(
        self, built: list[R], records: Sequence[T], cells: Callable[[T], Cells], done: int = 0
    ) -> None:
        for number, record in enumerate(records, self.count + done + 1):
            try:
                values = cells(record)
            except InvalidResponseError as error:
                error.row = number
                error.reason = f"row {number}: {error.reason}"
                raise
            converted = [self._value(i, value, number) for i, value in enumerate(values)]
            built.append(self.blueprint.factory.build(converted))

    def _value(self, index: int, value: Any, number: int) -> Any:
        attribute = self.blueprint.attributes[index]
        converted = None
        if value is not None:
            try:
                converted = CONVERTERS[attribute.kind](value)
            except InvalidValue as error:
                problem = f"must be {error.needed}, not {short_repr(value)}"
                self._mismatch(InvalidValueError, attribute, value, number, problem)
                return value
        if converted is None and not attribute.optional:
            problem = "is missing, but is always present"
            self._mismatch(MissingValueError, attribute, value, number, problem)
        elif attribute.allowed_values and type(converted) is str:
            self._texts.setdefault(index, set()).add(converted)
        return converted

    def _mismatch(
        self,
        kind: type[InvalidResponseError],
        attribute: Attribute,
        value: Any,
        number: int,
        problem: str,
    ) -> None:
        name = attribute.python_name
        if self._report is not None and (kind, name) in self._reported:
            return
        error = kind(
            f"row {number}: {name} ({attribute.name}) {problem}",
            row=number,
            attribute=name,
            value=redacted_value(value),
        )
        if self._report is None:
            raise error
        self._reported.add((kind, name))
        self._report(error)

    def undeclared_values(self) -> dict[str, list[str]]:
        """Return texts of the rows that their attributes do not list, by Python name.

        A cache has a limited size, so that of many texts some are missing.
        """
        found: dict[str, list[str]] = {}
        for index in self.blueprint.listed:
            attribute = self.blueprint.attributes[index]
            seen = self._texts.get(index, set()).union(self._columns[index].cache)
            others = seen.difference(attribute.allowed_values)
            if texts := sorted(text for text in others if type(text) is str):
                found[attribute.python_name] = texts
        return found

    def _loop(self, records: Sequence[Any], access: Access) -> Loop:
        """Return the loop for these records; the modes depend on the values."""
        if access not in self._varying:
            self._varying[access] = [
                index
                for index, column in enumerate(self._columns)
                if index not in access.converted and column.mode_varies
            ]
        varying: dict[int, Mode] = {
            index: self._columns[index].mode(records, access.getters[index])
            for index in self._varying[access]
        }
        key = access, tuple(varying.values())
        if key not in self._loops:
            modes: list[Mode] = [
                "plain" if i in access.converted else varying.get(i, column.default_mode)
                for i, column in enumerate(self._columns)
            ]
            self._loops[key] = self.blueprint.factory.loop(access, modes, self._columns)
        return self._loops[key]
