"""The content of every report, and its summary."""

from pathlib import PurePosixPath
from urllib.parse import quote

import attrs

from tciagen.display import count
from tciagen.drift.change import Change
from tciagen.drift.levels import DRIFT_LEVELS, Severity
from tciagen.drift.version import worst_bump


@attrs.frozen(kw_only=True)
class Report:
    """Changes in order, and the context of a report."""

    changes: tuple[Change, ...]
    old: str
    new: str
    notices: tuple[str, ...]
    folder: str
    fail_on: Severity
    color: bool
    partial: bool

    @property
    def open(self) -> tuple[Change, ...]:
        """The changes that are not accepted."""
        return tuple(change for change in self.changes if change.accepted is None)

    def groups(self) -> list[tuple[Severity, tuple[Change, ...]]]:
        """Return the changes by severity, worst first; no group is empty."""
        found = (
            (level, tuple(c for c in self.changes if c.severity is level)) for level in DRIFT_LEVELS
        )
        return [(level, changes) for level, changes in found if changes]

    def fails(self, change: Change) -> bool:
        """Return whether a change reaches the severity ``fail_on``."""
        if change.accepted is not None or self.fail_on is Severity.NONE:
            return False
        return change.severity.rank <= self.fail_on.rank

    def summary(self) -> str:
        """Return one sentence with the number of changes and of breaking ones."""
        if not self.changes:
            return (
                "No change in the endpoints that could be compared."
                if self.partial
                else "No change."
            )
        counts = {level: sum(c.severity is level for c in self.open) for level in DRIFT_LEVELS}
        breaking = counts.pop(Severity.BREAKING)
        accepted = len(self.changes) - len(self.open)
        parts = [f"{number} {level}" for level, number in counts.items() if number]
        if accepted:
            parts.append(f"{accepted} accepted")
        sentence = f"{count(len(self.changes), 'change')}, {breaking or 'none'} breaking"
        details = f" ({', '.join(parts)})" if parts else ""
        return f"{sentence}{details}; version bump: {worst_bump(self.changes)}."

    def path(self, change: Change) -> str:
        """Return the document's file, as far as the report knows, percent-encoded."""
        name = change.endpoint.rsplit("/", 1)[-1]
        return quote(str(PurePosixPath(self.folder, change.resource, f"{name}.json")))
