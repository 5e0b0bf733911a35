"""One self-contained page: summary, filters, old and new side by side with words marked.

All server text goes through Jinja's escaping; the page's policy
allows its own script and style by their digests and nothing else.
"""

import base64
import difflib
import hashlib
import re
from functools import cache
from importlib.resources import files

import attrs
import jinja2
from markupsafe import Markup

from tciagen.drift.catalogue.rules import get_rule
from tciagen.drift.change import Change, Value
from tciagen.drift.display import shown
from tciagen.drift.levels import DRIFT_LEVELS
from tciagen.drift.report.model import Report
from tciagen.python.text import plain

_WORDS = re.compile(r"\w+|\s+|[^\w\s]")

Marked = list[tuple[bool, str]]
"""A text in parts; those that are only on this side are marked."""


@attrs.frozen
class Row:
    """One change as the page shows it."""

    change: Change
    summary: str
    before: Marked
    after: Marked
    message: str
    accepted: str | None


def render(report: Report) -> str:
    """Return the report as an HTML page."""
    style, script = _asset("report.css"), _asset("report.js")
    page = _template().render(
        report=report,
        rows=[_row(change) for change in report.changes],
        counts={
            level: sum(change.severity is level for change in report.changes)
            for level in DRIFT_LEVELS
        },
        endpoints=sorted({plain(change.endpoint) for change in report.changes}),
        old=plain(report.old),
        new=plain(report.new),
        notices=[plain(notice) for notice in report.notices],
        style=Markup(style),  # noqa: S704 - our own file
        script=Markup(script),  # noqa: S704 - our own file
        policy=f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'",
    )
    return page + "\n"


def marked_words(before: str, after: str) -> tuple[Marked, Marked]:
    """Return both texts in parts, with the differing words marked."""
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    left: Marked = []
    right: Marked = []
    for kind, i, j, k, n in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        differs = kind != "equal"
        if i != j:
            left.append((differs, "".join(old[i:j])))
        if k != n:
            right.append((differs, "".join(new[k:n])))
    return left, right


def _row(change: Change) -> Row:
    before, after = _whole(change.before), _whole(change.after)
    left, right = marked_words(before, after)
    if change.before is None or change.after is None:
        left, right = [(bool(before), before)], [(bool(after), after)]
    accepted = None if change.accepted is None else plain(change.accepted)
    return Row(change, get_rule(change.rule).summary, left, right, plain(change.message), accepted)


def _whole(value: Value) -> str:
    return "" if value is None else shown(value, longest=5_000)


@cache
def _asset(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"sha256-{digest}"


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["plain"] = plain
    return environment.from_string(_asset("report.html.jinja"))
