"""The errors of this package, in one tree.

    ApiError
    ├── ParameterError                   a value that no request was made for (also a ValueError)
    ├── TransportError                   no complete answer came back
    │   ├── ConnectError                 no connection: name, address, TLS, proxy
    │   ├── ReadTimeoutError             silence for longer than a timeout allows
    │   ├── IncompleteResponseError      the connection broke in the middle of the answer
    │   └── RedirectError                a redirect that is not followed
    ├── HTTPStatusError                  the server answered with an error status
    │   ├── AuthenticationError          401: the API key is absent or wrong
    │   ├── NotFoundError                404: nothing has this address
    │   ├── RateLimitError               429
    │   ├── MissingParameterError        471: a required query parameter is missing
    │   ├── QueryFailedError             571: the query failed, or a value looked unsafe
    │   ├── BadContentError              572
    │   ├── DatabaseError                573: the server's database is out of reach
    │   ├── UpstreamContentError         574: upstream content failed a check
    │   ├── ParameterRejectedError       575: the server's own check refused a value
    │   ├── NoSuchKeyError               591: the API key is not known
    │   └── ServerError                  any other 5xx
    │       └── UnknownEndpointError     500, "QueryEndpoint [x] not found"
    ├── InvalidResponseError             an answer that is not what its format promises
    │   ├── TruncatedResponseError       the body ends too early
    │   ├── NotRecordsError              an HTML page or a sentence where records belong
    │   ├── FormatIgnoredError           records in another format than the one asked for
    │   ├── ShapeError                   well-formed, but not a list of flat records
    │   ├── MissingValueError            a value that is always there is not
    │   └── InvalidValueError            a value that does not fit its type
    ├── DownloadError                    a file that did not arrive as it should, or a place in use
    │   ├── NoFileError                  the server has no file for what was asked for
    │   ├── NotAFileError                an HTML page, a sentence or another format
    │   ├── CorruptDownloadError         cut short or damaged (also an IncompleteResponseError)
    │   ├── UnsafeArchiveError           an archive that cannot be unpacked safely
    │   ├── LimitError                   an archive that unpacks to more than the limits allow
    │   └── VerificationError            undamaged, but not what was asked for
    ├── DownloadsError                   some of many downloads failed
    ├── ManifestError                    a manifest that cannot be read (also a ValueError)
    └── ContractDriftError               the API has changed, with on_drift="raise"

Every error carries ``endpoint``, ``url``, ``status``, ``server_message``, ``advice``,
``retryable``, ``fault`` and ``rule``; none carries an API key. All of them can be pickled.
"""

from typing import Any, ClassVar, Literal

from .display import visible

Fault = Literal["caller", "server", "network"]


NGINX_DROPS_KEY = "nginx drops the header api_key unless 'underscores_in_headers on' is set"


class ApiError(Exception):
    """Root of all errors that a call of this package raises.

    Attributes:
        reason: What went wrong, in one clause.
        endpoint: Address of the endpoint, such as ``Resource/query/name``.
        url: The address asked for; it never holds a key.
        status: HTTP status of the answer, if there was one.
        server_message: What the server itself said; what of it does not print is written
            as ``<U+001B>`` in the error's text.
        advice: What to do about it.
        retryable: Whether the same call may succeed later.
        fault: Whose turn it is: the ``"caller"``, the ``"server"`` or the ``"network"``.
        rule: Id of the drift rule, if the error shows that the server is not as the package
            knows it; ``tciagen rules ID`` explains it.
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
        said = f' The server said: "{self.server_message}".' if self.server_message else ""
        advice = f" {self.advice}" if self.advice else ""
        address = f" [{self.url}]" if self.url else ""
        return visible(f"{where}{self.reason.rstrip('.')}{rule}.{said}{advice}{address}")


class ParameterError(ApiError, ValueError):
    """A parameter whose value cannot be sent; no request was made.

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
    """No complete answer came back; what the server did is not known."""

    retryable = True
    fault: Fault = "network"


class ConnectError(TransportError):
    """No connection to the server could be made or kept until it answered."""

    default_advice = (
        "Check the base URL, the network and any proxy; the same call may work in a while."
    )


class ReadTimeoutError(TransportError):
    """Nothing arrived for longer than a timeout allows."""

    default_advice = "Ask for less, or give the client a longer timeout; a retry may help."


class IncompleteResponseError(TransportError):
    """The connection broke in the middle of the answer."""

    default_advice = "Call again: part of the answer never arrived."


class RedirectError(TransportError):
    """A redirect that is not followed: too many, without an address, or away from HTTPS."""

    retryable = False
    fault: Fault = "server"
    default_advice = "Check the base URL; the service may have moved."


