"""The one module that knows httpx: a request goes out, heads and chunks come back.

Both transports give the same thing: ``open`` waits for its turn, sends a GET request,
follows redirects, tries again where that may help, and hands out the open answer as a
context manager. What httpx raises leaves as an error of this package.

It is imported by a client's first request, and with it httpx, which takes a while; the
first request also makes httpx's own client and its TLS context.
"""

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any, NoReturn

import httpx

from .answer import (
    LONGEST_ERROR_BODY,
    REDIRECTS,
    Headers,
    redirect_target,
    same_origin,
    status_error,
)
from .errors import (
    AnswerTimeoutError,
    ApiError,
    BrokenStreamError,
    ConnectionFailedError,
    ParameterError,
    TransportError,
)
from .open_answer import Answer, AsyncAnswer
from .options import Options, Timeouts
from .request import KEY_HEADER, Request
from .retry import Attempts, Pace


class _Transport:
    """What the two transports share; nothing here waits."""

    http_errors = httpx.HTTPError
    """What reading a body may raise, for :meth:`fail`."""

    def __init__(self, options: Options, *, own: bool) -> None:
        self.options = options
        self._own = own
        self._pace = Pace(options.requests_per_second, options.clock)
        self._timeouts = options.timeouts or Timeouts()
        self._extensions = {"timeout": _timeout(self._timeouts).as_dict()}
        self._headers = {"User-Agent": options.user_agent}
        if options.api_key:
            self._headers[KEY_HEADER] = options.api_key

    def _build(
        self,
        client: httpx.Client | httpx.AsyncClient,
        url: str,
        headers: Mapping[str, str] | None,
        *,
        trusted: bool,
    ) -> httpx.Request:
        if trusted:
            if self._own and not client.cookies:  # nothing to merge, which takes a third of a call
                own = client.headers
                if headers:
                    own = own.copy()
                    own.update(headers)
                return httpx.Request("GET", url, headers=own, extensions=dict(self._extensions))
            if self._own:  # its headers and timeouts are this transport's
                return client.build_request("GET", url, headers=headers)
            given = self.options.timeouts
            timeout: Any = httpx.USE_CLIENT_DEFAULT if given is None else _timeout(given)
            merged = {**self._headers, **(headers or {})}
            return client.build_request("GET", url, headers=merged, timeout=timeout)
        # Another host gets neither the key nor anything else that the client was given.
        return httpx.Request(
            "GET",
            url,
            headers={"Accept": "*/*", "User-Agent": self.options.user_agent, **(headers or {})},
            extensions=dict(self._extensions),
        )

    def _client_arguments(self) -> dict[str, Any]:

        limits = httpx.Limits(
            max_connections=self.options.max_connections,
            max_keepalive_connections=self.options.max_connections,
        )
        timeout = _timeout(self._timeouts)
        return {"timeout": timeout, "limits": limits, "headers": self._headers}

    def _next(
        self, request: Request, url: str, response: httpx.Response, followed: int
    ) -> str | None:
        """The address to go on to, None if the answer is no redirect."""
        if response.status_code not in REDIRECTS:
            return None
        return redirect_target(request, url, response.headers.get("location"), followed)

    def _refused(self, request: Request, response: httpx.Response, body: bytes) -> ApiError:
        headers = Headers(response.headers)
        return self.options.clean(
            status_error(request, response.status_code, headers, body, self.options.clock)
        )

    def _no_turn(self, request: Request) -> ApiError:
        return AnswerTimeoutError(
            f"none of {self.options.max_connections} connections became free within "
            f"{self._timeouts.pool:g} s",
            endpoint=request.endpoint.address,
            url=request.url,
            advice="Close or use up answers that are still open, or allow more connections.",
        )

    def _note(self, request: Request, error: ApiError, wait: float) -> None:
        self.options.logger.info(
            "%s: %s; trying again in %.1f s", request.endpoint.address, error.reason, wait
        )

    def fail(self, error: Exception, request: Request, *, streaming: bool) -> NoReturn:
        """Raise the error of this package for one of httpx."""
        raise self.options.clean(
            _translated(error, request, self._timeouts, streaming=streaming)
        ) from error


