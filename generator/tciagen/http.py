"""HTTP as `crawl` and `check --live` use it: timeouts, headers, the API key and errors."""

import ssl
from collections.abc import Generator
from contextlib import contextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TypedDict
from urllib.parse import urlsplit

import httpx

from tciagen import __version__
from tciagen.api_key import HEADER
from tciagen.client_runtime import proxy_of, without_credentials
from tciagen.errors import ServerProblem, UsageProblem

TIMEOUT = httpx.Timeout(10.0, read=30.0)

REQUEST_ERRORS = (httpx.HTTPError, httpx.InvalidURL, UnicodeError)
"""Errors of a request; a URL or a redirect with an invalid host name raises the last ones."""


class _ClientOptions(TypedDict):
    """Arguments that ``httpx.Client`` and ``httpx.AsyncClient`` share."""

    timeout: httpx.Timeout
    headers: dict[str, str]
    cookies: CookieJar


class _TransportOptions(TypedDict):
    """Arguments that ``httpx.HTTPTransport`` and ``httpx.AsyncHTTPTransport`` share."""

    verify: ssl.SSLContext
    proxy: httpx.Proxy | None


def open_client(base_url: str, api_key: str | None) -> httpx.Client:
    """Return a client for one server, which sends the key as a header and stores no cookies.

    Raises:
        UsageProblem: The proxy or the certificates of the environment cannot be used.
    """
    with _environment():
        transport = httpx.HTTPTransport(**_transport_options(base_url))
    return httpx.Client(transport=transport, **_client_options(api_key))


def open_async_client(base_url: str, api_key: str | None) -> httpx.AsyncClient:
    """Return an asynchronous client for one server; see :func:`open_client`."""
    with _environment():
        transport = httpx.AsyncHTTPTransport(**_transport_options(base_url))
    return httpx.AsyncClient(transport=transport, **_client_options(api_key))


def unreachable(url: str, error: Exception) -> ServerProblem:
    """Return the error for a request that got no response."""
    proxy = proxy_of(url)
    through = f" through the proxy {without_credentials(proxy)}" if proxy else ""
    if isinstance(error, httpx.TimeoutException):
        return ServerProblem(f"{url} did not respond in time{through}.")
    if not isinstance(error, httpx.HTTPError):
        return ServerProblem(f"{url} is, or redirects to, an invalid address: {error}.")
    return ServerProblem(f"{url} is unreachable{through}: {str(error) or type(error).__name__}.")


def _client_options(api_key: str | None) -> _ClientOptions:
    headers = {"User-Agent": f"tciagen/{__version__}"}
    if api_key:
        headers[HEADER] = api_key
    # A cookie that is not ASCII would make the next request fail.
    no_cookies = CookieJar(policy=DefaultCookiePolicy(allowed_domains=[]))
    return {"timeout": TIMEOUT, "headers": headers, "cookies": no_cookies}


def _transport_options(base_url: str) -> _TransportOptions:
    """Return the proxy and the certificates that a server's URL needs, and no others."""
    proxy = proxy_of(base_url)
    secure = urlsplit(base_url).scheme.lower() == "https"
    verify = httpx.create_ssl_context() if secure else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return {"verify": verify, "proxy": httpx.Proxy(proxy) if proxy else None}


@contextmanager
def _environment() -> Generator[None]:
    try:
        yield
    except (OSError, ValueError, ImportError) as error:
        reason = str(error).rstrip(".")
        raise UsageProblem(
            f"the proxy or the certificates of the environment cannot be used: {reason}. Check "
            "HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, SSL_CERT_FILE and SSL_CERT_DIR."
        ) from error
