"""Reads headers of many files, in several processes if that is faster."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import attrs

from tciagen.archive.headers import Header, NotReadable, NotUsable, read_header

_FILES_PER_WORKER = 1000


@attrs.frozen
class Unusable:
    """The reason why a file is not in the catalog; ``readable`` if its content is known."""

    reason: str
    readable: bool


@contextmanager
def header_reader(
    files: int, workers: int | None
) -> Iterator[Callable[[list[Path]], Iterable[Header | Unusable]]]:
    """Yield a function that reads headers in order, in several processes if that is faster."""
    count = min(workers or os.cpu_count() or 1, files // _FILES_PER_WORKER + 1)
    if count == 1:
        with _no_lost_interrupt() as check:
            yield lambda paths: _read_here(paths, check)
        return
    pool = ProcessPoolExecutor(
        count, mp_context=multiprocessing.get_context("spawn"), initializer=_leave_to_parent
    )
    try:
        yield lambda paths: pool.map(_read, paths, chunksize=50)
    finally:
        pool.shutdown(cancel_futures=True)


def _read_here(paths: Iterable[Path], check: Callable[[], None]) -> Iterator[Header | Unusable]:
    for path in paths:
        header = _read(path)
        check()
        yield header


@contextmanager
def _no_lost_interrupt() -> Iterator[Callable[[], None]]:
    """Yield a function that raises KeyboardInterrupt if other code has swallowed one.

    Reading a file may lose it: pydicom 3.0 turns each exception in the header of a
    sequence's item into an OSError, and CPython's ``int("text")`` replaces one
    that a signal handler raises meanwhile by its ValueError.
    """
    main = threading.current_thread() is threading.main_thread()  # no other gets signals
    before = signal.getsignal(signal.SIGINT) if main else None
    if not callable(before):
        yield lambda: None
        return
    lost: list[KeyboardInterrupt] = []

    def remember(number: int, frame: FrameType | None) -> None:
        try:
            before(number, frame)
        except KeyboardInterrupt as interrupt:
            lost.append(interrupt)
            raise

    def check() -> None:
        if lost:
            raise lost[0]

    signal.signal(signal.SIGINT, remember)
    try:
        yield check
    finally:
        signal.signal(signal.SIGINT, before)


def _leave_to_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _read(path: Path) -> Header | Unusable:
    try:
        return read_header(path)
    except NotUsable as problem:
        return Unusable(str(problem), not isinstance(problem, NotReadable))
