"""Rows from cells: wire names to attributes, wire values to typed, frozen objects.

Every format brings a record down to a tuple of wire values in the order of the
endpoint's attributes (None where a value is missing). Some hundred records at a time
are turned into columns, whose values are converted by dictionaries that remember what
they have converted, so that equal values are also one object. One loop, written for the
endpoint's own attributes, builds the rows: it stores into a private subclass that becomes
the frozen class in its last step, which costs a fifth of a frozen class's own ``__init__``.
A record on which that stumbles is done again by careful code that knows what to say.
"""

import keyword
from collections.abc import Callable, Iterable, Sequence
from itertools import repeat
from operator import itemgetter
from typing import Any, Generic, Literal, TypeVar

from .columns import Column, converter
from .endpoint import Attribute, Endpoint
from .errors import DecodeError, MisfitValueError, MissingValueError
from .values import CONVERTERS, MisfitError

R = TypeVar("R")
T = TypeVar("T")
Cells = tuple[Any, ...]
OnMismatch = Literal["raise", "warn"]

_AT_ONCE = 256
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
        self.converters = [converter(attribute) for attribute in endpoint.attributes]
        plain = {name: getattr(object, name) for name in ("__setattr__", "__delattr__")}
        self._builder: type[Any] = type(
            f"_{model.__name__}Builder",
            (model,),
            {"__slots__": (), "__module__": __name__, **plain},
        )
        self.reader: object = None
        """What :mod:`.fast_json` keeps here for the next answer."""
        self.build = _compile([a.python_name for a in self.attributes], self._builder, model)
        self._known: dict[str, tuple[int, int]] = {}
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

    def assemble(self, values: Sequence[Any]) -> R:
        """Build a row of values that are already what they shall be."""
        row = object.__new__(self._builder)
        for attribute, value in zip(self.attributes, values, strict=True):
            setattr(row, attribute.python_name, value)
        row.__class__ = self.model
        built: R = row
        return built


def _compile(names: Sequence[str], builder: type[Any], model: type[Any]) -> Callable[..., None]:
    """Write the loop that builds rows, as attrs writes an ``__init__``.

    Only attribute names of the package's own classes get into the source, and only
    if they are identifiers; everything else is bound from outside.
    """
    for name in names:
        if not name.isidentifier() or keyword.iskeyword(name):
            raise ValueError(f"{name!r} is not the name of an attribute")
    values = ", ".join(f"v{i}" for i in range(len(names)))
    stores = "".join(f"        row.{name} = v{i}\n" for i, name in enumerate(names))
    source = (
        f"def build(records, append, new, Builder, Model):\n"
        f"    for [{values}] in records:\n"
        f"        row = new(Builder)\n"
        f"{stores}"
        f"        row.__class__ = Model\n"
        f"        append(row)\n"
    )
    namespace: dict[str, Any] = {}
    exec(compile(source, f"<rows of {model.__name__}>", "exec"), namespace)  # noqa: S102
    loop: Callable[..., None] = namespace["build"]

    def build(records: Iterable[Sequence[Any]], append: Callable[[Any], None]) -> None:
        loop(records, append, object.__new__, builder, model)

    return build


Columns = Callable[[Sequence[T]], Sequence[Sequence[Any]] | None]


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


class Rows(Generic[R]):
    """The rows of one answer, numbered from 1 as they are built."""

    def __init__(
        self,
        blueprint: Blueprint[R],
        on_mismatch: OnMismatch = "raise",
        warn: Callable[[str], None] = lambda _message: None,
    ) -> None:
        self.blueprint = blueprint
        self.layouts = Layouts(blueprint)
        self.count = 0
        self._on_mismatch = on_mismatch
        self._warn = warn
        self._warned: set[str] = set()
        self._columns: list[Column] | None = None

    def extend(
        self,
        built: list[R],
        records: Sequence[T],
        cells: Callable[[T], Cells],
        columns: "Columns[T] | None" = None,
        *,
        texts: bool = False,
    ) -> None:
        """Build rows of records and append them.

        Args:
            built: Where the rows go; on an error, those before it are there.
            records: Records as the format has them.
            cells: Gives a record's wire values in the order of the attributes.
            columns: Gives the same of many records at once, a sequence per attribute, or
                None if it cannot.
            texts: See :meth:`.columns.Column.values_of`.

        Raises:
            DecodeError: A record or a value of it is not as promised.
        """
        if len(records) <= _FEW and not self.count:
            self._few(built, records, cells)
            return
        for start in range(0, len(records), _AT_ONCE):
            block = records[start : start + _AT_ONCE]
            done, base = len(built), self.count
            try:
                self._extend(built, block, cells, columns, texts=texts)
            finally:
                self.count = base + len(built) - done

    def _few(self, built: list[R], records: Sequence[T], cells: Callable[[T], Cells]) -> None:
        """Build the rows of a small answer, for which columns would be too much."""
        converters = self.blueprint.converters
        for record in records:
            try:
                values = zip(converters, cells(record), strict=True)
                row = [convert(value) for convert, value in values]
                self.blueprint.build((row,), built.append)
            except (MisfitError, DecodeError, TypeError, ValueError, AttributeError):
                built.append(self._carefully(record, cells, self.count + 1))
            self.count += 1

    def _extend(
        self,
        built: list[R],
        records: Sequence[T],
        cells: Callable[[T], Cells],
        columns: "Columns[T] | None",
        *,
        texts: bool,
    ) -> None:
        start = len(built)
        if self._columns is None:
            blueprint = self.blueprint
            self._columns = list(map(Column, blueprint.attributes, blueprint.converters))
        wire = columns(records) if columns is not None else None
        while (done := len(built) - start) < len(records):
            try:
                if wire is None:
                    wire = list(zip(*map(cells, records), strict=True))
                values = [
                    column.values_of(sequence[done:], texts=texts)
                    for column, sequence in zip(self._columns, wire, strict=True)
                ]
                rest = zip(*values, strict=True) if values else repeat((), len(records) - done)
                self.blueprint.build(rest, built.append)
            except (MisfitError, DecodeError, TypeError, ValueError, AttributeError):
                done = len(built) - start
                built.append(self._carefully(records[done], cells, self.count + done + 1))

    def _carefully(self, record: T, cells: Callable[[T], Cells], number: int) -> R:
        try:
            values = cells(record)
        except DecodeError as error:
            error.row = number
            error.reason = f"row {number}: {error.reason}"
            raise
        return self.blueprint.assemble(
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
            except MisfitError as error:
                needed, converted = error.needed, value
        if not needed and (converted is not None or attribute.optional):
            return converted
        name = attribute.python_name
        reason = (
            f"row {number}: {name} ({attribute.name}) must be {needed}, not {shown(value)}"
            if needed
            else f"row {number}: {name} ({attribute.name}) is missing, but is always present"
        )
        if self._on_mismatch == "raise":
            kind = MisfitValueError if needed else MissingValueError
            raise kind(reason, row=number, attribute=name, value=value)
        if name not in self._warned:
            self._warned.add(name)
            self._warn(f"{reason}. Further rows with this are delivered without a warning.")
        return converted


def shown(value: Any, limit: int = 80) -> str:
    """A value as a message shows it: its repr, cut."""
    text = repr(value[: limit * 2] if isinstance(value, str) else value)
    return text if len(text) <= limit else f"{text[:limit]}…"
