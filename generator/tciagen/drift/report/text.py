"""The report for a terminal: grouped by severity, worst first."""

import io

from rich.console import Console
from rich.text import Text

from tciagen.drift.change import Change
from tciagen.drift.display import shown
from tciagen.drift.levels import Severity
from tciagen.drift.report.model import Report
from tciagen.python.text import plain

_STYLES = {
    Severity.BREAKING: "bold red",
    Severity.DANGEROUS: "bold yellow",
    Severity.NON_BREAKING: "bold green",
    Severity.DOCS: "bold cyan",
    Severity.NONE: "bold dim",
}
_WIDTH = 100


def render(report: Report) -> str:
    """Return the report as text, with ANSI colours if the report has them enabled."""
    console = Console(
        file=io.StringIO(),
        width=_WIDTH,
        force_terminal=report.color,
        no_color=not report.color,
        color_system="standard" if report.color else None,
        highlight=False,
        legacy_windows=False,
    )
    with console.capture() as capture:
        for severity, changes in report.groups():
            console.print(Text(f"{severity} ({len(changes)})", _STYLES[severity]))
            for change in changes:
                _print(console, change)
        for notice in report.notices:
            console.print(Text(plain(notice), "yellow"))
        if report.notices:
            console.print()
        console.print(Text(report.summary(), "bold"))
    return "".join(line.rstrip() + "\n" for line in capture.get().splitlines())


def _print(console: Console, change: Change) -> None:
    struck = "strike" if change.accepted is not None else ""
    head = Text("  ")
    head.append(plain(change.endpoint), f"bold {struck}".strip())
    if change.pointer:
        head.append(" " + plain(change.pointer), struck)
    console.print(head, soft_wrap=True)
    line = Text(f"    {change.rule}: ")
    if change.before is not None:
        line.append(shown(change.before), "red")
    if change.after is not None:
        line.append(" → " if change.before is not None else "")
        line.append(shown(change.after), "green")
    line.append(" is gone" if change.after is None else "")
    line.append(" is new" if change.before is None else "")
    console.print(line, soft_wrap=True)
    effects = f"    wire {change.wire}, source {change.source}, bump {change.bump}"
    console.print(Text(f"{effects}, fingerprint {change.fingerprint}", "dim"), soft_wrap=True)
    if change.cause:
        console.print(Text(f"    follows from {change.cause}", "dim"), soft_wrap=True)
    if change.accepted is not None:
        console.print(Text(f"    accepted: {plain(change.accepted)}", "cyan"), soft_wrap=True)
    for part in Text(plain(change.message)).wrap(console, _WIDTH - 4):
        console.print(Text("    ").append_text(part), soft_wrap=True)
    console.print()
