"""What every report is made of, and the sentence that each begins with."""

from pathlib import PurePosixPath
from urllib.parse import quote

import attrs

from tciagen.drift.change import Change
from tciagen.drift.levels import DRIFT_LEVELS, Severity
from tciagen.drift.version import worst_bump


@attrs.frozen(kw_only=True)
class Report:
    """Changes in order, and what a report says around them."""

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
        """The changes that nobody accepted."""
        return tuple(change for change in self.changes if change.accepted is None)

    def groups(self) -> list[tuple[Severity, tuple[Change, ...]]]:
        """Return the changes by severity, worst first; no group is empty."""
        found = (
            (level, tuple(c for c in self.changes if c.severity is level)) for level in DRIFT_LEVELS
        )
        return [(level, changes) for level, changes in found if changes]

    def fails(self, change: Change) -> bool:
        """Whether a change is what ``fail_on`` asks for."""
        if change.accepted is not None or self.fail_on is Severity.NONE:
            return False
        return change.severity.rank <= self.fail_on.rank

    def summary(self) -> str:
        """Return one sentence: no change, changes of which none is breaking, or how many are."""
        if not self.changes:
            return "No change in what could be judged." if self.partial else "No change."
        counts = {level: sum(c.severity is level for c in self.open) for level in DRIFT_LEVELS}
        breaking = counts.pop(Severity.BREAKING)
        accepted = len(self.changes) - len(self.open)
        parts = [f"{number} {level}" for level, number in counts.items() if number]
        if accepted:
            parts.append(f"{accepted} accepted")
        total = len(self.changes)
        said = f"{total} change{'s' if total > 1 else ''}, {breaking or 'none'} breaking"
        details = f" ({', '.join(parts)})" if parts else ""
        return f"{said}{details}; version bump: {worst_bump(self.changes)}."

    def path(self, change: Change) -> str:
        """Return the document's file, as far as the report knows, percent-encoded."""
        name = change.endpoint.rsplit("/", 1)[-1]
        return quote(str(PurePosixPath(self.folder, change.resource, f"{name}.json")))
