"""Members that parameters and attributes share: type, tag, closed set, prose."""

from collections.abc import Callable, Mapping

from tciagen.contract.model import Attribute, Parameter, Source, Type
from tciagen.drift.change import Change, Ledger, Location, Value
from tciagen.drift.compare.declarations import Statements
from tciagen.drift.compare.matching import M, Matching, Pair, is_tag
from tciagen.drift.compare.types import TypeChange
from tciagen.drift.levels import Bump, Effect, Severity, Wire
from tciagen.drift.names import python_name
from tciagen.python.signature import closed_set, reserved_parameters

_WITHOUT_LITERAL = {
    "param-enum-added": "The server refuses values outside the set.",
    "param-enum-removed": "The server accepts every value now.",
    "param-enum-value-added": "Calls work as before.",
    "param-enum-value-removed": "A call with this value fails or finds nothing.",
    "attr-enum-added": "Records are read as before.",
    "attr-enum-removed": "The server may send values that existing code does not handle.",
    "attr-enum-value-added": "The server may send a value that existing code does not handle.",
    "attr-enum-value-removed": "Records are read as before; code for this value is obsolete.",
}
"""The meaning of a change of AllowedValues if the client's annotation does not list them."""


def same_words(old: str | None, new: str | None) -> bool:
    """Return whether two texts differ in white space at most."""
    return (old or "").split() == (new or "").split()


