"""The canonical form of a metadata document.

It has sorted members, an indent of two spaces, a final newline and visible escapes for every
unprintable character, so that a change of the server is a reviewable diff.
"""

import json
from collections.abc import Mapping
from typing import Any


def canonical(document: Mapping[str, Any]) -> bytes:
    """Return the document's canonical form in UTF-8."""
    text = json.dumps(document, ensure_ascii=False, indent=2, sort_keys=True)
    if not text.replace("\n", "").isprintable():
        text = "".join(c if c == "\n" or c.isprintable() else json.dumps(c)[1:-1] for c in text)
    return text.encode("utf-8") + b"\n"


def unix_lines(body: bytes) -> bytes:
    """Return a text with the line ends that it had before git converted them."""
    return body.replace(b"\r\n", b"\n")