def _timeout(timeouts: Timeouts) -> httpx.Timeout:

    return httpx.Timeout(
        connect=timeouts.connect, read=timeouts.read, write=timeouts.write, pool=timeouts.pool
    )


def _translated(
    error: Exception, request: Request, timeouts: Timeouts, *, streaming: bool
) -> TransportError:

    where: Any = {"endpoint": request.endpoint.address, "url": request.url}
    words = str(error) or type(error).__name__
    if isinstance(error, httpx.ConnectTimeout):
        return ConnectionFailedError(f"no connection within {timeouts.connect:g} s", **where)
    if isinstance(error, httpx.TimeoutException):
        what = "the answer stopped" if streaming else "no answer"
        return AnswerTimeoutError(f"{what}: silence for {timeouts.read:g} s ({words})", **where)
    if isinstance(error, httpx.DecodingError):
        return BrokenStreamError(f"the answer's compression is broken ({words})", **where)
    if isinstance(error, httpx.NetworkError | httpx.RemoteProtocolError | httpx.ProxyError):
        if streaming:
            return BrokenStreamError(f"the connection broke in the answer ({words})", **where)
        failed = ConnectionFailedError(f"no connection that holds ({words})", **where)
        if "CERTIFICATE_VERIFY_FAILED" in words:
            failed.retryable = False
            failed.advice = "Give an http_client that trusts the server's certificate authority."
        return failed
    failure = TransportError(f"the request could not be made ({words})", **where)
    failure.retryable = False
    return failure


class SyncTransport(_Transport):
    """Blocks; may be shared by any number of threads.

    No more requests are in flight than there are connections, because httpcore hands
    out sockets that are closed already when there are (its issue 1110).
    """

    def __init__(self, options: Options, client: object) -> None:
        super().__init__(options, own=client is None)
        self.sleep = time.sleep
        if not isinstance(client, httpx.Client | None):
            raise ParameterError("http_client must be an httpx.Client", parameter="http_client")
        self._client = client
        self._closed = False
        self._lock = threading.Lock()
        self._turns = threading.BoundedSemaphore(options.max_connections)

    @contextmanager
    def open(
        self,
        request: Request,
        headers: Mapping[str, str] | None = None,
        attempts: Attempts | None = None,
    ) -> Generator[Answer, None, None]:
        """Send a request; the answer is open inside the ``with`` block.

        Args:
            request: What to ask for.
            headers: Further headers, such as ``Range``.
            attempts: The attempts that this request counts among, by default new ones.

        Raises:
            TransportError: No answer came.
            StatusError: The answer has an error status.
        """
        attempts = attempts or self.options.attempts()
        while True:
            if not self._turns.acquire(timeout=self._timeouts.pool):
                raise self._no_turn(request)
            try:
                try:
                    response = self._send(request, headers)
                except ApiError as error:
                    failure = error
                else:
                    try:
                        yield Answer(request, response, self)
                    finally:
                        response.close()
                    return
            finally:
                self._turns.release()
            wait = attempts.after(failure)
            self._note(request, failure, wait)
            self.sleep(wait)

    def close(self) -> None:
        """Close the connections, unless the client was given by the user."""
        with self._lock:
            self._closed = True
            if self._own and self._client is not None:
                self._client.close()

    def _ready(self) -> httpx.Client:
        if self._client is None or self._closed:
            with self._lock:
                if self._closed:
                    raise RuntimeError("the client is closed; make a new one")
                if self._client is None:
                    self._client = httpx.Client(**self._client_arguments())
        return self._client

    def _send(self, request: Request, headers: Mapping[str, str] | None) -> httpx.Response:

        if pause := self._pace.wait():
            self.sleep(pause)
        client = self._ready()
        url = request.url
        followed = 0
        while True:
            trusted = same_origin(url, self.options.base_url) if followed else True
            try:
                response = client.send(
                    self._build(client, url, headers, trusted=trusted),
                    stream=True,
                    follow_redirects=False,
                    auth=httpx.USE_CLIENT_DEFAULT if trusted else None,
                )
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                self.fail(error, request, streaming=False)
            if response.is_success:
                return response
            try:
                target = self._next(request, url, response, followed)
                if target is None:
                    raise self._refused(request, response, self._error_body(request, response))
            finally:
                response.close()
            url = target
            followed += 1

    def _error_body(self, request: Request, response: httpx.Response) -> bytes:
        body = bytearray()
        try:
            for chunk in Answer(request, response, self).chunks():
                body += chunk
                if len(body) > LONGEST_ERROR_BODY:
                    break
        except TransportError:
            pass  # the status says enough
        return bytes(body[:LONGEST_ERROR_BODY])


