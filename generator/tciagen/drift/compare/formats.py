"""Formats, and the kind of a response: records or a file."""

from tciagen.contract.model import FILE_FORMATS, RECORD_FORMATS, Endpoint
from tciagen.drift.change import Ledger, Location, Value
from tciagen.drift.levels import Effect

_ORDER = (*RECORD_FORMATS, *FILE_FORMATS)


def compare_formats(ledger: Ledger, location: Location, old: Endpoint, new: Endpoint) -> bool:
    """Report differences in the formats; return False if the kind of the response differs.

    A change of kind includes all others: formats, default, class and attributes.
    """
    at = location.at("Formats")
    before, after = _ordered(old.formats), _ordered(new.formats)
    if old.returns_file != new.returns_file:
        ledger.add("return-kind-changed", at, before or "records", after or "a file")
        return False
    if before is None or after is None:
        if before != after:
            rule = "declaration-lost" if after is None else "declaration-gained"
            ledger.add(rule, at, before, after)
        if before != after and None in (old.default_format, new.default_format):
            return True
    elif before == after:
        _declared(ledger, at, before, old, new)
    elif old.returns_file and not set(before) & set(after):
        ledger.add("file-format-changed", at, before, after)
        return True
    elif after == ("HTML",):
        ledger.add("format-undecodable", at, before, after)
        return True
    elif before == ("HTML",):
        ledger.add("format-added", at, before, after)
        return True
    else:
        _values(ledger, at, before, after)
    _default(ledger, location.at("DefaultFormat"), old, new)
    return True


def _ordered(formats: tuple[str, ...] | None) -> tuple[str, ...] | None:
    return None if formats is None else tuple(f for f in _ORDER if f in formats)


def _values(ledger: Ledger, at: Location, before: tuple[str, ...], after: tuple[str, ...]) -> None:
    for value in before:
        if value not in after:
            only = len(after) == 1
            ledger.add(
                "format-removed",
                at,
                value,
                None,
                source=Effect.RUNTIME if only else None,
                more="One format is left, so the keyword format is removed." if only else "",
            )
    for value in after:
        if value not in before:
            ledger.add("format-added", at, None, value)


def _declared(ledger: Ledger, at: Location, value: Value, old: Endpoint, new: Endpoint) -> None:
    name = at.pointer.removeprefix("/")
    if name in old.declared - new.declared:
        ledger.add("declaration-lost", at, value, None)
    elif name in new.declared - old.declared:
        ledger.add("declaration-gained", at, None, value)


def _default(ledger: Ledger, at: Location, old: Endpoint, new: Endpoint) -> None:
    before, after = old.default_format, new.default_format
    if before == after:
        # A single format is the default, declared or not.
        if before is not None and len(new.formats or ()) != 1:
            _declared(ledger, at, before, old, new)
    elif before is not None and after is not None:
        ledger.add("default-format-changed", at, before, after)
    elif after is None and not _implied(old):
        ledger.add("default-format-removed", at, before, None)
    elif before is None and not _implied(new):
        ledger.add("default-format-added", at, None, after)


def _implied(endpoint: Endpoint) -> bool:
    """Return whether the default is implied by a single format."""
    return len(endpoint.formats or ()) == 1 and "DefaultFormat" not in endpoint.declared
