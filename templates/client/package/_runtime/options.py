"""What a client is told about how to talk to its server."""

import logging
from threading import TIMEOUT_MAX
from typing import Any
from urllib.parse import quote

import attrs

from .errors import (
    ApiError,
    ConnectionFailedError,
    NotFoundError,
    NotRecordsError,
    ParameterError,
    RedirectError,
)
from .request import KEY_HEADER
from .retry import Attempts, Clock, Retry


def _bearable(_timeouts: object, attribute: "attrs.Attribute[Any]", seconds: float) -> None:
    if not 0 < seconds <= TIMEOUT_MAX:
        raise ParameterError(
            f"timeout ({attribute.name}) must be more than 0 seconds, and at most "
            f"{TIMEOUT_MAX:.0f}",
            parameter="timeout",
        )


@attrs.frozen(kw_only=True)
class Timeouts:
    """Seconds of silence after which a request is given up; no bound on size or length.

    Attributes:
        connect: Until the connection stands; 10 by default, the others 60.
        read: Until the first piece of the answer, and between two pieces.
        write: Until the request is out.
        pool: Until one of the client's connections is free, while nothing comes over any.
    """

    connect: float = attrs.field(default=10.0, validator=_bearable)
    read: float = attrs.field(default=60.0, validator=_bearable)
    write: float = attrs.field(default=60.0, validator=_bearable)
    pool: float = attrs.field(default=60.0, validator=_bearable)


_SERVER_IS_GONE = (ConnectionFailedError, NotFoundError, NotRecordsError, RedirectError)
"""What requests to a server that no longer exists, or is another one now, end in."""


@attrs.frozen(kw_only=True)
class Options:
    """What a transport is told; see the arguments of the clients."""

    user_agent: str
    logger: logging.Logger
    base_url: str
    api_key: str | None = attrs.field(repr=False)
    timeouts: Timeouts | None
    retry: Retry
    max_connections: int
    requests_per_second: float | None
    clock: Clock = attrs.field(factory=Clock)
    server_advice: str = ""
    """What to do if the server is gone; empty where the user chose the server."""

    def attempts(self) -> Attempts:
        """The attempts of a new call."""
        return Attempts(self.retry, self.clock)

    def clean(self, error: ApiError) -> ApiError:
        """An error without the key, should the server have sent it back."""
        for name, value in vars(error).items():
            text = value if isinstance(value, str) else repr(value)
            if self.holds_key(text):
                setattr(error, name, self.conceal(text))
        if isinstance(error, _SERVER_IS_GONE) and self.server_advice not in error.advice:
            error.advice = f"{error.advice} {self.server_advice}".lstrip()
        error.args = (error.reason,)
        return error

    def conceal(self, text: str) -> str:
        """A text of the server without the key, should the server have sent it back."""
        for key in self._keys():
            text = text.replace(key, f"<{KEY_HEADER}>")
        return text

    def holds_key(self, text: str) -> bool:
        """Whether a text of the server has the key in it, as it is or percent-encoded."""
        return any(key in text for key in self._keys())

    def _keys(self) -> tuple[str, ...]:
        key = self.api_key
        return (key, quote(key), quote(key, safe="")) if key else ()