class AsyncTransport(_Transport):
    """Awaits; see :class:`SyncTransport`."""

    def __init__(self, options: Options, client: object) -> None:
        super().__init__(options, own=client is None)
        self.sleep = asyncio.sleep
        if not isinstance(client, httpx.AsyncClient | None):
            raise ParameterError(
                "http_client must be an httpx.AsyncClient", parameter="http_client"
            )
        self._client = client
        self._closed = False
        self._turns = asyncio.Semaphore(options.max_connections)

    @asynccontextmanager
    async def open(
        self,
        request: Request,
        headers: Mapping[str, str] | None = None,
        attempts: Attempts | None = None,
    ) -> AsyncGenerator[AsyncAnswer, None]:
        """Send a request; see :meth:`SyncTransport.open`."""
        attempts = attempts or self.options.attempts()
        while True:
            try:
                async with asyncio.timeout(self._timeouts.pool):
                    await self._turns.acquire()
            except TimeoutError:
                raise self._no_turn(request) from None
            try:
                try:
                    response = await self._send(request, headers)
                except ApiError as error:
                    failure = error
                else:
                    try:
                        yield AsyncAnswer(request, response, self)
                    finally:
                        await response.aclose()
                    return
            finally:
                self._turns.release()
            wait = attempts.after(failure)
            self._note(request, failure, wait)
            await self.sleep(wait)

    async def close(self) -> None:
        """Close the connections, unless the client was given by the user."""
        self._closed = True
        if self._own and self._client is not None:
            await self._client.aclose()

    def _ready(self) -> httpx.AsyncClient:

        if self._closed:
            raise RuntimeError("the client is closed; make a new one")
        if self._client is None:
            self._client = httpx.AsyncClient(**self._client_arguments())
        return self._client

    async def _send(self, request: Request, headers: Mapping[str, str] | None) -> httpx.Response:

        if pause := self._pace.wait():
            await self.sleep(pause)
        client = self._ready()
        url = request.url
        followed = 0
        while True:
            trusted = same_origin(url, self.options.base_url) if followed else True
            try:
                response = await client.send(
                    self._build(client, url, headers, trusted=trusted),
                    stream=True,
                    follow_redirects=False,
                    auth=httpx.USE_CLIENT_DEFAULT if trusted else None,
                )
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                self.fail(error, request, streaming=False)
            if response.is_success:
                return response
            try:
                target = self._next(request, url, response, followed)
                if target is None:
                    body = await self._error_body(request, response)
                    raise self._refused(request, response, body)
            finally:
                await response.aclose()
            url = target
            followed += 1

    async def _error_body(self, request: Request, response: httpx.Response) -> bytes:
        body = bytearray()
        try:
            async for chunk in AsyncAnswer(request, response, self).chunks():
                body += chunk
                if len(body) > LONGEST_ERROR_BODY:
                    break
        except TransportError:
            pass  # the status says enough
        return bytes(body[:LONGEST_ERROR_BODY])
