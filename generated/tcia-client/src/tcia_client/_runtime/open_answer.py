"""An answer whose head has arrived and whose body is still to come."""

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from typing import TYPE_CHECKING, Self, cast

from .answer import Headers
from .request import Request

if TYPE_CHECKING:
    import httpx

    from .transport.asynchronous import AsyncTransport
    from .transport.sync import SyncTransport


class Answer:
    """An open answer of the synchronous transport: its head, and its body, once."""

    def __init__(
        self, request: Request, response: "httpx.Response", transport: "SyncTransport"
    ) -> None:
        self.request = request
        self.status = response.status_code
        self.headers = Headers(response.headers)
        self._response = response
        self._transport = transport

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_raised: object) -> None:
        self._transport.close_answer(self._response)

    def chunks(self, *, raw: bool = False) -> Iterator[bytes]:
        """The body as it comes.

        Args:
            raw: As on the wire, with any content encoding still on.

        Raises:
            TransportError: The body stops before its end.
        """
        response = self._response
        plain = raw or "content-encoding" not in response.headers
        try:
            yield from cast("Iterable[bytes]", response.stream) if plain else response.iter_bytes()
        except self._transport.http_errors as error:
            self._transport.fail(error, self.request, streaming=True)


class AsyncAnswer:
    """An open answer of the asynchronous transport; see :class:`Answer`."""

    def __init__(
        self, request: Request, response: "httpx.Response", transport: "AsyncTransport"
    ) -> None:
        self.request = request
        self.status = response.status_code
        self.headers = Headers(response.headers)
        self._response = response
        self._transport = transport

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_raised: object) -> None:
        await self._transport.close_answer(self._response)

    async def chunks(self, *, raw: bool = False) -> AsyncIterator[bytes]:
        """The body as it comes; see :meth:`Answer.chunks`."""
        response = self._response
        plain = raw or "content-encoding" not in response.headers
        try:
            body = (
                cast("AsyncIterable[bytes]", response.stream) if plain else response.aiter_bytes()
            )
            async for chunk in body:
                yield chunk
        except self._transport.http_errors as error:
            self._transport.fail(error, self.request, streaming=True)
