"""An answer whose head has arrived and whose body is still to come."""

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from typing import TYPE_CHECKING, Self, cast

from .content_encoding import EncodingError, Inflater, inflater
from .request import Request
from .response import Headers

if TYPE_CHECKING:
    import httpx

    from .transport_async import AsyncTransport
    from .transport_sync import SyncTransport


class Answer:
    """An open answer of the synchronous transport: its head, and its body, once."""

    def __init__(
        self, request: Request, url: str, response: "httpx.Response", transport: "SyncTransport"
    ) -> None:
        self.request = request
        self._url = url
        self.status = response.status_code
        self.headers = Headers(response.headers)
        self._response = response
        self._transport = transport

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_raised: object) -> None:
        self._transport.close_answer(self._response)

    def chunks(self) -> Iterator[bytes]:
        """The body as it comes, with its content encoding undone.

        Raises:
            TransportError: The body stops before its end.
        """
        response, transport = self._response, self._transport
        try:
            if response.is_stream_consumed:  # by a hook or an auth of the caller's client
                yield response.content
                return
            plain, undo = _how_to_read(response)
            body = cast("Iterable[bytes]", response.stream) if plain else response.iter_bytes()
            for piece in body:
                transport.moved()
                if undo is None:
                    yield piece
                else:
                    yield from undo.feed(piece)
            if undo is not None:
                undo.end()
        except (*transport.http_errors, EncodingError) as error:
            transport.fail(error, self.request, streaming=True, url=self._url)


class AsyncAnswer:
    """An open answer of the asynchronous transport; see :class:`Answer`."""

    def __init__(
        self, request: Request, url: str, response: "httpx.Response", transport: "AsyncTransport"
    ) -> None:
        self.request = request
        self._url = url
        self.status = response.status_code
        self.headers = Headers(response.headers)
        self._response = response
        self._transport = transport

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_raised: object) -> None:
        await self._transport.close_answer(self._response)

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it comes; see :meth:`Answer.chunks`."""
        response, transport = self._response, self._transport
        try:
            if response.is_stream_consumed:
                yield response.content
                return
            plain, undo = _how_to_read(response)
            body = (
                cast("AsyncIterable[bytes]", response.stream) if plain else response.aiter_bytes()
            )
            async for piece in body:
                transport.moved()
                if undo is None:
                    yield piece
                else:
                    for part in undo.feed(piece):
                        yield part
            if undo is not None:
                undo.end()
        except (*transport.http_errors, EncodingError) as error:
            transport.fail(error, self.request, streaming=True, url=self._url)


def _how_to_read(response: "httpx.Response") -> tuple[bool, Inflater | None]:
    """Whether to take the body as on the wire, and what undoes its encoding then.

    A caller's client may have asked for encodings that are left to httpx.
    """
    encoding = response.headers.get("content-encoding")
    if encoding is None:
        return True, None
    undo = inflater(encoding)
    return undo is not None or encoding.strip().lower() == "identity", undo
