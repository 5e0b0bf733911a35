"""Connections of the asynchronous transport, each with a separate pool."""

from collections.abc import AsyncIterator, Callable
from typing import cast

import httpx


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
