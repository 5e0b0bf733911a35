"""Comparison of parameters, which the old client sends and user code passes."""

from tciagen.contract.model import Endpoint, Parameter
from tciagen.drift.change import Change, Ledger, Location
from tciagen.drift.compare.matching import Pair, match_members
from tciagen.drift.compare.members import (
    compare_common,
    report_collisions,
    report_order,
    report_rename,
)
from tciagen.drift.compare.types import request_type
from tciagen.drift.levels import Effect, Wire
from tciagen.drift.names import python_name
from tciagen.python.signature import keywords, reserved_parameters


def compare_parameters(
    ledger: Ledger, location: Location, old: Endpoint, new: Endpoint
) -> dict[str, str]:
    """Report differences in the parameters; return the new name of each that is in both.

    Only keywords of the generated method count: the client sends the query keys of the API
    itself, whatever a document states of them.
    """
    members = _keywords(new)
    matching = match_members(_keywords(old), members)
    location = location.at("Parameters")
    newcomers: dict[int, Change] = {}
    for pair in matching.pairs:
        change = _parameter(ledger, location, pair)
        if change and python_name(pair.old) != python_name(pair.new):
            newcomers[pair.new_index] = change
    for index, gone in matching.removed:
        rule = "param-removed-deprecated" if gone.deprecated else "param-removed"
        ledger.add(rule, location.element(gone.name, index, None), gone.name, None)
    for index, come in matching.added:
        rule = "param-added-required" if come.required else "param-added-optional"
        newcomers[index] = ledger.add(
            rule, location.element(come.name, None, index), None, come.name
        )
    report_order(ledger, location, "param-reordered", matching)
    report_collisions(
        ledger,
        location,
        members,
        newcomers,
        reserved=reserved_parameters(new),
        source=Effect.RUNTIME,
    )
    return {pair.old.name: pair.new.name for pair in matching.pairs}


def _keywords(endpoint: Endpoint) -> dict[int, Parameter]:
    """Return the parameters that are keywords of the method, by their index in the document."""
    names = {parameter.name for parameter in keywords(endpoint)}
    return {i: p for i, p in enumerate(endpoint.parameters) if p.name in names}


def _parameter(ledger: Ledger, location: Location, pair: Pair[Parameter]) -> Change | None:
    old, new = pair.old, pair.new
    location = location.element(old.name, pair.old_index, pair.new_index)
    # To the server, a required key under another name is missing, which is an error.
    wire = Wire.ERROR if new.required else Wire.SILENT
    renamed = report_rename(ledger, location, "param-renamed", pair, wire=wire, what="the keyword")
    statements = compare_common(ledger, location, "param", pair, request_type)
    if old.required == new.required:
        statements.note_unchanged("Required")
    elif old.required and "Required" not in new.declared:
        statements.report_retained("Required", old.required)
    else:
        rule = "param-became-required" if new.required else "param-became-optional"
        ledger.add(rule, location.at("Required"), old.required, new.required)
    if old.default == new.default:
        statements.note_unchanged("Default")
    elif new.default is None and statements.lost_declaration("Default"):
        statements.report_retained("Default", old.default)
    else:
        happened = "added" if old.default is None else "changed"
        happened = "removed" if new.default is None else happened
        ledger.add(f"param-default-{happened}", location.at("Default"), old.default, new.default)
    statements.finish()
    return renamed
