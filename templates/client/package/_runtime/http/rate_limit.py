"""Limit the rate of the requests of a client."""

import threading

from .retry import Clock


class RateLimiter:
    """Spaces the requests of all threads evenly.

    Args:
        per_second: Maximum number of requests per second, None for no limit.
        clock: Source of the time.
    """

    def __init__(self, per_second: float | None, clock: Clock) -> None:
        self._interval = 1 / per_second if per_second else 0.0
        self._clock = clock
        self._next = 0.0
        self._lock = threading.Lock()

    def acquire(self) -> float:
        """Admit a request and return 0, or return the seconds after which to call again."""
        if not self._interval:
            return 0.0
        with self._lock:
            now = self._clock.monotonic()
            if now < self._next:
                return self._next - now
            self._next = now + self._interval
        return 0.0
