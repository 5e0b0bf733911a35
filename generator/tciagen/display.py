"""Numbers, names, paths and server text in messages."""

import os
from collections.abc import Sequence
from pathlib import Path


def count(number: int, noun: str) -> str:
    """Return a number with its noun, such as ``1 file`` and ``2,000 files``."""
    return f"{number:,} {noun}{plural(number, '', 's')}"


def plural(number: int, one: str, many: str) -> str:
    """Return the form of a word that goes with a number, such as ``was`` or ``were``."""
    return one if number == 1 else many


def listed(names: Sequence[str], most: int = 5) -> str:
    """Return the first names, and how many there are more."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def shorten(text: str, length: int) -> str:
    """Return a text of at most ``length`` characters; an ellipsis replaces the rest."""
    return text if len(text) <= length else text[: length - 1] + "…"


def printable(text: str) -> str:
    """Return a text with each unprintable character written as ``<U+202E>``."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else f"<U+{ord(c):04X}>" for c in text)


def relative(path: Path) -> str:
    """Return a path relative to the working folder."""
    return os.path.relpath(path)
