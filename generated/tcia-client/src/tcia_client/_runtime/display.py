"""Values and tables as text for people.

Text of a server can hold control characters, terminal escapes and marks that reorder a line.
:func:`visible` writes each of them as ``<U+001B>``.
"""

import json
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from .redaction import redacted

_MAX_CELL_WIDTH = 40
_MIN_CELL_WIDTH = 12
_GAP = "  "


def visible(text: str) -> str:
    """Return a text on one line, with each unprintable character as its code point."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else f"<U+{ord(c):04X}>" for c in text)


def shorten(text: str, length: int) -> str:
    """Return a text of at most ``length`` characters; an ellipsis replaces the rest."""
    return text if len(text) <= length else f"{text[: length - 1]}…"


def short_repr(value: Any) -> str:
    """Return the repr of a value of a server, shortened and without secrets."""
    is_text = isinstance(value, str)
    text = repr(redacted(value)[:160]) if is_text else redacted(repr(value))
    return shorten(text, 80)


def short_json(value: object) -> str:
    """Return a value as JSON, shortened."""
    return shorten(json.dumps(value, ensure_ascii=True, default=str), 60)


def excerpt(text: str) -> str:
    """Return the repr of the beginning of a server's text, without secrets."""
    return repr(redacted(text[:4096])[:60])


def cut(text: str, width: int) -> str:
    """Return a text that takes at most ``width`` columns of a terminal."""
    if _width(text) <= width:
        return text
    fitting: list[str] = []
    free = width - 1
    for character in text:
        free -= _character_width(character)
        if free < 0:
            break
        fitting.append(character)
    return f"{''.join(fitting)}…"


def _width(text: str) -> int:
    return len(text) if text.isascii() else sum(map(_character_width, text))


def _character_width(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


class Columns(NamedTuple):
    """A table for a terminal: its lines, and the names of the columns that did not fit."""

    head: str
    body: tuple[str, ...]
    left_out: tuple[str, ...]


def columns(names: Sequence[str], rows: Iterable[Sequence[Any]], width: int) -> Columns:
    """Lay out rows in as many columns as fit into a width; the first column is always shown."""
    cells = [[visible(name) for name in names], *([*map(_cell, row)] for row in rows)]
    full = [max(map(_width, column)) for column in zip(*cells, strict=True)]
    widths = [min(w, _MAX_CELL_WIDTH) for w in full]
    if _total(widths) > width:
        heads = map(_width, cells[0])
        widths = [min(w, max(h, _MIN_CELL_WIDTH)) for w, h in zip(widths, heads, strict=True)]
    fitting = sum(_total(widths[: i + 1]) <= width for i in range(len(widths)))
    count = min(max(1, fitting), len(widths))
    free = width - _total(widths[:count])
    for i in range(count):
        more = max(1 - widths[i], min(free, full[i] - widths[i]))
        widths[i] += more
        free -= more
    numeric = [
        all(_is_number(row[i]) for row in cells[1:]) and len(cells) > 1 for i in range(count)
    ]
    lines = [_line(row, widths[:count], numeric) for row in cells]
    return Columns(lines[0], tuple(lines[1:]), tuple(cells[0][count:]))


def _cell(value: Any) -> str:
    return "" if value is None else visible(str(value))


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + len(_GAP) * max(0, len(widths) - 1)


def _is_number(text: str) -> bool:
    return not text or text.removeprefix("-").replace(".", "", 1).isdecimal()


def _line(row: Sequence[str], widths: Sequence[int], numeric: Sequence[bool]) -> str:
    parts: list[str] = []
    for text, width, align_right in zip(row, widths, numeric, strict=False):
        shown = cut(text, width)
        blanks = " " * (width - _width(shown))
        parts.append(blanks + shown if align_right else shown + blanks)
    return _GAP.join(parts).rstrip()


def html_table(names: Sequence[str], rows: Iterable[Sequence[Any]], note: str) -> str:
    """Return rows as an HTML table with a note below it; long cells are cut."""
    from html import escape  # noqa: PLC0415 - for notebooks only

    def line(tag: str, texts: Iterable[str]) -> str:
        cells = "".join(f"<{tag}>{escape(cut(text, 80))}</{tag}>" for text in texts)
        return f"<tr>{cells}</tr>"

    head = line("th", map(visible, names))
    body = "".join(line("td", map(_cell, row)) for row in rows)
    return f"<table><thead>{head}</thead><tbody>{body}</tbody></table><p>{escape(note)}</p>"
