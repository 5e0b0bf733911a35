"""Capabilities of the terminal behind a stream."""

import os
from typing import IO


def shows_colors(stream: IO[str]) -> bool:
    """Return whether colour codes may be written to a stream: see no-color.org and terminfo."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