class HTTPStatusError(ApiError):
    """The server answered with an error status.

    Attributes:
        error_description: The server's ``errorDescription`` or ``errorMessage``.
        suggested_action: The server's ``suggestedAction``.
        detailed_message: The server's ``detailedMessage``.
        retry_after: Seconds to wait, if the answer said so.
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
    """Status 401: the API key is absent or wrong."""

    fault: Fault = "caller"
    default_advice = (
        "Pass an api_key that is valid for this server; a retry without one will fail again. If "
        f"you passed one, check any proxy in front of the server: {NGINX_DROPS_KEY}."
    )


class NotFoundError(HTTPStatusError):
    """Status 404: nothing has this address."""

    fault: Fault = "caller"
    default_advice = (
        "Check the base URL: nothing answers at this address, and a retry will not help."
    )


class RateLimitError(HTTPStatusError):
    """Status 429: the server asks for fewer requests."""

    retryable = True
    fault: Fault = "caller"
    default_advice = "Wait and call again, with fewer requests at a time."


class MissingParameterError(HTTPStatusError):
    """Status 471: a query parameter that the server requires is missing."""

    fault: Fault = "caller"
    default_advice = "Give the parameter that the server names; the same call will fail again."


class QueryFailedError(HTTPStatusError):
    """Status 571: the query failed, or a value looked unsafe to the server."""

    default_advice = (
        "Values with ; -- /* or words of SQL are refused as unsafe; "
        "if yours has none, the fault is the server's and a later call may work."
    )


class BadContentError(HTTPStatusError):
    """Status 572: the server found bad content."""

    default_advice = "A retry will hardly help: report it to those who run the server."


class DatabaseError(HTTPStatusError):
    """Status 573: the server's database is out of reach."""

    retryable = True
    default_advice = "The server cannot reach its database; call again in a few minutes."


class UpstreamContentError(HTTPStatusError):
    """Status 574: content that the server fetched failed a check."""

    default_advice = "A retry will hardly help: report it to those who run the server."


class ParameterRejectedError(HTTPStatusError):
    """Status 575: the server's own check refused a parameter."""

    fault: Fault = "caller"
    default_advice = "Correct the value that the server names; the same call will fail again."


class NoSuchKeyError(HTTPStatusError):
    """Status 591: the server does not know the key."""

    fault: Fault = "caller"
    default_advice = "Ask those who run the server for a valid api_key; a retry will not help."


class ServerError(HTTPStatusError):
    """Any other status from 500 on."""

    retryable = True
    default_advice = "The fault is the server's; the same call may work later."


class UnknownEndpointError(ServerError):
    """Status 500 with ``QueryEndpoint [x] not found``."""

    retryable = False
    rule = "wire-endpoint-gone"
    default_advice = (
        "This server does not have the endpoint: check the base URL, or use a client generated "
        "for this server. If it was there before, the server has dropped or renamed it: update "
        "or regenerate the package. A retry will not help."
    )


class InvalidResponseError(ApiError):
    """An answer that is not what its format promises.

    Attributes:
        row: Number of the record, counted from 1, if one is to blame.
        attribute: Python name of the attribute, if one is to blame.
        value: The value found, as the wire had it.
    """

    default_advice = 'See the body with ".raw(...)", or try another format.'

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
    default_advice = "The answer is cut short: call again."


class NotRecordsError(InvalidResponseError):
    """An HTML page or a sentence where records belong."""

    retryable = True
    default_advice = (
        "Something other than the endpoint answered: "
        "check the base URL and any proxy or login page."
    )


class FormatIgnoredError(InvalidResponseError):
    """Records, but in another format than the one that was asked for."""

    rule = "wire-format-ignored"
    default_advice = (
        "The server no longer gives the format that was asked for. Ask for the one that came, "
        "if the endpoint offers it, and update or regenerate the package."
    )


class ShapeError(InvalidResponseError):
    """Broken records, or no list of flat records with known names."""


class MissingValueError(InvalidResponseError):
    """A value that the endpoint always gives is missing."""

    rule = "wire-attr-missing"
    default_advice = (
        'With on_mismatch="warn" the client delivers such rows, with None in its place.'
    )


class InvalidValueError(InvalidResponseError):
    """A value that does not fit the type of its attribute."""

    rule = "wire-type-mismatch"
    default_advice = (
        'With on_mismatch="warn" the client delivers such rows, with the value as it came.'
    )


class MismatchWarning(UserWarning):
    """A value was missing or did not fit, and ``on_mismatch="warn"`` let it pass."""


class ParameterWarning(UserWarning):
    """A parameter's value is not among those that the endpoint lists; it was sent all the same."""
