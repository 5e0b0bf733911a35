"""Which decoder reads which format."""

from typing import TypeVar

from .decode_csv import CsvDecoder
from .decode_json import JsonDecoder
from .decode_markup import HtmlDecoder, XmlDecoder
from .decoding import Decoder
from .rows import Rows

R = TypeVar("R")


def decoder(name: str, rows: Rows[R]) -> Decoder[R]:
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
