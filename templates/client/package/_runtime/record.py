"""The base class of records, which decides how records are pickled.

A pickle states the names and the types of the values that it holds. Another version of the
package loads it with the defaults of attributes that are new, or raises an error at once.
"""

from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, NewType, Union, get_args, get_origin

import attrs

Shape = tuple[tuple[str, ...], tuple[str, ...]]
"""The names and the types of a record's values."""


class RecordBase:
    """A record that other versions of the package can load from a pickle."""

    __slots__ = ()

    def __reduce__(self) -> tuple[Any, ...]:
        model: Any = type(self)
        shape = _shape(model)
        return load_record, (model, shape, tuple(getattr(self, name) for name in shape[0]))


def load_record(model: Any, pickled: Shape, values: tuple[Any, ...]) -> Any:
    """Return the record of a pickle.

    Args:
        model: The class of the record in this version of the package.
        pickled: The shape that the class had where the record was pickled.
        values: The values of the record, in the order of the shape.

    Raises:
        UnpicklingError: The class has a new attribute without a default, or a value does not
            fit the type that its attribute has in this version.
    """
    state = dict(zip(pickled[0], values, strict=True))
    if pickled == _shape(model):
        return model(**state)
    before = dict(zip(*pickled, strict=True))
    now = dict(zip(*_shape(model), strict=True))
    known = {name: state[name] for name in now if name in state}
    for field in attrs.fields(model):
        if field.name not in known:
            if field.default is attrs.NOTHING:
                raise _unloadable(model, f"it lacks {field.name}, which every record has now")
        elif before[field.name] != now[field.name] and not _fits(known[field.name], field.type):
            found = type(known[field.name]).__name__
            raise _unloadable(model, f"{field.name} is of type {found}, not {now[field.name]}")
    return model(**known)


@cache
def _shape(model: Any) -> Shape:
    fields = attrs.fields(model)
    types = (f.type.__name__ if isinstance(f.type, type) else str(f.type) for f in fields)
    return tuple(field.name for field in fields), tuple(types)


def _fits(value: Any, declared: Any) -> bool:
    """Return whether a value is of a declared type; other values than a Literal lists are."""
    if isinstance(declared, NewType):
        declared = declared.__supertype__
    origin = get_origin(declared)
    if origin in (Union, UnionType):
        return any(_fits(value, one) for one in get_args(declared))
    if origin is Literal:
        return type(value) in map(type, get_args(declared))
    if declared is None or declared is NoneType:
        return value is None
    return declared is Any or type(value) is (origin or declared)


def _unloadable(model: type[Any], reason: str) -> Exception:
    from pickle import UnpicklingError  # noqa: PLC0415 - only where pickles are loaded

    package = model.__module__.partition(".")[0]
    return UnpicklingError(
        f"cannot load a {model.__name__} that another version of {package} pickled: {reason}; "
        "fetch the records again"
    )
