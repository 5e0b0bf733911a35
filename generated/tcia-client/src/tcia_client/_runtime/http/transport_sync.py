"""The transport that blocks."""

import threading
import time
from collections.abc import Mapping
from contextlib import nullcontext
from queue import Empty, SimpleQueue
from urllib.parse import urlsplit

import httpx

from ..errors import ApiError, ParameterError, TransportError
from ..options import Options
from .log_filter import hidden_query
from .request import Request
from .response import LONGEST_ERROR_BODY, same_origin
from .retry import Attempts
from .stream import Answer
from .transport import Transport, from_environment, httpx_proxy, tls_context

_AS_USUAL = nullcontext()


class SyncTransport(Transport):
    """Blocks; may be shared by any number of threads.

    No more requests are in flight than there are connections, because httpcore hands
    out sockets that are closed already when there are (its issue 1110).
    """

    def __init__(self, options: Options, client: object) -> None:
        if not isinstance(client, httpx.Client | None):
            raise ParameterError("http_client must be an httpx.Client", parameter="http_client")
        super().__init__(options, client)
        self.sleep = time.sleep
        self._client = client
        self._transports: dict[tuple[str, str | None], httpx.BaseTransport] = {}
        self._closed = False
        self._lock = threading.Lock()
        self._turns: SimpleQueue[None] = SimpleQueue()
        for _ in range(options.max_connections):
            self._turns.put(None)
        self._line = threading.Lock()

    def open(
        self,
        request: Request,
        headers: Mapping[str, str] | None = None,
        attempts: Attempts | None = None,
    ) -> Answer:
        """Send a request; the answer is to be closed, best by a ``with`` block.

        Args:
            request: What to ask for.
            headers: Further headers, such as ``Range``.
            attempts: The attempts that this request counts among, by default new ones.

        Raises:
            TransportError: No answer came.
            HTTPStatusError: The answer has an error status.
        """
        attempts = attempts or self.options.attempts()
        while True:
            self._admit(request)
            try:
                return self._send(request, headers)
            except BaseException as error:
                self._free()
                if not isinstance(error, ApiError):
                    raise
                wait = attempts.after(self.options.advised(error))
                self._note(request, error, wait)
            self.sleep(wait)

    def close_answer(self, response: httpx.Response) -> None:
        """Close an answer; another one may then be open."""
        try:
            response.close()
        finally:
            self._free()

    def _admit(self, request: Request) -> None:
        """Wait for a connection, and for the rate.

        A place in time is taken by who has a connection, since requests that took theirs
        while none was free would all go out at once. Who waits for it holds that connection,
        and all others wait behind.
        """
        began = self._clock.monotonic()
        if self.options.requests_per_second is None:
            self._turn(request, began)
            return
        with self._line:
            self._turn(request, began)
            try:
                self._keep_pace()
            except BaseException:
                self._turns.put(None)
                raise
            self.moved()

    def reserve(self, workers: int) -> None:
        """Allow a call with so many workers as many connections.

        Raises:
            ParameterError: The caller of the client has set a lower maximum.
        """
        with self._lock:
            for _ in range(self._further_connections(workers)):
                self._turns.put(None)
            for transport in self._transports.values():
                hold = getattr(transport, "hold", None)  # urllib3 has to know how many to keep
                if hold is not None:
                    hold(self.connections)

    def _keep_pace(self) -> None:
        while pause := self._pace.take():
            self.sleep(pause)

    def _turn(self, request: Request, began: float) -> None:
        """Wait for a connection; without end as long as something comes over the others."""
        while True:
            patience = self._patience(began)
            try:
                self._turns.get(timeout=max(patience, 0.0))
            except Empty:
                if patience > 0:
                    continue
                raise self._no_turn(request) from None
            return

    def _free(self) -> None:
        self.moved()
        self._turns.put(None)

    def close(self) -> None:
        """Close the connections, unless the client was given by the user."""
        with self._lock:
            self._closed = True
            transports = list(self._transports.values())
            self._transports.clear()
        for transport in transports:
            transport.close()

    def _transport(self, url: str) -> httpx.BaseTransport:
        """Return the own transport for a URL: one per scheme and proxy."""
        scheme, proxy = urlsplit(url).scheme, self._proxy(url)
        transport = self._transports.get((scheme, proxy))
        if transport is None:
            with self._lock:
                self._refuse_if_closed()
                transport = self._transports.get((scheme, proxy))
                if transport is None:
                    transport = self._new_transport(scheme, proxy)
                    self._transports[scheme, proxy] = transport
        return transport

    def _new_transport(self, scheme: str, proxy: str | None) -> httpx.BaseTransport:
        if proxy is None and self.options.transport == "urllib3":
            from .transport_urllib3 import Urllib3Transport  # noqa: PLC0415 - an extra

            return Urllib3Transport(self.connections)
        with from_environment():
            return httpx.HTTPTransport(
                verify=tls_context(scheme), proxy=httpx_proxy(proxy), limits=self.limits()
            )

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise RuntimeError("the client is closed; make a new one")

    def _ask(
        self, url: str, headers: Mapping[str, str] | None, *, trusted: bool, redirected: bool
    ) -> httpx.Response:
        self._refuse_if_closed()
        client = self._client
        request = self._build(client, url, headers, trusted=trusted)
        with hidden_query() if redirected else _AS_USUAL:
            if client is not None:
                return client.send(
                    request,
                    stream=True,
                    follow_redirects=False,
                    auth=httpx.USE_CLIENT_DEFAULT if trusted else None,
                )
            response = self._transport(url).handle_request(request)
        response.request = request
        self._received(response)
        return response

    def _send(self, request: Request, headers: Mapping[str, str] | None) -> Answer:
        url = request.url
        followed = 0
        while True:
            trusted = same_origin(url, self.options.base_url) if followed else True
            try:
                response = self._ask(url, headers, trusted=trusted, redirected=followed > 0)
            except httpx.HTTPStatusError as error:  # of a hook that raises them
                response = error.response
            except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
                self.fail(error, request, streaming=False, url=url)
            if response.status_code == 206 and "Range" not in (headers or {}):
                response.close()
                raise self._part(request)
            if response.is_success:
                return Answer(request, url, response, self)
            try:
                target = self._next(request, url, response, followed)
                if target is None:
                    raise self._refused(
                        request, url, response, self._error_body(request, url, response)
                    )
            finally:
                response.close()
            url = target
            followed += 1
            self._keep_pace()

    def _error_body(self, request: Request, url: str, response: httpx.Response) -> bytes:
        body = bytearray()
        if response.is_closed and not response.is_stream_consumed:
            return b""
        try:
            for chunk in Answer(request, url, response, self).chunks():
                body += chunk
                if len(body) > LONGEST_ERROR_BODY:
                    break
        except TransportError:
            pass  # the status says enough
        return bytes(body[:LONGEST_ERROR_BODY])
