"""Rows as people read them: in columns of text, or as HTML. All of it is made harmless first.

What does not print (control characters, terminal escapes, marks that reorder a line)
is written as ``<U+001B>``.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

_WIDEST_CELL = 40
_NARROWEST_CELL = 12
_GAP = "  "


def visible(text: str) -> str:
    """A text on one line, whatever it holds."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else f"<U+{ord(c):04X}>" for c in text)


def cell(value: Any) -> str:
    """A value as a table shows it; a missing one is empty."""
    return "" if value is None else visible(value if isinstance(value, str) else str(value))


def width_of(text: str) -> int:
    """The columns that a text takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(map(_character_width, text))


def _character_width(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def cut(text: str, width: int) -> str:
    """A text that takes no more than so many columns."""
    if width_of(text) <= width:
        return text
    kept: list[str] = []
    room = width - 1
    for character in text:
        room -= _character_width(character)
        if room < 0:
            break
        kept.append(character)
    return f"{''.join(kept)}…"


class Columns(NamedTuple):
    """A table laid out for a terminal: its lines, and the columns that had no room."""

    head: str
    body: tuple[str, ...]
    left_out: tuple[str, ...]


def columns(names: Sequence[str], rows: Iterable[Sequence[Any]], width: int) -> Columns:
    """Lay out rows in as many whole columns as fit; at least the first is shown."""
    cells = [[visible(name) for name in names], *([*map(cell, row)] for row in rows)]
    widest = [max(map(width_of, column)) for column in zip(*cells, strict=True)]
    cuts = [min(w, _WIDEST_CELL) for w in widest]
    if _total(cuts) > width:
        heads = map(width_of, cells[0])
        cuts = [min(w, max(h, _NARROWEST_CELL)) for w, h in zip(cuts, heads, strict=True)]
    fitting = sum(_total(cuts[: i + 1]) <= width for i in range(len(cuts)))
    count = min(max(1, fitting), len(cuts))
    spare = width - _total(cuts[:count])
    for i in range(count):
        more = max(-cuts[i] + 1, min(spare, widest[i] - cuts[i]))
        cuts[i] += more
        spare -= more
    numeric = [
        all(_is_number(row[i]) for row in cells[1:]) and len(cells) > 1 for i in range(count)
    ]
    lines = [_line(row, cuts[:count], numeric) for row in cells]
    return Columns(lines[0], tuple(lines[1:]), tuple(cells[0][count:]))


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + len(_GAP) * max(0, len(widths) - 1)


def _is_number(text: str) -> bool:
    return not text or text.removeprefix("-").replace(".", "", 1).isdecimal()


def _line(row: Sequence[str], widths: Sequence[int], numeric: Sequence[bool]) -> str:
    parts: list[str] = []
    for text, width, right in zip(row, widths, numeric, strict=False):
        shown = cut(text, width)
        blanks = " " * (width - width_of(shown))
        parts.append(blanks + shown if right else shown + blanks)
    return _GAP.join(parts).rstrip()


def html_table(names: Sequence[str], rows: Iterable[Sequence[Any]], note: str) -> str:
    """Rows as an HTML table with a line below it; long cells are cut."""
    from html import escape  # noqa: PLC0415 - for notebooks only

    def line(tag: str, texts: Iterable[str]) -> str:
        marked = "".join(f"<{tag}>{escape(cut(text, 80))}</{tag}>" for text in texts)
        return f"<tr>{marked}</tr>"

    head = line("th", map(visible, names))
    body = "".join(line("td", map(cell, row)) for row in rows)
    return f"<table><thead>{head}</thead><tbody>{body}</tbody></table><p>{escape(note)}</p>"
