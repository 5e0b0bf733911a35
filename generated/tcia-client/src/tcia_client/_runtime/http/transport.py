"""What the synchronous and the asynchronous transport share; nothing here waits."""

import contextlib
import logging
import ssl
from collections.abc import Generator, Mapping
from http.cookiejar import CookieJar
from typing import Any, NoReturn
from urllib.parse import parse_qsl, urlsplit

import httpx

from ..errors import (
    ApiError,
    ConnectError,
    IncompleteResponseError,
    ParameterError,
    ReadTimeoutError,
    RedirectError,
    TransportError,
)
from ..options import Options, Timeouts
from ..redaction import redacting
from .content_encoding import EncodingError
from .proxies import proxy_of, without_credentials
from .request import KEY_HEADER, Request
from .response import REDIRECTS, Headers, redirect_target, status_error, without_query
from .retry import Pace

_LONGEST_REASON = 300
_MOST_ORIGINS = 64
_SHORTEST_SECRET = 8
_DEFAULT_HEADERS = {
    "Accept": "*/*",
    "Accept-Encoding": "gzip, deflate",
    "Connection": "keep-alive",
}
_PHASES = (
    (httpx.ConnectTimeout, "connect"),
    (httpx.WriteTimeout, "write"),
    (httpx.PoolTimeout, "pool"),
)


