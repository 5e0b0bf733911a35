"""Make many downloads with one client, several in parallel, each one complete or absent."""

import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue

import attrs

from ..errors import ApiError
from .count import Count
from .errors import DownloadError, DownloadsError
from .items import Item
from .options import ManyProgress, Progress
from .result import Download
from .stop import Stop, Stopped

WORKERS = 4
"""Default number of parallel downloads; more were slower in every measurement."""

_GRACE_SECONDS = 1.0
"""Seconds in which threads end by themselves; one that waits for a server has no work left."""


@attrs.frozen
class Plan:
    """Many items, and which of them are downloaded.

    Attributes:
        items: All items.
        first: Of each item the index of the first one with the same request; only that one
            is downloaded.
        paths: Destination of each download, by that index.
        counts: The number of files that an item states for it, by that index.
    """

    items: Sequence[Item]
    first: Sequence[int]
    paths: Mapping[int, Path]
    counts: Mapping[int, Count]


class Tally:
    """The state of many downloads, reported to the caller.

    Args:
        plan: The downloads.
        progress: Called for every chunk, from one thread at a time.
    """

    def __init__(self, plan: Plan, progress: Callable[[ManyProgress], None] | None) -> None:
        self._plan = plan
        self._count = len(plan.paths)
        self._progress = progress
        self._lock = threading.Lock()
        self._bytes: dict[int, int] = {}
        self._all_bytes = 0
        self._finished = 0
        self._done: dict[int, Download] = {}
        self._failed: dict[int, Exception] = {}

    def results(self) -> list[Download]:
        """Return the result of each item, in the order of the items.

        Raises:
            DownloadsError: Some failed.
        """
        results = [self._result(index) for index in range(len(self._plan.items))]
        if self._failed:
            raise _downloads_error(results)
        return results

    def _result(self, index: int) -> Download:
        first = self._plan.first[index]
        result = self._done.get(first)
        if result is None:
            result = _failed(self._plan.paths[first], self._failed[first])
        item = self._plan.items[index]
        arguments = item.request.keywords
        return attrs.evolve(result, index=index, item=item.source, arguments=arguments)

    def succeeded(self, index: int, done: Download) -> None:
        """Record a download that succeeded."""
        self._done[index] = done
        self._ended(index, self._bytes.get(index, done.bytes))

    def failed(self, index: int, error: ApiError) -> None:
        """Record a download that failed; the others continue."""
        self._failed[index] = error
        self._ended(index, self._bytes.get(index, 0))

    def moved(self, index: int, count: int, total: int | None) -> None:
        """Report a received chunk of a download."""
        with self._lock:
            self._count_bytes(index, count)
            self._report(index, count, total, done=False)

    def _ended(self, index: int, count: int) -> None:
        with self._lock:
            self._finished += 1
            self._count_bytes(index, count)
            self._report(index, count, count, done=True)

    def _count_bytes(self, index: int, count: int) -> None:
        self._all_bytes += count - self._bytes.get(index, 0)
        self._bytes[index] = count

    def _report(self, index: int, count: int, total: int | None, *, done: bool) -> None:
        if self._progress is None:
            return
        self._progress(
            ManyProgress(
                index=index,
                bytes=count,
                total=total,
                done=done,
                finished=self._finished,
                count=self._count,
                all_bytes=self._all_bytes,
            )
        )


def _failed(path: Path, error: Exception) -> Download:
    """Return the result of a download that failed."""
    if not isinstance(error, DownloadError):
        return Download(path=path, error=error)
    return Download(
        path=error.path or path,
        bytes=error.bytes,
        seconds=error.seconds,
        checks=error.checks,
        differences=error.differences,
        error=error,
    )


def _downloads_error(results: Sequence[Download]) -> DownloadsError:
    failed = [result for result in results if result.error is not None]
    error = failed[0].error
    return DownloadsError(
        f"{len(failed)} of {len(results)} downloads failed; number {failed[0].index + 1}: "
        f"{error.reason if isinstance(error, ApiError) else error}",
        endpoint=error.endpoint if isinstance(error, ApiError) else None,
        url=error.url if isinstance(error, ApiError) else None,
        advice="See the error's `failed`; a second call fetches what is missing.",
        results=tuple(results),
    )


