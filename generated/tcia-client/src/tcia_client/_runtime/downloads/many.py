"""Many downloads over one client, some at a time, each one whole or not there."""

import asyncio
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
from .options import Progress
from .result import Download
from .stop import Stop, Stopped

WORKERS = 4
"""Downloads at a time by default; more were slower wherever it was measured."""

_GRACE_SECONDS = 1.0
"""For threads to end by themselves; one that waits for a server has nothing left to do."""


@attrs.frozen(kw_only=True)
class ManyProgress:
    """How far many downloads are; told for every piece of one, and at its end.

    Attributes:
        index: Position of the download that moved in the items, counted from 0.
        bytes: Bytes of that one that have arrived; if it was kept, those on disk.
        total: Bytes that it will have, None if that is not known.
        done: Whether that one has ended.
        finished: Downloads that have ended.
        count: Downloads in all.
        all_bytes: Bytes of all downloads so far.
    """

    index: int
    bytes: int
    total: int | None
    done: bool
    finished: int
    count: int
    all_bytes: int


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
        progress: Told of every piece, from one thread at a time.
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

    def succeeded(self, place: int, done: Download) -> None:
        """One is done."""
        self._done[place] = done
        self._ended(place, self._bytes.get(place, done.bytes))

    def went_wrong(self, place: int, error: ApiError) -> None:
        """One has failed, for a reason of its own."""
        self._failed[place] = error
        self._ended(place, self._bytes.get(place, 0))

    def moved(self, place: int, count: int, total: int | None) -> None:
        """A piece of one has come."""
        with self._lock:
            self._count_bytes(place, count)
            self._tell(place, count, total, done=False)

    def _ended(self, place: int, count: int) -> None:
        with self._lock:
            self._finished += 1
            self._count_bytes(place, count)
            self._tell(place, count, count, done=True)

    def _count_bytes(self, place: int, count: int) -> None:
        self._all_bytes += count - self._bytes.get(place, 0)
        self._bytes[place] = count

    def _tell(self, place: int, count: int, total: int | None, *, done: bool) -> None:
        if self._progress is None:
            return
        self._progress(
            ManyProgress(
                index=place,
                bytes=count,
                total=total,
                done=done,
                finished=self._finished,
                count=self._count,
                all_bytes=self._all_bytes,
            )
        )


def _failed(path: Path, error: Exception) -> Download:
    """The result of a download that failed."""
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
        stop: What the downloads look at.
    """

    def __init__(self, plan: Plan, progress: Callable[[ManyProgress], None] | None) -> None:
        super().__init__(plan, progress)
        self.stop = Stop()
        self._fatal: BaseException | None = None

    def run(
        self, downloads: Mapping[int, Callable[[Progress], Download]], workers: int
    ) -> list[Download]:
        """Make all downloads, which are given by their index, and return the results.

        Raises:
            DownloadsError: Some failed for a reason of their own; the others are done.
            OSError: One could not be written. Those under way are ended; those that are done stay.
            KeyboardInterrupt: As any exception in the caller's thread, it ends them all.
        """
        queue: SimpleQueue[tuple[int, Callable[[Progress], Download]]] = SimpleQueue()
        for item in downloads.items():
            queue.put(item)
        # Not Thread.join: up to Python 3.12 one that Ctrl-C interrupts takes the thread for ended.
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
                # A wait without end would not let Ctrl-C through on Windows.
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
                place, download = queue.get_nowait()
            except Empty:
                return
            try:
                self.succeeded(place, download(partial(self.moved, place)))
            except Stopped:
                return
            except ApiError as error:
                try:
                    self.went_wrong(place, error)
                except BaseException as raised:
                    self._give_up(raised)
            except BaseException as error:
                self._give_up(error)

    def moved(self, place: int, count: int, total: int | None) -> None:
        """A piece of one has come; the last one if they are to stop."""
        if self.stop.is_set():
            raise Stopped
        super().moved(place, count, total)

    def _tell(self, place: int, count: int, total: int | None, *, done: bool) -> None:
        if not self.stop.is_set():
            super()._tell(place, count, total, done=done)

    def _give_up(self, error: BaseException) -> None:
        with self._lock:
            self._fatal = self._fatal or error
        self.stop.set()


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
