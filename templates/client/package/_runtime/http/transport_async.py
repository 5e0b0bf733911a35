"""The transport that awaits."""

import asyncio
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from urllib.parse import urlsplit

import httpx

from ..errors import ApiError, ParameterError, TransportError
from ..options import Options
from .log_filter import hidden_query
from .request import Request
from .response import LONGEST_ERROR_BODY, same_origin
from .retry import Attempts
from .stream import AsyncAnswer
from .transport import Transport, from_environment, httpx_proxy, tls_context

_AS_USUAL = nullcontext()


class AsyncTransport(Transport):
    """Awaits; see :class:`SyncTransport`."""

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
        self._turns = asyncio.Semaphore(options.max_connections)
        self._line = asyncio.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def open(
        self,
        request: Request,
        headers: Mapping[str, str] | None = None,
        attempts: Attempts | None = None,
    ) -> AsyncAnswer:
        """Send a request; see :meth:`SyncTransport.open`."""
        attempts = attempts or self.options.attempts()
        while True:
            await self._admit(request)
            try:
                return await self._send(request, headers)
            except BaseException as error:
                self._free()
                if not isinstance(error, ApiError):
                    raise
                wait = attempts.after(self.options.advised(error))
                self._note(request, error, wait)
            await self.sleep(wait)

    async def close_answer(self, response: httpx.Response) -> None:
        """Close an answer; another one may then be open."""
        try:
            await response.aclose()
        finally:
            self._free()

    def _free(self) -> None:
        self.moved()
        self._turns.release()

    async def close(self) -> None:
        """Close the connections, unless the client was given by the user."""
        self._closed = True
        transports = list(self._transports.values())
        self._transports.clear()
        for transport in transports:
            await transport.aclose()

    async def _admit(self, request: Request) -> None:
        """Wait for a connection, and for the rate; see :meth:`SyncTransport._admit`."""
        self._stay()
        began = self._clock.monotonic()
        if self.options.requests_per_second is None:
            await self._turn(request, began)
            return
        async with self._line:
            await self._turn(request, began)
            try:
                await self._keep_pace()
            except BaseException:
                self._turns.release()
                raise
            self.moved()

    def reserve(self, workers: int) -> None:
        """Allow a call with so many workers as many connections; see :class:`SyncTransport`."""
        for _ in range(self._further_connections(workers)):
            self._turns.release()

    def _stay(self) -> None:
        """Refuse a second event loop: connections and locks are bound to the first one."""
        loop = asyncio.get_running_loop()
        if self._loop is None:
            self._loop = loop
        elif self._loop is not loop:
            raise RuntimeError(
                "the client belongs to the event loop of its first request; "
                "make one inside each asyncio.run()"
            )

    async def _keep_pace(self) -> None:
        while pause := self._pace.take():
            await self.sleep(pause)

    async def _turn(self, request: Request, began: float) -> None:
        while self._turns.locked():
            patience = self._patience(began)
            if patience <= 0:
                raise self._no_turn(request)
            with suppress(TimeoutError):
                async with asyncio.timeout(patience):
                    await self._turns.acquire()
                return
        await self._turns.acquire()  # at once

    def _transport(self, url: str) -> httpx.AsyncBaseTransport:
        """Return the own transport for a URL: one per scheme and proxy."""
        key = scheme, proxy = urlsplit(url).scheme, self._proxy(url)
        if key not in self._transports:
            with from_environment():
                self._transports[key] = httpx.AsyncHTTPTransport(
                    verify=tls_context(scheme), proxy=httpx_proxy(proxy), limits=self.limits()
                )
        return self._transports[key]

    async def _ask(
        self, url: str, headers: Mapping[str, str] | None, *, trusted: bool, redirected: bool
    ) -> httpx.Response:
        if self._closed:
            raise RuntimeError("the client is closed; make a new one")
        client = self._client
        request = self._build(client, url, headers, trusted=trusted)
        with hidden_query() if redirected else _AS_USUAL:
            if client is not None:
                return await client.send(
                    request,
                    stream=True,
                    follow_redirects=False,
                    auth=httpx.USE_CLIENT_DEFAULT if trusted else None,
                )
            response = await self._transport(url).handle_async_request(request)
        response.request = request
        self._received(response)
        return response

    async def _send(self, request: Request, headers: Mapping[str, str] | None) -> AsyncAnswer:
        url = request.url
        followed = 0
        while True:
            trusted = same_origin(url, self.options.base_url) if followed else True
            try:
                response = await self._ask(url, headers, trusted=trusted, redirected=followed > 0)
            except httpx.HTTPStatusError as error:  # of a hook that raises them
                response = error.response
            except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
                self.fail(error, request, streaming=False, url=url)
            if response.status_code == 206 and "Range" not in (headers or {}):
                await response.aclose()
                raise self._part(request)
            if response.is_success:
                return AsyncAnswer(request, url, response, self)
            try:
                target = self._next(request, url, response, followed)
                if target is None:
                    body = await self._error_body(request, url, response)
                    raise self._refused(request, url, response, body)
            finally:
                await response.aclose()
            url = target
            followed += 1
            await self._keep_pace()

    async def _error_body(self, request: Request, url: str, response: httpx.Response) -> bytes:
        body = bytearray()
        if response.is_closed and not response.is_stream_consumed:
            return b""
        try:
            async for chunk in AsyncAnswer(request, url, response, self).chunks():
                body += chunk
                if len(body) > LONGEST_ERROR_BODY:
                    break
        except TransportError:
            pass  # the status says enough
        return bytes(body[:LONGEST_ERROR_BODY])
