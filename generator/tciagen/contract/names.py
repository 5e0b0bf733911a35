"""Comparison of wire names."""


def fold(name: str) -> str:
    """Return the letters and digits of a name in lower case, as a client compares wire names."""
    return "".join(filter(str.isalnum, name.casefold()))
