"""Comparison of two contracts by meaning; one change is one finding."""

from collections.abc import Iterable

from tciagen.contract.model import Contract, Endpoint, StatedBy
from tciagen.drift.change import Change, Ledger, Location, in_order
from tciagen.drift.compare.formats import compare_formats
from tciagen.drift.compare.matching import Matching, Pair, match_endpoints
from tciagen.drift.compare.members import same_words
from tciagen.drift.compare.parameters import compare_parameters
from tciagen.drift.compare.results import compare_classes, compare_result
from tciagen.drift.compare.unknown import compare_unknown
from tciagen.drift.levels import Bump, Effect
from tciagen.drift.names import python_name
from tciagen.python.class_names import class_of, name_classes, shape_of, title_of
from tciagen.render import exported_names


def compare(old: Contract, new: Contract) -> tuple[Change, ...]:
    """Return what changed from ``old`` to ``new``, worst first, then by location.

    Record classes get the names that `tciagen generate` gives them if ``old`` is published.
    """
    exported = exported_names()
    old = name_classes(old, None, exported).contract
    new = name_classes(new, old, exported).contract
    ledger = Ledger()
    matching = match_endpoints(old, new)
    causes: dict[str, Change] = {}
    for pair in matching.pairs:
        if pair.old != pair.new:
            start = len(ledger.changes)
            _endpoint(ledger, pair)
            for change in ledger.changes[start:]:
                if change.pointer.startswith("/Result/Attributes/"):
                    causes.setdefault(pair.old.address, change)
    for _, gone in matching.removed:
        announced = gone.deprecated
        rule = "endpoint-removed-deprecated" if announced else "endpoint-removed"
        more = f"{gone.replaced_by} was announced as its replacement." if gone.replaced_by else ""
        ledger.add(rule, Location(gone, new=None), gone.address, None, more=more)
    for _, come in matching.added:
        ledger.add("endpoint-added", Location(come, old=None), None, come.address)
    _method_collisions(ledger, matching, new)
    _class_collisions(ledger, matching)
    taken = {class_of(endpoint) for endpoint in new if not endpoint.returns_file}
    compare_classes(ledger, matching.pairs, causes, taken)
    return in_order(ledger.changes)


def _endpoint(ledger: Ledger, pair: Pair[Endpoint]) -> None:
    old, new = pair.old, pair.new
    location = Location(old)
    _name(ledger, location, pair)
    if not same_words(old.description, new.description):
        at = location.at("Description")
        ledger.add("endpoint-description-changed", at, old.description, new.description)
    if old.deprecated != new.deprecated:
        rule = "endpoint-deprecated" if new.deprecated else "endpoint-undeprecated"
        more = f"Use {new.replaced_by} instead." if new.replaced_by else ""
        ledger.add(rule, location.at("Deprecated"), old.deprecated, new.deprecated, more=more)
    elif old.replaced_by != new.replaced_by:
        at = location.at("ReplacedBy")
        ledger.add("endpoint-replacement-changed", at, old.replaced_by, new.replaced_by)
    for role in ("count", "size"):
        before, after = (getattr(one.roles, role) for one in (old, new))
        if before != after:
            at = Location(old, old=None, new=None).at("roles", role)
            ledger.add("count-source-changed", at, _listed(before), _listed(after))
    parameters = compare_parameters(ledger, location, old, new)
    attributes: dict[str, str] = {}
    if compare_formats(ledger, location, old, new):
        attributes = compare_result(ledger, location, old, new)
    compare_unknown(ledger, old, new, parameters, attributes)


def _listed(sources: Iterable[StatedBy]) -> tuple[str, ...] | None:
    return tuple(map(str, sources)) or None


def _name(ledger: Ledger, location: Location, pair: Pair[Endpoint]) -> None:
    old, new = pair.old, pair.new
    guess = (
        "It is a guess that both are the same endpoint."
        if pair.guess and old.name != new.name
        else ""
    )
    if old.resource != new.resource:
        ledger.add(
            "endpoint-moved", location, old.address, new.address, guess=bool(guess), more=guess
        )
    before, after = python_name(old), python_name(new)
    if old.name == new.name and (before == after or old.returns_file != new.returns_file):
        return
    at = location.at("QueryName")
    if old.name == new.name:
        why = f"The server is unchanged; {before}() is {after}() in the regenerated client."
        ledger.add("endpoint-renamed", at, before, after, why=why)
    elif before == after:
        ledger.add(
            "endpoint-renamed",
            at,
            old.name,
            new.name,
            source=Effect.OK,
            bump=Bump.PATCH,
            why="The old path is gone. Both names are the same in Python, so user code works:"
            f" regenerate and release. {guess}".rstrip(),
            guess=pair.guess,
        )
    else:
        more = f"{before}() is {after}() in the regenerated client. {guess}".rstrip()
        ledger.add("endpoint-renamed", at, old.name, new.name, more=more, guess=pair.guess)


def _method_collisions(ledger: Ledger, matching: Matching[Endpoint], new: Contract) -> None:
    newcomers = {endpoint.address for _, endpoint in matching.added} | {
        pair.new.address
        for pair in matching.pairs
        if python_name(pair.old) != python_name(pair.new)
    }
    holders: dict[str, Endpoint] = {}
    for endpoint in sorted(new, key=lambda e: e.address in newcomers):
        name = python_name(endpoint)
        holder = holders.setdefault(name, endpoint)
        if holder is endpoint or endpoint.address not in newcomers:
            continue
        _claim_addition(ledger, endpoint)
        more = f"In Python it is {name}(), which {holder.address} already has."
        ledger.add(
            "name-collision", Location(endpoint, old=None), None, endpoint.address, more=more
        )


def _class_collisions(ledger: Ledger, matching: Matching[Endpoint]) -> None:
    """Report new endpoints whose ``Result.Name`` is the class of records of another shape."""
    newcomers = [endpoint for _, endpoint in matching.added] + [
        pair.new
        for pair in matching.pairs
        if title_of(pair.old.result) != title_of(pair.new.result)
    ]
    new = {endpoint.address for endpoint in newcomers}
    holders = {
        class_of(pair.new): pair.new
        for pair in matching.pairs
        if pair.new.address not in new and not pair.new.returns_file
    }
    for endpoint in newcomers:
        title = title_of(endpoint.result)
        holder = holders.get(title)
        if endpoint.returns_file or holder is None or class_of(endpoint) == title:
            continue
        if shape_of(holder.result) != shape_of(endpoint.result):
            _claim_addition(ledger, endpoint)
            more = (
                f"{title} is the class of {holder.address}, whose attributes differ; the records"
                f" of the new endpoint become {class_of(endpoint)}."
            )
            location = Location(endpoint, old=None).at("Result", "Name")
            ledger.add("name-collision", location, None, title, more=more)


def _claim_addition(ledger: Ledger, endpoint: Endpoint) -> None:
    """Remove the addition of an endpoint that collides: the collision reports it."""
    ledger.changes = [
        change
        for change in ledger.changes
        if (change.rule, change.endpoint) != ("endpoint-added", endpoint.address)
    ]
