"""Overlay entries for undeclared types on which all sampled rows agree."""

import re
from collections.abc import Iterator, Sequence

from tciagen.client_runtime import text_fits
from tciagen.contract.model import Endpoint, Type
from tciagen.contract.overlay import overlay_lines
from tciagen.display import count
from tciagen.live.rows import Row

_SPELLINGS = (
    (Type.BOOLEAN, re.compile(r"true|false", re.IGNORECASE)),
    (Type.INTEGER, re.compile(r"-?(?:0|[1-9][0-9]{0,17})")),
    (Type.DECIMAL, re.compile(r"-?(?:0|[1-9][0-9]*)\.[0-9]+")),
    (Type.UID, re.compile(r"[0-9]+(?:\.[0-9]+){2,}")),
    (Type.DATE, re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[ T]00:00(?::00(?:\.0+)?)?)?")),
    (Type.DATE_TIME, re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T].+")),
    (Type.TIME, re.compile(r"[0-9]{2}:[0-9]{2}.*")),
)
"""The usual spelling of each type, which is stricter than what the client accepts."""

_WIDER = ({Type.INTEGER, Type.DECIMAL}, Type.DECIMAL), ({Type.DATE, Type.DATE_TIME}, Type.DATE_TIME)


def type_proposals(endpoint: Endpoint, rows: Sequence[Row]) -> Iterator[str]:
    """Yield a sentence and an overlay entry for each undeclared attribute with one type.

    Args:
        endpoint: The endpoint.
        rows: The client's values, in which a number or boolean without a declared type is a text.
    """
    for attribute in endpoint.result.attributes:
        found = [row[attribute.name] for row in rows if row[attribute.name] not in (None, "")]
        type_ = _common_type(found) if attribute.undeclared else None
        if type_ is not None:
            values_found = count(len(found), "value")
            reason = f"The sampled rows agree: {values_found} of type {type_}."
            where = {"attribute": attribute.name}
            yield (
                f"{endpoint.address}: {attribute.name} has no declared type, and the sampled rows"
                f" agree on {type_} ({values_found}). To state it, add to the overlay:\n"
                + overlay_lines(endpoint.address, "type", type_.value, reason, **where)
            )


def _common_type(values: Sequence[object]) -> Type | None:
    """Return the type that all values have, or None if they disagree or there are no values."""
    types = set(map(_type_of, values))
    for found, wider in _WIDER:
        if types == found:
            return wider
    return types.pop() if len(types) == 1 else None


def _type_of(value: object) -> Type | None:
    if not isinstance(value, str):
        return None
    for type_, spelling in _SPELLINGS:
        if spelling.fullmatch(value.strip()) and text_fits(type_, value):
            return type_
    return Type.STRING
