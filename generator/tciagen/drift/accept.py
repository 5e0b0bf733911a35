"""Changes accepted for now: ``drift-accept.toml`` beside the documents folder.

One table for each entry::

    [[accept]]
    rule = "attr-renamed"                  # exact id
    endpoint = "TCIA/query/getPatient"     # exact, or a glob
    pointer = "/Result/Attributes/PatientID"
    after = "PatientId"                    # optional: accept this change only
    reason = "server follows NBIA spelling since 2026-11"
    until = 2027-03-31                     # required for breaking, at most 180 days ahead

An entry matches by structure, never by text. Accepted changes stay in the report. To accept
a change permanently, commit the documents that have it.
"""

import datetime
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import attrs
import tomlkit
import tomlkit.exceptions
from tomlkit.items import AoT

from tciagen.drift.catalogue.rules import CONTRACT_RULES, get_rule
from tciagen.drift.change import Change, Value
from tciagen.drift.levels import Severity
from tciagen.errors import UsageProblem
from tciagen.files import replace_file
from tciagen.suggestions import suggestion

FILE_NAME = "drift-accept.toml"
LONGEST = datetime.timedelta(days=180)

_KEYS = {"rule", "endpoint", "pointer", "after", "reason", "until"}
_TEXTS = ("rule", "endpoint", "pointer", "reason")


@attrs.frozen
class Acceptance:
    """One entry of the file; ``after`` is compared only if it is set."""

    number: int
    rule: str
    endpoint: str
    pointer: str
    reason: str
    after: Value = None
    until: datetime.date | None = None

    def matches(self, change: Change) -> bool:
        """Return whether the entry is about this change, by its structure."""
        return (
            change.rule == self.rule
            and change.pointer == self.pointer
            and (change.endpoint == self.endpoint or fnmatchcase(change.endpoint, self.endpoint))
            and self.after in (None, change.after)
        )

    def __str__(self) -> str:
        return f"entry {self.number} ({self.rule} at {self.endpoint}#{self.pointer})"


@attrs.frozen
class Accepted:
    """The changes, accepted ones marked, and findings about entries of the file."""

    changes: tuple[Change, ...]
    notices: tuple[str, ...] = ()


def read_acceptances(path: Path, today: datetime.date) -> tuple[Acceptance, ...]:
    """Return the entries of a file, empty if it does not exist.

    Raises:
        UsageProblem: The file is unreadable, not TOML, or has invalid entries; all findings are
            reported together.
    """
    entries = []
    problems = []
    for number, table in enumerate(_tables(_parse(path), path), 1):
        plain = table.unwrap() if hasattr(table, "unwrap") else table
        wrong = list(_wrong(plain, today))
        problems += [f"{path}: entry {number}: {reason}" for reason in wrong]
        if not wrong:
            after = plain.get("after")
            entries.append(
                Acceptance(
                    number,
                    plain["rule"],
                    plain["endpoint"],
                    plain["pointer"],
                    plain["reason"],
                    tuple(after) if isinstance(after, list) else after,
                    plain.get("until"),
                )
            )
    if problems:
        raise UsageProblem("\n".join(problems))
    return tuple(entries)


def apply_acceptances(
    changes: Iterable[Change], entries: Sequence[Acceptance], today: datetime.date
) -> Accepted:
    """Mark the changes that entries accept; report expired and unused entries."""
    listed = list(changes)
    notices: list[str] = []
    for entry in entries:
        hits = [i for i, change in enumerate(listed) if entry.matches(change)]
        if not hits:
            notices.append(f"suppression-unused: {entry} matches no change; delete it")
        elif entry.until is not None and entry.until < today:
            notices.append(f"suppression-expired: {entry} ended on {entry.until}; not applied")
        else:
            for i in hits:
                if listed[i].severity is Severity.BREAKING and entry.until is None:
                    notices.append(
                        f"suppression-expired: {entry} accepts a breaking change and has no"
                        " `until`; not applied"
                    )
                else:
                    listed[i] = attrs.evolve(listed[i], accepted=entry.reason)
    return Accepted(tuple(listed), tuple(notices))


