"""The options of a client for its transport."""

import logging
from functools import cached_property
from threading import TIMEOUT_MAX
from typing import Any, Literal

import attrs

from ..errors import (
    ApiError,
    ConnectError,
    NotFoundError,
    NotRecordsError,
    ParameterError,
    RedirectError,
)
from ..redaction import Redactor
from .request import KEY_HEADER
from .retry import Attempts, Clock, Retry

CONNECTIONS = 8
"""Default maximum of connections; a call with more workers adds some."""

_SERVER_IS_GONE = (ConnectError, NotFoundError, NotRecordsError, RedirectError)
"""Errors of requests to a server that no longer exists, or is another one now."""

_OLDEST_URLLIB3 = (2, 3)
_FORK_OF_URLLIB3 = 900

TransportName = Literal["httpx", "urllib3"]


def _check_seconds(_timeouts: object, attribute: "attrs.Attribute[Any]", seconds: float) -> None:
    if not 0 < seconds <= TIMEOUT_MAX:
        raise ParameterError(
            f"timeout ({attribute.name}) must be more than 0 seconds, and at most "
            f"{TIMEOUT_MAX:.0f}",
            parameter="timeout",
        )


@attrs.frozen(kw_only=True)
class Timeouts:
    """Seconds without a byte after which a request fails; the total time has no limit.

    Attributes:
        connect: Until the connection is established. Default: 10.
        read: Until the response begins, and between two of its chunks. Default: 60.
        write: Until the request is sent. Default: 60.
        pool: Until a connection of the client is free, while no byte arrives over any.
            Default: 60.
    """

    connect: float = attrs.field(default=10.0, validator=_check_seconds)
    read: float = attrs.field(default=60.0, validator=_check_seconds)
    write: float = attrs.field(default=60.0, validator=_check_seconds)
    pool: float = attrs.field(default=60.0, validator=_check_seconds)


@attrs.frozen(kw_only=True, slots=False)
class Options:
    """The options of a transport; see the arguments of the clients.

    ``server_advice`` is the advice if the server is gone, empty where the user chose it.
    """

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

    def attempts(self) -> Attempts:
        """Return the attempts of a new call."""
        return Attempts(self.retry, self.clock)

    @cached_property
    def redactor(self) -> Redactor:
        """The redactor of the key."""
        return Redactor({self.api_key: f"<{KEY_HEADER}>"} if self.api_key else {})

    def advised(self, error: ApiError) -> ApiError:
        """Return an error, with the advice for a server that is gone if that is a cause."""
        if isinstance(error, _SERVER_IS_GONE) and self.server_advice not in error.advice:
            error.advice = f"{error.advice} {self.server_advice}".lstrip()
        return error


def checked_transport(transport: TransportName, http_client: object, package: str) -> TransportName:
    """Return the name of a transport that can be used.

    Raises:
        ParameterError: The name is unknown, or the caller has passed a client.
        ImportError: urllib3 is not installed, or is another library of that name.
    """
    if transport == "httpx":
        return transport
    if transport != "urllib3":
        raise ParameterError('transport must be "httpx" or "urllib3"', parameter="transport")
    if http_client is not None:
        raise ParameterError(
            "transport has no effect on an http_client; pass one of the two", parameter="transport"
        )
    if not has_urllib3():
        raise ImportError(
            f'transport="urllib3" needs urllib3 2.3 or later; install {package} with its '
            "extra 'fast'",
            name="urllib3",
        )
    return transport


def has_urllib3() -> bool:
    """Return whether the client supports the installed urllib3.

    urllib3.future, which niquests installs under the same name, is another library; its patch
    numbers start at 900.
    """
    try:
        import urllib3  # noqa: PLC0415 - an extra

        major, minor, patch = map(int, getattr(urllib3, "__version__", "").split(".")[:3])
    except (ImportError, ValueError):
        return False
    return _OLDEST_URLLIB3 <= (major, minor) < (3, 0) and patch < _FORK_OF_URLLIB3
