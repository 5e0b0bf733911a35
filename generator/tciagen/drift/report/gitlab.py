"""GitLab's code quality report: the subset of the Code Climate format that it reads."""

import json

from tciagen.drift.display import shown
from tciagen.drift.levels import Severity
from tciagen.drift.report.model import Report
from tciagen.python.text import plain

_LEVELS = {
    Severity.BREAKING: "critical",
    Severity.DANGEROUS: "major",
    Severity.NON_BREAKING: "minor",
}


def render(report: Report) -> str:
    """Return the changes that nobody accepted as code quality issues."""
    issues = [
        {
            "description": f"{plain(change.pointer) or plain(change.endpoint)}:"
            f" {shown(change.before)} → {shown(change.after)}. {plain(change.message)}",
            "check_name": change.rule,
            "fingerprint": change.fingerprint,
            "severity": _LEVELS.get(change.severity, "info"),
            "location": {"path": report.path(change), "lines": {"begin": 1}},
        }
        for change in report.open
    ]
    return json.dumps(issues, indent=2) + "\n"
