"""The effects of a change of type, which depend on the pair and on the reader of the value.

The Python types are those of the generated client: a UID is a ``str`` in calls and a subclass
of it in records, a decimal is a ``Decimal``, and a call accepts ``Decimal``, ``float`` or
``int`` for one.
"""

import attrs

from tciagen.contract.model import Type
from tciagen.drift.levels import Bump, Effect, Severity, Wire

_NUMBERS = (Type.INTEGER, Type.DECIMAL)


@attrs.frozen
class TypeChange:
    """The effects of one pair of types; ``kind`` is the end of the rule's ID."""

    kind: str
    severity: Severity
    wire: Wire
    source: Effect
    bump: Bump
    why: str | None = None


def _kind(old: Type, new: Type) -> str:
    if new is Type.STRING or (old, new) == _NUMBERS:
        return "widened"
    if old is Type.STRING or (new, old) == _NUMBERS:
        return "narrowed"
    return "changed"


def _judged(kind: str, severity: Severity, wire: Wire, why: str | None = None) -> TypeChange:
    harmless = severity is Severity.NON_BREAKING
    return TypeChange(
        kind,
        severity,
        wire,
        Effect.OK if harmless else Effect.TYPING,
        Bump.MAJOR if severity is Severity.BREAKING else Bump.MINOR,
        why,
    )


def request_type(old: Type, new: Type) -> TypeChange:
    """Return the effects of a parameter's new type on requests of the old client."""
    kind = _kind(old, new)
    if kind == "widened":
        if (old, new) == _NUMBERS or old is Type.UID:
            return _judged(
                kind,
                Severity.NON_BREAKING,
                Wire.OK,
                "Old values still fit, on the wire and in Python.",
            )
        return _judged(kind, Severity.DANGEROUS, Wire.OK)
    if (old, new) == (Type.STRING, Type.UID):
        return attrs.evolve(
            _judged(
                kind,
                Severity.DANGEROUS,
                Wire.ERROR,
                "The server refuses strings that are not UIDs; in Python both are str.",
            ),
            source=Effect.OK,
        )
    return _judged(kind, Severity.BREAKING, Wire.ERROR)


def result_type(old: Type, new: Type) -> TypeChange:
    """Return the effects of an attribute's new type on the old client, which reads it."""
    kind = _kind(old, new)
    match old, new:
        case Type.UID, Type.STRING:
            why = "The server may send strings that are not UIDs, which the old client refuses."
            return _judged(kind, Severity.DANGEROUS, Wire.ERROR, why)
        case Type.STRING, Type.UID:
            why = "The old client reads strings as before; a UID is a str in Python, too."
            return _judged(kind, Severity.NON_BREAKING, Wire.OK, why)
        case Type.DECIMAL, Type.INTEGER:
            return _judged(kind, Severity.DANGEROUS, Wire.OK)
        case Type.DATE, Type.DATE_TIME:
            why = (
                "A type checker reports nothing, because a datetime is a date: yet == with a date"
                " is False, < raises, and the old client cannot decode the values."
            )
            return attrs.evolve(
                _judged(kind, Severity.BREAKING, Wire.ERROR, why), source=Effect.BUILD
            )
    wire = Wire.OK if kind == "narrowed" else Wire.ERROR
    return _judged(kind, Severity.BREAKING, wire)
