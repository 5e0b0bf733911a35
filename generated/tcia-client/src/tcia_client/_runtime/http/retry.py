"""Decide whether to retry a request, and after which delay; free of I/O."""

import random
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import attrs

from ..errors import ApiError, ConnectError, HTTPStatusError, IncompleteResponseError

_RETRIED_STATUSES = frozenset({429, 502, 503, 504})


@attrs.frozen(kw_only=True)
class Retry:
    """Bounds for retries; ``Retry(attempts=1)`` disables them.

    The client retries connections that failed or broke, and the statuses 429, 502, 503 and
    504. It does not retry once it has yielded rows.

    Attributes:
        attempts: Maximum number of requests, including the first one. Default: 4.
        total: Seconds after the first request, or after the last received byte of a
            download, during which a retry may start. Default: 120.
        backoff: Maximum of the first delay in seconds; it doubles with each retry. The delay
            is random between 0 and this maximum (full jitter). Default: 0.5.
        longest: Maximum of every delay in seconds, unless the server requests a longer one.
            Default: 30.
    """

    attempts: int = attrs.field(default=4, validator=attrs.validators.ge(1))
    total: float = attrs.field(default=120.0, validator=attrs.validators.ge(0))
    backoff: float = attrs.field(default=0.5, validator=attrs.validators.ge(0))
    longest: float = attrs.field(default=30.0, validator=attrs.validators.ge(0))


@attrs.frozen(kw_only=True)
class Clock:
    """Sources of time and randomness: monotonic seconds, seconds since 1970, [0, 1)."""

    monotonic: Callable[[], float] = time.monotonic
    now: Callable[[], float] = time.time
    random: Callable[[], float] = random.random


class Attempts:
    """The attempts of one call."""

    __slots__ = ("_clock", "_made", "_policy", "_started")

    def __init__(self, policy: Retry, clock: Clock) -> None:
        self._policy = policy
        self._clock = clock
        self._made = 1
        self._started = clock.monotonic()

    def progress(self) -> None:
        """Restart the total time, since bytes have arrived."""
        self._started = self._clock.monotonic()

    def after(self, error: ApiError) -> float:
        """Return the delay in seconds before the next attempt.

        Raises:
            ApiError: The error itself, if there is no further attempt.
        """
        policy = self._policy
        if self._made >= policy.attempts or not _is_retried(error):
            raise error
        delay = self._clock.random() * min(policy.longest, policy.backoff * 2.0 ** (self._made - 1))
        if isinstance(error, HTTPStatusError) and error.retry_after is not None:
            delay = max(delay, error.retry_after)
        if self._clock.monotonic() - self._started + delay > policy.total:
            raise error
        self._made += 1
        return delay


def _is_retried(error: ApiError) -> bool:
    if isinstance(error, HTTPStatusError):
        return error.status in _RETRIED_STATUSES
    return isinstance(error, ConnectError | IncompleteResponseError)


def retry_after(header: str | None, clock: Clock) -> float | None:
    """Return the seconds that a Retry-After header requests, as a number or an HTTP date."""
    if header is None:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        when = parsedate_to_datetime(text)
        if when.tzinfo is None:
            when = when.replace(tzinfo=UTC)
        return max(0.0, (when - datetime.fromtimestamp(clock.now(), UTC)).total_seconds())
    except (ValueError, OverflowError):
        return None
