"""Which decoder reads which format."""

from typing import TypeVar

from .csv import CsvDecoder
from .decoder import Decoder
from .json import JsonDecoder
from .markup import HtmlDecoder, XmlDecoder
from .rows import RowReader

R = TypeVar("R")


def decoder(name: str, rows: RowReader[R]) -> Decoder[R]:
    """A decoder for the format ``csv``, ``html``, ``xml`` or ``json``."""
    match name:
        case "csv":
            return CsvDecoder(rows)
        case "xml":
            return XmlDecoder(rows)
        case "html":
            return HtmlDecoder(rows)
        case _:
            return JsonDecoder(rows)
