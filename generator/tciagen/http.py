"""HTTP as `crawl` and `check --live` use it: timeouts, headers, the API key and errors."""

from collections.abc import Generator
from contextlib import contextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TypedDict

import httpx

from tciagen import __version__
from tciagen.api_key import HEADER
from tciagen.errors import ServerProblem, UsageProblem

TIMEOUT = httpx.Timeout(10.0, read=30.0)


class ClientOptions(TypedDict):
    """Arguments that ``httpx.Client`` and ``httpx.AsyncClient`` share."""

    timeout: httpx.Timeout
    headers: dict[str, str]
    cookies: CookieJar


def client_options(api_key: str | None) -> ClientOptions:
    """Return the options of a client that sends the key as a header and stores no cookies."""
    headers = {"User-Agent": f"tciagen/{__version__}"}
    if api_key:
        headers[HEADER] = api_key
    # A cookie that is not ASCII would make the next request fail.
    no_cookies = CookieJar(policy=DefaultCookiePolicy(allowed_domains=[]))
    return {"timeout": TIMEOUT, "headers": headers, "cookies": no_cookies}


@contextmanager
def environment() -> Generator[None]:
    """Make a client in this block: httpx reads proxies and certificates of the environment then.

    Raises:
        UsageProblem: They cannot be used.
    """
    try:
        yield
    except (OSError, ValueError, ImportError) as error:
        raise UsageProblem(
            f"the proxy or the certificates of the environment cannot be used: {error}. Check "
            "HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, SSL_CERT_FILE and SSL_CERT_DIR."
        ) from error


def unreachable(url: str, error: httpx.HTTPError) -> ServerProblem:
    """Return the error for a request that got no response."""
    if isinstance(error, httpx.TimeoutException):
        return ServerProblem(f"{url} did not respond in time.")
    return ServerProblem(f"{url} is unreachable: {str(error) or type(error).__name__}.")
