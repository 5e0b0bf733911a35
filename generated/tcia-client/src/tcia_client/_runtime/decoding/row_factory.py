"""The loop that builds the rows of an endpoint, written as attrs writes an ``__init__``.

A row is made as an object of a private subclass, which stores without the checks of a
frozen class, and becomes the frozen class in its last step: a genuine instance at a fifth
of the cost of the class's own ``__init__``.
"""

import keyword
from collections.abc import Callable, Collection, Iterable, Sequence
from operator import attrgetter, itemgetter, methodcaller
from typing import Any, Generic, Literal, TypeVar

import attrs

from .columns import Column, Mode

R = TypeVar("R")

_MOST_LOOPS = 64

Loop = Callable[[Iterable[Any], Callable[[Any], None]], None]


@attrs.frozen(eq=False)
class Access:
    """Where the records of an answer have the value of each attribute.

    Attributes:
        kind: What a record is asked for: an attribute, a key or an index.
        places: That name, key or index; None where records do not have the value.
        sparse: The attributes whose key some records lack.
        done: The attributes whose values are known to be what they shall be.
    """

    kind: Literal["attribute", "key", "index"]
    places: Sequence[str | int | None]
    sparse: Collection[int] = attrs.field(default=(), kw_only=True)
    done: Collection[int] = attrs.field(default=(), kw_only=True)
    getters: Sequence[Callable[[Any], Any]] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        find: Any = attrgetter if self.kind == "attribute" else itemgetter
        getters = [_nothing if place is None else find(place) for place in self.places]
        for index in self.sparse:
            getters[index] = methodcaller("get", self.places[index])
        object.__setattr__(self, "getters", getters)


def _nothing(_record: object) -> None:
    return None


class Builder(Generic[R]):
    """Builds objects of one class from values that are what they shall be."""

    def __init__(self, names: Sequence[str], model: type[R]) -> None:
        for name in names:
            if not name.isidentifier() or keyword.iskeyword(name):
                raise ValueError(f"{name!r} is not the name of an attribute")
        self.model = model
        self._names = names
        plain = {name: getattr(object, name) for name in ("__init__", "__setattr__", "__delattr__")}
        namespace = {"__slots__": (), "__module__": __name__, **plain}
        self._open: type[Any] = type(f"_{model.__name__}Builder", (model,), namespace)
        self._compiled: dict[tuple[Any, ...], Callable[..., Loop]] = {}

    def assemble(self, values: Iterable[Any]) -> R:
        """Build one object."""
        row = self._open()
        for name, value in zip(self._names, values, strict=True):
            setattr(row, name, value)
        row.__class__ = self.model
        built: R = row
        return built

    def loop(self, access: Access, modes: Sequence[Mode], columns: Sequence[Column]) -> Loop:
        """A loop over records that appends the object of each one.

        Args:
            access: Where a record has its values.
            modes: Per attribute, how a wire value becomes a value.
            columns: Per attribute, what its wire values become.
        """
        places: list[object] = list(access.places)
        if access.kind == "key":
            places = [place is None for place in places]
        key = (access.kind, *places, *access.sparse, *modes)
        if key not in self._compiled:
            if len(self._compiled) >= _MOST_LOOPS:
                self._compiled.clear()
            self._compiled[key] = self._compile(access, modes)
        return self._compiled[key](self._open, self.model, columns, access.places)

    def _compile(self, access: Access, modes: Sequence[Mode]) -> Callable[..., Loop]:
        """Compile a loop; names of our own classes are in its text, and nothing of a server."""
        bound, stores = "", ""
        for i, (name, place, mode) in enumerate(
            zip(self._names, access.places, modes, strict=True)
        ):
            if place is None:
                wire = "None"
            elif access.kind == "attribute":
                wire = f"record.{place}"
            elif access.kind == "index":
                wire = f"record[{place:d}]"
            else:
                bound += f"    key{i} = places[{i}]\n"
                wire = f"record.get(key{i})" if i in access.sparse else f"record[key{i}]"
            if mode == "plain":
                stores += _block(3, f"row.{name} = {wire}")
                continue
            bound += _block(1, f"known{i} = columns[{i}].known", f"learn{i} = columns[{i}].learn")
            depth = 3
            if mode == "native":
                bound += _block(1, f"native{i} = columns[{i}].native")
                stores += _block(3, f"row.{name} = value = {wire}")
                stores += _block(3, f"if type(value) is not native{i}:")
                wire, depth = "value", 4
            stores += _block(depth, "try:", f"    row.{name} = known{i}[{wire}]")
            stores += _block(depth, "except KeyError:", f"    row.{name} = learn{i}({wire})")
        source = (
            f"def bind(Open, Model, columns, places):\n"
            f"{bound}"
            f"    def build(records, append):\n"
            f"        for record in records:\n"
            f"            row = Open()\n"
            f"{stores}"
            f"            row.__class__ = Model\n"
            f"            append(row)\n"
            f"    return build\n"
        )
        namespace: dict[str, Any] = {}
        exec(compile(source, f"<rows of {self.model.__name__}>", "exec"), namespace)  # noqa: S102
        bind: Callable[..., Loop] = namespace["bind"]
        return bind


def _block(depth: int, *lines: str) -> str:
    return "".join(f"{'    ' * depth}{line}\n" for line in lines)
