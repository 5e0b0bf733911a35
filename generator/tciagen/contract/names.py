"""Comparison of wire names."""


def fold(name: str) -> str:
    """Return a name without case and underscores, as a client compares wire names."""
    return name.replace("_", "").casefold()
