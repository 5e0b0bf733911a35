"""Rows from cells: wire names to attributes, wire values to typed, frozen objects.

A format tells where its records have the value of each attribute. The values of an
attribute are converted by a dictionary that remembers what it has converted, so that
equal values are also one object; one loop, written for the endpoint's own attributes,
builds the rows. A record on which that stumbles is done again by careful code that knows
what to say: it takes a tuple of wire values in the order of the attributes, None where
one is missing.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from operator import itemgetter
from typing import Any, Generic, Literal, TypeVar

from ..display import short_repr
from ..endpoint import Attribute, Endpoint
from ..errors import InvalidResponseError, InvalidValueError, MissingValueError
from ..redaction import NOTHING, Redactor, redacted_value
from ..values import CONVERTERS, InvalidValue
from .columns import UNLIKE, Column, Mode, converter
from .row_factory import Access, Builder, Loop

R = TypeVar("R")
T = TypeVar("T")
Cells = tuple[Any, ...]
OnMismatch = Literal["raise", "warn"]

_FEW = 16
_MOST_LAYOUTS = 1024
_MOST_FURTHER = 64


def _fold(name: str) -> str:
    return name.replace("_", "").casefold()


def picker(places: Sequence[int]) -> Callable[[Sequence[Any]], Cells]:
    """A function that takes the values at these places out of a sequence, as a tuple."""
    if len(places) > 1:
        return itemgetter(*places)
    if places:
        place = places[0]
        return lambda values: (values[place],)
    return lambda _values: ()


class Blueprint(Generic[R]):
    """How the rows of one endpoint are built; made once for an endpoint and its class."""

    def __init__(self, endpoint: Endpoint, model: type[R]) -> None:
        self.endpoint = endpoint
        self.model = model
        self.attributes = endpoint.attributes
        self.listed = [i for i, attribute in enumerate(self.attributes) if attribute.allowed_values]
        self.converters = [converter(attribute) for attribute in endpoint.attributes]
        self.builder = Builder([a.python_name for a in endpoint.attributes], model)
        self.in_order = Access("index", range(len(endpoint.attributes)))
        self.shapes: dict[Any, Any] | None = {}
        """What :mod:`.fast_json` keeps here for the next answer; None without msgspec."""
        self._known = {a.name: (0, index) for index, a in enumerate(self.attributes)}
        folds: dict[str, set[int]] = {}
        for index, attribute in enumerate(self.attributes):
            for rank, name in enumerate((attribute.name, *attribute.aliases)):
                self._known.setdefault(name, (rank, index))
                folds.setdefault(_fold(name), set()).add(index)
        self._folded = {fold: indexes.pop() for fold, indexes in folds.items() if len(indexes) == 1}

    def places(self, names: Sequence[str]) -> tuple[list[int], list[str]]:
        """Where each attribute stands among these wire names, -1 if nowhere.

        The documented name goes first, then the aliases in their order, then a name
        that differs in case and underscores only, if just one does.

        Returns:
            A place per attribute, and the names that no attribute has taken.
        """
        places = [-1] * len(self.attributes)
        ranks: dict[int, int] = {}
        folded: dict[int, list[int]] = {}
        for place, name in enumerate(names):
            if name in self._known:
                rank, index = self._known[name]
                if rank < ranks.get(index, rank + 1):
                    ranks[index] = rank
                    places[index] = place
            elif (fold := _fold(name)) in self._folded:
                folded.setdefault(self._folded[fold], []).append(place)
        for index, candidates in folded.items():
            if places[index] < 0 and len(candidates) == 1:
                places[index] = candidates[0]
        taken = {names[place] for place in places if place >= 0}
        undeclared = [name for name in names if name not in taken and name not in self._known]
        return places, undeclared


class Layouts(dict[Any, Callable[[Sequence[Any]], Cells]]):
    """Per sequence of wire names: how its values come into the order of the attributes.

    The values are to be followed by one None, which stands for all that is missing.
    """

    __slots__ = ("blueprint", "undeclared")

    def __init__(self, blueprint: Blueprint[Any]) -> None:
        self.blueprint = blueprint
        self.undeclared: dict[str, None] = {}

    def __missing__(self, names: tuple[str, ...]) -> Callable[[Sequence[Any]], Cells]:
        places, undeclared = self.blueprint.places(names)
        if len(self.undeclared) < _MOST_LAYOUTS:
            self.undeclared.update(dict.fromkeys(undeclared))
        pick = picker(places)
        if len(self) < _MOST_LAYOUTS:
            self[names] = pick
        return pick

    def wire_names(self) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
        """Which name the wire has used for each attribute so far, and which further names.

        Returns:
            A name per attribute, and the further ones; None if that changes within the answer.
        """
        names = [attribute.name for attribute in self.blueprint.attributes]
        used: dict[int, str] = {}
        further: dict[str, None] = {}
        for layout in self:
            places, _ = self.blueprint.places(layout)
            for index, place in enumerate(places):
                if place >= 0 and used.setdefault(index, layout[place]) != layout[place]:
                    return None
            further.update(dict.fromkeys(layout))
        for index, name in used.items():
            names[index] = name
        rest = tuple(name for name in further if name not in names)
        if len(rest) > _MOST_FURTHER or len(set(names)) < len(names):
            return None
        return tuple(names), rest


class RowReader(Generic[R]):
    """The rows of one answer, numbered from 1 as they are built.

    Attributes:
        count: How many there are so far.
        lacking: Whether records may lack a key that is not sparse in their access.
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
        self._columns: list[Column] = []
        self._few_values: dict[int, set[Any]] = {}
        self._watched: dict[Access, list[tuple[int, Any, Callable[[Any], Any]]]] = {}
        self._loops: dict[tuple[Access, tuple[Mode, ...]], Loop] = {}

    def extend(
        self,
        built: list[R],
        records: Sequence[T],
        cells: Callable[[T], Cells],
        form: "tuple[Sequence[Any], Access] | None" = None,
    ) -> None:
        """Build rows of records and append them.

        Args:
            built: Where the rows go; on an error, those before it are there.
            records: Records as the format has them.
            cells: Gives a record's wire values in the order of the attributes.
            form: The same records in a form of which it is known where the values are.

        Raises:
            InvalidResponseError: A record or a value of it is not as promised.
        """
        before = len(built) - self.count
        try:
            if len(records) <= _FEW and not self.count:
                self._few(built, records, cells)
            else:
                self._many(built, records, cells, form)
        finally:
            self.count = len(built) - before

    def _few(self, built: list[R], records: Sequence[T], cells: Callable[[T], Cells]) -> None:
        """Build the rows of a small answer, for which a loop of its own would be too much."""
        converters, assemble = self.blueprint.converters, self.blueprint.builder.assemble
        for number, record in enumerate(records, start=1):
            try:
                values = zip(converters, cells(record), strict=True)
                built.append(assemble([convert(value) for convert, value in values]))
            except (InvalidValue, InvalidResponseError, TypeError):
                built.append(self._carefully(record, cells, number))
        for index in self.blueprint.listed:
            name = self.blueprint.attributes[index].python_name
            found = (getattr(row, name) for row in built)
            self._few_values[index] = {value for value in found if type(value) is str}

    def _many(
        self,
        built: list[R],
        records: Sequence[T],
        cells: Callable[[T], Cells],
        form: "tuple[Sequence[Any], Access] | None",
    ) -> None:
        if form is None:
            tuples: list[Cells] = []
            with suppress(
                InvalidResponseError, TypeError
            ):  # told below, where the record's turn comes
                tuples.extend(map(cells, records))
            form = tuples, self.blueprint.in_order
        start = len(built)
        waiting = iter(form[0])
        loop = self._loop(*form)
        while True:
            try:
                loop(waiting, built.append)
            except (InvalidValue, *UNLIKE) as error:
                self.lacking |= type(error) is KeyError
                done = len(built) - start
                built.append(self._carefully(records[done], cells, self.count + done + 1))
            else:
                break
        rest = range(len(built) - start, len(records))
        built.extend(self._carefully(records[i], cells, self.count + i + 1) for i in rest)

    def undeclared_values(self) -> dict[str, list[str]]:
        """Texts of the rows so far that their attributes do not list, by attribute.

        Of an attribute that lists no values none is told; of the others some, at most.
        """
        found: dict[str, list[str]] = {}
        for index in self.blueprint.listed:
            attribute = self.blueprint.attributes[index]
            known = (column.known for column in self._columns[index : index + 1])
            seen = self._few_values.get(index, set()).union(*known)
            others = seen.difference(attribute.allowed_values)
            if texts := sorted(text for text in others if type(text) is str):
                found[attribute.python_name] = texts
        return found

    def _loop(self, records: Sequence[Any], access: Access) -> Loop:
        """The loop for these records, written anew where they are unlike those before."""
        if access not in self._watched:
            blueprint = self.blueprint
            if not self._columns:
                self._columns = list(map(Column, blueprint.attributes, blueprint.converters))
            self._watched[access] = [
                (index, column.mode, get)
                for index, (column, get) in enumerate(
                    zip(self._columns, access.getters, strict=True)
                )
                if index not in access.done and column.watched()
            ]
        watched = tuple(mode(records, get) for _, mode, get in self._watched[access])
        if (access, watched) not in self._loops:
            modes: list[Mode] = [
                "plain" if index in access.done else column.usual
                for index, column in enumerate(self._columns)
            ]
            for (index, _, _), mode in zip(self._watched[access], watched, strict=True):
                modes[index] = mode
            loop = self.blueprint.builder.loop(access, modes, self._columns)
            self._loops[access, watched] = loop
        return self._loops[access, watched]

    def _carefully(self, record: T, cells: Callable[[T], Cells], number: int) -> R:
        try:
            values = cells(record)
        except InvalidResponseError as error:
            error.row = number
            error.reason = f"row {number}: {error.reason}"
            raise
        return self.blueprint.builder.assemble(
            [
                self._value(attribute, value, number)
                for attribute, value in zip(self.blueprint.attributes, values, strict=True)
            ]
        )

    def _value(self, attribute: Attribute, value: Any, number: int) -> Any:
        needed = ""
        converted = None
        if value is not None:
            try:
                converted = CONVERTERS[attribute.kind](value)
            except InvalidValue as invalid:
                needed, converted = invalid.needed, value
        if not needed and (converted is not None or attribute.optional):
            return converted
        name = attribute.python_name
        problem = (
            f"must be {needed}, not {short_repr(value)}"
            if needed
            else ("is missing, but is always present")
        )
        kind = InvalidValueError if needed else MissingValueError
        error = kind(
            f"row {number}: {name} ({attribute.name}) {problem}",
            row=number,
            attribute=name,
            value=redacted_value(value),
        )
        if self._report is None:
            raise error
        if (kind, name) not in self._reported:
            self._reported.add((kind, name))
            self._report(error)
        return converted
