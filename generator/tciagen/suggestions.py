"""Suggestions for misspelled names."""

import difflib
from collections.abc import Mapping
from typing import Any

_MOST_LISTED = 40
"""Up to this many known names are listed where none is close."""


def suggestion(word: str, known: Mapping[str, Any] | set[str]) -> str:
    """Return ``; did you mean …?`` where a known word is close, else the list if it is short."""
    close = difflib.get_close_matches(word, list(known), 1)
    if close:
        return f"; did you mean {close[0]!r}?"
    return "; known are " + ", ".join(sorted(known)) if 0 < len(known) <= _MOST_LISTED else ""
