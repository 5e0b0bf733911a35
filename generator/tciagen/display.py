"""How numbers and paths are displayed in messages."""

import os
from pathlib import Path


def count(number: int, noun: str) -> str:
    """Return a number with its noun, such as ``1 file`` and ``2,000 files``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def relative(path: Path) -> str:
    """Return a path relative to the working folder."""
    return os.path.relpath(path)
