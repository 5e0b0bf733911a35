"""What the synchronous and the asynchronous transport share; nothing here waits."""

import contextlib
import logging
import time
from collections.abc import Generator, Mapping
from http.cookiejar import CookieJar
from typing import Any, NoReturn
from urllib.request import getproxies

import httpx

from ..answer import (
    REDIRECTS,
    Headers,
    redirect_target,
    status_error,
)
from ..content_encoding import EncodingError
from ..errors import (
    AnswerTimeoutError,
    ApiError,
    BrokenStreamError,
    ConnectionFailedError,
    RedirectError,
    TransportError,
)
from ..options import Options, Timeouts
from ..request import KEY_HEADER, Request
from ..retry import Pace

_LONGEST_REASON = 300
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
        self._pace = Pace(options.requests_per_second, options.clock)
        self._timeouts = options.timeouts or Timeouts()
        bounds = httpx_timeout(self._timeouts)
        if client is not None and options.timeouts is None:
            bounds = client.timeout
        self._extensions = {"timeout": bounds.as_dict()}
        self._moved = time.monotonic()
        self._headers = {"User-Agent": options.user_agent}
        if options.api_key:
            self._headers[KEY_HEADER] = options.api_key

    def moved(self) -> None:
        """Something has come of some answer, so that who waits for a connection may go on."""
        self._moved = time.monotonic()

    def _patience(self, began: float) -> float:
        """Seconds to wait yet for a connection; the wait is told from what last came over one."""
        return max(began, self._moved) + self._timeouts.pool - time.monotonic()

    def _own_headers(self) -> dict[str, str]:
        return {"Accept-Encoding": "gzip, deflate", **self._headers}

    def _build(
        self,
        client: httpx.Client | httpx.AsyncClient,
        url: str,
        headers: Mapping[str, str] | None,
        *,
        trusted: bool,
    ) -> httpx.Request:
        try:
            return self._built(client, url, headers, trusted=trusted)
        except UnicodeEncodeError:
            _forget_what_cannot_be_sent(client.cookies.jar)
            return self._built(client, url, headers, trusted=trusted)

    def _built(
        self,
        client: httpx.Client | httpx.AsyncClient,
        url: str,
        headers: Mapping[str, str] | None,
        *,
        trusted: bool,
    ) -> httpx.Request:
        if trusted and self._own:  # its headers and timeouts are this transport's
            own = client.headers
            if headers:
                own = own.copy()
                own.update(headers)
            request = httpx.Request("GET", url, headers=own, extensions=dict(self._extensions))
            if client.cookies:
                client.cookies.set_cookie_header(request)
            return request
        if trusted:
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

    def limits(self) -> httpx.Limits:
        most = self.options.max_connections
        return httpx.Limits(max_connections=most, max_keepalive_connections=most)

    def _received(self, client: httpx.Client | httpx.AsyncClient, response: httpx.Response) -> None:
        """Do what the client would, had it been asked for this."""
        if self.options.logger.isEnabledFor(logging.INFO):
            url = response.url.copy_with(query=None)  # that of a redirect may hold what lets in
            self.options.logger.info("GET %s: status %d", url, response.status_code)
        if "set-cookie" in response.headers:
            client.cookies.extract_cookies(response)

    def _next(
        self, request: Request, url: str, response: httpx.Response, followed: int
    ) -> str | None:
        """The address to go on to, None if the answer is no redirect."""
        if response.status_code not in REDIRECTS:
            return None
        location = response.headers.get("location")
        target = redirect_target(request, url, location, followed)
        if self.options.holds_key(target):
            raise RedirectError(
                "a redirect to an address that holds the key, which is not followed",
                endpoint=request.endpoint.address,
                url=request.url,
            )
        return target

    def _refused(self, request: Request, response: httpx.Response, body: bytes) -> ApiError:
        headers = Headers(response.headers)
        return self.options.clean(
            status_error(request, response.status_code, headers, body, self.options.clock)
        )

    def _part(self, request: Request) -> ApiError:
        return BrokenStreamError(
            "status 206: a part of the answer, which was not asked for",
            endpoint=request.endpoint.address,
            url=request.url,
        )

    def _no_turn(self, request: Request) -> ApiError:
        return AnswerTimeoutError(
            f"none of {self.options.max_connections} connections became free, and nothing came "
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
        failed = _translated(error, request, self._bound(error), streaming=streaming)
        if url not in (None, request.url):
            failed.reason += f", redirected to {url}"
        if isinstance(error, httpx.RequestError):  # its request has the key among its headers
            error.request = httpx.Request("GET", request.url)
        raise self.options.clean(failed) from error


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
            f"the environment's proxy or certificates cannot be used: {error}; look at HTTP_PROXY, "
            "HTTPS_PROXY, ALL_PROXY, SSL_CERT_FILE and SSL_CERT_DIR"
        ) from error


def proxied() -> bool:
    """Whether the environment names a proxy; which requests go over it is httpx's to know."""
    return not {"http", "https", "all"}.isdisjoint(getproxies())


def httpx_timeout(timeouts: Timeouts) -> httpx.Timeout:
    return httpx.Timeout(
        connect=timeouts.connect, read=timeouts.read, write=timeouts.write, pool=timeouts.pool
    )


def _translated(
    error: Exception, request: Request, bound: str, *, streaming: bool
) -> TransportError:
    where: Any = {"endpoint": request.endpoint.address, "url": request.url}
    words = str(error)[:_LONGEST_REASON] or type(error).__name__
    if isinstance(error, httpx.ConnectTimeout):
        return ConnectionFailedError(f"no connection within {bound}", **where)
    if isinstance(error, httpx.TimeoutException):
        what = "the answer stopped" if streaming else "no answer"
        return AnswerTimeoutError(f"{what}: silence for {bound} ({words})", **where)
    if isinstance(error, httpx.DecodingError | EncodingError):
        return BrokenStreamError(f"the answer's compression {words}", **where)
    if isinstance(error, httpx.NetworkError | httpx.RemoteProtocolError | httpx.ProxyError):
        if streaming:
            return BrokenStreamError(f"the connection broke in the answer ({words})", **where)
        failed = ConnectionFailedError(f"no connection that holds ({words})", **where)
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            failed.retryable = False
            failed.advice = "Give an http_client that trusts the server's certificate authority."
        return failed
    what = "the answer could not be read" if streaming else "the request could not be made"
    failure = TransportError(f"{what} ({words})", **where)
    failure.retryable = False
    return failure
