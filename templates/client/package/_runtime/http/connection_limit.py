"""Limit the number of connections that a client uses at a time.

httpcore returns closed sockets if more requests wait than its pool has connections (its
issue 1110), so requests wait here instead.
"""

import asyncio
from contextlib import suppress
from queue import Empty, SimpleQueue

from .retry import Clock


class _Limit:
    def __init__(self, timeout: float, clock: Clock) -> None:
        self._timeout = timeout
        self.clock = clock
        self._active = clock.monotonic()

    def touch(self) -> None:
        """Record that bytes arrived, so that the requests that wait for a slot keep waiting."""
        self._active = self.clock.monotonic()

    def _remaining(self, since: float) -> float:
        return max(since, self._active) + self._timeout - self.clock.monotonic()


class ConnectionLimit(_Limit):
    """Connection slots for threads.

    Args:
        slots: Number of slots.
        timeout: Seconds without a received byte after which waiting for a slot fails.
        clock: Source of the time.
    """

    def __init__(self, slots: int, timeout: float, clock: Clock) -> None:
        super().__init__(timeout, clock)
        # An interrupt within its put() loses no slot, unlike one within a semaphore.
        self._free: SimpleQueue[None] = SimpleQueue()
        self.grow(slots)

    def acquire(self, since: float) -> None:
        """Wait for a slot.

        Args:
            since: Time at which the request started to wait.

        Raises:
            TimeoutError: No slot became free, and no byte arrived over any connection.
        """
        while True:
            remaining = self._remaining(since)
            try:
                self._free.get(timeout=max(remaining, 0.0))
            except Empty:
                if remaining <= 0:
                    raise TimeoutError from None
            else:
                return

    def release(self) -> None:
        """Return a slot."""
        self.touch()
        self._free.put(None)

    def grow(self, slots: int) -> None:
        """Add slots."""
        for _ in range(slots):
            self._free.put(None)


class AsyncConnectionLimit(_Limit):
    """Connection slots for tasks; see :class:`ConnectionLimit`."""

    def __init__(self, slots: int, timeout: float, clock: Clock) -> None:
        super().__init__(timeout, clock)
        self._free = asyncio.Semaphore(slots)

    async def acquire(self, since: float) -> None:
        """Wait for a slot; see :meth:`ConnectionLimit.acquire`."""
        while self._free.locked():
            remaining = self._remaining(since)
            if remaining <= 0:
                raise TimeoutError
            with suppress(TimeoutError):
                async with asyncio.timeout(remaining):
                    await self._free.acquire()
                return
        await self._free.acquire()  # does not wait

    def release(self) -> None:
        """Return a slot."""
        self.touch()
        self._free.release()

    def grow(self, slots: int) -> None:
        """Add slots."""
        for _ in range(slots):
            self._free.release()
