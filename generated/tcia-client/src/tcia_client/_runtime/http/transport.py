"""Exchange a request for a response: what both transports share, without I/O."""

import logging
import ssl
from collections.abc import Generator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from http.cookiejar import CookieJar
from typing import Any, NoReturn
from urllib.parse import parse_qsl, urlsplit

import attrs
import httpx

from ..errors import (
    ApiError,
    ConnectError,
    IncompleteResponseError,
    ParameterError,
    ReadTimeoutError,
    TransportError,
)
from ..redaction import redacting
from .content_encoding import EncodingError
from .log_filter import hidden_query
from .options import Options, Timeouts
from .proxies import proxy_of, without_credentials
from .rate_limit import RateLimiter
from .redirects import REDIRECTS, redirect_target, same_origin, without_query
from .request import KEY_HEADER, Request
from .response import status_error

_MAX_REASON = 300
_MAX_ORIGINS = 64
_MIN_SECRET = 8
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
_TRANSLATED = (
    httpx.HTTPError,
    httpx.StreamError,
    httpx.InvalidURL,
    UnicodeError,
    EncodingError,
)
UNLIMITED = httpx.Limits(max_connections=None, max_keepalive_connections=None)
"""The limits of a pool of httpx, since requests wait for a connection slot instead."""


class Transport:
    """State that both transports share.

    Args:
        options: The options of the client.
        client: The caller's client of httpx, None for own connections.
    """

    def __init__(self, options: Options, client: httpx.Client | httpx.AsyncClient | None) -> None:
        self.options = options
        self.connections = options.max_connections
        self.caller_client = client
        self.timeouts = options.timeouts or Timeouts()
        timeout = httpx.Timeout(**attrs.asdict(self.timeouts))
        if client is not None and options.timeouts is None:
            timeout = client.timeout
        self.timeout = timeout.as_dict()
        self.headers = {"User-Agent": options.user_agent}
        if options.api_key:
            self.headers[KEY_HEADER] = options.api_key
        self.default_headers = httpx.Headers({**_DEFAULT_HEADERS, **self.headers})
        self.cookies = httpx.Cookies() if client is None else client.cookies
        self._rate = RateLimiter(options.requests_per_second, options.clock)
        self._proxies: dict[tuple[str, str], str | None] = {}

    def proxy(self, url: str) -> str | None:
        """Return the proxy that the environment names for a URL, looked up once per origin."""
        origin = urlsplit(url)[:2]
        try:
            return self._proxies[origin]
        except KeyError:
            if len(self._proxies) >= _MAX_ORIGINS:
                self._proxies.clear()
            proxy = self._proxies[origin] = proxy_of(url)
            return proxy

    def _further_connections(self, workers: int) -> int:
        """Return how many connections to add for a call with this number of workers.

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

    def _received(self, response: httpx.Response, request: httpx.Request) -> httpx.Response:
        """Log a response of an own connection and store its cookies."""
        response.request = request
        if self.options.logger.isEnabledFor(logging.INFO):
            url = response.url.copy_with(query=None)  # that of a redirect may hold a signature
            self.options.logger.info("GET %s: status %d", url, response.status_code)
        if "set-cookie" in response.headers:
            self.cookies.extract_cookies(response)
        return response

    def _no_connection(self, request: Request) -> ApiError:
        return ReadTimeoutError(
            f"none of {self.connections} connections became free, and no byte arrived "
            f"over any, for {self.timeouts.pool:g} s",
            endpoint=request.endpoint.address,
            url=request.url,
            advice="Close open responses or read them to their end, or allow more connections.",
        )

    def _log_retry(self, request: Request, error: ApiError, delay: float) -> None:
        self.options.logger.info(
            "%s: %s; retrying in %.1f s", request.endpoint.address, error.reason, delay
        )


class Exchange:
    """One attempt of a request, at the URL to which redirects have led."""

    def __init__(
        self, transport: Transport, request: Request, headers: Mapping[str, str] | None
    ) -> None:
        self.url = request.url
        self._transport = transport
        self._request = request
        self._headers = headers or {}
        self._followed = 0

    @property
    def is_trusted(self) -> bool:
        """Whether the URL may get the key and whatever the caller's client adds."""
        base_url = self._transport.options.base_url
        return not self._followed or same_origin(self.url, base_url)

    def build(self) -> httpx.Request:
        """Return the request of httpx."""
        try:
            return self._build()
        except UnicodeEncodeError:
            _drop_unsendable(self._transport.cookies.jar)
            return self._build()

    def _build(self) -> httpx.Request:
        transport, client = self._transport, self._transport.caller_client
        if not self.is_trusted:
            agent = {"Accept": "*/*", "User-Agent": transport.options.user_agent}
            return self._request_of({**agent, **self._headers})
        if client is not None:
            request = client.build_request(
                "GET", self.url, headers={**transport.headers, **self._headers}
            )
            request.extensions["timeout"] = transport.timeout
            return request
        headers = transport.default_headers
        if self._headers:
            headers = headers.copy()
            headers.update(self._headers)
        request = self._request_of(headers)
        if transport.cookies:
            transport.cookies.set_cookie_header(request)
        return request

    def _request_of(self, headers: Mapping[str, str]) -> httpx.Request:
        extensions = {"timeout": self._transport.timeout}
        return httpx.Request("GET", self.url, headers=headers, extensions=extensions)

    def send_options(self) -> dict[str, Any]:
        """Return the arguments of ``send`` of the caller's client."""
        auth = httpx.USE_CLIENT_DEFAULT if self.is_trusted else None
        return {"stream": True, "follow_redirects": False, "auth": auth}

    def log_context(self) -> AbstractContextManager[None]:
        """Return the context in which logs hide the query of a redirect's target."""
        return hidden_query() if self._followed else nullcontext()

    def is_complete(self, response: httpx.Response) -> bool:
        """Return whether a response is the final, successful one."""
        return response.is_success and not self._is_unrequested_part(response)

    def redirect(self, response: httpx.Response) -> bool:
        """Continue at the target of a redirect; return whether the response is one.

        Raises:
            RedirectError: The redirect is not followed.
            IncompleteResponseError: The response is a part that was not requested.
        """
        request = self._request
        if self._is_unrequested_part(response):
            raise IncompleteResponseError(
                "status 206: a part of the response, which was not requested",
                endpoint=request.endpoint.address,
                url=request.url,
            )
        if response.status_code not in REDIRECTS:
            return False
        location = response.headers.get("location")
        key = self._transport.options.api_key
        self.url = redirect_target(request, self.url, location, self._followed, key)
        self._followed += 1
        return True

    def _is_unrequested_part(self, response: httpx.Response) -> bool:
        return response.status_code == 206 and "Range" not in self._headers

    def status_error(self, response: httpx.Response, body: bytes) -> ApiError:
        """Return the error of an error status."""
        options = self._transport.options
        with redacting(options.redactor.also(self._secrets())):
            error = status_error(self._request, response, body, options.clock)
        error.reason += self._route()
        return error

    def fail(self, error: Exception, *, streaming: bool = True) -> NoReturn:
        """Raise the error of this package for an exception of httpx.

        Args:
            error: The exception; one of another library is raised as it is.
            streaming: Whether the headers of the response had arrived.
        """
        if not isinstance(error, _TRANSLATED):
            raise error
        text = str(error)
        shown = self._transport.options.redactor.also(self._secrets())(text)
        if shown != text:
            error.args = (shown,)
        failed = self._translated(error, shown[:_MAX_REASON] or type(error).__name__, streaming)
        failed.reason += self._route()
        if isinstance(error, httpx.RequestError):  # its request has the key among its headers
            error.request = httpx.Request("GET", self._request.url)
        raise failed from error

    def _translated(self, error: Exception, text: str, streaming: bool) -> TransportError:
        where: Any = {"endpoint": self._request.endpoint.address, "url": self._request.url}
        if isinstance(error, httpx.ConnectTimeout):
            return ConnectError(f"no connection within {self._timeout(error)}", **where)
        if isinstance(error, httpx.TimeoutException):
            what = "the response stopped" if streaming else "no response"
            return ReadTimeoutError(
                f"{what}: no byte arrived for {self._timeout(error)} ({text})", **where
            )
        if isinstance(error, httpx.DecodingError | EncodingError):
            return IncompleteResponseError(f"the compression of the response {text}", **where)
        if isinstance(error, httpx.NetworkError | httpx.RemoteProtocolError | httpx.ProxyError):
            if streaming:
                return IncompleteResponseError(
                    f"the connection broke within the response ({text})", **where
                )
            failed = ConnectError(f"the connection failed ({text})", **where)
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                failed.retryable = False
                failed.advice = (
                    "Pass an http_client that trusts the server's certificate authority."
                )
            return failed
        what = "the response could not be read" if streaming else "the request could not be sent"
        failure = TransportError(f"{what} ({text})", **where)
        failure.retryable = False
        return failure

    def _timeout(self, error: Exception) -> str:
        phase = next((phase for kind, phase in _PHASES if isinstance(error, kind)), "read")
        seconds = self._transport.timeout[phase]
        return "an unknown time" if seconds is None else f"{seconds:g} s"

    def _route(self) -> str:
        """Return how the request reached its URL: the target of a redirect, the proxy."""
        route, transport = "", self._transport
        if self._followed:
            route += f", redirected to {without_query(self.url)}"
        if transport.caller_client is None and (proxy := transport.proxy(self.url)) is not None:
            route += f", through the proxy {without_credentials(proxy)}"
        return route

    def _secrets(self) -> dict[str, str]:
        """Return the secrets in the query of a redirect's target, such as a signature."""
        sent, query = urlsplit(self._request.url).query, urlsplit(self.url).query
        if not query or query == sent:
            return {}
        values = {value for _, value in parse_qsl(query)} - {value for _, value in parse_qsl(sent)}
        hidden = {query, *(value for value in values if len(value) >= _MIN_SECRET)}
        return dict.fromkeys(hidden, "<hidden>")


def _drop_unsendable(jar: CookieJar) -> None:
    """Drop cookies with other characters than ASCII, with which httpx fails at each request."""
    for cookie in list(jar):
        if not f"{cookie.name}{cookie.value}".isascii():
            jar.clear(cookie.domain, cookie.path, cookie.name)


@contextmanager
def from_environment() -> Generator[None]:
    """Report settings of the environment that httpx cannot use.

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

    For plain HTTP it loads no certificate authorities, so that unreadable certificates of the
    environment do not matter there.
    """
    if scheme == "https":
        return httpx.create_ssl_context()
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
