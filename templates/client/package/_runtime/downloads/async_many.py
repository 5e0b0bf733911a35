"""Many downloads at a time on an event loop; a module of its own, since asyncio is slow to load."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from ..errors import ApiError
from .many import Tally
from .options import Progress
from .result import Download


class AsyncMany(Tally):
    """Runs downloads in tasks of one event loop; see :class:`.many.Many`."""

    async def run(
        self, downloads: Mapping[int, Callable[[Progress], Awaitable[Download]]], workers: int
    ) -> list[Download]:
        """Make all downloads, as :meth:`.many.Many.run` does; cancelled, it ends them all."""
        queue = deque(downloads.items())
        tasks = [asyncio.create_task(self._work(queue)) for _ in range(min(workers, len(queue)))]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return self.results()

    async def _work(
        self, queue: deque[tuple[int, Callable[[Progress], Awaitable[Download]]]]
    ) -> None:
        while queue:
            place, download = queue.popleft()
            try:
                done = await download(partial(self.moved, place))
            except ApiError as error:
                self.went_wrong(place, error)
            else:
                self.succeeded(place, done)
