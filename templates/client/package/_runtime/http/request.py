"""Turn the arguments of a call into a request, without I/O."""

from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from functools import lru_cache
from numbers import Integral, Real
from typing import Any, NoReturn
from urllib.parse import quote, urlsplit

import attrs

from ..endpoint import Arguments, Endpoint, FileEndpoint, Parameter
from ..errors import ParameterError, ParameterWarning
from ..values import CONVERTERS, InvalidValue, is_uid
from ..warn import warn_caller

KEY_HEADER = "api_key"


@attrs.frozen
class Request:
    """A GET request that passed all checks.

    Attributes:
        endpoint: The endpoint.
        url: Absolute URL with the query, without secrets.
        format: Name of the requested format in lower case, None for files.
        arguments: The arguments of the call.
    """

    endpoint: Endpoint
    url: str
    format: str | None
    arguments: Arguments

    @property
    def keywords(self) -> dict[str, Any]:
        """The values that were passed, by the keywords of the method."""
        values = self.arguments.values
        return {
            parameter.python_name: value
            for parameter in self.endpoint.parameters
            if (value := values.get(parameter.name)) is not None
        }


def checked_base_url(base_url: str) -> str:
    """Return a base URL with one slash at its end.

    Raises:
        ParameterError: It is not an absolute http or https URL, or has a query, a fragment, or
            credentials.
    """

    def refuse(
        reason: str, advice: str = 'Pass a URL such as "https://host/services/v3".'
    ) -> NoReturn:
        raise ParameterError(f"base_url {reason}", parameter="base_url", advice=advice)

    if base_url != base_url.strip() or not base_url.isprintable():
        refuse("must be a printable string without blanks around it")
    try:
        parts = urlsplit(base_url)
        host, _ = parts.hostname, parts.port
        (host or "").encode("idna")
    except ValueError as error:
        refuse(f"is invalid: {error}")
    if "@" in parts.netloc:
        refuse("must not have a user name or password", "Pass an http_client with auth instead.")
    if parts.scheme not in ("http", "https") or not host:
        refuse(f"must start with http:// or https:// and name a host, unlike {base_url!r}")
    if "?" in base_url or "#" in base_url:
        refuse("must not have a query or a fragment")
    return base_url.rstrip("/") + "/"


def checked_key(api_key: str | None) -> str | None:
    """Return a key without surrounding blanks, None for none.

    Raises:
        ParameterError: It has other than visible ASCII characters.
    """
    key = (api_key or "").strip()
    if not key.isascii() or not key.isprintable() or " " in key:
        raise ParameterError(
            "api_key has characters that no key has",
            parameter="api_key",
            advice="Copy it again: letters, digits and punctuation, without blanks.",
        )
    return key or None


def prepare(base_url: str, endpoint: Endpoint, arguments: Arguments) -> Request:
    """Check the arguments of a call and return its request.

    A request for records states their format; a file has the format of its endpoint.

    Raises:
        ParameterError: The endpoint cannot take a value.
    """
    method = endpoint.method
    if endpoint.deprecated:
        instead = f"; use {endpoint.replaced_by}" if endpoint.replaced_by else ""
        warn_caller(f"{method} is deprecated{instead}", DeprecationWarning)
    query: list[str] = []
    for parameter in endpoint.parameters:
        value = arguments.values.get(parameter.name)
        if value is not None:
            text = _text(endpoint, method, parameter, value)
            query.append(f"{_quoted(parameter.name)}={quote(text, safe='')}")
        elif parameter.required:
            _refuse(endpoint, method, parameter, "is required", "Pass a value.")
    is_file = isinstance(endpoint, FileEndpoint)
    form = None if is_file else _format(endpoint, method, arguments.format)
    if form is not None:
        query.append(f"format={form}")
    url = f"{base_url}{_quoted_path(endpoint.resource)}/query/{_quoted_path(endpoint.name)}"
    if query:
        url += f"?{'&'.join(query)}"
    return Request(endpoint, url, form, arguments)


_quoted_path = lru_cache(maxsize=1024)(quote)


@lru_cache(maxsize=1024)
def _quoted(name: str) -> str:
    return quote(name, safe="")


def _format(endpoint: Endpoint, method: str, chosen: str | None) -> str:
    form = str(chosen or endpoint.default_format or "json").lower()
    if endpoint.formats and form not in (offered := [name.lower() for name in endpoint.formats]):
        raise ParameterError(
            f"{method}(format={form!r}): the endpoint does not offer this format",
            method=method,
            parameter="format",
            endpoint=endpoint.address,
            advice=f"Choose one of: {', '.join(offered)}.",
        )
    return form


