"""A change, its location, and the ledger that collects changes."""

import hashlib
import json
from collections.abc import Sequence
from functools import cached_property

import attrs

from tciagen.contract.model import Endpoint
from tciagen.drift.catalogue.rules import get_rule
from tciagen.drift.levels import Bump, Effect, Severity, Wire

Value = str | bool | tuple[str, ...] | None
"""The value before or after a change: a string, a boolean, a set of names, or nothing."""

SILENT_SENTENCE = "The old client gets another response without an error."


@attrs.frozen(kw_only=True, slots=False)
class Change:
    """One finding of a comparison.

    ``pointer`` names parameters and attributes by their name, so that it survives a
    change of order: ``/Parameters/Modality/Type``. ``pointer_old`` and ``pointer_new``
    are RFC 6901 pointers in the two documents, None where the node does not exist. ``cause`` is
    the fingerprint of the change from which this one follows. ``accepted`` is the reason of an
    acceptance.
    """

    rule: str
    severity: Severity
    wire: Wire
    source: Effect
    bump: Bump
    resource: str
    endpoint: str
    member: str
    pointer: str
    pointer_old: str | None
    pointer_new: str | None
    before: Value
    after: Value
    message: str
    guess: bool = False
    cause: str | None = None
    accepted: str | None = None

    @cached_property
    def fingerprint(self) -> str:
        """The first 16 digits of the SHA-256 of rule, location, before and after."""
        identity = json.dumps([self.rule, self.endpoint, self.pointer, self.before, self.after])
        return hashlib.sha256(identity.encode()).hexdigest()[:16]

    @property
    def sort_key(self) -> tuple[object, ...]:
        """Worst first, then by location."""
        return (
            self.severity.rank,
            self.endpoint,
            self.pointer,
            self.rule,
            str(self.before),
            str(self.after),
        )


@attrs.frozen
class Location:
    """The location of a change: a pointer by names, and one in each document."""

    endpoint: Endpoint
    pointer: str = ""
    old: str | None = ""
    new: str | None = ""
    member: str = ""

    def at(self, *names: str) -> "Location":
        """Return the location of a member below."""
        below = "/" + "/".join(names)
        return Location(
            self.endpoint,
            self.pointer + below,
            None if self.old is None else self.old + below,
            None if self.new is None else self.new + below,
            self.member,
        )

    def element(self, name: str, old: int | None, new: int | None) -> "Location":
        """Return the location of a named element of a list, by its index in each document."""
        return Location(
            self.endpoint,
            f"{self.pointer}/{name}",
            None if old is None else f"{self.old}/{old}",
            None if new is None else f"{self.new}/{new}",
            name,
        )


@attrs.define
class Ledger:
    """The changes found so far."""

    changes: list[Change] = attrs.field(factory=list)

    def add(
        self,
        rule_id: str,
        location: Location,
        before: Value,
        after: Value,
        *,
        severity: Severity | None = None,
        wire: Wire | None = None,
        source: Effect | None = None,
        bump: Bump | None = None,
        why: str | None = None,
        more: str = "",
        guess: bool = False,
        cause: Change | None = None,
    ) -> Change:
        """Add a change. Default of each effect: that of the rule."""
        rule = get_rule(rule_id)
        wire = wire or rule.wire
        sentences = [why or rule.why, more]
        if wire is Wire.SILENT:
            sentences.append(SILENT_SENTENCE)
        change = Change(
            rule=rule.id,
            severity=severity or rule.level,
            wire=wire,
            source=source or rule.source,
            bump=bump or rule.bump,
            resource=location.endpoint.resource,
            endpoint=location.endpoint.address,
            member=location.member,
            pointer=location.pointer,
            pointer_old=location.old,
            pointer_new=location.new,
            before=before,
            after=after,
            message=" ".join(filter(None, sentences)),
            guess=guess,
            cause=cause.fingerprint if cause else None,
        )
        self.changes.append(change)
        return change


def in_order(changes: Sequence[Change]) -> tuple[Change, ...]:
    """Return changes in stable order: worst first, then by location."""
    return tuple(sorted(changes, key=lambda change: change.sort_key))
