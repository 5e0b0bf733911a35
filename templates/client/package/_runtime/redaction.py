"""Keep secrets out of messages that quote a server.

Only the quoted text is redacted, not the message: a key such as ``row`` must not change the
message. Code that quotes such text calls :func:`redacted`; the client sets the secrets.
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
    """Replaces secrets in text, in one pass.

    Args:
        secrets: The replacement of each secret. A secret is also found in the spelling of a
            URL, JSON, HTML and Python.
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
        """Return text without the secrets."""
        if not self._spellings:
            return text
        return self._pattern.sub(lambda match: self._spellings[match[0]], text)

    def value(self, value: Any) -> Any:
        """Return a value without the secrets, as a string if it contains one."""
        if isinstance(value, str):
            return self(value)
        text = repr(value) if self else ""
        shown = self(text)
        return value if shown == text else shown

    def also(self, secrets: Mapping[str, str]) -> "Redactor":
        """Return a redactor with further secrets."""
        return Redactor({**secrets, **self._secrets})


NOTHING = Redactor({})
_current: ContextVar[Redactor] = ContextVar("_current", default=NOTHING)


@contextmanager
def redacting(redactor: Redactor) -> Generator[None]:
    """Set the redactor of :func:`redacted`."""
    token = _current.set(redactor)
    try:
        yield
    finally:
        _current.reset(token)


def redacted(text: str) -> str:
    """Return text of a server as a message may quote it."""
    return _current.get()(text)


def redacted_value(value: Any) -> Any:
    """Return a value of a server as an error may have it."""
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
