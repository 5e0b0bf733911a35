"""SARIF 2.1.0 (OASIS): results with their rules, for code scanning."""

import json
from typing import Any

from tciagen import __version__
from tciagen.drift.catalogue.rules import get_rule
from tciagen.drift.change import Change
from tciagen.drift.display import shown
from tciagen.drift.levels import Severity
from tciagen.drift.report.model import Report
from tciagen.python.text import plain

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {
    Severity.BREAKING: "error",
    Severity.DANGEROUS: "warning",
    Severity.NONE: "none",
}


def render(report: Report) -> str:
    """Return one run; accepted changes are results with a suppression."""
    rule_ids = sorted({change.rule for change in report.changes})
    driver = {"name": "tciagen", "version": __version__, "rules": list(map(_rule, rule_ids))}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(report, rule_ids, change) for change in report.changes],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _rule(rule_id: str) -> dict[str, Any]:
    rule = get_rule(rule_id)
    return {
        "id": rule.id,
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": rule.why},
        "defaultConfiguration": {"level": _LEVELS.get(rule.level, "note")},
    }


def _result(report: Report, rule_ids: list[str], change: Change) -> dict[str, Any]:
    location = f"{change.endpoint}{change.pointer and '#' + change.pointer}"
    step = f"{shown(change.before)} → {shown(change.after)}"
    result: dict[str, Any] = {
        "ruleId": change.rule,
        "ruleIndex": rule_ids.index(change.rule),
        "level": _LEVELS.get(change.severity, "note"),
        "message": {"text": f"{plain(location)}: {step}. {plain(change.message)}"},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": report.path(change)},
                    "region": {"startLine": 1},
                },
                "logicalLocations": [{"fullyQualifiedName": plain(location), "kind": "member"}],
            }
        ],
        "partialFingerprints": {"change/v1": change.fingerprint},
        "properties": {
            "wire": str(change.wire),
            "source": str(change.source),
            "bump": str(change.bump),
        },
    }
    if change.accepted is not None:
        result["suppressions"] = [
            {"kind": "external", "justification": plain(change.accepted)},
        ]
    return result
