"""Which decoder reads which format."""

from typing import TypeVar

from .decode_json import JsonDecoder
from .decoding import Decoder
from .rows import Rows

R = TypeVar("R")


def decoder(name: str, rows: Rows[R]) -> Decoder[R]:
    """A decoder for the format ``csv``, ``html``, ``xml`` or ``json``."""
    if name == "json":
        return JsonDecoder(rows)
    raise NotImplementedError(name)
