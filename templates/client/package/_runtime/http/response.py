"""Responses: their headers, their body as it arrives, and the error of an error status."""

import json
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn, Self, cast

import attrs

from ..errors import HTTPStatusError, TransportError, error_of_status
from ..server_message import is_page, server_fields, summary
from .content_encoding import Identity, decoder
from .request import Request
from .retry import Clock, retry_after

if TYPE_CHECKING:
    import httpx

_MAX_ERROR_BYTES = 64 * 1024


@attrs.frozen(kw_only=True)
class RawResponse:
    """A response as the server sent it.

    Attributes:
        content: The body, without content encoding (gzip) and otherwise unchanged.
        headers: The headers, with case-insensitive names.
        status: The HTTP status.
        seconds: Time from the request to the last byte.
        url: The requested URL, without secrets.
        format: The requested format, None for files.
    """

    content: bytes = attrs.field(repr=lambda content: f"<{len(content)} bytes>")
    headers: Mapping[str, str] = attrs.field(repr=False, hash=False)
    status: int
    seconds: float
    url: str
    format: str | None = None

    @classmethod
    def of(
        cls, request: Request, response: "Response | AsyncResponse", content: bytes, seconds: float
    ) -> Self:
        """Return a response with the body that was read from it."""
        return cls(
            content=content,
            headers=response.headers,
            status=response.status,
            seconds=seconds,
            url=request.url,
            format=request.format,
        )


class _Streaming:
    """A response whose headers have arrived, and whose body can be read once.

    Args:
        response: The response of httpx.
        touch: Called for each chunk that arrives.
        release: Called when the response is closed; it returns the connection slot.
        fail: Raises the error of this package for an exception of the body.
    """

    def __init__(
        self,
        response: "httpx.Response",
        *,
        touch: Callable[[], None],
        release: Callable[[], None],
        fail: Callable[[Exception], NoReturn],
    ) -> None:
        self.status = response.status_code
        self.headers: Mapping[str, str] = response.headers
        self._response = response
        self._touch = touch
        self._release = release
        self._fail = fail

    def _has_no_body(self) -> bool:
        """Return whether an event hook closed the response before it read the body."""
        return self._response.is_closed and not self._response.is_stream_consumed


class Response(_Streaming):
    """A streaming response of the synchronous transport."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_raised: object) -> None:
        try:
            self._response.close()
        finally:
            self._release()

    def chunks(self) -> Iterator[bytes]:
        """Yield the body as it arrives, without its content encoding.

        Raises:
            TransportError: The body is incomplete.
        """
        response = self._response
        try:
            if response.is_stream_consumed:  # by a hook or the auth of the caller's client
                yield response.content
                return
            body: Iterable[bytes] = cast("Iterable[bytes]", response.stream)
            decode = decoder(response.headers.get("content-encoding"))
            if decode is None:  # an encoding that the caller's client accepts
                decode, body = Identity(), response.iter_bytes()
            for chunk in body:
                self._touch()
                yield from decode.feed(chunk)
            decode.finish()
        except Exception as error:
            self._fail(error)

    def error_body(self) -> bytes:
        """Return the beginning of the body of an error status."""
        body = b""
        with suppress(TransportError):
            for chunk in () if self._has_no_body() else self.chunks():
                body += chunk
                if len(body) > _MAX_ERROR_BYTES:
                    break
        return body[:_MAX_ERROR_BYTES]


class AsyncResponse(_Streaming):
    """A streaming response of the asynchronous transport; see :class:`Response`."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_raised: object) -> None:
        try:
            await self._response.aclose()
        finally:
            self._release()

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body as it arrives; see :meth:`Response.chunks`."""
        response = self._response
        try:
            if response.is_stream_consumed:
                yield response.content
                return
            body: AsyncIterable[bytes] = cast("AsyncIterable[bytes]", response.stream)
            decode = decoder(response.headers.get("content-encoding"))
            if decode is None:
                decode, body = Identity(), response.aiter_bytes()
            async for chunk in body:
                self._touch()
                for part in decode.feed(chunk):
                    yield part
            decode.finish()
        except Exception as error:
            self._fail(error)

    async def error_body(self) -> bytes:
        """Return the beginning of the body of an error status."""
        body = bytearray()
        if not self._has_no_body():
            with suppress(TransportError):
                async for chunk in self.chunks():
                    body += chunk
                    if len(body) > _MAX_ERROR_BYTES:
                        break
        return bytes(body[:_MAX_ERROR_BYTES])


def status_error(
    request: Request, response: "httpx.Response", body: bytes, clock: Clock
) -> HTTPStatusError:
    """Return the error of an error status.

    Args:
        request: The request.
        response: The response, for its status and headers.
        body: The beginning of its body.
        clock: Source of the time for a Retry-After header.
    """
    text = body.decode("utf-8", "replace").strip()
    try:
        fields = server_fields(json.loads(text))
    except (ValueError, RecursionError):
        fields = {}
    description = fields.get("errorDescription") or fields.get("errorMessage")
    message = description or next(iter(fields.values()), None)
    if message is None and text:
        message = f"{'(HTML page) ' * is_page(text)}{summary(text)}"
    return error_of_status(
        response.status_code,
        has_required=all(
            request.arguments.values.get(parameter.name) is not None
            for parameter in request.endpoint.parameters
            if parameter.required
        ),
        endpoint=request.endpoint.address,
        url=request.url,
        server_message=message,
        error_description=description,
        suggested_action=fields.get("suggestedAction"),
        detailed_message=fields.get("detailedMessage"),
        retry_after=retry_after(response.headers.get("retry-after"), clock),
    )
