"""What parameters and attributes have in common: type, tag, closed set, prose."""

from collections.abc import Callable, Mapping

from tciagen.contract.model import Attribute, Parameter, Source, Type
from tciagen.drift.change import Change, Ledger, Place, Value
from tciagen.drift.compare.declarations import Statements
from tciagen.drift.compare.matching import M, Matching, Pair, is_tag
from tciagen.drift.compare.types import TypeChange
from tciagen.drift.levels import Bump, Effect, Severity, Wire
from tciagen.drift.names import python_name
from tciagen.python.signature import closed_set

_WITHOUT_LITERAL = {
    "param-enum-added": "The server refuses values outside the set.",
    "param-enum-removed": "The server takes every value now.",
    "param-enum-value-added": "Calls work as before.",
    "param-enum-value-removed": "A call with this value fails or finds nothing.",
    "attr-enum-added": "Records are read as before.",
    "attr-enum-removed": "Values that no code was written for may come.",
    "attr-enum-value-added": "A value that no code was written for may come.",
    "attr-enum-value-removed": "Records are read as before; code for this value is dead.",
}
"""What a change of AllowedValues means where the client's annotation does not name them."""


def same_words(old: str | None, new: str | None) -> bool:
    """Whether two texts differ in white space at most."""
    return (old or "").split() == (new or "").split()


def compare_common(
    ledger: Ledger,
    place: Place,
    prefix: str,
    pair: Pair[M],
    judge_type: Callable[[Type, Type], TypeChange],
) -> Statements:
    """Report differences in the members that both kinds have; ``prefix`` begins the rules."""
    old, new = pair.old, pair.new
    told = Statements(ledger, place, old, new)
    tag = _tag(told, prefix)
    if told.type_now_declared():
        ledger.add("type-declared", place.at("Type"), None, new.type.value, cause=tag)
    elif not told.same_type(tag):
        judged = judge_type(old.type, new.type)
        from_tag = Source.TAG in (old.type_source, new.type_source)
        ledger.add(
            f"{prefix}-type-{judged.kind}",
            place.at("Type"),
            old.type.value,
            new.type.value,
            severity=judged.severity,
            wire=judged.wire,
            source=judged.source,
            bump=judged.bump,
            why=judged.why,
            more="The type follows from the DICOM tag." if tag and from_tag else "",
            cause=tag if from_tag else None,
        )
    _closed_set(told, prefix)
    _deprecated(told, prefix)
    _prose(told, f"{prefix}-description-changed", "Description", old.description, new.description)
    _prose(told, f"{prefix}-example-changed", "Example", old.example, new.example)
    return told


def _tag(told: Statements, prefix: str) -> Change | None:
    old, new = told.old.dicom, told.new.dicom
    silent = (told.fell_silent("DICOM") and new is None) or (told.spoke_up("DICOM") and old is None)
    if old == new or silent or (None in (old, new) and not (is_tag(old) or is_tag(new))):
        told.said("DICOM")
        return None
    if is_tag(old) and is_tag(new):
        rule = "dicom-tag-changed"
    elif is_tag(old):
        rule = "dicom-tag-removed"
    else:
        rule = "dicom-tag-added" if is_tag(new) else "origin-changed"
    return told.ledger.add(f"{prefix}-{rule}", told.place.at("DICOM"), old, new)


def _closed_set(told: Statements, prefix: str) -> None:
    old, new = told.old.allowed_values, told.new.allowed_values
    if old is None and new is None:
        return
    if old is None or new is None:
        if old is not None and told.fell_silent("AllowedValues"):
            told.kept("AllowedValues", tuple(sorted(old)))
            return
        rule = "enum-added" if old is None else "enum-removed"
        _set_changed(told, f"{prefix}-{rule}", _set(old), _set(new))
        return
    if set(old) == set(new):
        told.said("AllowedValues")
    for value in sorted(set(old) - set(new)):
        _set_changed(told, f"{prefix}-enum-value-removed", value, None)
    for value in sorted(set(new) - set(old)):
        _set_changed(told, f"{prefix}-enum-value-added", None, value)


