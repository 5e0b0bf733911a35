"""What comes back: heads, bodies, and what an error status means."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Self
from urllib.parse import SplitResult, parse_qsl, urljoin, urlsplit

import attrs

from ..errors import (
    AuthenticationError,
    BadContentError,
    DatabaseError,
    HTTPStatusError,
    MissingParameterError,
    NoSuchKeyError,
    NotFoundError,
    ParameterRejectedError,
    QueryFailedError,
    RateLimitError,
    RedirectError,
    ServerError,
    UnknownEndpointError,
    UpstreamContentError,
)
from ..server_message import is_page, server_fields, summary
from .request import Request
from .retry import Clock, retry_after

if TYPE_CHECKING:
    from .stream import Answer, AsyncAnswer

LONGEST_ERROR_BODY = 64 * 1024
MOST_REDIRECTS = 5
REDIRECTS = frozenset({301, 302, 303, 307, 308})

_UNKNOWN_ENDPOINT = re.compile(r"QueryEndpoint\s*\[.*\]\s*not found", re.IGNORECASE | re.DOTALL)
_BAD_GATEWAY = 502
_BAD_GATEWAY_ADVICE = (
    "A proxy in front of the server got no response that it accepts; the same call may work later. "
    "If it stays, the response's headers may be too large for the proxy: nginx needs "
    "'proxy_buffer_size 16k' for the header metadata."
)
_CLASSES: dict[int, tuple[type[HTTPStatusError], str]] = {
    401: (AuthenticationError, "the API key is absent or wrong"),
    404: (NotFoundError, "nothing has this address"),
    429: (RateLimitError, "too many requests"),
    471: (MissingParameterError, "a required query parameter is missing"),
    571: (QueryFailedError, "the query failed"),
    572: (BadContentError, "bad content"),
    573: (DatabaseError, "the server's database is out of reach"),
    574: (UpstreamContentError, "upstream content failed a check"),
    575: (ParameterRejectedError, "the server refused a parameter"),
    591: (NoSuchKeyError, "no such key"),
}


class Headers(Mapping[str, str]):
    """Headers of an answer; their names are read without regard to case.

    Args:
        items: Values by names in small letters; nothing of it is read before it is asked for.
    """

    __slots__ = ("_items",)

    def __init__(self, items: Mapping[str, str]) -> None:
        self._items = items

    def __getitem__(self, name: str) -> str:
        return self._items[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __repr__(self) -> str:
        return f"Headers({dict(self)!r})"

    def __reduce__(self) -> tuple[type[Self], tuple[dict[str, str]]]:
        return type(self), (dict(self),)


@attrs.frozen(kw_only=True)
class RawResponse:
    """An answer as the server wrote it, in the format asked for.

    Attributes:
        content: The body, with any content encoding (gzip) undone and no other change.
        headers: The headers; names are read without regard to case.
        status: The HTTP status.
        seconds: From the request to the last byte.
        url: The address asked for, without secrets.
        format: The format asked for, None for files.
    """

    content: bytes = attrs.field(repr=lambda content: f"<{len(content)} bytes>")
    headers: Mapping[str, str] = attrs.field(repr=False, hash=False)
    status: int
    seconds: float
    url: str
    format: str | None = None

    @classmethod
    def of(
        cls, request: Request, answer: "Answer | AsyncAnswer", content: bytes, seconds: float
    ) -> Self:
        """Put an answer that has been read together."""
        return cls(
            content=content,
            headers=answer.headers,
            status=answer.status,
            seconds=seconds,
            url=request.url,
            format=request.format,
        )


def without_query(url: str) -> str:
    """Return a URL without its query and fragment, which may hold a signature."""
    return url.partition("#")[0].partition("?")[0]


def redirect_target(request: Request, url: str, location: str | None, followed: int) -> str:
    """Return the address that a redirect names.

    Raises:
        RedirectError: It names none, leaves HTTPS, is one too many, or has lost the query.
    """
    reason = ""
    target = ""
    if not location:
        reason = "a redirect without an address"
    elif followed >= MOST_REDIRECTS:
        reason = f"more than {MOST_REDIRECTS} redirects"
    else:
        try:
            target = urljoin(url, location)
            parts = urlsplit(target)
            host, _ = parts.hostname, parts.port
        except ValueError:
            host = None
            parts = urlsplit("")
        if not host or parts.scheme not in ("http", "https") or "@" in parts.netloc:
            reason = "a redirect to what is no http or https address"
        elif parts.scheme == "http" and urlsplit(url).scheme == "https":
            reason = f"a redirect from https to http ({parts.hostname}), which is not followed"
        elif changes := _query_changes(request, parts):
            origin = f"{parts.scheme}://{parts.netloc}"
            raise RedirectError(
                f"the redirect to {origin} {changes}, so the response would be another one",
                endpoint=request.endpoint.address,
                url=request.url,
                advice=f"{RedirectError.default_advice} The server must keep the query.",
            )
    if reason:
        raise RedirectError(reason, endpoint=request.endpoint.address, url=request.url)
    return target


def _query_changes(request: Request, target: SplitResult) -> str:
    """Return what a redirect does to the query that was sent, "" if it keeps the query.

    The target may have further keys, as long as they are not parameters of the endpoint. A
    file may be stored elsewhere under a path of its own: then no parameter must remain with
    another value, and the checks of the download tell whether it is the right file.
    """
    sent = urlsplit(request.url)
    before, after = _parameters(sent.query), _parameters(target.query)
    names = {*before, *(p.name for p in request.endpoint.parameters)}
    changed = sorted(n for n in names if n in after and after[n] != before.get(n))
    if changed:
        return f"changes {', '.join(changed)} in the query"
    dropped = sorted(n for n in before if n not in after)
    stored = request.format is None and _last_segment(sent.path) != _last_segment(target.path)
    if dropped and not stored:
        return f"drops {', '.join(dropped)} from the query"
    return ""


def _parameters(query: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        found.setdefault(name, []).append(value)
    return found


def _last_segment(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]


def same_origin(url: str, other: str) -> bool:
    """Whether two URLs have scheme, host and port in common, so that a key may go to both."""
    ports = {"http": 80, "https": 443}
    one, two = urlsplit(url), urlsplit(other)
    return (one.scheme, one.hostname, one.port or ports.get(one.scheme)) == (
        two.scheme,
        two.hostname,
        two.port or ports.get(two.scheme),
    )


def status_error(
    request: Request, status: int, headers: Mapping[str, str], body: bytes, clock: Clock
) -> HTTPStatusError:
    """The error of an answer with an error status."""
    text = body.decode("utf-8", "replace").strip()
    try:
        said = server_fields(json.loads(text))
    except (ValueError, RecursionError):
        said = {}
    description = said.get("errorDescription") or said.get("errorMessage")
    message = description or next(iter(said.values()), None)
    if message is None and text:
        message = summary(text)
        if is_page(text):
            message = f"(HTML page) {message}"
    kind, reason = _CLASSES.get(status, (None, ""))
    if kind is None:
        kind = ServerError if status >= 500 else HTTPStatusError
        reason = "the server failed" if status >= 500 else "the server refused the request"
        if status == 500 and _UNKNOWN_ENDPOINT.search(message or ""):
            kind, reason = UnknownEndpointError, "the server does not know this endpoint"
    error = kind(
        f"status {status}: {reason}",
        endpoint=request.endpoint.address,
        url=request.url,
        status=status,
        server_message=message,
        error_description=description,
        suggested_action=said.get("suggestedAction"),
        detailed_message=said.get("detailedMessage"),
        retry_after=retry_after(headers.get("retry-after"), clock),
    )
    if status == _BAD_GATEWAY:
        error.advice = _BAD_GATEWAY_ADVICE
    if kind is MissingParameterError:
        _blame_the_contract(error, request)
    return error


def _blame_the_contract(error: HTTPStatusError, request: Request) -> None:
    """Tell that a parameter is missing though each one that is known to be required was sent."""
    given = request.arguments.values
    if any(p.required and given.get(p.name) is None for p in request.endpoint.parameters):
        return
    error.rule = "wire-required-undeclared"
    error.advice = (
        "All parameters that this package knows as required were sent, so the server has changed "
        "since it was generated. Give the parameter that the server names, if the method has it; "
        "else update or regenerate the package. The same call will fail again."
    )