def compare_common(
    ledger: Ledger,
    location: Location,
    prefix: str,
    pair: Pair[M],
    judge_type: Callable[[Type, Type], TypeChange],
) -> Statements:
    """Report differences in the members that both kinds have; ``prefix`` begins the rules."""
    old, new = pair.old, pair.new
    statements = Statements(ledger, location, old, new)
    tag = _tag(statements, prefix)
    if statements.type_now_declared():
        ledger.add("type-declared", location.at("Type"), None, new.type.value, cause=tag)
    elif not statements.same_type(tag):
        judged = judge_type(old.type, new.type)
        from_tag = Source.TAG in (old.type_source, new.type_source)
        ledger.add(
            f"{prefix}-type-{judged.kind}",
            location.at("Type"),
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
    _closed_set(statements, prefix)
    _deprecated(statements, prefix)
    _prose(
        statements, f"{prefix}-description-changed", "Description", old.description, new.description
    )
    _prose(statements, f"{prefix}-example-changed", "Example", old.example, new.example)
    return statements


def _tag(statements: Statements, prefix: str) -> Change | None:
    old, new = statements.old.dicom, statements.new.dicom
    undeclared = (statements.lost_declaration("DICOM") and new is None) or (
        statements.gained_declaration("DICOM") and old is None
    )
    if old == new or undeclared or (None in (old, new) and not (is_tag(old) or is_tag(new))):
        statements.note_unchanged("DICOM")
        return None
    if is_tag(old) and is_tag(new):
        rule = "dicom-tag-changed"
    elif is_tag(old):
        rule = "dicom-tag-removed"
    else:
        rule = "dicom-tag-added" if is_tag(new) else "origin-changed"
    return statements.ledger.add(f"{prefix}-{rule}", statements.location.at("DICOM"), old, new)


def _closed_set(statements: Statements, prefix: str) -> None:
    old, new = statements.old.allowed_values, statements.new.allowed_values
    if old is None and new is None:
        return
    if old is None or new is None:
        if old is not None and statements.lost_declaration("AllowedValues"):
            statements.report_retained("AllowedValues", tuple(sorted(old)))
            return
        rule = "enum-added" if old is None else "enum-removed"
        _set_changed(statements, f"{prefix}-{rule}", _set(old), _set(new))
        return
    if set(old) == set(new):
        statements.note_unchanged("AllowedValues")
    for value in sorted(set(old) - set(new)):
        _set_changed(statements, f"{prefix}-enum-value-removed", value, None)
    for value in sorted(set(new) - set(old)):
        _set_changed(statements, f"{prefix}-enum-value-added", None, value)


def _set_changed(statements: Statements, rule: str, before: Value, after: Value) -> None:
    """Report a change of a closed set; user code meets it only where there is a Literal."""
    location = statements.location.at("AllowedValues")
    if closed_set(statements.old) or closed_set(statements.new):
        statements.ledger.add(rule, location, before, after)
        return
    statements.ledger.add(
        rule,
        location,
        before,
        after,
        source=Effect.OK,
        bump=Bump.PATCH,
        why=_WITHOUT_LITERAL[rule],
        more=f"Values of type {statements.new.type} have no Literal; type checkers see no change.",
    )


def _set(values: tuple[str, ...] | None) -> Value:
    return None if values is None else tuple(sorted(values))


def _deprecated(statements: Statements, prefix: str) -> None:
    old, new = statements.old.deprecated, statements.new.deprecated
    if old == new:
        return
    if statements.lost_declaration("Deprecated"):
        statements.report_retained("Deprecated", old)
        return
    rule = "deprecated" if new else "undeprecated"
    statements.ledger.add(f"{prefix}-{rule}", statements.location.at("Deprecated"), old, new)


def _prose(statements: Statements, rule: str, name: str, old: str | None, new: str | None) -> None:
    undeclared = (statements.lost_declaration(name) and not new) or (
        statements.gained_declaration(name) and not old
    )
    if same_words(old, new) or undeclared:
        statements.note_unchanged(name)
    else:
        statements.ledger.add(rule, statements.location.at(name), old or None, new or None)


def report_rename(
    ledger: Ledger, location: Location, rule: str, pair: Pair[M], *, wire: Wire, what: str
) -> Change | None:
    """Report another name: on the wire, in Python (by the overlay), or both."""
    old, new = pair.old, pair.new
    reserved = reserved_parameters(location.endpoint) if what == "the keyword" else None
    before, after = python_name(old, reserved), python_name(new, reserved)
    if old.name == new.name:
        if before == after:
            return None
        why = f"The server is unchanged; {what} {before} is {after} in the regenerated client."
        return ledger.add(rule, location, before, after, wire=Wire.OK, why=why)
    same = before == after
    more = f"In the regenerated client {what} {before} is {after}."
    if same:
        more = f"In Python both are {after}: regenerate and release, user code need not change."
    if pair.guess:
        more += " It is a guess that both are the same."
    return ledger.add(
        rule,
        location,
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


def report_order(ledger: Ledger, location: Location, rule: str, matching: Matching[M]) -> None:
    """Report that the members that are in both have another order."""
    if matching.reordered:
        now = sorted(matching.pairs, key=lambda pair: pair.new_index)
        before = tuple(pair.old.name for pair in matching.pairs)
        ledger.add(rule, location, before, tuple(pair.new.name for pair in now))


def report_collisions(
    ledger: Ledger,
    location: Location,
    members: Mapping[int, Parameter] | Mapping[int, Attribute],
    newcomers: dict[int, Change],
    *,
    reserved: frozenset[str],
    source: Effect,
) -> None:
    """Report new members whose Python name is taken or reserved.

    The collision replaces an addition that is harmless by itself. A worse addition stays, as
    the cause of the collision.
    """
    holders: dict[str, str] = {}
    for index, member in members.items():
        if index not in newcomers:
            holders.setdefault(python_name(member, reserved), member.name)
    for index, change in newcomers.items():
        member = members[index]
        name = python_name(member, reserved)
        holder = holders.setdefault(name, member.name)
        own = name.removesuffix("_")
        if holder != member.name or own in reserved:
            more = f"In Python it is {name}, which {holder} is already."
            if holder == member.name:
                more = f"In Python it is {name}, because the client itself has {own}."
            if change.severity is Severity.NON_BREAKING:
                ledger.changes.remove(change)
            ledger.add(
                "name-collision",
                location.element(member.name, None, index),
                None,
                member.name,
                source=source,
                more=more,
                cause=None if change.severity is Severity.NON_BREAKING else change,
            )