class Transport:
    """What the two transports share."""

    http_errors = (httpx.HTTPError, httpx.StreamError)
    """What reading a body may raise, for :meth:`fail`."""

    def __init__(self, options: Options, client: httpx.Client | httpx.AsyncClient | None) -> None:
        self.options = options
        self._own = client is None
        self.connections = options.max_connections
        self._clock = options.clock
        self._pace = Pace(options.requests_per_second, options.clock)
        self._timeouts = options.timeouts or Timeouts()
        bounds = httpx_timeout(self._timeouts)
        if client is not None and options.timeouts is None:
            bounds = client.timeout
        self._extensions = {"timeout": bounds.as_dict()}
        self._moved = self._clock.monotonic()
        self._headers = {"User-Agent": options.user_agent}
        if options.api_key:
            self._headers[KEY_HEADER] = options.api_key
        self._own_headers = httpx.Headers({**_DEFAULT_HEADERS, **self._headers})
        self._cookies = httpx.Cookies()
        self._proxies: dict[tuple[str, str], str | None] = {}

    def moved(self) -> None:
        """Something has come of some answer, so that who waits for a connection may go on."""
        self._moved = self._clock.monotonic()

    def _patience(self, began: float) -> float:
        """Seconds to wait yet for a connection; the wait is told from what last came over one."""
        return max(began, self._moved) + self._timeouts.pool - self._clock.monotonic()

    def _build(
        self,
        client: httpx.Client | httpx.AsyncClient | None,
        url: str,
        headers: Mapping[str, str] | None,
        *,
        trusted: bool,
    ) -> httpx.Request:
        try:
            return self._built(client, url, headers, trusted=trusted)
        except UnicodeEncodeError:
            cookies = self._cookies if client is None else client.cookies
            _forget_what_cannot_be_sent(cookies.jar)
            return self._built(client, url, headers, trusted=trusted)

    def _built(
        self,
        client: httpx.Client | httpx.AsyncClient | None,
        url: str,
        headers: Mapping[str, str] | None,
        *,
        trusted: bool,
    ) -> httpx.Request:
        if trusted and client is None:
            own = self._own_headers
            if headers:
                own = own.copy()
                own.update(headers)
            request = httpx.Request("GET", url, headers=own, extensions=dict(self._extensions))
            if self._cookies:
                self._cookies.set_cookie_header(request)
            return request
        if trusted and client is not None:
            given = self.options.timeouts
            timeout: Any = httpx.USE_CLIENT_DEFAULT if given is None else httpx_timeout(given)
            merged = {**self._headers, **(headers or {})}
            return client.build_request("GET", url, headers=merged, timeout=timeout)
        # Another host gets neither the key nor anything else that the client was given.
        return httpx.Request(
            "GET",
            url,
            headers={"Accept": "*/*", "User-Agent": self.options.user_agent, **(headers or {})},
            extensions=dict(self._extensions),
        )

    def _proxy(self, url: str) -> str | None:
        """Return the proxy that the environment names for a URL, looked up once per origin."""
        origin = urlsplit(url)[:2]
        try:
            return self._proxies[origin]
        except KeyError:
            if len(self._proxies) >= _MOST_ORIGINS:
                self._proxies.clear()
            proxy = self._proxies[origin] = proxy_of(url)
            return proxy

    def limits(self) -> httpx.Limits:
        """Return no limits: who sends requests waits for one of :attr:`connections`."""
        return httpx.Limits(max_connections=None, max_keepalive_connections=None)

    def _further_connections(self, workers: int) -> int:
        """Return how many connections are to be added for a call with so many workers.

        Raises:
            ParameterError: The caller of the client has set a lower maximum.
        """
        missing = max(0, workers - self.connections)
        if missing and not self.options.connections_grow:
            raise ParameterError(
                f"workers={workers} is more than the client's max_connections={self.connections}",
                parameter="workers",
                advice=f"Make the client with max_connections={workers}, or without it.",
            )
        self.connections += missing
        return missing

    def _received(self, response: httpx.Response) -> None:
        """Log a response of an own transport and take over its cookies."""
        if self.options.logger.isEnabledFor(logging.INFO):
            url = response.url.copy_with(query=None)  # that of a redirect may hold a signature
            self.options.logger.info("GET %s: status %d", url, response.status_code)
        if "set-cookie" in response.headers:
            self._cookies.extract_cookies(response)

    def _next(
        self, request: Request, url: str, response: httpx.Response, followed: int
    ) -> str | None:
        """Return the target of a redirect, None if the response is no redirect.

        Raises:
            RedirectError: The redirect cannot be followed, or must not be.
        """
        if response.status_code not in REDIRECTS:
            return None
        target = redirect_target(request, url, response.headers.get("location"), followed)
        reason = ""
        if self.options.holds_key(target, request.url):
            reason = "a redirect to an address that holds the key, which is not followed"
        try:
            httpx.Request("GET", target)
        except (httpx.InvalidURL, UnicodeError):
            reason = "a redirect to an address that is not valid"
        if reason:
            raise RedirectError(reason, endpoint=request.endpoint.address, url=request.url)
        return target

    def _refused(
        self, request: Request, url: str, response: httpx.Response, body: bytes
    ) -> ApiError:
        headers = Headers(response.headers)
        with redacting(self.options.redactor.also(_secrets_of_query(request, url))):
            error = status_error(request, response.status_code, headers, body, self.options.clock)
        error.reason += self._way(request, url)
        return error

    def _way(self, request: Request, url: str) -> str:
        """Return how a request reached its URL: the redirect's target without query, the proxy."""
        way = ""
        if url != request.url:
            way += f", redirected to {without_query(url)}"
        if self._own and (proxy := self._proxy(url)) is not None:
            way += f", through the proxy {without_credentials(proxy)}"
        return way

    def _part(self, request: Request) -> ApiError:
        return IncompleteResponseError(
            "status 206: a part of the answer, which was not asked for",
            endpoint=request.endpoint.address,
            url=request.url,
        )

    def _no_turn(self, request: Request) -> ApiError:
        return ReadTimeoutError(
            f"none of {self.connections} connections became free, and nothing came "
            f"over any, for {self._timeouts.pool:g} s",
            endpoint=request.endpoint.address,
            url=request.url,
            advice="Close or use up answers that are still open, or allow more connections.",
        )

    def _note(self, request: Request, error: ApiError, wait: float) -> None:
        self.options.logger.info(
            "%s: %s; trying again in %.1f s", request.endpoint.address, error.reason, wait
        )

    def _bound(self, error: Exception) -> str:
        """The timeout that has passed."""
        phase = next((phase for kind, phase in _PHASES if isinstance(error, kind)), "read")
        seconds = self._extensions["timeout"][phase]
        return "a time unknown" if seconds is None else f"{seconds:g} s"

    def fail(
        self, error: Exception, request: Request, *, streaming: bool, url: str | None = None
    ) -> NoReturn:
        """Raise the error of this package for one of httpx.

        Args:
            error: What httpx raised.
            request: What was asked for.
            streaming: Whether the answer had begun.
            url: The address asked, if a redirect led to another one.
        """
        url = url or request.url
        said = str(error)
        words = self.options.redactor.also(_secrets_of_query(request, url))(said)
        if words != said:
            error.args = (words,)
        words = words[:_LONGEST_REASON] or type(error).__name__
        failed = _translated(error, words, request, self._bound(error), streaming=streaming)
        failed.reason += self._way(request, url)
        if isinstance(error, httpx.RequestError):  # its request has the key among its headers
            error.request = httpx.Request("GET", request.url)
        raise failed from error


