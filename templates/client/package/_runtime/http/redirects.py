"""Decide which redirects the client follows."""

from itertools import chain
from typing import NoReturn
from urllib.parse import SplitResult, parse_qs, parse_qsl, unquote, urljoin, urlsplit

import httpx

from ..errors import RedirectError
from .request import Request

REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MAX_REDIRECTS = 5
_MIN_DISTINCT = 8  # characters from which on a key is also searched for within a part of a URL
_PORTS = {"http": 80, "https": 443}


def redirect_target(
    request: Request, url: str, location: str | None, followed: int, api_key: str | None
) -> str:
    """Return the URL that a redirect leads to.

    Args:
        request: The original request.
        url: The URL that responded with the redirect.
        location: The Location header.
        followed: Number of redirects followed so far.
        api_key: The key of the client.

    Raises:
        RedirectError: The redirect has no valid address, leaves HTTPS, is one too many,
            changes the query, or exposes the key.
    """

    def refuse(reason: str, advice: str | None = None) -> NoReturn:
        raise RedirectError(
            reason, endpoint=request.endpoint.address, url=request.url, advice=advice
        )

    if not location:
        refuse("a redirect without an address")
    if followed >= _MAX_REDIRECTS:
        refuse(f"more than {_MAX_REDIRECTS} redirects")
    target = _joined(url, location)
    if target is None:  # raised here, since the exception of the URL's parser may show a secret
        refuse("a redirect to an invalid address")
    parts = urlsplit(target)
    if not parts.hostname or parts.scheme not in ("http", "https") or "@" in parts.netloc:
        refuse("a redirect to an address that is not an http or https URL")
    if parts.scheme == "http" and urlsplit(url).scheme == "https":
        refuse(f"a redirect from https to http ({parts.hostname}), which is not followed")
    if changes := _query_changes(request, parts):
        refuse(
            f"the redirect to {parts.scheme}://{parts.netloc} {changes}, so the response would be "
            "another one",
            f"{RedirectError.default_advice} The server must keep the query.",
        )
    if api_key and _holds_key(api_key, target, request.url):
        refuse("a redirect to an address that contains the key, which is not followed")
    return target


def _joined(url: str, location: str) -> str | None:
    """Return the URL of a Location header, None if it is invalid."""
    try:
        target = urljoin(url, location)
        _ = urlsplit(target).port
        httpx.Request("GET", target)
    except (ValueError, httpx.InvalidURL):  # of which UnicodeError is a ValueError
        return None
    return target


def same_origin(url: str, other: str) -> bool:
    """Return whether two URLs have the same scheme, host and port, so that both may get a key."""
    return _origin(url) == _origin(other)


def without_query(url: str) -> str:
    """Return a URL without its query and fragment, which may hold a signature."""
    return url.partition("#")[0].partition("?")[0]


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)


def _query_changes(request: Request, target: SplitResult) -> str:
    """Return how a redirect changes the query that was sent, "" if it keeps the query.

    The target may have further keys that are not parameters of the endpoint. A file may be
    stored under another path without a query; the checks of the download verify the file.
    """
    sent = urlsplit(request.url)
    before = parse_qs(sent.query, keep_blank_values=True)
    after = parse_qs(target.query, keep_blank_values=True)
    names = {*before, *(parameter.name for parameter in request.endpoint.parameters)}
    changed = sorted(n for n in names if n in after and after[n] != before.get(n))
    if changed:
        return f"changes {', '.join(changed)} in the query"
    dropped = sorted(n for n in before if n not in after)
    stored = request.format is None and _last_segment(sent.path) != _last_segment(target.path)
    if dropped and not stored:
        return f"drops {', '.join(dropped)} from the query"
    return ""


def _last_segment(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]


def _holds_key(key: str, url: str, sent: str) -> bool:
    """Return whether a URL has the key where the URL that was sent has something else."""
    return any(
        part == key or (len(key) >= _MIN_DISTINCT and key in part)
        for part in _parts(url) - _parts(sent)
    )


def _parts(url: str) -> set[str]:
    parts = urlsplit(url)
    names_and_values = chain(*parse_qsl(parts.query, keep_blank_values=True))
    return {*map(unquote, parts.path.split("/")), *names_and_values, unquote(parts.fragment)}