class Many(Tally):
    """Runs downloads in threads; see :class:`Tally`.

    Attributes:
        stop: Cancels the downloads.
    """

    def __init__(self, plan: Plan, progress: Callable[[ManyProgress], None] | None) -> None:
        super().__init__(plan, progress)
        self.stop = Stop()
        self._fatal: BaseException | None = None

    def run(
        self, downloads: Mapping[int, Callable[[Progress], Download]], workers: int
    ) -> list[Download]:
        """Make all downloads and return the results.

        Args:
            downloads: The function that makes each download, by the index of its item.
            workers: Maximum number of parallel downloads.

        Raises:
            DownloadsError: Some downloads failed; the others are complete.
            OSError: A file could not be written. Downloads in progress are cancelled, and
                complete ones remain.
            KeyboardInterrupt: Like any exception in the caller's thread, it cancels them all.
        """
        queue: SimpleQueue[tuple[int, Callable[[Progress], Download]]] = SimpleQueue()
        for item in downloads.items():
            queue.put(item)
        # Not Thread.join: up to Python 3.12, Ctrl-C makes it regard the thread as ended.
        ended = [threading.Event() for _ in range(min(workers, len(downloads)))]
        threads = [
            threading.Thread(
                target=self._work, args=(queue, event), name=f"download-{n}", daemon=True
            )
            for n, event in enumerate(ended)
        ]
        try:
            for thread in threads:
                thread.start()
            for event in ended:
                # On Windows, Ctrl-C does not interrupt a wait without a timeout.
                while not event.wait(0.5) and self._fatal is None:
                    pass
        except BaseException:
            self._end(threads, ended)
            raise
        if self._fatal is not None:
            self._end(threads, ended)
            raise self._fatal
        return self.results()

    def _end(self, threads: Iterable[threading.Thread], ended: Iterable[threading.Event]) -> None:
        self.stop.end()
        deadline = time.monotonic() + _GRACE_SECONDS
        for thread, event in zip(threads, ended, strict=True):
            if thread.ident is not None:
                event.wait(max(0.0, deadline - time.monotonic()))

    def _work(
        self,
        queue: SimpleQueue[tuple[int, Callable[[Progress], Download]]],
        ended: threading.Event,
    ) -> None:
        try:
            self._work_off(queue)
        finally:
            ended.set()

    def _work_off(self, queue: SimpleQueue[tuple[int, Callable[[Progress], Download]]]) -> None:
        while not self.stop.is_set():
            try:
                index, download = queue.get_nowait()
            except Empty:
                return
            try:
                self.succeeded(index, download(partial(self.moved, index)))
            except Stopped:
                return
            except ApiError as error:
                try:
                    self.failed(index, error)
                except BaseException as raised:
                    self._give_up(raised)
            except BaseException as error:
                self._give_up(error)

    def moved(self, index: int, count: int, total: int | None) -> None:
        """Report a received chunk; raise :class:`Stopped` if the downloads are cancelled."""
        if self.stop.is_set():
            raise Stopped
        super().moved(index, count, total)

    def _report(self, index: int, count: int, total: int | None, *, done: bool) -> None:
        if not self.stop.is_set():
            super()._report(index, count, total, done=done)

    def _give_up(self, error: BaseException) -> None:
        with self._lock:
            self._fatal = self._fatal or error
        self.stop.set()


class AsyncMany(Tally):
    """Runs downloads in tasks of one event loop; see :class:`Many`."""

    async def run(
        self, downloads: Mapping[int, Callable[[Progress], Awaitable[Download]]], workers: int
    ) -> list[Download]:
        """Make all downloads like :meth:`Many.run`; cancelling the task cancels them all."""
        import asyncio  # noqa: PLC0415 - slow to load, and the command does without it

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
            index, download = queue.popleft()
            try:
                done = await download(partial(self.moved, index))
            except ApiError as error:
                self.failed(index, error)
            else:
                self.succeeded(index, done)
