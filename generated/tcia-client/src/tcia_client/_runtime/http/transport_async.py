"""The asynchronous transport; see :mod:`.transport_sync`."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import cast
from urllib.parse import urlsplit

import httpx

from ..errors import ApiError, ParameterError
from .connection_limit import AsyncConnectionLimit
from .options import Options
from .request import Request
from .response import AsyncResponse
from .retry import Attempts
from .transport import Exchange, Transport, from_environment, tls_context

_ONE = httpx.Limits(max_connections=1, max_keepalive_connections=1)


class AsyncTransport(Transport):
    """Sends requests with asyncio, within one event loop."""

    def __init__(self, options: Options, client: object) -> None:
        if not isinstance(client, httpx.AsyncClient | None):
            raise ParameterError(
                "http_client must be an httpx.AsyncClient", parameter="http_client"
            )
        super().__init__(options, client)
        self.sleep = asyncio.sleep
        self._client = client
        self._transports: dict[tuple[str, str | None], httpx.AsyncBaseTransport] = {}
        self._closed = False
        self._limit = AsyncConnectionLimit(
            options.max_connections, self.timeouts.pool, options.clock
        )
        self._queue = asyncio.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def open(
        self,
        request: Request,
        headers: Mapping[str, str] | None = None,
        attempts: Attempts | None = None,
    ) -> AsyncResponse:
        """Send a request; see :meth:`SyncTransport.open`."""
        attempts = attempts or self.options.attempts()
        while True:
            await self._admit(request)
            try:
                return await self._send(Exchange(self, request, headers))
            except BaseException as error:
                self._limit.release()
                if not isinstance(error, ApiError):
                    raise
                delay = attempts.after(self.options.advised(error))
                self._log_retry(request, error, delay)
            await self.sleep(delay)

    async def _admit(self, request: Request) -> None:
        """Wait for a connection slot and for the rate; see :meth:`SyncTransport._admit`."""
        self._refuse_another_loop()
        since = self._limit.clock.monotonic()
        async with self._queue:
            try:
                await self._limit.acquire(since)
            except TimeoutError:
                raise self._no_connection(request) from None
            try:
                await self._wait_for_rate()
            except BaseException:
                self._limit.release()
                raise
            self._limit.touch()

    def _refuse_another_loop(self) -> None:
        loop = asyncio.get_running_loop()
        if self._loop is None:
            self._loop = loop
        elif self._loop is not loop:
            raise RuntimeError(
                "the client belongs to the event loop of its first request; "
                "make one inside each asyncio.run()"
            )

    async def _wait_for_rate(self) -> None:
        while delay := self._rate.acquire():
            await self.sleep(delay)

    async def _send(self, exchange: Exchange) -> AsyncResponse:
        limit = self._limit
        while True:
            raw = await self._transmit(exchange)
            response = AsyncResponse(
                raw, touch=limit.touch, release=limit.release, fail=exchange.fail
            )
            if exchange.is_complete(raw):
                return response
            try:
                if not exchange.redirect(raw):
                    raise exchange.status_error(raw, await response.error_body())
            finally:
                await raw.aclose()
            await self._wait_for_rate()

    async def _transmit(self, exchange: Exchange) -> httpx.Response:
        if self._closed:
            raise RuntimeError("the client is closed; make a new one")
        try:
            request = exchange.build()
            with exchange.log_context():
                if self._client is not None:
                    return await self._client.send(request, **exchange.send_options())
                transport = self._transport_of(exchange.url)
                response = await transport.handle_async_request(request)
        except httpx.HTTPStatusError as error:  # raised by an event hook
            return error.response
        except Exception as error:
            exchange.fail(error, streaming=False)
        return self._received(response, request)

    def _transport_of(self, url: str) -> httpx.AsyncBaseTransport:
        """Return the transport of httpx for a URL: one per scheme and proxy."""
        key = scheme, proxy = urlsplit(url).scheme, self.proxy(url)
        if key not in self._transports:
            with from_environment():
                context = tls_context(scheme)

            def connection() -> httpx.AsyncHTTPTransport:
                with from_environment():
                    return httpx.AsyncHTTPTransport(verify=context, proxy=proxy, limits=_ONE)

            self._transports[key] = SeparateConnections(connection)
        return self._transports[key]

    def reserve(self, workers: int) -> None:
        """Allow one connection per worker of a call; see :meth:`SyncTransport.reserve`."""
        self._limit.grow(self._further_connections(workers))

    async def close(self) -> None:
        """Close the connections, but not the caller's client."""
        self._closed = True
        transports = list(self._transports.values())
        self._transports.clear()
        for transport in transports:
            await transport.aclose()


class SeparateConnections(httpx.AsyncBaseTransport):
    """Send each request over a transport of httpx that has one connection.

    A pool of httpcore looks at all its connections, and polls the socket of each idle one, at
    the beginning and at the end of every request. With 32 connections, that takes longer than
    all else that a request does.

    Args:
        new: Returns a new transport, whose limits allow one connection.
    """

    def __init__(self, new: Callable[[], httpx.AsyncHTTPTransport]) -> None:
        self._new = new
        self._all: list[httpx.AsyncHTTPTransport] = []
        self._idle: list[httpx.AsyncHTTPTransport] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request over the connection that became idle last, or over a new one."""
        if not self._idle:
            self._idle.append(self._new())
            self._all.append(self._idle[-1])
        transport = self._idle.pop()
        try:
            response = await transport.handle_async_request(request)
        except BaseException:
            self._idle.append(transport)
            raise
        stream = cast("httpx.AsyncByteStream", response.stream)
        response.stream = _Stream(stream, lambda: self._idle.append(transport))
        return response

    async def aclose(self) -> None:
        """Close all connections."""
        for transport in self._all:
            await transport.aclose()


class _Stream(httpx.AsyncByteStream):
    """The body of a response, whose connection is idle once it is closed."""

    def __init__(self, stream: httpx.AsyncByteStream, closed: Callable[[], object]) -> None:
        self._stream = stream
        self._closed: Callable[[], object] | None = closed

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._stream.__aiter__()

    async def aclose(self) -> None:
        closed, self._closed = self._closed, None
        try:
            await self._stream.aclose()
        finally:
            if closed is not None:
                closed()
