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

R = TypeVar("R")

Mode = Literal["plain", "memo", "optional"]
"""How a wire value becomes a value: as it is, or by what is remembered, None excepted or not."""

_MOST_LOOPS = 64

Loop = Callable[[Iterable[Any], Callable[[Any], None]], None]

UNLIKE = (AttributeError, KeyError, TypeError)
"""What asking a record raises that is not as its access says."""


@attrs.frozen(eq=False)
class Access:
    """Where the records of an answer have the value of each attribute.

    Attributes:
        kind: What a record is asked for: an attribute, a key or an index.
        places: That name, key or index; None where records do not have the value.
        sparse: The attributes whose key some records lack.
        texts: Whether a value of a text's attribute that is there is known to be text.
        done: The attributes whose values are known to be what they shall be.
    """

    kind: Literal["attribute", "key", "index"]
    places: Sequence[str | int | None]
    sparse: Collection[int] = attrs.field(default=(), kw_only=True)
    texts: bool = attrs.field(default=False, kw_only=True)
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

    def loop(self, access: Access, modes: Sequence[Mode], columns: Sequence[Any]) -> Loop:
        """A loop over records that appends the object of each one.

        Args:
            access: Where a record has its values.
            modes: Per attribute, how a wire value becomes a value.
            columns: Per attribute, values by wire values, which convert those they lack.
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
                value = "None"
            elif access.kind == "attribute":
                value = f"record.{place}"
            elif access.kind == "index":
                value = f"record[{place:d}]"
            else:
                bound += f"    k{i} = places[{i}]\n"
                value = f"record.get(k{i})" if i in access.sparse else f"record[k{i}]"
            if mode != "plain":
                bound += f"    c{i} = columns[{i}]\n"
            if mode == "memo":
                value = f"c{i}[{value}]"
            elif mode == "optional":
                value = f"None if (value := {value}) is None else c{i}[value]"
            stores += f"            row.{name} = {value}\n"
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
