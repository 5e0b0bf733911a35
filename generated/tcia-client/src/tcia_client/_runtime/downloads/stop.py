"""What ends the downloads of several threads, whatever they wait for."""

import contextlib
import threading
from typing import Protocol


class Stopped(BaseException):
    """Ends a download whose caller has gone."""


class Abandoned(Protocol):
    """A download that another thread can end."""

    def abandon(self) -> None:
        """End it."""


class Stop:
    """Ends the downloads of several threads, each of which has one at a time."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._running: dict[int, Abandoned] = {}

    def is_set(self) -> bool:
        """Whether no download is to go on."""
        return self._event.is_set()

    def set(self) -> None:
        """Let none go on once it has something to do."""
        self._event.set()

    def watch(self, download: Abandoned) -> None:
        """Take the download that this thread has now.

        Raises:
            Stopped: It is not to begin.
        """
        with self._lock:
            if self._event.is_set():
                raise Stopped
            self._running[threading.get_ident()] = download

    def wait(self, seconds: float) -> None:
        """Wait.

        Raises:
            Stopped: It was ended.
        """
        if self._event.wait(seconds):
            raise Stopped

    def end(self) -> None:
        """End them all, also those that wait for a server."""
        with self._lock:
            self._event.set()
            running = list(self._running.values())
        for download in running:
            with contextlib.suppress(OSError):  # the others are to be ended, too
                download.abandon()
