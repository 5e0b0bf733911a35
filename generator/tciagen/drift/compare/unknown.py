"""Comparison of the members that the schema does not know."""

from collections.abc import Mapping

from tciagen.contract.model import Endpoint
from tciagen.drift.change import Ledger, Location


def compare_unknown(
    ledger: Ledger,
    old: Endpoint,
    new: Endpoint,
    parameters: Mapping[str, str],
    attributes: Mapping[str, str],
) -> None:
    """Report added and removed unknown members, except those of added or removed nodes.

    Args:
        ledger: where to report.
        old: the old endpoint.
        new: the new one.
        parameters: the new name of each parameter that is in both, by its old one.
        attributes: the same for attributes.
    """
    if not (old.unknown_members or new.unknown_members):
        return
    before = _by_name(old, {n: n for n in parameters}, {n: n for n in attributes})
    after = _by_name(
        new, {now: was for was, now in parameters.items()}, {n: w for w, n in attributes.items()}
    )
    for pointer in sorted(before.keys() ^ after.keys()):
        location = Location(old, pointer, before.get(pointer), after.get(pointer))
        name = pointer.rsplit("/", 1)[-1].replace("~1", "/").replace("~0", "~")
        gone = pointer in before
        ledger.add("unknown-member", location, name if gone else None, None if gone else name)


def _by_name(
    endpoint: Endpoint, parameters: Mapping[str, str], attributes: Mapping[str, str]
) -> dict[str, str]:
    """Return the pointers of unknown members by the pointer that names their node."""
    found: dict[str, str] = {}
    for pointer in endpoint.unknown_members:
        named: str | None = pointer
        match pointer.split("/")[1:]:
            case ("Parameters", index, *rest) if rest:
                name = parameters.get(endpoint.parameters[int(index)].name)
                named = name and "/".join(["/Parameters", name, *rest])
            case ("Result", "Attributes", index, *rest) if rest:
                name = attributes.get(endpoint.result.attributes[int(index)].name)
                named = name and "/".join(["/Result/Attributes", name, *rest])
        if named is not None:
            found[named] = pointer
    return found
