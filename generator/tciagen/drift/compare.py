"""Compare two contracts by meaning: each node is claimed once, so one change is one finding."""

from tciagen.contract import Contract, Endpoint
from tciagen.drift.answers import class_of, compare_classes, compare_result, shape_of
from tciagen.drift.change import Change, Ledger, Place, in_order
from tciagen.drift.formats import compare_formats
from tciagen.drift.levels import Bump, Effect
from tciagen.drift.matching import Matching, Pair, match_endpoints, python_name
from tciagen.drift.members import same_words
from tciagen.drift.requests import compare_parameters
from tciagen.drift.unknown import compare_unknown


def compare(old: Contract, new: Contract) -> tuple[Change, ...]:
    """Return what changed from ``old`` to ``new``, worst first, then by place."""
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
        more = f"{gone.replaced_by} was named to take its place." if gone.replaced_by else ""
        ledger.add(rule, Place(gone, new=None), gone.address, None, more=more)
    for _, come in matching.added:
        ledger.add("endpoint-added", Place(come, old=None), None, come.address)
    _method_collisions(ledger, matching, new)
    _class_collisions(ledger, matching)
    compare_classes(ledger, matching.pairs, causes)
    return in_order(ledger.changes)


def _endpoint(ledger: Ledger, pair: Pair[Endpoint]) -> None:
    old, new = pair.old, pair.new
    place = Place(old)
    _name(ledger, place, pair)
    if not same_words(old.description, new.description):
        at = place.at("Description")
        ledger.add("endpoint-description-changed", at, old.description, new.description)
    if old.deprecated != new.deprecated:
        rule = "endpoint-deprecated" if new.deprecated else "endpoint-undeprecated"
        more = f"Use {new.replaced_by} instead." if new.replaced_by else ""
        ledger.add(rule, place.at("Deprecated"), old.deprecated, new.deprecated, more=more)
    elif old.replaced_by != new.replaced_by:
        at = place.at("ReplacedBy")
        ledger.add("endpoint-replacement-changed", at, old.replaced_by, new.replaced_by)
    parameters = compare_parameters(ledger, place, old, new)
    attributes: dict[str, str] = {}
    if compare_formats(ledger, place, old, new):
        attributes = compare_result(ledger, place, old, new)
    compare_unknown(ledger, old, new, parameters, attributes)


def _name(ledger: Ledger, place: Place, pair: Pair[Endpoint]) -> None:
    old, new = pair.old, pair.new
    guess = "That both are one is a guess." if pair.guess and old.name != new.name else ""
    if old.resource != new.resource:
        ledger.add("endpoint-moved", place, old.address, new.address, guess=bool(guess), more=guess)
    before, after = python_name(old), python_name(new)
    if old.name == new.name and (before == after or old.answers_file != new.answers_file):
        return
    at = place.at("QueryName")
    if old.name == new.name:
        why = f"The server is not touched; {before}() is {after}() in the regenerated client."
        ledger.add("endpoint-renamed", at, before, after, why=why)
    elif before == after:
        ledger.add(
            "endpoint-renamed",
            at,
            old.name,
            new.name,
            source=Effect.OK,
            bump=Bump.PATCH,
            why="The old path is gone; in Python both names are one, so user code stays as it is:"
            f" regenerate and ship. {guess}".rstrip(),
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
        more = f"In Python it is {name}(), which {holder.address} is already."
        ledger.add("name-collision", Place(endpoint, old=None), None, endpoint.address, more=more)


def _class_collisions(ledger: Ledger, matching: Matching[Endpoint]) -> None:
    """Report endpoints that take the class name of others for records of another shape."""
    kept = {
        class_of(pair.new): pair.new
        for pair in matching.pairs
        if class_of(pair.old) == class_of(pair.new) and not pair.new.answers_file
    }
    newcomers = [endpoint for _, endpoint in matching.added] + [
        pair.new for pair in matching.pairs if class_of(pair.old) != class_of(pair.new)
    ]
    for endpoint in newcomers:
        holder = kept.get(class_of(endpoint))
        if endpoint.answers_file or holder is None:
            continue
        if shape_of(holder.result) != shape_of(endpoint.result):
            _claim_addition(ledger, endpoint)
            more = f"Records of {holder.address} have this class name and other attributes."
            place = Place(endpoint, old=None).at("Result", "Name")
            ledger.add("name-collision", place, None, class_of(endpoint), more=more)


def _claim_addition(ledger: Ledger, endpoint: Endpoint) -> None:
    """An endpoint that comes and collides is one change, told as the collision."""
    ledger.changes = [
        change
        for change in ledger.changes
        if (change.rule, change.endpoint) != ("endpoint-added", endpoint.address)
    ]
