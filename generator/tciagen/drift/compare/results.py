"""Comparison of record classes and attributes, which the old client reads."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from tciagen.contract.model import Attribute, Endpoint, Result
from tciagen.drift.change import Change, Ledger, Location, Value
from tciagen.drift.compare.matching import Pair, match_members
from tciagen.drift.compare.members import (
    compare_common,
    report_collisions,
    report_order,
    report_rename,
    same_words,
)
from tciagen.drift.compare.types import result_type
from tciagen.drift.levels import Bump, Effect, Severity, Wire
from tciagen.drift.names import python_name
from tciagen.python.class_names import class_of, shape_of, title_of
from tciagen.python.signature import RESERVED_FIELDS


def compare_result(
    ledger: Ledger, location: Location, old: Endpoint, new: Endpoint
) -> dict[str, str]:
    """Report differences in the record; return the new name of each attribute in both."""
    location = location.at("Result")
    _class_name(ledger, location.at("Name"), old, new)
    if not same_words(old.result.description, new.result.description):
        ledger.add(
            "result-description-changed",
            location.at("Description"),
            old.result.description,
            new.result.description,
        )
    return _attributes(ledger, location.at("Attributes"), old.result, new.result)


def _class_name(ledger: Ledger, location: Location, old: Endpoint, new: Endpoint) -> None:
    """Report another ``Result.Name`` or overlay class; :func:`compare_classes` does the rest."""
    if (title_of(old.result), old.result.name) == (title_of(new.result), new.result.name):
        return
    before, after = class_of(old), class_of(new)
    if before != after and not new.returns_file:
        ledger.add("return-object-renamed", location, before, after)
        return
    why = "The regenerated client has no class of this name, so no code can use it."
    if not new.returns_file:
        why = f"The overlay retains the class {after}, so user code need not change."
    ledger.add(
        "return-object-renamed",
        location,
        old.result.name,
        new.result.name,
        severity=Severity.DOCS,
        source=Effect.OK,
        bump=Bump.PATCH,
        why=why,
    )


def _attributes(ledger: Ledger, location: Location, old: Result, new: Result) -> dict[str, str]:
    members = dict(enumerate(new.attributes))
    matching = match_members(dict(enumerate(old.attributes)), members)
    newcomers: dict[int, Change] = {}
    for pair in matching.pairs:
        change = _attribute(ledger, location, pair)
        if change and python_name(pair.old) != python_name(pair.new):
            newcomers[pair.new_index] = change
    for index, gone in matching.removed:
        rule = "attr-removed-deprecated" if gone.deprecated else "attr-removed"
        ledger.add(
            rule, location.element(gone.name, index, None), gone.name, None, wire=_missed(gone)
        )
    for index, come in matching.added:
        rule = "attr-added-optional" if come.optional else "attr-added-required"
        newcomers[index] = ledger.add(
            rule, location.element(come.name, None, index), None, come.name
        )
    report_order(ledger, location, "attr-reordered", matching)
    report_collisions(
        ledger, location, members, newcomers, reserved=RESERVED_FIELDS, source=Effect.OK
    )
    return {pair.old.name: pair.new.name for pair in matching.pairs}


def _missed(attribute: Attribute) -> Wire:
    """Return the effect of a missing attribute on the old client: None, or an error."""
    return Wire.SILENT if attribute.optional else Wire.ERROR


def _attribute(ledger: Ledger, location: Location, pair: Pair[Attribute]) -> Change | None:
    old, new = pair.old, pair.new
    location = location.element(old.name, pair.old_index, pair.new_index)
    wire = Wire.OK if new.name in old.aliases else _missed(old)
    renamed = report_rename(ledger, location, "attr-renamed", pair, wire=wire, what="the attribute")
    statements = compare_common(ledger, location, "attr", pair, result_type)
    if old.optional != new.optional:
        rule = "attr-became-optional" if new.optional else "attr-became-required"
        ledger.add(rule, location.at("Optional"), old.optional, new.optional)
    statements.finish()
    return renamed


def compare_classes(
    ledger: Ledger,
    pairs: Iterable[Pair[Endpoint]],
    causes: Mapping[str, Change],
    taken: Collection[str],
) -> None:
    """Report classes that moved although their document states the same name.

    Args:
        ledger: where to report.
        pairs: all endpoints that are in both contracts.
        causes: by old address, a change of the endpoint's attributes.
        taken: the names of all classes of the new contract.
    """
    users: dict[str, list[Pair[Endpoint]]] = {}
    for pair in pairs:
        records = not (pair.old.returns_file or pair.new.returns_file)
        if records and title_of(pair.old.result) == title_of(pair.new.result):
            users.setdefault(title_of(pair.new.result), []).append(pair)
    for sharing in users.values():
        for pair in sharing:
            if class_of(pair.old) != class_of(pair.new):
                _moved(ledger, pair, sharing, causes.get(pair.old.address), taken)
        _merged(ledger, sharing, causes)


def _moved(
    ledger: Ledger,
    pair: Pair[Endpoint],
    sharing: Sequence[Pair[Endpoint]],
    cause: Change | None,
    taken: Collection[str],
) -> None:
    """Report another class of records, because it diverged from others or lost its name."""
    before, after = class_of(pair.old), class_of(pair.new)
    location = Location(pair.old).at("Result", "Name")
    others = [p for p in sharing if class_of(p.old) == before and class_of(p.new) == before]
    if others and any(shape_of(p.old.result) == shape_of(p.new.result) for p in others):
        addresses = tuple(sorted(p.new.address for p in (pair, *others)))
        more = f"Records of {pair.new.address} become {after}."
        ledger.add("return-object-diverged", location, before, addresses, more=more, cause=cause)
    else:
        why = f"Code that imports {before} gets the records of another endpoint."
        ledger.add(
            "return-object-renamed", location, before, after, why=why if before in taken else None
        )


def _merged(
    ledger: Ledger, sharing: Sequence[Pair[Endpoint]], causes: Mapping[str, Change]
) -> None:
    """Report classes of one name whose attributes became the same."""
    before = {shape_of(pair.old.result) for pair in sharing}
    after = {shape_of(pair.new.result) for pair in sharing}
    if len(after) < len(before):
        changed = next(p for p in sharing if shape_of(p.old.result) != shape_of(p.new.result))
        addresses: Value = tuple(sorted(pair.new.address for pair in sharing))
        name = title_of(changed.new.result)
        location = Location(changed.old).at("Result", "Name")
        cause = causes.get(changed.old.address)
        ledger.add("return-object-merged", location, addresses, name, cause=cause)
