"""The errors of this package, all of which are an :class:`ApiError`.

Every error has ``endpoint``, ``url``, ``status``, ``server_message``, ``advice``,
``retryable``, ``fault`` and ``rule``. None contains an API key. All can be pickled.
"""

import re
from typing import Any, ClassVar, Literal

from .display import visible

Fault = Literal["caller", "server", "network"]

NGINX_DROPS_KEY = "nginx drops the header api_key unless 'underscores_in_headers on' is set"
_UNKNOWN_ENDPOINT = re.compile(r"QueryEndpoint\s*\[.*\]\s*not found", re.IGNORECASE | re.DOTALL)
_BAD_GATEWAY_ADVICE = (
    "A proxy in front of the server refused its response; the same call may work later. If not, "
    "the proxy may refuse large headers: nginx needs 'proxy_buffer_size 16k' for metadata."
)
_UNDECLARED_PARAMETER_ADVICE = (
    "The request had all parameters that this package knows as required, so the server has "
    "changed. Pass the parameter that it names, or update or regenerate the package."
)


class ApiError(Exception):
    """Root of all errors that a call of this package raises.

    Attributes:
        reason: What went wrong, in one clause.
        endpoint: Address of the endpoint, such as ``Resource/query/name``.
        url: The requested URL; it never contains a key.
        status: HTTP status of the response, if there was one.
        server_message: The message of the server; ``str()`` of the error escapes it.
        advice: How to fix the error.
        retryable: Whether the same call may succeed later.
        fault: Who can fix it: the ``"caller"``, the ``"server"`` or the ``"network"``.
        rule: Id of the drift rule that the response violates; see ``tciagen rules ID``.
    """

    retryable: bool = False
    fault: Fault = "server"
    rule: str | None = None
    default_advice: ClassVar[str] = ""

    def __init__(
        self,
        reason: str,
        *,
        endpoint: str | None = None,
        url: str | None = None,
        status: int | None = None,
        server_message: str | None = None,
        advice: str | None = None,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.endpoint = endpoint
        self.url = url
        self.status = status
        self.server_message = server_message
        self.advice = self.default_advice if advice is None else advice

    def __str__(self) -> str:
        where = f"{self.endpoint}: " if self.endpoint else ""
        rule = f" ({self.rule})" if self.rule else ""
        message = f' The server reported: "{self.server_message}".' if self.server_message else ""
        advice = f" {self.advice}" if self.advice else ""
        address = f" [{self.url}]" if self.url else ""
        return visible(f"{where}{self.reason.rstrip('.')}{rule}.{message}{advice}{address}")


class ParameterError(ApiError, ValueError):
    """A parameter is invalid; no request was sent.

    Attributes:
        method: Name of the method that was called.
        parameter: Name of the keyword argument.
    """

    fault: Fault = "caller"

    def __init__(
        self, reason: str, *, method: str = "", parameter: str = "", **details: Any
    ) -> None:
        super().__init__(reason, **details)
        self.method = method
        self.parameter = parameter


class TransportError(ApiError):
    """No complete response arrived; the effect on the server is unknown."""

    retryable = True
    fault: Fault = "network"


class ConnectError(TransportError):
    """The connection to the server failed before a response arrived."""

    default_advice = "Check the base URL, the network and any proxy, or call again later."


class ReadTimeoutError(TransportError):
    """No byte arrived within a timeout."""

    default_advice = "Query less, or pass the client a longer timeout; a retry may help."


class IncompleteResponseError(TransportError):
    """The connection broke within the response."""

    default_advice = "Call again: part of the response never arrived."


class RedirectError(TransportError):
    """A redirect that the client does not follow."""

    retryable = False
    fault: Fault = "server"
    default_advice = "Check the base URL; the service may have moved."


class HTTPStatusError(ApiError):
    """The server responded with an error status.

    Attributes:
        error_description: The server's ``errorDescription`` or ``errorMessage``.
        suggested_action: The server's ``suggestedAction``.
        detailed_message: The server's ``detailedMessage``.
        retry_after: Seconds to wait, if the response states them.
    """

    def __init__(
        self,
        reason: str,
        *,
        error_description: str | None = None,
        suggested_action: str | None = None,
        detailed_message: str | None = None,
        retry_after: float | None = None,
        **details: Any,
    ) -> None:
        super().__init__(reason, **details)
        self.error_description = error_description
        self.suggested_action = suggested_action
        self.detailed_message = detailed_message
        self.retry_after = retry_after
        if self.status is not None and type(self) is HTTPStatusError and self.status < 500:
            self.fault = "caller"


class AuthenticationError(HTTPStatusError):
    """Status 401: the API key is missing or invalid."""

    fault: Fault = "caller"
    default_advice = (
        "Pass an api_key that is valid for this server; a retry without one will fail again. If "
        f"you passed one, check any proxy in front of the server: {NGINX_DROPS_KEY}."
    )


class NotFoundError(HTTPStatusError):
    """Status 404: the address does not exist."""

    fault: Fault = "caller"
    default_advice = "Check the base URL: no endpoint has this address. A retry will not help."


class RateLimitError(HTTPStatusError):
    """Status 429: too many requests."""

    retryable = True
    fault: Fault = "caller"
    default_advice = "Wait and call again, with fewer requests at a time."


class MissingParameterError(HTTPStatusError):
    """Status 471: a required query parameter is missing."""

    fault: Fault = "caller"
    default_advice = "Pass the parameter that the server names; the same call will fail again."


class QueryFailedError(HTTPStatusError):
    """Status 571: the query failed, or the server considers a value unsafe."""

    default_advice = "Pass values without ; -- /* and words of SQL, or call again later."


class BadContentError(HTTPStatusError):
    """Status 572: the server found bad content."""

    default_advice = "A retry will hardly help: report it to the operators of the server."


class DatabaseError(HTTPStatusError):
    """Status 573: the server's database is unreachable."""

    retryable = True
    default_advice = "The server cannot reach its database; call again in a few minutes."


class UpstreamContentError(HTTPStatusError):
    """Status 574: upstream content failed a check."""

    default_advice = "A retry will hardly help: report it to the operators of the server."


class ParameterRejectedError(HTTPStatusError):
    """Status 575: the server refused a parameter."""

    fault: Fault = "caller"
    default_advice = "Correct the value that the server names; the same call will fail again."


class NoSuchKeyError(HTTPStatusError):
    """Status 591: the API key is unknown."""

    fault: Fault = "caller"
    default_advice = "Request a valid api_key from the operators of the server."


class ServerError(HTTPStatusError):
    """Another 5xx status: the server failed."""

    retryable = True
    default_advice = "The fault is the server's; the same call may work later."


class UnknownEndpointError(ServerError):
    """Status 500 with ``QueryEndpoint [x] not found``."""

    retryable = False
    rule = "wire-endpoint-gone"
    default_advice = (
        "This server does not have the endpoint: check the base URL, or use a client generated "
        "for this server. If it has dropped or renamed it, update or regenerate the package."
    )


_STATUSES: dict[int, tuple[type[HTTPStatusError], str]] = {
    401: (AuthenticationError, "the API key is missing or invalid"),
    404: (NotFoundError, "the address does not exist"),
    429: (RateLimitError, "too many requests"),
    471: (MissingParameterError, "a required query parameter is missing"),
    571: (QueryFailedError, "the query failed"),
    572: (BadContentError, "bad content"),
    573: (DatabaseError, "the server's database is unreachable"),
    574: (UpstreamContentError, "upstream content failed a check"),
    575: (ParameterRejectedError, "the server refused a parameter"),
    591: (NoSuchKeyError, "the API key is unknown"),
}


def error_of_status(
    status: int, *, has_required: bool, server_message: str | None, **details: Any
) -> HTTPStatusError:
    """Return the error of a status; ``has_required`` if all known required parameters were sent."""
    other = (HTTPStatusError, "the server refused the request")
    if status == 500 and _UNKNOWN_ENDPOINT.search(server_message or ""):
        other = UnknownEndpointError, "the server does not know this endpoint"
    elif status >= 500:
        other = ServerError, "the server failed"
    kind, reason = _STATUSES.get(status, other)
    error = kind(
        f"status {status}: {reason}", status=status, server_message=server_message, **details
    )
    if status == 502:
        error.advice = _BAD_GATEWAY_ADVICE
    if kind is MissingParameterError and has_required:
        error.rule = "wire-required-undeclared"
        error.advice = _UNDECLARED_PARAMETER_ADVICE
    return error


class InvalidResponseError(ApiError):
    """A response that violates its format.

    Attributes:
        row: Number of the row, starting with 1, if one is the cause.
        attribute: Python name of the attribute, if one is the cause.
        value: The value as the server sent it.
    """

    default_advice = "See the body with client.with_raw_response, or try another format."

    def __init__(
        self,
        reason: str,
        *,
        row: int | None = None,
        attribute: str | None = None,
        value: Any = None,
        **details: Any,
    ) -> None:
        super().__init__(reason, **details)
        self.row = row
        self.attribute = attribute
        self.value = value


class TruncatedResponseError(InvalidResponseError):
    """The body ends before its format does."""

    retryable = True
    fault: Fault = "network"
    default_advice = "The response is truncated: call again."


class NotRecordsError(InvalidResponseError):
    """An HTML page or a sentence instead of rows."""

    retryable = True
    default_advice = "Check the base URL and any proxy or login page between you and the endpoint."


class FormatIgnoredError(InvalidResponseError):
    """Rows in another format than the requested one."""

    rule = "wire-format-ignored"
    default_advice = "Request the received format, and update or regenerate the package."


class ShapeError(InvalidResponseError):
    """Malformed rows, or not a list of flat rows with known names."""


class MissingValueError(InvalidResponseError):
    """A required value is missing."""

    rule = "wire-attr-missing"
    default_advice = 'With on_mismatch="warn" the client returns such rows, with None instead.'


class InvalidValueError(InvalidResponseError):
    """A value that does not have the type of its attribute."""

    rule = "wire-type-mismatch"
    default_advice = 'With on_mismatch="warn" the client returns such rows, with the value as sent.'


class MismatchWarning(UserWarning):
    """A value was missing or invalid, and ``on_mismatch="warn"`` accepted it."""


class ParameterWarning(UserWarning):
    """A parameter's value is not among those that the endpoint lists; it was sent anyway."""
