"""Make many downloads with one client, several in parallel, each one complete or absent."""

import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import cast

import attrs

from ..errors import ApiError, ParameterError
from ..http.request import Request
from .count import Count
from .errors import DownloadError, DownloadsError
from .items import Item
from .job import Job, Stopped
from .options import DownloadOptions, ManyProgress, Progress, StrPath
from .receipt import Receipt, receipt_path
from .result import Download
from .target import choose_target, other_names

WORKERS = 4
"""Default number of parallel downloads; more were slower in every measurement."""

_GRACE_SECONDS = 1.0
"""Seconds in which threads end by themselves; one that waits for a server has no work left."""


def _items_error(request: Request, reason: str, advice: str) -> ParameterError:
    return ParameterError(
        reason,
        method=request.endpoint.method,
        parameter="items",
        endpoint=request.endpoint.address,
        advice=advice,
    )


def _options(request: Request) -> DownloadOptions:
    return cast("DownloadOptions", request.arguments.options)


class Many:
    """Runs many downloads and reports their progress; equal requests are sent once.

    Args:
        items: The items.
        target: The folder, which is made.
        progress: Called for every chunk, from one thread at a time.

    Attributes:
        counts: The number of files that an item states for a download, by its index.

    Raises:
        ParameterError: Two would have the same name, or state different numbers of files.
        OSError: The folder cannot be made.
    """

    def __init__(
        self,
        items: Sequence[Item],
        target: StrPath,
        progress: Callable[[ManyProgress], None] | None,
    ) -> None:
        self._items = items
        # A download has the index of the first item with its request.
        self._firsts: list[int] = []
        self._paths: dict[int, Path] = {}
        self.counts: dict[int, Count] = {}
        self._plan(target)
        self._progress = progress
        self._lock = threading.Lock()
        self._report_lock = threading.Lock()  # separate: a callback may take long
        self._bytes: dict[int, int] = {}
        self._all_bytes = 0
        self._results: dict[int, Download] = {}
        self._running: dict[int, Job] = {}
        self._stopped = threading.Event()
        self._fatal: BaseException | None = None

    def _plan(self, target: StrPath) -> None:
        by_path: dict[Path, int] = {}
        for index, item in enumerate(self._items):
            request = item.request
            path = choose_target(target, request, _options(request), in_folder=True).path
            first = by_path.setdefault(path, index)
            if self._items[first].request.url != request.url:
                reason = f"two downloads would have the name {path.name}"
                advice = "Download them into separate folders."
                raise _items_error(request, reason, advice)
            self._firsts.append(first)
            count = item.count
            if count is not None and self.counts.setdefault(first, count).files != count.files:
                reason = (
                    f"items {first + 1} and {index + 1} are the same download, and state "
                    f"{self.counts[first].files} and {count.files} files"
                )
                raise _items_error(request, reason, advice="Remove the outdated one.")
        self._paths = {index: path for path, index in by_path.items()}
        self._refuse_other_names()
        # Made here: a download that fails would remove it while another one needs it.
        if self._items:
            Path(target).mkdir(parents=True, exist_ok=True)

    def _refuse_other_names(self) -> None:
        """Refuse a wrong ``names`` at once, by the first existing download."""
        for index, path in self._paths.items():
            request = self._items[index].request
            options = _options(request)
            receipt = Receipt.read(receipt_path(path, folder=True))
            if receipt is None or options.get("existing", "keep") != "keep":
                continue
            if receipt.is_complete(request) and receipt.names != options.get("names", "server"):
                raise other_names(request, receipt.names, path)
            return

    def request(self, index: int, progress: Progress) -> Request:
        """Return the request of one download, with the default options of many."""
        request = self._items[index].request
        options: DownloadOptions = {"existing": "keep", **_options(request), "progress": progress}
        return attrs.evolve(request, arguments=attrs.evolve(request.arguments, options=options))

    def run(self, download: Callable[[int, Progress], Download], workers: int) -> list[Download]:
        """Make all downloads in threads, and return the result of each item.

        Args:
            download: Makes the download of the item with an index.
            workers: Maximum number of parallel downloads.

        Raises:
            DownloadsError: Some downloads failed; the others are complete.
            OSError: A file could not be written. Downloads in progress are cancelled, and
                complete ones remain.
            KeyboardInterrupt: Like any exception in the caller's thread, it cancels them all.
        """
        queue = deque(self._paths)
        # Not Thread.join: up to Python 3.12, Ctrl-C makes it regard the thread as ended.
        ended = [threading.Event() for _ in range(min(workers, len(queue)))]
        threads = [
            threading.Thread(
                target=self._work, args=(download, queue, event), name=f"download-{n}", daemon=True
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
        except BaseException as error:
            self._fatal = error
        if self._fatal is not None:
            self._cancel()
            deadline = time.monotonic() + _GRACE_SECONDS
            for thread, event in zip(threads, ended, strict=True):
                if thread.ident is not None:
                    event.wait(max(0.0, deadline - time.monotonic()))
            raise self._fatal
        return self._all_results()

    async def run_async(
        self, download: Callable[[int, Progress], Awaitable[Download]], workers: int
    ) -> list[Download]:
        """Make all downloads in tasks, like :meth:`run`; cancelling the task cancels them all."""
        import asyncio  # noqa: PLC0415 - slow to load, and the command does without it

        queue = deque(self._paths)

        async def work() -> None:
            while queue:
                index = queue.popleft()
                try:
                    result = await download(index, partial(self._moved, index))
                except ApiError as error:
                    result = self._failed(index, error)
                self._ended(index, result)

        tasks = [asyncio.create_task(work()) for _ in range(min(workers, len(queue)))]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return self._all_results()

    def watch(self, job: Job) -> None:
        """Register the download of the current thread, so that the caller's can cancel it.

        Raises:
            Stopped: The downloads are cancelled.
        """
        with self._lock:
            if self._stopped.is_set():
                raise Stopped
            self._running[threading.get_ident()] = job

    def wait(self, seconds: float) -> None:
        """Wait for some seconds.

        Raises:
            Stopped: The downloads were cancelled meanwhile.
        """
        if self._stopped.wait(seconds):
            raise Stopped

    def _cancel(self) -> None:
        """Cancel the downloads now, also those that wait for a server."""
        with self._lock:
            self._stopped.set()
            running = list(self._running.values())
        for job in running:
            with suppress(OSError):  # cancel the others as well
                job.abandon()

    def _work(
        self,
        download: Callable[[int, Progress], Download],
        queue: deque[int],
        ended: threading.Event,
    ) -> None:
        try:
            while queue and not self._stopped.is_set():
                try:
                    index = queue.popleft()
                except IndexError:  # another thread was faster
                    return
                try:
                    result = download(index, partial(self._moved, index))
                except ApiError as error:
                    result = self._failed(index, error)
                self._ended(index, result)
        except Stopped:
            pass
        except BaseException as error:
            self._fatal = self._fatal or error
            self._stopped.set()
        finally:
            ended.set()

    def _moved(self, index: int, count: int, total: int | None) -> None:
        if self._stopped.is_set():
            raise Stopped
        self._report(index, count, total)

    def _ended(self, index: int, result: Download) -> None:
        count = self._bytes.get(index, 0 if result.error is not None else result.bytes)
        self._report(index, count, count, result)

    def _report(
        self, index: int, count: int, total: int | None, result: Download | None = None
    ) -> None:
        with self._report_lock:
            if result is not None:
                self._results[index] = result
            self._all_bytes += count - self._bytes.get(index, 0)
            self._bytes[index] = count
            if self._progress is not None and not self._stopped.is_set():
                self._progress(
                    ManyProgress(
                        index=index,
                        bytes=count,
                        total=total,
                        done=result is not None,
                        finished=len(self._results),
                        count=len(self._paths),
                        all_bytes=self._all_bytes,
                    )
                )

    def _failed(self, index: int, error: ApiError) -> Download:
        path = self._paths[index]
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

    def _all_results(self) -> list[Download]:
        """Return the result of each item, in the order of the items.

        Raises:
            DownloadsError: Some failed.
        """
        results = [
            attrs.evolve(
                self._results[first],
                index=index,
                item=item.source,
                arguments=item.request.keywords,
            )
            for index, (item, first) in enumerate(zip(self._items, self._firsts, strict=True))
        ]
        failed = [result for result in results if result.error is not None]
        if not failed:
            return results
        error = cast("ApiError", failed[0].error)
        raise DownloadsError(
            f"{len(failed)} of {len(results)} downloads failed; number {failed[0].index + 1}: "
            f"{error.reason}",
            endpoint=error.endpoint,
            url=error.url,
            advice="See the error's `failed`; a second call fetches what is missing.",
            results=tuple(results),
        )
