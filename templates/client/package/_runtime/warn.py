"""Warnings that point to the line of the caller's code."""

import warnings
from inspect import currentframe
from pathlib import Path

_PACKAGE = str(Path(__file__).parents[1])


def warn_caller(message: str | Warning, category: type[Warning] = UserWarning) -> None:
    """Warn as the first function up the stack that is outside of this package."""
    level = 1
    frame = currentframe()
    while frame is not None and frame.f_code.co_filename.startswith((_PACKAGE, "<rows of ")):
        frame = frame.f_back
        level += 1
    warnings.warn(message, category, stacklevel=level)
