"""Read connections to the catalog, reused from one request to the next.

Opening a catalog costs as much as a small query. Each request has a separate
connection: an unfinished cursor preserves the catalog's earlier state for every query on
its connection. So there are never more connections than requests in progress.
"""

import sqlite3
import threading
from collections.abc import Mapping
from pathlib import Path

from tciagen.archive.catalog import open_for_reading

_MOST_IDLE = 40
"""Equal to the number of worker threads that run queries."""

_Identity = tuple[int, int]


class CatalogReader:
    """A pool of connections to one catalog, also after its file was replaced."""

    def __init__(self, catalog: Path) -> None:
        self._catalog = catalog
        self._idle: list[sqlite3.Connection] = []
        self._identity: _Identity = (0, 0)
        self._lock = threading.Lock()

    def connection(self) -> "ReadConnection":
        """Return a connection for one request; close it to make it available again.

        Raises:
            UsageProblem: there is no catalog.
            DocumentProblem: the file is not a catalog, or has another version.
        """
        identity = self._identity_now()
        with self._lock:
            if identity != self._identity:
                self._discard_idle()
                self._identity = identity
            connection = self._idle.pop() if self._idle else None
        return ReadConnection(self, connection or open_for_reading(self._catalog), identity)

    def _identity_now(self) -> _Identity:
        try:
            status = self._catalog.stat()
        except OSError:
            return (0, 0)
        return (status.st_dev, status.st_ino)

    def _discard_idle(self) -> None:
        while self._idle:
            self._idle.pop().close()

    def release(self, connection: sqlite3.Connection, identity: _Identity) -> None:
        """Retain a connection for the next request, or close it."""
        with self._lock:
            if identity == self._identity and len(self._idle) < _MOST_IDLE:
                self._idle.append(connection)
                return
        connection.close()


class ReadConnection:
    """A connection that one request uses; an open cursor is closed with it."""

    def __init__(
        self, reader: CatalogReader, connection: sqlite3.Connection, identity: _Identity
    ) -> None:
        self._reader = reader
        self._sqlite = connection
        self._identity = identity
        self._cursor: sqlite3.Cursor | None = None

    def execute(self, sql: str, values: Mapping[str, str]) -> sqlite3.Cursor:
        """Execute the single statement of the request."""
        self._cursor = self._sqlite.execute(sql, values)
        return self._cursor

    def close(self) -> None:
        """Return the connection to the pool."""
        if self._cursor is not None:
            self._cursor.close()
        self._reader.release(self._sqlite, self._identity)
