"""The report for a pull request: at most 65,000 characters, worst first, no active markup."""

from tciagen.drift.change import Change
from tciagen.drift.display import code_span, shown, step
from tciagen.drift.report.model import Report
from tciagen.python.text import markdown

LONGEST = 65_000
_NOTICE_SIZE = 200


def render(report: Report) -> str:
    """Return the report as GitHub-flavoured Markdown, cut with a notice if it is too long."""
    lines = ["## Contract drift", ""]
    if report.changes:
        lines += [f"From {code_span(shown(report.old))} to {code_span(shown(report.new))}.", ""]
    lines += [f"**{report.summary()}**", ""]
    lines += [f"- ⚠ {code_span(shown(notice))}" for notice in report.notices]
    size = sum(len(line) + 1 for line in lines)
    included = 0
    for severity, changes in report.groups():
        heading = ["", f"### {str(severity).capitalize()} ({len(changes)})", ""]
        if not lines[-1]:
            del heading[0]
        for change in changes:
            entry = [*heading, _entry(change)]
            size += sum(len(line) + 1 for line in entry)
            if size > LONGEST - _NOTICE_SIZE:
                rest = len(report.changes) - included
                lines += ["", f"… and {rest} more; `tciagen diff` reports all of them."]
                return _joined(lines)
            lines += entry
            heading = []
            included += 1
    return _joined(lines)


def _joined(lines: list[str]) -> str:
    return "\n".join(lines).rstrip("\n") + "\n"


def _entry(change: Change) -> str:
    location = code_span(shown(change.endpoint + (f"#{change.pointer}" if change.pointer else "")))
    sentence = f"`{change.rule}` {location} {step(change)}"
    if change.accepted is not None:
        return f"- ~~{sentence}~~ accepted: {code_span(shown(change.accepted))}"
    effects = f"wire {change.wire}, source {change.source}, bump {change.bump}"
    return f"- {sentence}<br>{markdown(change.message)} *({effects}; `{change.fingerprint}`)*"