def accept(
    path: Path,
    fingerprint: str,
    changes: Iterable[Change],
    *,
    reason: str,
    until: datetime.date | None,
    today: datetime.date,
) -> Change:
    """Write an entry for the change of a fingerprint, or of the start of one; return it.

    The file's comments and layout stay as they are; it is replaced atomically.

    Raises:
        UsageProblem: no such change, more than one, or one already accepted; no reason;
            no end date for a breaking change, or one that is past or too far ahead.
    """
    found = [c for c in changes if fingerprint and c.fingerprint.startswith(fingerprint.lower())]
    if not found:
        raise UsageProblem(
            f"No change has the fingerprint {fingerprint!r}; `tciagen diff` shows them."
        )
    if len(found) > 1:
        raise UsageProblem(
            f"{len(found)} changes have a fingerprint that begins with {fingerprint!r};"
            " give more digits."
        )
    change = found[0]
    document = _parse(path)
    entries = read_acceptances(path, today)
    if any(e.matches(change) and (e.until is None or e.until >= today) for e in entries):
        raise UsageProblem(f"{path} accepts {fingerprint} already.")
    if change.severity is Severity.BREAKING and until is None:
        last = today + LONGEST
        raise UsageProblem(f"A breaking change needs an end date: give --until, at most {last}.")
    table = _table(change, reason, until)
    wrong = list(_wrong(table.unwrap(), today))
    if until is not None and until < today:
        wrong.append(f"until = {until} is past")
    if wrong:
        raise UsageProblem("\n".join(wrong))
    if "accept" not in document:
        document.append("accept", tomlkit.aot())
    array = document["accept"]
    if not isinstance(array, AoT):
        raise UsageProblem(f"{path}: write the entries as [[accept]] tables.")
    array.append(table)
    replace_file(path, tomlkit.dumps(document).encode("utf-8"))
    return change


def _table(change: Change, reason: str, until: datetime.date | None) -> tomlkit.items.Table:
    table = tomlkit.table()
    values = {
        "rule": change.rule,
        "endpoint": change.endpoint,
        "pointer": change.pointer,
        "after": list(change.after) if isinstance(change.after, tuple) else change.after,
        "reason": reason,
        "until": until,
    }
    for key, value in values.items():
        if value is not None:
            table.add(key, value)
    return table


def _parse(path: Path) -> tomlkit.TOMLDocument:
    try:
        return tomlkit.parse(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return tomlkit.document()
    except OSError as error:
        raise UsageProblem(f"{path} cannot be read: {error.strerror}.") from error
    except (tomlkit.exceptions.TOMLKitError, ValueError) as error:
        raise UsageProblem(f"{path} is not TOML: {error}") from error
    except RecursionError as error:
        raise UsageProblem(f"{path} is not TOML: its values are nested too deeply.") from error


def _tables(document: tomlkit.TOMLDocument, path: Path) -> Sequence[Any]:
    for key in document:
        if key != "accept":
            raise UsageProblem(f"{path}: unknown key {key!r}; entries are [[accept]] tables.")
    tables = document.get("accept", [])
    if not isinstance(tables, list) or not all(isinstance(t, Mapping) for t in tables):
        raise UsageProblem(f"{path}: write the entries as [[accept]] tables.")
    return tables


def _wrong(table: Mapping[str, Any], today: datetime.date) -> Iterable[str]:
    for key in table:
        if key not in _KEYS:
            yield f"unknown key {key!r}{suggestion(key, _KEYS)}"
    for key in _TEXTS:
        value = table.get(key)
        # The pointer of a whole endpoint is empty.
        if not isinstance(value, str) or not (value.strip() or key == "pointer"):
            yield f"`{key}` must be a string"
    rule = table.get("rule")
    level = None
    if isinstance(rule, str):
        try:
            level = get_rule(rule).level
        except UsageProblem as problem:
            yield str(problem)
        else:
            if rule not in CONTRACT_RULES:
                yield f"{rule} is no rule of contract changes and cannot be accepted"
    if not isinstance(table.get("after"), str | bool | list | None):
        yield "`after` must be a string, true or false, or a list of strings"
    yield from _wrong_until(table.get("until"), level, today)


def _wrong_until(until: object, level: Severity | None, today: datetime.date) -> Iterable[str]:
    if until is None:
        if level is Severity.BREAKING:
            yield "a breaking change needs an end date: `until = YYYY-MM-DD`"
    elif not isinstance(until, datetime.date) or isinstance(until, datetime.datetime):
        yield "`until` must be a date: `until = YYYY-MM-DD`, without quotes"
    elif until > today + LONGEST:
        yield f"until = {until} is more than {LONGEST.days} days ahead ({today + LONGEST})"
