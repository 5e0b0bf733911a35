"""Warnings that point to the line of the user's that called."""

import warnings
from inspect import currentframe
from pathlib import Path

_HERE = str(Path(__file__).parent)


def warn_caller(message: str | Warning, category: type[Warning] = UserWarning) -> None:
    """Warn as the first function up the stack that is not of this package's runtime."""
    level = 1
    frame = currentframe()
    while frame is not None and frame.f_code.co_filename.startswith((_HERE, "<rows of ")):
        frame = frame.f_back
        level += 1
    warnings.warn(message, category, stacklevel=level)
