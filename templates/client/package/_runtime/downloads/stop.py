"""Cancel the downloads of several threads, also while they wait for a server."""

import contextlib
import threading
from typing import Protocol


class Stopped(BaseException):
    """Raised in a download that another thread has cancelled."""


class Abandoned(Protocol):
    """A download that another thread can cancel."""

    def abandon(self) -> None:
        """Cancel the download and remove its partial file."""


class Stop:
    """Cancels the downloads of several threads, each of which makes one at a time."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._running: dict[int, Abandoned] = {}

    def is_set(self) -> bool:
        """Return whether the downloads are cancelled."""
        return self._event.is_set()

    def set(self) -> None:
        """Cancel the downloads; each one ends at its next step."""
        self._event.set()

    def watch(self, download: Abandoned) -> None:
        """Register the download of the current thread.

        Raises:
            Stopped: The downloads are cancelled.
        """
        with self._lock:
            if self._event.is_set():
                raise Stopped
            self._running[threading.get_ident()] = download

    def wait(self, seconds: float) -> None:
        """Wait for some seconds.

        Raises:
            Stopped: The downloads were cancelled meanwhile.
        """
        if self._event.wait(seconds):
            raise Stopped

    def end(self) -> None:
        """Cancel the downloads now, also those that wait for a server."""
        with self._lock:
            self._event.set()
            running = list(self._running.values())
        for download in running:
            with contextlib.suppress(OSError):  # cancel the others as well
                download.abandon()
