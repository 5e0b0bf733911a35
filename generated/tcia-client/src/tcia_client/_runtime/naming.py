"""Names as people write them, compared with the names that this package knows."""

from collections.abc import Mapping


def fold(name: str) -> str:
    """Return the letters and digits of a name in lower case: ``Series UID`` is ``seriesuid``."""
    return "".join(filter(str.isalnum, name.casefold()))


def closest(word: str, known: Mapping[str, str]) -> str | None:
    """Return the known name that a misspelt word most likely means.

    Args:
        word: The word as it was written.
        known: The name to suggest for each spelling that is known.

    Returns:
        The name of the closest spelling, None if none is close.
    """
    from difflib import get_close_matches  # noqa: PLC0415 - only where something is misspelt

    names: dict[str, str] = {}
    for spelling, name in known.items():
        names.setdefault(fold(spelling), name)
    matches = get_close_matches(fold(word), names, n=1, cutoff=0.7)
    return names[matches[0]] if matches else None


def did_you_mean(word: str, known: Mapping[str, str]) -> str:
    """Return ``; did you mean …?`` with the closest known name, or an empty string."""
    name = closest(word, known)
    return f"; did you mean {name}?" if name else ""
