"""Display of server values: on one line, printable, and never as markup."""

import re

from tciagen.display import shorten
from tciagen.drift.change import Change, Value
from tciagen.python.text import plain

LONGEST = 160


def shown(value: Value, longest: int | None = LONGEST) -> str:
    """Return a value on one line, with unprintable characters as ``<U+202E>``."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    text = plain(", ".join(value) if isinstance(value, tuple) else value)
    if not text:
        return '""'
    return text if longest is None else shorten(text, longest)


def code_span(text: str) -> str:
    """Return a Markdown code span of exactly this text, which may contain backticks."""
    fence = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def step(change: Change) -> str:
    """Return before and after as Markdown, such as one code span, an arrow and another."""
    if change.before is None:
        return "new: " + code_span(shown(change.after))
    if change.after is None:
        return "was: " + code_span(shown(change.before))
    return f"{code_span(shown(change.before))} → {code_span(shown(change.after))}"