def _secrets_of_query(request: Request, url: str) -> dict[str, str]:
    """Return what of the query of a redirect's target must not be shown, such as a signature."""
    if url == request.url:
        return {}
    query = urlsplit(url).query
    sent = {value for _, value in parse_qsl(urlsplit(request.url).query)}
    values = {value for _, value in parse_qsl(query)} - sent
    hidden = {value for value in values if len(value) >= _SHORTEST_SECRET}
    if query and query != urlsplit(request.url).query:
        hidden.add(query)
    return dict.fromkeys(hidden, "<hidden>")


def _forget_what_cannot_be_sent(jar: CookieJar) -> None:
    """Drop cookies that hold more than ASCII, on which httpx would stumble at each request."""
    for cookie in list(jar):
        if not f"{cookie.name}{cookie.value}".isascii():
            jar.clear(cookie.domain, cookie.path, cookie.name)


@contextlib.contextmanager
def from_environment() -> Generator[None]:
    """Name what httpx takes from the environment, where it cannot use it.

    Raises:
        TransportError: That of httpx.
    """
    try:
        yield
    except (OSError, ValueError, ImportError) as error:
        raise httpx.TransportError(
            f"the proxy or the certificates of the environment cannot be used: {error}; check "
            "HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, SSL_CERT_FILE and SSL_CERT_DIR"
        ) from error


def tls_context(scheme: str) -> ssl.SSLContext:
    """Return the TLS context for a URL scheme.

    For plain HTTP no certificate authorities are loaded, so that certificates that the
    environment names and that cannot be read do not matter there.
    """
    if scheme == "https":
        return httpx.create_ssl_context()
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def httpx_proxy(proxy: str | None) -> httpx.Proxy | None:
    """Return a proxy as httpx takes it."""
    return None if proxy is None else httpx.Proxy(proxy)


def httpx_timeout(timeouts: Timeouts) -> httpx.Timeout:
    return httpx.Timeout(
        connect=timeouts.connect, read=timeouts.read, write=timeouts.write, pool=timeouts.pool
    )


def _translated(
    error: Exception, words: str, request: Request, bound: str, *, streaming: bool
) -> TransportError:
    where: Any = {"endpoint": request.endpoint.address, "url": request.url}
    if isinstance(error, httpx.ConnectTimeout):
        return ConnectError(f"no connection within {bound}", **where)
    if isinstance(error, httpx.TimeoutException):
        what = "the answer stopped" if streaming else "no answer"
        return ReadTimeoutError(f"{what}: silence for {bound} ({words})", **where)
    if isinstance(error, httpx.DecodingError | EncodingError):
        return IncompleteResponseError(f"the answer's compression {words}", **where)
    if isinstance(error, httpx.NetworkError | httpx.RemoteProtocolError | httpx.ProxyError):
        if streaming:
            return IncompleteResponseError(f"the connection broke in the answer ({words})", **where)
        failed = ConnectError(f"no connection that holds ({words})", **where)
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            failed.retryable = False
            failed.advice = "Give an http_client that trusts the server's certificate authority."
        return failed
    what = "the answer could not be read" if streaming else "the request could not be made"
    failure = TransportError(f"{what} ({words})", **where)
    failure.retryable = False
    return failure
