"""Messages of a server in a body that is not the data of its endpoint."""

import re
from typing import Any, cast

from .display import shorten
from .redaction import redacted

_TAG = re.compile(r"<[^<>]*>")
_TITLE = re.compile(r"<title[^<>]*+>([^<]*+)</title", re.IGNORECASE)
_PAGE = re.compile(r"\s*<(?:!doctype html|html|head|body|title)\b", re.IGNORECASE)
_FIELDS = (
    "errorMessage",
    "errorDescription",
    "detailedMessage",
    "message",
    "error",
    "suggestedAction",
)


def is_page(text: str) -> bool:
    """Return whether a text starts as an HTML page does."""
    return _PAGE.match(text) is not None


def summary(text: str, limit: int = 200) -> str:
    """Return the title of a page, or the words of a text, on one line without secrets."""
    title = _TITLE.search(text)
    words = " ".join(_TAG.sub(" ", title[1] if title else text).split())
    return shorten(redacted(words), limit)


def server_fields(document: Any) -> dict[str, str]:
    """Return the members of a server's error object that have a message."""
    members = cast("dict[str, Any]", document) if isinstance(document, dict) else {}
    return {
        name: summary(text, 1000)
        for name in _FIELDS
        if isinstance(text := members.get(name), str) and text.strip()
    }
