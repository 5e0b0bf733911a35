"""What a client is told about how to talk to its server."""

import logging
from functools import cached_property
from itertools import chain
from threading import TIMEOUT_MAX
from typing import Any, Literal
from urllib.parse import parse_qsl, unquote, urlsplit

import attrs

from .errors import (
    ApiError,
    ConnectError,
    NotFoundError,
    NotRecordsError,
    ParameterError,
    RedirectError,
)
from .http.request import KEY_HEADER
from .http.retry import Attempts, Clock, Retry
from .redaction import Redactor

_DISTINCT = 8  # characters from which on a key is looked for within a longer part of a URL

TransportName = Literal["httpx", "urllib3"]


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


CONNECTIONS = 8
"""Connections of a client whose caller sets no maximum; more for a call with more workers."""

_SERVER_IS_GONE = (ConnectError, NotFoundError, NotRecordsError, RedirectError)
"""What requests to a server that no longer exists, or is another one now, end in."""


@attrs.frozen(kw_only=True, slots=False)
class Options:
    """What a transport is told; see the arguments of the clients."""

    user_agent: str
    logger: logging.Logger
    base_url: str
    api_key: str | None = attrs.field(repr=False)
    timeouts: Timeouts | None
    retry: Retry
    max_connections: int
    connections_grow: bool
    requests_per_second: float | None
    transport: TransportName = "httpx"
    clock: Clock = attrs.field(factory=Clock)
    server_advice: str = ""
    """What to do if the server is gone; empty where the user chose the server."""

    def attempts(self) -> Attempts:
        """The attempts of a new call."""
        return Attempts(self.retry, self.clock)

    @cached_property
    def redactor(self) -> Redactor:
        """What keeps the key out of messages that quote the server."""
        return Redactor({self.api_key: f"<{KEY_HEADER}>"} if self.api_key else {})

    def advised(self, error: ApiError) -> ApiError:
        """Return an error with the advice for a server that is gone, if it may be that."""
        if isinstance(error, _SERVER_IS_GONE) and self.server_advice not in error.advice:
            error.advice = f"{error.advice} {self.server_advice}".lstrip()
        return error

    def holds_key(self, url: str, sent: str) -> bool:
        """Return whether a URL has the key where the URL that was sent has something else."""
        key = self.api_key
        if not key:
            return False
        known = _parts(sent)
        return any(
            part == key or (len(key) >= _DISTINCT and key in part)
            for part in _parts(url)
            if part not in known
        )


def _parts(url: str) -> set[str]:
    parts = urlsplit(url)
    names_and_values = chain(*parse_qsl(parts.query, keep_blank_values=True))
    return {*map(unquote, parts.path.split("/")), *names_and_values, unquote(parts.fragment)}


def checked_transport(transport: TransportName, http_client: object, package: str) -> TransportName:
    """Return the name of a transport that can be used.

    Raises:
        ParameterError: The name is unknown, or the client is the caller's.
        ImportError: urllib3 is not installed, or is another library of that name.
    """
    if transport == "httpx":
        return transport
    if transport != "urllib3":
        raise ParameterError('transport must be "httpx" or "urllib3"', parameter="transport")
    if http_client is not None:
        raise ParameterError(
            "transport has no effect on an http_client of your own; pass one of the two",
            parameter="transport",
        )
    if not has_urllib3():
        raise ImportError(
            f'transport="urllib3" needs urllib3 2.3 or later; install {package} with its '
            "extra 'fast'",
            name="urllib3",
        )
    return transport


def has_urllib3() -> bool:
    """Return whether a urllib3 is installed that the client can use."""
    try:
        from .http.transport_urllib3 import usable  # noqa: PLC0415 - an extra
    except ImportError:
        return False
    return usable()
