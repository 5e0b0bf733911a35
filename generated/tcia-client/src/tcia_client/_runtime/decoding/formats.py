"""The formats of records: which decoder reads one, and how to recognize one."""

import re
from functools import lru_cache
from typing import TypeVar

from ..endpoint import Endpoint, RecordFormat
from ..naming import fold
from .csv import CsvDecoder
from .decoder import Decoder
from .json import JsonDecoder
from .markup import HtmlDecoder, XmlDecoder
from .rows import RowReader

R = TypeVar("R")

_JSON = re.compile(rb"\[\s*[{\]]")
_XML = re.compile(rb"(?:<\?xml[^<>]*>\s*)?<Results\b")
_HTML = re.compile(rb"<table\s[^<>]*\bid='data'", re.IGNORECASE)
_CSV_NAMES = re.compile(r"[\w.-]+(?:,[\w.-]+)*")
_SUBTYPES: dict[str, tuple[str, ...]] = {
    "json": ("json", "+json"),
    "csv": ("csv", "x-csv", "comma-separated-values"),
    "xml": ("xml", "+xml"),
    "html": ("html", "xhtml+xml"),
}


def decoder(name: str, rows: RowReader[R]) -> Decoder[R]:
    """Return a decoder for the format ``csv``, ``html``, ``xml`` or ``json``."""
    match name:
        case "csv":
            return CsvDecoder(rows)
        case "html":
            return HtmlDecoder(rows)
        case "xml":
            return XmlDecoder(rows)
        case _:
            return JsonDecoder(rows)


def format_of(first_bytes: bytes, endpoint: Endpoint) -> RecordFormat | None:
    """Return the format of the records that a body starts with, None for another body."""
    body = first_bytes.removeprefix(b"\xef\xbb\xbf").lstrip()
    if _JSON.match(body):
        return "json"
    if _XML.match(body):
        return "xml"
    if body.startswith(b"<"):
        return "html" if _HTML.search(body) else None
    line = body.partition(b"\n")[0].decode("utf-8", "replace").rstrip()
    known = {fold(n) for one in endpoint.attributes for n in (one.name, *one.aliases)}
    if _CSV_NAMES.fullmatch(line) and not known.isdisjoint(map(fold, line.split(","))):
        return "csv"
    return None


@lru_cache(maxsize=256)
def is_labelled(content_type: str, wanted: str) -> bool:
    """Return whether a Content-Type fits a record format; an empty one fits every format."""
    media_type = content_type.partition(";")[0].strip().lower()
    subtype = media_type.rpartition("/")[2]
    return not media_type or any(
        subtype.endswith(name) if name.startswith("+") else subtype == name
        for name in _SUBTYPES[wanted]
    )
