"""What a request asks for: its keys and values, and why a value is refused."""

import re
from collections.abc import Mapping
from datetime import date
from urllib.parse import parse_qsl

from starlette.requests import Request

from tciagen.archive.queries import Endpoint

_LARGEST_FORM = 1024 * 1024
_UNSAFE = re.compile(
    r";|--|/\*|`|\b(?:alter|delete|drop|exec|execute|insert|truncate|update)\b", re.IGNORECASE
)
_FORMS = {
    "date": re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII),
    "dateTime": re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}.*", re.ASCII),
    "integer": re.compile(r"[+-]?\d+", re.ASCII),
    "decimal": re.compile(r"[+-]?\d+(?:\.\d+)?", re.ASCII),
    "boolean": re.compile(r"true|false|0|1", re.IGNORECASE),
    "uid": re.compile(r"[0-9.]{1,64}", re.ASCII),
}


class Refused(Exception):
    """A request that ends in one of the server's own errors."""

    def __init__(self, status: int, description: str, action: str, detail: str) -> None:
        super().__init__(description)
        self.status = status
        self.body = {
            "errorDescription": description,
            "suggestedAction": action,
            "detailedMessage": detail,
        }


async def given_values(request: Request) -> dict[str, str] | None:
    """Return the first value of each key of query and form; None if the form is too long."""
    query = request.scope["query_string"].decode("utf-8", "replace")
    pairs = parse_qsl(query, keep_blank_values=True)
    if request.method == "POST":
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > _LARGEST_FORM:
                return None
        if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            pairs += parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
    given: dict[str, str] = {}
    for name, value in pairs:
        given.setdefault(name, value)
    return given


def checked_values(endpoint: Endpoint, given: Mapping[str, str]) -> dict[str, str]:
    """Return the values of the endpoint's own parameters; a key it does not know is ignored."""
    values = {}
    for parameter in endpoint.parameters:
        value = given.get(parameter.name, "") or parameter.default
        if not value:
            if parameter.required:
                raise Refused(
                    471,
                    f"Required query parameter [{parameter.name}] is missing",
                    "Give a value for it",
                    f"QueryEndpoint [{endpoint.name}] needs it",
                )
            continue
        if _UNSAFE.search(value):
            raise Refused(
                571,
                "Query failed: a value is unsafe",
                "Leave out ; -- /* ` and words of SQL",
                f"Value of [{parameter.name}] was refused",
            )
        if not _is_of_type(value, parameter.checked_type):
            raise Refused(
                575,
                "Parameter validation failed",
                f"Give a {parameter.checked_type}; a date is YYYY-MM-DD",
                f"Value of [{parameter.name}] is no {parameter.checked_type}",
            )
        if parameter.allowed and value not in parameter.allowed:
            raise Refused(
                575,
                "Parameter validation failed",
                "Give one of " + ", ".join(parameter.allowed),
                f"Value of [{parameter.name}] is not allowed",
            )
        values[parameter.name] = value
    return values


def _is_of_type(value: str, checked_type: str) -> bool:
    if (form := _FORMS.get(checked_type)) is None:
        return True
    if not form.fullmatch(value):
        return False
    if checked_type == "date":
        try:
            date.fromisoformat(value)
        except ValueError:
            return False
    return True
