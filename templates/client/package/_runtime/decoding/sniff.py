"""In which format a body is, and what its Content-Type calls it; for what is not as asked."""

import re
from functools import lru_cache

from ..endpoint import Endpoint, RecordFormat

_JSON = re.compile(rb"\[\s*[{\]]")
_XML = re.compile(rb"(?:<\?xml[^<>]*>\s*)?<Results\b")
_HTML = re.compile(rb"<table\s[^<>]*\bid='data'", re.IGNORECASE)
_NAMES = re.compile(r"[\w.-]+(?:,[\w.-]+)*")
_SUBTYPES: dict[str, tuple[str, ...]] = {
    "json": ("json", "+json"),
    "csv": ("csv", "x-csv", "comma-separated-values"),
    "xml": ("xml", "+xml"),
    "html": ("html", "xhtml+xml"),
}


def fold(name: str) -> str:
    """A wire name without case and underscores, by which it is recognised."""
    return name.replace("_", "").casefold()


def format_of(beginning: bytes, endpoint: Endpoint) -> RecordFormat | None:
    """The format of the records whose first bytes these are, None if they begin as no records."""
    body = beginning.removeprefix(b"\xef\xbb\xbf").lstrip()
    if _JSON.match(body):
        return "json"
    if _XML.match(body):
        return "xml"
    if body.startswith(b"<"):
        return "html" if _HTML.search(body) else None
    line = body.partition(b"\n")[0].decode("utf-8", "replace").rstrip()
    known = {fold(n) for one in endpoint.attributes for n in (one.name, *one.aliases)}
    if _NAMES.fullmatch(line) and not known.isdisjoint(map(fold, line.split(","))):
        return "csv"
    return None


@lru_cache(maxsize=256)
def is_labelled(content_type: str, wanted: str) -> bool:
    """Whether a Content-Type fits a record format; an empty one says nothing against it."""
    media_type = content_type.partition(";")[0].strip().lower()
    subtype = media_type.rpartition("/")[2]
    return not media_type or any(
        subtype.endswith(name) if name.startswith("+") else subtype == name
        for name in _SUBTYPES[wanted]
    )
