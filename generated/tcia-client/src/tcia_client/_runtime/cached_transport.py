"""Transports that look into a :class:`.options.Cache` before they ask."""

import sqlite3
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, NoReturn

from .answer import Headers
from .cache import Shelf
from .errors import BrokenStreamError, DecodeError, ParameterError
from .open_answer import Answer, AsyncAnswer
from .options import Options
from .request import Request
from .retry import Attempts
from .transport.asynchronous import AsyncTransport
from .transport.sync import SyncTransport


class CachedTransport(SyncTransport):
    """A :class:`.transport.sync.SyncTransport` that keeps answers."""

    def __init__(self, options: Options, client: object) -> None:
        super().__init__(options, client)
        self._shelf = Shelf(options)
        self._storage: Any = None
        self._opening = threading.Lock()

    def open(
        self,
        request: Request,
        headers: Mapping[str, str] | None = None,
        attempts: Attempts | None = None,
    ) -> Answer:
        """Take the answer from the cache, or send a request."""
        if not self._shelf.keeps(request):
            return super().open(request, headers, attempts)
        storage = self._opened()
        name = self._shelf.name(request)
        try:
            found = storage.get_entries(name)
        except RuntimeError as error:
            _refuse(error)
        if found:
            return _Kept(request, found[0], storage, None)
        fresh = super().open(request, headers, attempts)
        if not self._shelf.takes(fresh.status, fresh.headers):
            return fresh
        try:
            answered = self._shelf.answered(fresh.status, fresh.headers, fresh.chunks())
            entry = storage.create_entry(self._shelf.asked(request), answered, name)
        except BaseException:
            fresh.__exit__()
            raise
        return _Kept(request, entry, storage, fresh)

    def close(self) -> None:
        """Close the connections, and the cache."""
        super().close()
        with self._opening:
            if self._storage is not None:
                self._storage.close()

    def _opened(self) -> Any:
        with self._opening:
            if self._closed:
                raise RuntimeError("the client is closed; make a new one")
            if self._storage is None:
                self._storage = self._shelf.storage("SqliteStorage")
        return self._storage


class AsyncCachedTransport(AsyncTransport):
    """Awaits; see :class:`CachedTransport`."""

    def __init__(self, options: Options, client: object) -> None:
        super().__init__(options, client)
        self._shelf = Shelf(options)
        self._storage: Any = None

    async def open(
        self,
        request: Request,
        headers: Mapping[str, str] | None = None,
        attempts: Attempts | None = None,
    ) -> AsyncAnswer:
        """Take the answer from the cache, or send a request."""
        if not self._shelf.keeps(request):
            return await super().open(request, headers, attempts)
        storage = self._opened()
        name = self._shelf.name(request)
        try:
            found = await storage.get_entries(name)
        except RuntimeError as error:
            _refuse(error)
        if found:
            return _AsyncKept(request, found[0], storage, None)
        fresh = await super().open(request, headers, attempts)
        if not self._shelf.takes(fresh.status, fresh.headers):
            return fresh
        try:
            answered = self._shelf.answered(fresh.status, fresh.headers, fresh.chunks())
            entry = await storage.create_entry(self._shelf.asked(request), answered, name)
        except BaseException:
            await fresh.__aexit__()
            raise
        return _AsyncKept(request, entry, storage, fresh)

    async def close(self) -> None:
        """Close the connections, and the cache."""
        await super().close()
        if self._storage is not None:
            await self._storage.close()

    def _opened(self) -> Any:
        if self._closed:
            raise RuntimeError("the client is closed; make a new one")
        if self._storage is None:
            self._storage = self._shelf.storage("AsyncSqliteStorage")
        return self._storage


class _Kept(Answer):
    """An answer from the cache, or a fresh one that goes there while it is read."""

    def __init__(
        self, request: Request, entry: Any, storage: Any, fresh: Answer | None
    ) -> None:  # all that the base class does is done otherwise
        self.request = request
        self.status = entry.response.status_code
        self.headers = _headers(entry)
        self._entry = entry
        self._storage = storage
        self._fresh = fresh

    def __exit__(self, *raised: object) -> None:
        try:
            self._entry.response.stream.close()
            if _cannot_be_read(raised):
                self._storage.remove_entry(self._entry.id)
        finally:
            if self._fresh is not None:
                self._fresh.__exit__(*raised)

    def chunks(self) -> Iterator[bytes]:
        """The body; its content encoding has been undone in either case."""
        try:
            yield from self._entry.response.stream
        except (RuntimeError, sqlite3.Error) as error:
            _fail(error, self.request)


class _AsyncKept(AsyncAnswer):
    """See :class:`_Kept`."""

    def __init__(
        self, request: Request, entry: Any, storage: Any, fresh: AsyncAnswer | None
    ) -> None:
        self.request = request
        self.status = entry.response.status_code
        self.headers = _headers(entry)
        self._entry = entry
        self._storage = storage
        self._fresh = fresh

    async def __aexit__(self, *raised: object) -> None:
        try:
            await self._entry.response.stream.aclose()
            if _cannot_be_read(raised):
                await self._storage.remove_entry(self._entry.id)
        finally:
            if self._fresh is not None:
                await self._fresh.__aexit__(*raised)

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body; see :meth:`_Kept.chunks`."""
        try:
            async for chunk in self._entry.response.stream:
                yield chunk
        except (RuntimeError, sqlite3.Error) as error:
            _fail(error, self.request)


def _headers(entry: Any) -> Headers:
    return Headers({name.lower(): value for name, value in entry.response.headers.items()})


def _cannot_be_read(raised: tuple[object, ...]) -> bool:
    """Whether the body was no records: it is forgotten, so that the next call gets another."""
    return len(raised) > 1 and isinstance(raised[1], DecodeError)


def _refuse(error: RuntimeError) -> NoReturn:
    raise ParameterError(f"cache: {str(error).rstrip('.')}", parameter="cache") from None


def _fail(error: Exception, request: Request) -> NoReturn:
    raise BrokenStreamError(
        f"what the cache has of this answer cannot be read ({error})",
        endpoint=request.endpoint.address,
        url=request.url,
        advice="If it stays, remove the folder of the cache.",
    ) from error
