"""For machines; ``report.schema.json`` beside this module describes it."""

import json
from importlib.resources import files
from typing import Any

from tciagen.drift.change import Change
from tciagen.drift.report.model import Report

FORMAT = 1


def render(report: Report) -> str:
    """Return the report as JSON."""
    changes = [_plain(change) for change in report.changes]
    return json.dumps({"format": FORMAT, "changes": changes}, indent=2) + "\n"


def report_schema() -> dict[str, Any]:
    """Return the JSON Schema of the report."""
    text = files(__package__).joinpath("report.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def _plain(change: Change) -> dict[str, Any]:
    return {
        "rule": change.rule,
        "severity": str(change.severity),
        "wire": str(change.wire),
        "source": str(change.source),
        "bump": str(change.bump),
        "endpoint": change.endpoint,
        "pointer": change.pointer,
        "before": change.before,
        "after": change.after,
        "message": change.message,
        "fingerprint": change.fingerprint,
        "accepted": change.accepted is not None,
    }
