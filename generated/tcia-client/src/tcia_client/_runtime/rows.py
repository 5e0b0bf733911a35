"""Rows from cells: wire names to attributes, wire values to typed, frozen objects.

Every format brings a record down to a tuple of wire values in the order of the
endpoint's attributes (None where a value is missing). From there one loop, written
for the endpoint's own attributes, builds the rows: it converts by dictionaries that
remember what they have converted, so that equal values are also one object, and
stores into a private subclass that becomes the frozen class in its last step, which
costs a fifth of a frozen class's own ``__init__``. A record on which that loop stumbles
is done again by careful code that knows what to say.
"""

import keyword
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from operator import itemgetter
from typing import Any, Generic, Literal, TypeVar

from .endpoint import Attribute, Endpoint
from .errors import DecodeError, MisfitValueError, MissingValueError
from .values import CONVERTERS, MisfitError, uids

R = TypeVar("R")
T = TypeVar("T")
Cells = tuple[Any, ...]
OnMismatch = Literal["raise", "warn"]

_MOST_REMEMBERED = 8192
_MOST_LAYOUTS = 1024


class _Converted(dict[Any, Any]):
    """Wire value to Python value of one attribute, remembered for the next row."""

    __slots__ = ("convert", "optional")

    def __init__(self, attribute: Attribute) -> None:
        self.convert = CONVERTERS[attribute.kind]
        self.optional = attribute.optional
        if self.optional:
            self[None] = None

    def __missing__(self, value: Any) -> Any:
        if value is None:
            raise MisfitError("a value")
        converted = self.convert(value)
        if converted is None and not self.optional:
            raise MisfitError("a value")
        if type(value) is str or (type(value) is int and value > 1):  # True and 1 are one key
            self.make_room()
            self[value] = converted
        return converted

    def make_room(self) -> None:
        """Forget all, if it is too much."""
        if len(self) >= _MOST_REMEMBERED:
            self.clear()
            if self.optional:
                self[None] = None

    def foresee_uids(self, values: Iterable[Any]) -> None:
        """Convert the UIDs among the next values at once, if they all are UIDs."""
        new = {value for value in values if value not in self}
        try:
            converted = uids(new)
        except TypeError:  # something that is no text: told where its row is built
            return
        if converted is not None:
            self.make_room()
            self.update(zip(new, converted, strict=True))


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
    cells = ", ".join(f"v{i}" for i in range(len(names)))
    caches = "".join(f", c{i}" for i in range(len(names)))
    stores = "".join(f"        row.{name} = c{i}[v{i}]\n" for i, name in enumerate(names))
    source = (
        f"def build(records, append, new, Builder, Model{caches}):\n"
        f"    for [{cells}] in records:\n"
        f"        row = new(Builder)\n"
        f"{stores}"
        f"        row.__class__ = Model\n"
        f"        append(row)\n"
    )
    namespace: dict[str, Any] = {}
    exec(compile(source, f"<rows of {model.__name__}>", "exec"), namespace)  # noqa: S102
    loop: Callable[..., None] = namespace["build"]

    def build(records: Iterable[Cells], append: Callable[[Any], None], caches: Any) -> None:
        loop(records, append, object.__new__, builder, model, *caches)

    return build


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
        self._caches = [_Converted(attribute) for attribute in blueprint.attributes]
        self._uids = [
            (index, cache)
            for index, cache in enumerate(self._caches)
            if blueprint.attributes[index].kind == "uid"
        ]

    def extend(self, built: list[R], records: Sequence[T], cells: Callable[[T], Cells]) -> None:
        """Build rows of records and append them.

        Args:
            built: Where the rows go; on an error, those before it are there.
            records: Records as the format has them.
            cells: Gives a record's wire values in the order of the attributes.

        Raises:
            DecodeError: A record or a value of it is not as promised.
        """
        start = len(built)
        base = self.count
        try:
            while (done := len(built) - start) < len(records):
                try:
                    rest = islice(records, done, None) if done else records
                    ready: Iterable[Cells] = map(cells, rest)
                    if self._uids and not done:
                        ready = list(ready)
                        for index, cache in self._uids:
                            cache.foresee_uids([values[index] for values in ready])
                    self.blueprint.build(ready, built.append, self._caches)
                except (MisfitError, DecodeError, TypeError, ValueError, AttributeError):
                    done = len(built) - start
                    built.append(self._carefully(records[done], cells, base + done + 1))
        finally:
            self.count = base + len(built) - start

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
