"""An answer whose head has arrived and whose body is still to come."""

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

from .answer import Headers
from .request import Request

if TYPE_CHECKING:
    import httpx

    from .transport import AsyncTransport, SyncTransport


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

    def chunks(self, *, raw: bool = False) -> Iterator[bytes]:
        """The body as it comes.

        Args:
            raw: As on the wire, with any content encoding still on.

        Raises:
            TransportError: The body stops before its end.
        """
        response = self._response
        try:
            yield from response.iter_raw() if raw else response.iter_bytes()
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

    async def chunks(self, *, raw: bool = False) -> AsyncIterator[bytes]:
        """The body as it comes; see :meth:`Answer.chunks`."""
        response = self._response
        try:
            async for chunk in response.aiter_raw() if raw else response.aiter_bytes():
                yield chunk
        except self._transport.http_errors as error:
            self._transport.fail(error, self.request, streaming=True)
