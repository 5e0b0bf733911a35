"""The changelog entry of a regenerated client (keepachangelog.com)."""

import datetime
from collections.abc import Iterable

from tciagen.contract.model import Contract, Endpoint
from tciagen.drift.catalogue.rules import get_rule
from tciagen.drift.change import Change, in_order
from tciagen.drift.display import code_span, shown, step
from tciagen.drift.levels import Effect, Severity
from tciagen.drift.names import python_name
from tciagen.python.signature import reserved_parameters

_LEVELS = {
    Severity.BREAKING: "Breaking",
    Severity.DANGEROUS: "Dangerous",
    Severity.NON_BREAKING: "Changed",
    Severity.DOCS: "Documentation",
}


def changelog_entry(
    changes: Iterable[Change],
    version: str,
    *,
    old: Contract,
    new: Contract,
    date: datetime.date | None = None,
) -> str:
    """Return the entry of one release: by endpoint, breaking first, before → after.

    A change that breaks source code comes with the line of user code to change.
    Changes without a bump (order, unknown members) are omitted.
    """
    heading = f"## [{version}]" + (f" - {date.isoformat()}" if date else "")
    lines = [heading, ""]
    reported = [c for c in in_order(list(changes)) if c.severity in _LEVELS]
    if not reported:
        return "\n".join([*lines, "No change of the API.", ""])
    for address in dict.fromkeys(change.endpoint for change in reported):
        lines += [f"### {code_span(shown(address))}", ""]
        for change in reported:
            if change.endpoint == address:
                lines.append(_line(change, old, new))
        lines.append("")
    return "\n".join(lines)


def _line(change: Change, old: Contract, new: Contract) -> str:
    where = f" {code_span(shown(change.member))}" if change.member else ""
    summary = get_rule(change.rule).summary
    line = f"- **{_LEVELS[change.severity]}**{where}: {summary} ({step(change)})."
    fix = user_code(change, old, new)
    return f"{line} {fix}" if fix else line


def user_code(change: Change, old: Contract, new: Contract) -> str:
    """Return the line of user code that a change breaks and its replacement, or nothing."""
    if change.source in (Effect.OK, Effect.BUILD):
        return ""
    before = old.by_address().get(change.endpoint)
    after = _after(change, new)
    if before is None:
        return ""
    call = f"client.{python_name(before)}"
    call_now = f"client.{python_name(after)}" if after else call
    match change.rule.split("-", 1)[0]:
        case "endpoint":
            if after is None:
                return f"{code_span(f'{call}(...)')} is gone."
            return f"{code_span(f'{call}(...)')} is now {code_span(f'{call_now}(...)')}."
        case "param":
            return _keyword(change, before, after, call)
        case "attr":
            return _field(change, before, after)
        case "format":
            return f"{code_span(f'{call}(format=...)')} takes one value less."
    if change.rule == "return-object-renamed":
        name, now = (code_span(f"import {shown(v)}") for v in (change.before, change.after))
        return f"{name} is now {now}."
    if change.rule == "return-kind-changed":
        return f"{code_span(f'{call}(...)')} returns another type."
    return ""


def _after(change: Change, new: Contract) -> Endpoint | None:
    for endpoint in new:
        renamed = change.rule == "endpoint-renamed" and endpoint.name == change.after
        if endpoint.address == change.endpoint or renamed:
            return endpoint
    return None


def _keyword(change: Change, before: Endpoint, after: Endpoint | None, call: str) -> str:
    name = _keyword_name(change.member, before, after)
    used = code_span(f"{call}({name}=...)")
    match change.rule:
        case "param-renamed":
            return (
                f"{used} is now {code_span(f'{call}({_keyword_name(change.after, after)}=...)')}."
            )
        case "param-removed" | "param-removed-deprecated":
            return f"Remove {code_span(f'{name}=...')} from {code_span(f'{call}(...)')}."
        case "param-added-required" | "param-became-required":
            return f"{code_span(f'{call}(...)')} is now {used}."
        case "param-enum-value-removed":
            return f"{used} no longer takes {code_span(shown(change.before))}."
    return f"Check the value that is passed in {used}."


def _field(change: Change, before: Endpoint, after: Endpoint | None) -> str:
    used = code_span(f"row.{_field_name(change.member, before, after)}")
    match change.rule:
        case "attr-renamed":
            return f"{used} is now {code_span(f'row.{_field_name(change.after, after)}')}."
        case "attr-removed" | "attr-removed-deprecated":
            return f"{used} is gone."
        case "attr-became-optional":
            return f"{used} may be None."
    return f"Check the uses of {used}."


def _keyword_name(name: object, *endpoints: Endpoint | None) -> str:
    """Return the keyword of a parameter of the first endpoint that has it.

    Args:
        name: Its name in the document, or the keyword where only that has changed.
        endpoints: The endpoint before and after the change.
    """
    for endpoint in filter(None, endpoints):
        reserved = reserved_parameters(endpoint)
        for parameter in endpoint.parameters:
            if parameter.name == name:
                return python_name(parameter, reserved)
    return str(name)


def _field_name(name: object, *endpoints: Endpoint | None) -> str:
    """Return the name of an attribute in Python; see :func:`_keyword_name`."""
    attributes = (a for endpoint in filter(None, endpoints) for a in endpoint.result.attributes)
    return next((python_name(a) for a in attributes if a.name == name), str(name))
