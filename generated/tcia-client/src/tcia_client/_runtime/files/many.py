"""Many downloads over one client, some at a time, each one whole or not there."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, cast

import attrs

from ..endpoint import Endpoint
from ..errors import ApiError, ParameterError
from .errors import DownloadsError
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
        place: Which one moved, its place in what was asked for, counted from 0.
        bytes: Bytes of that one that have arrived; if it was kept, those on disk.
        total: Bytes that it will have, None if that is not known.
        done: Whether that one has ended.
        finished: Downloads that have ended.
        count: Downloads in all.
        all_bytes: Bytes of all downloads so far.
    """

    place: int
    bytes: int
    total: int | None
    done: bool
    finished: int
    count: int
    all_bytes: int


class Tally:
    """What has become of many downloads, and who is told.

    Args:
        asked: Of each one asked for, the place of the first that asks for the same.
        progress: Told of every piece, from one thread at a time.
    """

    def __init__(
        self, asked: Sequence[int], progress: Callable[[ManyProgress], None] | None
    ) -> None:
        self._asked = asked
        self._count = len(set(asked))
        self._progress = progress
        self._lock = threading.Lock()
        self._bytes: dict[int, int] = {}
        self._all_bytes = 0
        self._finished = 0
        self._done: dict[int, Download] = {}
        self._failed: dict[int, Exception] = {}

    def results(self) -> dict[int, Download]:
        """All of them.

        Raises:
            DownloadsError: Some failed.
        """
        if self._failed:
            raise self._error()
        return self._done

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
                place=place,
                bytes=count,
                total=total,
                done=done,
                finished=self._finished,
                count=self._count,
                all_bytes=self._all_bytes,
            )
        )

    def _error(self) -> DownloadsError:
        failed = {n: self._failed[one] for n, one in enumerate(self._asked) if one in self._failed}
        first = min(failed)
        error = self._failed[first]
        reason = error.reason if isinstance(error, ApiError) else str(error)
        return DownloadsError(
            f"{len(failed)} of {len(self._asked)} downloads failed; number {first + 1}: {reason}",
            endpoint=error.endpoint if isinstance(error, ApiError) else None,
            url=error.url if isinstance(error, ApiError) else None,
            advice="See the error's `failed`; a second call fetches what is missing.",
            done=tuple(self._done[place] for place in sorted(self._done)),
            failed=failed,
        )


class Many(Tally):
    """Runs downloads in threads; see :class:`Tally`.

    Attributes:
        stop: What the downloads look at.
    """

    def __init__(
        self, asked: Sequence[int], progress: Callable[[ManyProgress], None] | None
    ) -> None:
        super().__init__(asked, progress)
        self.stop = Stop()
        self._fatal: BaseException | None = None

    def run(
        self, downloads: Mapping[int, Callable[[Progress], Download]], workers: int
    ) -> Mapping[int, Download]:
        """Make all downloads; what they are and the results are by the place asked for.

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


def keywords(endpoint: Endpoint, method: str, items: Iterable[Any]) -> Iterator[dict[str, Any]]:
    """The keyword arguments that each of many downloads is asked with.

    Args:
        endpoint: The endpoint asked.
        method: Name of the method.
        items: Mappings of keyword arguments; rows, whose attributes are taken for the
            required parameters; or texts, for the one required parameter.

    Raises:
        ParameterError: One is none of them.
    """
    required = [parameter.python_name for parameter in endpoint.parameters if parameter.required]
    each = cast("Iterable[Any]", (items,) if isinstance(items, str | Mapping) else items)
    for item in each:
        if isinstance(item, Mapping):
            yield dict(cast("Mapping[str, Any]", item))
        elif isinstance(item, str) and len(required) == 1:
            yield {required[0]: item}
        elif required and all(hasattr(item, name) for name in required):
            yield {name: getattr(item, name) for name in required}
        else:
            needed = " and ".join(required) or "none"
            raise ParameterError(
                f"{method}.many cannot ask with {item!r:.80}",
                method=method,
                parameter="items",
                endpoint=endpoint.address,
                advice="Give mappings of keyword arguments, or rows that have what is required: "
                f"{needed}.",
            )
