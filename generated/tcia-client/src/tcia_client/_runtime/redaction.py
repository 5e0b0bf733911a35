"""Keep secrets out of messages that quote what a server sent.

Text from outside is redacted where a sentence is composed of it, once, and never the sentence
itself: a key such as ``row`` must not change our own words. Code that quotes such text calls
:func:`redacted`; which secrets it then replaces is set by the client around that code.
"""

import html
import json
import re
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from urllib.parse import quote


class Redactor:
    """Replaces secrets in text from outside, in one pass over it.

    Args:
        secrets: What to write in place of each secret. A secret is also found as a URL, JSON,
            HTML and Python write it.
    """

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self._secrets = dict(secrets)
        self._spellings = {
            spelling: replacement
            for secret, replacement in secrets.items()
            for spelling in _spellings(secret)
        }
        longest_first = sorted(self._spellings, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first)))

    def __bool__(self) -> bool:
        return bool(self._spellings)

    def __call__(self, text: str) -> str:
        """Return a text without the secrets."""
        if not self._spellings:
            return text
        return self._pattern.sub(lambda match: self._spellings[match[0]], text)

    def value(self, value: Any) -> Any:
        """Return a value without the secrets; one that is no text is returned as text then."""
        if isinstance(value, str):
            return self(value)
        text = repr(value) if self else ""
        shown = self(text)
        return value if shown == text else shown

    def also(self, secrets: Mapping[str, str]) -> "Redactor":
        """Return a redactor for more secrets."""
        return Redactor({**secrets, **self._secrets})


NOTHING = Redactor({})
_current: ContextVar[Redactor] = ContextVar("_current", default=NOTHING)


@contextmanager
def redacting(redactor: Redactor) -> Generator[None]:
    """Let :func:`redacted` use this redactor."""
    token = _current.set(redactor)
    try:
        yield
    finally:
        _current.reset(token)


def redacted(text: str) -> str:
    """Return text from outside as a message may quote it."""
    return _current.get()(text)


def redacted_value(value: Any) -> Any:
    """Return a value from outside as an error may carry it."""
    return _current.get().value(value)


def _spellings(secret: str) -> set[str]:
    return {
        secret,
        quote(secret),
        quote(secret, safe=""),
        json.dumps(secret)[1:-1],
        html.escape(secret),
        repr(secret)[1:-1],
    } - {""}
