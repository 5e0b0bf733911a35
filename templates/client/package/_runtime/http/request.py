"""From a call's arguments to a request; nothing here touches the network."""

from datetime import date, datetime, time
from decimal import Decimal
from functools import lru_cache
from numbers import Integral, Real
from typing import Any, NoReturn
from urllib.parse import quote, urlsplit

import attrs

from ..endpoint import Arguments, Endpoint, Parameter
from ..errors import ParameterError, ParameterWarning
from ..values import CONVERTERS, InvalidValue, is_uid
from ..warn import warn_caller

KEY_HEADER = "api_key"


@attrs.frozen
class Request:
    """A GET request that has passed every check; its URL holds no secret.

    Attributes:
        endpoint: The endpoint asked.
        method: Name of the Python method that was called.
        url: Absolute address with the query.
        format: Name of the format asked for, in small letters, None for files.
        arguments: What the method was given.
    """

    endpoint: Endpoint
    method: str
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
    """A base URL with one slash at its end.

    Raises:
        ParameterError: It is not an absolute http or https URL, or holds a query, a
            fragment, or credentials.
    """

    def refuse(
        reason: str, advice: str = 'Give an address such as "https://host/services/v3".'
    ) -> NoReturn:
        raise ParameterError(f"base_url {reason}", parameter="base_url", advice=advice)

    if base_url != base_url.strip() or not base_url.isprintable():
        refuse("must be a text without blanks around it")
    try:
        parts = urlsplit(base_url)
        host, _ = parts.hostname, parts.port
        (host or "").encode("idna")
    except ValueError as error:
        refuse(f"cannot be read: {error}")
    if "@" in parts.netloc:
        refuse("must not hold a user name or password", "Give an http_client with auth instead.")
    if parts.scheme not in ("http", "https") or not host:
        refuse(f"must start with http:// or https:// and name a host, unlike {base_url!r}")
    if "?" in base_url or "#" in base_url:
        refuse("must not hold a query or a fragment")
    return base_url.rstrip("/") + "/"


def checked_key(api_key: str | None) -> str | None:
    """A key as it can stand in a header, None for none.

    Raises:
        ParameterError: It holds other than visible ASCII characters; it is not shown.
    """
    if api_key is None or not api_key.strip():
        return None
    key = api_key.strip()
    if not key.isascii() or not key.isprintable() or " " in key:
        raise ParameterError(
            "api_key holds characters that no key has",
            parameter="api_key",
            advice="Copy it again: letters, digits and punctuation, without blanks.",
        )
    return key


def prepare(
    base_url: str, endpoint: Endpoint, method: str, arguments: Arguments, *, file: bool
) -> Request:
    """Check a call's arguments and write its URL.

    Raises:
        ParameterError: A value that the endpoint cannot take.
    """
    if endpoint.deprecated:
        instead = f"; use {endpoint.replaced_by}" if endpoint.replaced_by else ""
        warn_caller(f"{method} is deprecated{instead}", DeprecationWarning)
    values = arguments.values
    query: list[str] = []
    for parameter in endpoint.parameters:
        value = values.get(parameter.name)
        if value is None:
            if parameter.required:
                _refuse(endpoint, method, parameter, "is required", "Give it a value.")
            continue
        text = _text(endpoint, method, parameter, value)
        query.append(f"{_quoted(parameter.name)}={quote(text, safe='')}")
    chosen = None if file else _format(endpoint, method, arguments.format)
    if chosen is not None:
        query.append(f"format={chosen}")
    address = f"{base_url}{_quoted_path(endpoint.resource)}/query/{_quoted_path(endpoint.name)}"
    url = f"{address}?{'&'.join(query)}" if query else address
    return Request(endpoint, method, url, chosen, arguments)


_quoted_path = lru_cache(maxsize=1024)(quote)


@lru_cache(maxsize=1024)
def _quoted(name: str) -> str:
    return quote(name, safe="")


def _format(endpoint: Endpoint, method: str, chosen: str | None) -> str:
    wanted = str(chosen or endpoint.default_format or "json").lower()
    if endpoint.formats and wanted not in (offered := [name.lower() for name in endpoint.formats]):
        raise ParameterError(
            f"{method}(format={wanted!r}): the endpoint does not give this format",
            method=method,
            parameter="format",
            endpoint=endpoint.address,
            advice=f"Choose one of: {', '.join(offered)}.",
        )
    return wanted


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
    """A value as the query has it, checked for what no server could take."""
    if isinstance(value, str) and not value.strip():
        advice = "Give it a value." if parameter.required else "Leave it out, or give it a value."
        _refuse(endpoint, method, parameter, "is blank", advice)
    try:
        write = _WRITERS[parameter.kind]
        if parameter.takes_bool and isinstance(value, bool):
            write = _write_boolean
        text = write(value)
        text.encode()
    except (InvalidValue, ValueError) as error:
        needed = error.needed if isinstance(error, InvalidValue) else "text that UTF-8 can hold"
        _refuse(endpoint, method, parameter, f"cannot be {_shown(value)}", f"Give {needed}.")
    if parameter.allowed_values and text not in parameter.allowed_values:
        warn_caller(
            f"{method}({parameter.python_name}={text!r}): the endpoint lists "
            f"{', '.join(parameter.allowed_values)}; it is asked all the same",
            ParameterWarning,
        )
    if parameter.deprecated:
        warn_caller(f"{method}({parameter.python_name}=…) is deprecated", DeprecationWarning)
    return text


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}…"


def _write_string(value: Any) -> str:
    if isinstance(value, str):
        return str.__str__(value)
    raise InvalidValue("text")


def _write_uid(value: Any) -> str:
    if isinstance(value, str) and is_uid(value):
        return str.__str__(value)
    raise InvalidValue("a UID: numbers joined by dots, at most 64 characters, no blanks")


def _write_date(value: Any) -> str:
    if isinstance(value, date) and _is_point(value):
        return (value.date() if isinstance(value, datetime) else value).isoformat()
    if isinstance(value, str):
        try:
            return date.fromisoformat(value.strip()).isoformat()
        except ValueError:
            pass
    raise InvalidValue("a datetime.date or a text such as 2010-08-16")


def _is_point(value: date) -> bool:
    """Return whether a date is one: ``pandas.NaT`` is a datetime that equals nothing."""
    return bool(value == value)  # noqa: PLR0124


def _write_date_time(value: Any) -> str:
    if isinstance(value, datetime) and _is_point(value):
        return value.isoformat(sep=" ")
    if isinstance(value, str):
        CONVERTERS["dateTime"](value)
        return value.strip()
    raise InvalidValue("a datetime.datetime or a text such as 2010-08-16 13:05:00")


def _write_time(value: Any) -> str:
    if isinstance(value, time):
        return value.isoformat()
    if isinstance(value, str):
        CONVERTERS["time"](value)
        return value.strip()
    raise InvalidValue("a datetime.time or a text such as 13:05:00")


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
    """Write a value as its own type would be written, since no type is declared."""
    match value:
        case bool():
            pass
        case str():
            return _write_string(value)
        case datetime():
            return _write_date_time(value)
        case date():
            return _write_date(value)
        case time():
            return _write_time(value)
        case Decimal() | Real():
            return _write_decimal(value)
        case _:
            pass
    raise InvalidValue("text, a number, a date or a time")


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
