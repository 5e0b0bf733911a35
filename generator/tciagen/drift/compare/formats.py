"""Formats and what an answer is at all: records or a file."""

from tciagen.contract.model import FILE_FORMATS, RECORD_FORMATS, Endpoint
from tciagen.drift.change import Ledger, Place, Value
from tciagen.drift.levels import Effect

_ORDER = (*RECORD_FORMATS, *FILE_FORMATS)


def compare_formats(ledger: Ledger, place: Place, old: Endpoint, new: Endpoint) -> bool:
    """Report differences in the formats; return False where the answer is of another kind.

    A change of kind claims the whole answer: formats, default, class and attributes.
    """
    at = place.at("Formats")
    before, after = _told(old.formats), _told(new.formats)
    if old.answers_file != new.answers_file:
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
    elif old.answers_file and not set(before) & set(after):
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
    _default(ledger, place.at("DefaultFormat"), old, new)
    return True


def _told(formats: tuple[str, ...] | None) -> tuple[str, ...] | None:
    return None if formats is None else tuple(f for f in _ORDER if f in formats)


def _values(ledger: Ledger, at: Place, before: tuple[str, ...], after: tuple[str, ...]) -> None:
    for value in before:
        if value not in after:
            only = len(after) == 1
            ledger.add(
                "format-removed",
                at,
                value,
                None,
                source=Effect.RUNTIME if only else None,
                more="One format is left, so the keyword format goes." if only else "",
            )
    for value in after:
        if value not in before:
            ledger.add("format-added", at, None, value)


def _declared(ledger: Ledger, at: Place, value: Value, old: Endpoint, new: Endpoint) -> None:
    name = at.pointer.removeprefix("/")
    if name in old.declared - new.declared:
        ledger.add("declaration-lost", at, value, None)
    elif name in new.declared - old.declared:
        ledger.add("declaration-gained", at, None, value)


def _default(ledger: Ledger, at: Place, old: Endpoint, new: Endpoint) -> None:
    before, after = old.default_format, new.default_format
    if before == after:
        # A single format is the default, whether a document says so or not.
        if before is not None and len(new.formats or ()) != 1:
            _declared(ledger, at, before, old, new)
    elif before is not None and after is not None:
        ledger.add("default-format-changed", at, before, after)
    elif after is None and not _implied(old):
        ledger.add("default-format-removed", at, before, None)
    elif before is None and not _implied(new):
        ledger.add("default-format-added", at, None, after)


def _implied(endpoint: Endpoint) -> bool:
    """Whether the default follows from there being one format."""
    return len(endpoint.formats or ()) == 1 and "DefaultFormat" not in endpoint.declared
