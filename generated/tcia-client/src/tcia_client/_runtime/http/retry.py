"""When to try again, and how long to wait before it; free of I/O."""

import random
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import attrs

from ..errors import ApiError, ConnectError, HTTPStatusError, IncompleteResponseError

RETRIED_STATUSES = frozenset({429, 502, 503, 504})


@attrs.frozen(kw_only=True)
class Retry:
    """Bounds for trying a request again; ``Retry(attempts=1)`` never does.

    Tried again are connections that failed or broke, and the statuses 429, 502, 503
    and 504; never once rows have been handed on.

    Attributes:
        attempts: Requests in all, the first one among them; by default 4.
        total: Seconds from the first request after which no other one starts; of a download,
            from the last byte that arrived; by default 120.
        backoff: Seconds that the first wait lasts at most, by default 0.5; each further one
            twice that. The wait itself is drawn evenly from zero to there (full jitter).
        longest: Seconds that a wait lasts at most, unless the server asks for longer; by
            default 30.
    """

    attempts: int = attrs.field(default=4, validator=attrs.validators.ge(1))
    total: float = attrs.field(default=120.0, validator=attrs.validators.ge(0))
    backoff: float = attrs.field(default=0.5, validator=attrs.validators.ge(0))
    longest: float = attrs.field(default=30.0, validator=attrs.validators.ge(0))


@attrs.frozen(kw_only=True)
class Clock:
    """Where time and chance come from: seconds that only grow, seconds since 1970, [0, 1)."""

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
        """Bytes have arrived that count: the total time begins now."""
        self._started = self._clock.monotonic()

    def after(self, error: ApiError) -> float:
        """Seconds to wait before the next attempt.

        Raises:
            ApiError: The error itself, if there is to be no other attempt.
        """
        policy = self._policy
        if self._made >= policy.attempts or not _worth_it(error):
            raise error
        wait = self._clock.random() * min(policy.longest, policy.backoff * 2.0 ** (self._made - 1))
        if isinstance(error, HTTPStatusError) and error.retry_after is not None:
            wait = max(wait, error.retry_after)
        if self._clock.monotonic() - self._started + wait > policy.total:
            raise error
        self._made += 1
        return wait


def _worth_it(error: ApiError) -> bool:
    if isinstance(error, HTTPStatusError):
        return error.status in RETRIED_STATUSES
    return isinstance(error, ConnectError | IncompleteResponseError)


def retry_after(header: str | None, clock: Clock) -> float | None:
    """Seconds that a Retry-After header asks for: a number, or an HTTP date."""
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


class Pace:
    """Keeps the requests of all threads a fixed time apart."""

    def __init__(self, per_second: float | None, clock: Clock) -> None:
        self._gap = 1 / per_second if per_second else 0.0
        self._clock = clock
        self._next = 0.0
        self._lock = threading.Lock()

    def take(self) -> float:
        """Take a place in time if one is free; else the seconds until then, and none is taken."""
        if not self._gap:
            return 0.0
        with self._lock:
            now = self._clock.monotonic()
            if now < self._next:
                return self._next - now
            self._next = now + self._gap
        return 0.0