def _set_changed(told: Statements, rule: str, before: Value, after: Value) -> None:
    """Report a change of a closed set; user code meets it only where there is a Literal."""
    place = told.place.at("AllowedValues")
    if closed_set(told.old) or closed_set(told.new):
        told.ledger.add(rule, place, before, after)
        return
    told.ledger.add(
        rule,
        place,
        before,
        after,
        source=Effect.OK,
        bump=Bump.PATCH,
        why=_WITHOUT_LITERAL[rule],
        more=f"Values of type {told.new.type} have no Literal, so a type checker sees no change.",
    )


def _set(values: tuple[str, ...] | None) -> Value:
    return None if values is None else tuple(sorted(values))


def _deprecated(told: Statements, prefix: str) -> None:
    old, new = told.old.deprecated, told.new.deprecated
    if old == new:
        return
    if told.fell_silent("Deprecated"):
        told.kept("Deprecated", old)
        return
    rule = "deprecated" if new else "undeprecated"
    told.ledger.add(f"{prefix}-{rule}", told.place.at("Deprecated"), old, new)


def _prose(told: Statements, rule: str, name: str, old: str | None, new: str | None) -> None:
    silent = (told.fell_silent(name) and not new) or (told.spoke_up(name) and not old)
    if same_words(old, new) or silent:
        told.said(name)
    else:
        told.ledger.add(rule, told.place.at(name), old or None, new or None)


def report_rename(
    ledger: Ledger, place: Place, rule: str, pair: Pair[M], *, wire: Wire, what: str
) -> Change | None:
    """Report another name: on the wire, in Python (by the overlay), or both."""
    old, new = pair.old, pair.new
    before, after = python_name(old), python_name(new)
    if old.name == new.name:
        if before == after:
            return None
        why = f"The server is not touched; {what} {before} is {after} in the regenerated client."
        return ledger.add(rule, place, before, after, wire=Wire.OK, why=why)
    same = before == after
    more = f"In the regenerated client {what} {before} is {after}."
    if same:
        more = f"In Python both are {after}: regenerate and ship, user code stays as it is."
    if pair.guess:
        more += " That both are one is a guess."
    return ledger.add(
        rule,
        place,
        old.name,
        new.name,
        severity=Severity.NON_BREAKING if same and wire is Wire.OK else None,
        wire=wire,
        source=Effect.OK if same else None,
        bump=Bump.PATCH if same else None,
        why="The old client knows the new name as an alias." if wire is Wire.OK else None,
        more=more,
        guess=pair.guess,
    )


def report_order(ledger: Ledger, place: Place, rule: str, matching: Matching[M]) -> None:
    """Report that the members that are in both stand in another order."""
    if matching.reordered:
        now = sorted(matching.pairs, key=lambda pair: pair.new_index)
        before = tuple(pair.old.name for pair in matching.pairs)
        ledger.add(rule, place, before, tuple(pair.new.name for pair in now))


def report_collisions(
    ledger: Ledger,
    place: Place,
    members: Mapping[int, Parameter] | Mapping[int, Attribute],
    newcomers: dict[int, Change],
    *,
    reserved: frozenset[str],
    source: Effect,
) -> None:
    """Report newcomers whose Python name is taken or reserved.

    An addition that would by itself be harmless is one change with its collision, so
    the collision takes its place; a worse one stays and is named as the cause.
    """
    holders: dict[str, str] = {}
    for index, member in members.items():
        if index not in newcomers:
            holders.setdefault(python_name(member), member.name)
    for index, change in newcomers.items():
        member = members[index]
        name = python_name(member)
        holder = holders.setdefault(name, member.name)
        if holder != member.name or name in reserved:
            other = f"{holder} is" if holder != member.name else "the client itself has"
            if change.severity is Severity.NON_BREAKING:
                ledger.changes.remove(change)
            ledger.add(
                "name-collision",
                place.element(member.name, None, index),
                None,
                member.name,
                source=source,
                more=f"In Python it is {name}, which {other} already.",
                cause=None if change.severity is Severity.NON_BREAKING else change,
            )
