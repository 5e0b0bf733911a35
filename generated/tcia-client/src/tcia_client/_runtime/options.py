"""What a client is told about how to talk to its server."""

import logging
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from threading import TIMEOUT_MAX
from typing import Any
from urllib.parse import quote

import attrs

from .errors import ApiError, ParameterError
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


def _seconds(lifetime: float | timedelta) -> float:
    return lifetime.total_seconds() if isinstance(lifetime, timedelta) else lifetime


def _positive(_cache: object, attribute: "attrs.Attribute[Any]", value: float) -> None:
    if not value > 0:
        raise ParameterError(f"Cache({attribute.name}=…) must be more than 0", parameter="cache")


@attrs.frozen(kw_only=True)
class Cache:
    """Answers of records, kept on disk and given again without asking the server.

    The servers do not say for how long an answer holds, so the caller does: until then no
    change on the server is seen; after that it is asked again. Files are never kept here,
    nor is what failed or could not be read. Clients and processes may share a folder. What
    came for one key is given to no other key, nor without one, and no key is written. The
    file is its owner's alone (mode 600).

    Attributes:
        folder: Where; it is made if need be.
        lifetime: Seconds that an answer holds, or a timedelta.
        max_bytes: Size of the file above which the answers unused for longest go; by default
            1 GiB.
    """

    folder: Path = attrs.field(converter=Path)
    lifetime: float = attrs.field(converter=_seconds, validator=_positive)
    max_bytes: int = attrs.field(default=2**30, validator=_positive)


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
    cache: Cache | None = None
    clock: Clock = attrs.field(factory=Clock)

    def attempts(self) -> Attempts:
        """The attempts of a new call."""
        return Attempts(self.retry, self.clock)

    def clean(self, error: ApiError) -> ApiError:
        """An error without the key, should the server have sent it back."""
        for name, value in vars(error).items():
            text = value if isinstance(value, str) else repr(value)
            if self.holds_key(text):
                setattr(error, name, self.conceal(text))
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


def checked_cache(cache: Cache | None, http_client: object, package: str) -> Cache | None:
    """A cache that can be used.

    Raises:
        ParameterError: It is none, or the client is the caller's.
        ImportError: hishel is not installed.
    """
    if cache is None:
        return None
    if not isinstance(cache, Cache):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ParameterError("cache must be a Cache", parameter="cache")
    if http_client is not None:
        raise ParameterError(
            "cache does not go with an http_client of your own: give that one a cache",
            parameter="cache",
        )
    if find_spec("hishel") is None:
        raise ImportError(
            f"a cache needs hishel; install {package} with its extra 'cache'", name="hishel"
        )
    return cache
