"""Workflow commands of GitHub Actions: one annotation for each change."""

from tciagen.drift.change import Change
from tciagen.drift.display import shown
from tciagen.drift.levels import Severity
from tciagen.drift.report.model import Report
from tciagen.python.text import plain

_COMMANDS = {Severity.BREAKING: "error", Severity.DANGEROUS: "warning"}


def render(report: Report) -> str:
    """Return annotations, and the summary as the last line."""
    lines = [_annotation(report, change) for change in report.changes]
    lines += [f"::warning title=drift-accept.toml::{_data(plain(n))}" for n in report.notices]
    return "\n".join([*lines, report.summary()]) + "\n"


def _annotation(report: Report, change: Change) -> str:
    command = _COMMANDS.get(change.severity, "notice") if change.accepted is None else "notice"
    location = f"{change.endpoint}{change.pointer and '#' + change.pointer}"
    step = f"{shown(change.before)} → {shown(change.after)}"
    accepted = "" if change.accepted is None else f" (accepted: {plain(change.accepted)})"
    text = f"{plain(location)}: {step}. {plain(change.message)}{accepted}"
    file = _property(report.path(change))
    return f"::{command} file={file},line=1,title={_property(change.rule)}::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