def _refuse(
    endpoint: Endpoint, method: str, parameter: Parameter, reason: str, advice: str
) -> NoReturn:
    raise ParameterError(
        f"{method}({parameter.python_name}=…) {reason}",
        method=method,
        parameter=parameter.python_name,
        endpoint=endpoint.address,
        advice=advice,
    )


def _text(endpoint: Endpoint, method: str, parameter: Parameter, value: Any) -> str:
    """Return a value as the query has it."""
    if isinstance(value, str) and not value.strip():
        advice = "Pass a value." if parameter.required else "Omit it, or pass a value."
        _refuse(endpoint, method, parameter, "is blank", advice)
    write = _WRITERS[parameter.kind]
    if parameter.takes_bool and isinstance(value, bool):
        write = _write_boolean
    try:
        text = write(value)
        text.encode()
    except (InvalidValue, ValueError) as error:
        needed = error.needed if isinstance(error, InvalidValue) else "a string valid in UTF-8"
        _refuse(endpoint, method, parameter, f"cannot be {value!r:.80}", f"Pass {needed}.")
    if parameter.allowed_values and text not in parameter.allowed_values:
        warn_caller(
            f"{method}({parameter.python_name}={text!r}): the endpoint lists "
            f"{', '.join(parameter.allowed_values)}; the request is sent anyway",
            ParameterWarning,
        )
    if parameter.deprecated:
        warn_caller(f"{method}({parameter.python_name}=…) is deprecated", DeprecationWarning)
    return text


def _write_string(value: Any) -> str:
    if isinstance(value, str):
        return str.__str__(value)
    raise InvalidValue("a string")


def _write_uid(value: Any) -> str:
    if isinstance(value, str) and is_uid(value):
        return str.__str__(value)
    raise InvalidValue("a UID: numbers joined by dots, at most 64 characters, no blanks")


def _write_date(value: Any) -> str:
    if isinstance(value, date) and value == value:  # noqa: PLR0124 - unlike pandas.NaT
        return (value.date() if isinstance(value, datetime) else value).isoformat()
    if isinstance(value, str):
        try:
            return date.fromisoformat(value.strip()).isoformat()
        except ValueError:
            pass
    raise InvalidValue("a datetime.date or a string such as 2010-08-16")


def _write_date_time(value: Any) -> str:
    if isinstance(value, datetime) and value == value:  # noqa: PLR0124 - unlike pandas.NaT
        return value.isoformat(sep=" ")
    if isinstance(value, str):
        CONVERTERS["dateTime"](value)
        return value.strip()
    raise InvalidValue("a datetime.datetime or a string such as 2010-08-16 13:05:00")


def _write_time(value: Any) -> str:
    if isinstance(value, time):
        return value.isoformat()
    if isinstance(value, str):
        CONVERTERS["time"](value)
        return value.strip()
    raise InvalidValue("a datetime.time or a string such as 13:05:00")


def _write_integer(value: Any) -> str:
    if isinstance(value, bool):
        raise InvalidValue("an integer")
    return str(CONVERTERS["integer"](int(value) if isinstance(value, Integral) else value))


def _write_decimal(value: Any) -> str:
    if isinstance(value, bool):
        raise InvalidValue("a number")
    if isinstance(value, Real):  # also a number of numpy
        value = int(value) if isinstance(value, Integral) else float(value)
    number = CONVERTERS["decimal"](repr(value) if isinstance(value, float) else value)
    if not number.is_finite():
        raise InvalidValue("a finite number")
    return str(value if isinstance(value, float | int | Decimal) else number)


def _write_boolean(value: Any) -> str:
    return "true" if CONVERTERS["boolean"](value) else "false"


def _write_undeclared(value: Any) -> str:
    """Return a value as its own type is written, since no type is declared."""
    for kinds, write in _WRITERS_OF_TYPES:
        if isinstance(value, kinds) and not isinstance(value, bool):
            return write(value)
    raise InvalidValue("a string, a number, a date or a time")


_WRITERS_OF_TYPES: tuple[tuple[tuple[type, ...], Callable[[Any], str]], ...] = (
    ((str,), _write_string),
    ((datetime,), _write_date_time),
    ((date,), _write_date),
    ((time,), _write_time),
    ((Decimal, Real), _write_decimal),
)
_WRITERS = {
    "string": _write_string,
    "integer": _write_integer,
    "decimal": _write_decimal,
    "boolean": _write_boolean,
    "date": _write_date,
    "dateTime": _write_date_time,
    "time": _write_time,
    "uid": _write_uid,
    "undeclared": _write_undeclared,
}
