"""The synchronous transport."""

import threading
import time
from collections.abc import Mapping
from urllib.parse import urlsplit

import httpx

from ..errors import ApiError, ParameterError
from .connection_limit import ConnectionLimit
from .options import Options
from .request import Request
from .response import Response
from .retry import Attempts
from .transport import UNLIMITED, Exchange, Transport, from_environment, tls_context


class SyncTransport(Transport):
    """Sends requests and blocks; any number of threads may share it."""

    def __init__(self, options: Options, client: object) -> None:
        if not isinstance(client, httpx.Client | None):
            raise ParameterError("http_client must be an httpx.Client", parameter="http_client")
        super().__init__(options, client)
        self.sleep = time.sleep
        self._client = client
        self._transports: dict[tuple[str, str | None], httpx.BaseTransport] = {}
        self._closed = False
        self._lock = threading.Lock()
        self._limit = ConnectionLimit(options.max_connections, self.timeouts.pool, options.clock)
        self._queue = threading.Lock()

    def open(
        self,
        request: Request,
        headers: Mapping[str, str] | None = None,
        attempts: Attempts | None = None,
    ) -> Response:
        """Send a request and return the response, to be closed by a ``with`` block.

        Args:
            request: The request.
            headers: Further headers, such as ``Range``.
            attempts: The attempts among which this request counts, by default new ones.

        Raises:
            TransportError: No response arrived.
            HTTPStatusError: The response has an error status.
        """
        attempts = attempts or self.options.attempts()
        while True:
            self._admit(request)
            try:
                return self._send(Exchange(self, request, headers))
            except BaseException as error:
                self._limit.release()
                if not isinstance(error, ApiError):
                    raise
                delay = attempts.after(self.options.advised(error))
                self._log_retry(request, error, delay)
            self.sleep(delay)

    def _admit(self, request: Request) -> None:
        """Wait for a connection slot and then for the rate limiter.

        A request with a slot waits for the rate limiter, and all others wait behind it. If they
        passed the rate limiter first, they would be sent all at once when a slot becomes free.
        """
        since = self._limit.clock.monotonic()
        with self._queue:
            try:
                self._limit.acquire(since)
            except TimeoutError:
                raise self._no_connection(request) from None
            try:
                self._wait_for_rate()
            except BaseException:
                self._limit.release()
                raise
            self._limit.touch()

    def _wait_for_rate(self) -> None:
        while delay := self._rate.acquire():
            self.sleep(delay)

    def _send(self, exchange: Exchange) -> Response:
        limit = self._limit
        while True:
            raw = self._transmit(exchange)
            response = Response(raw, touch=limit.touch, release=limit.release, fail=exchange.fail)
            if exchange.is_complete(raw):
                return response
            try:
                if not exchange.redirect(raw):
                    raise exchange.status_error(raw, response.error_body())
            finally:
                raw.close()
            self._wait_for_rate()

    def _transmit(self, exchange: Exchange) -> httpx.Response:
        self._refuse_if_closed()
        try:
            request = exchange.build()
            with exchange.log_context():
                if self._client is not None:
                    return self._client.send(request, **exchange.send_options())
                response = self._transport_of(exchange.url).handle_request(request)
        except httpx.HTTPStatusError as error:  # raised by an event hook
            return error.response
        except Exception as error:
            exchange.fail(error, streaming=False)
        return self._received(response, request)

    def _transport_of(self, url: str) -> httpx.BaseTransport:
        """Return the transport of httpx for a URL: one per scheme and proxy."""
        scheme, proxy = urlsplit(url).scheme, self.proxy(url)
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
            return httpx.HTTPTransport(verify=tls_context(scheme), proxy=proxy, limits=UNLIMITED)

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise RuntimeError("the client is closed; make a new one")

    def reserve(self, workers: int) -> None:
        """Allow one connection per worker of a call.

        Raises:
            ParameterError: The caller of the client has set a lower maximum.
        """
        with self._lock:
            self._limit.grow(self._further_connections(workers))
            for transport in self._transports.values():
                hold = getattr(transport, "hold", None)  # urllib3 limits its idle connections
                if hold is not None:
                    hold(self.connections)

    def close(self) -> None:
        """Close the connections, but not the caller's client."""
        with self._lock:
            self._closed = True
            transports = list(self._transports.values())
            self._transports.clear()
        for transport in transports:
            transport.close()
