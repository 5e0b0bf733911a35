"""Keys and values of a request, and the errors for invalid values."""

import re
from collections.abc import Mapping
from datetime import date
from email.message import Message
from urllib.parse import parse_qsl

from starlette.requests import Request

from tciagen.archive.queries import Endpoint

_FORM = "application/x-www-form-urlencoded"
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
    """A request is refused; ``body`` is the JSON object of the error response."""

    def __init__(self, status: int, body: Mapping[str, str]) -> None:
        super().__init__(status)
        self.status = status
        self.body = body


def query_refused(status: int, description: str, action: str, detail: str) -> Refused:
    """Return a refusal with one of the middleware's status codes."""
    body = {
        "errorDescription": description,
        "suggestedAction": action,
        "detailedMessage": detail,
    }
    return Refused(status, body)


async def request_values(request: Request) -> dict[str, str]:
    """Return the first value of each key in the query and the form.

    Raises:
        Refused: the body is too long, or is not a form.
    """
    query = request.scope["query_string"].decode("utf-8", "replace")
    pairs = parse_qsl(query, keep_blank_values=True)
    if request.method == "POST":
        pairs += await _form(request)
    elif (
        "transfer-encoding" in request.headers or request.headers.get("content-length", "0") != "0"
    ):
        message = f"A {request.method} request has no body: use the query, or POST a form"
        raise Refused(400, {"errorMessage": message})
    values_by_key: dict[str, str] = {}
    for name, value in pairs:
        values_by_key.setdefault(name, value)
    return values_by_key


def _has_body(request: Request) -> bool:
    headers = request.headers
    return "transfer-encoding" in headers or headers.get("content-length", "0") != "0"


async def _form(request: Request) -> list[tuple[str, str]]:
    stated = request.headers.get("content-type")
    coding = request.headers.get("content-encoding", "identity").strip().lower()
    is_form = stated is not None and _is_form(stated) and coding == "identity"
    if stated is not None and not is_form:
        raise _not_a_form()
    body = b""
    async for part in request.stream():
        body += part
        if body and not is_form:
            raise _not_a_form()
        if len(body) > _LARGEST_FORM:
            raise Refused(413, {"errorMessage": "The form is larger than 1 MB"})
    return parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)


def _is_form(content_type: str) -> bool:
    """Return whether a Content-Type is that of a form in UTF-8."""
    message = Message()
    message["Content-Type"] = content_type
    charset = str(message.get_param("charset", "utf-8")).lower()
    return message.get_content_type() == _FORM and charset in ("utf-8", "utf8", "us-ascii")


def _not_a_form() -> Refused:
    return Refused(415, {"errorMessage": f"Send parameters as {_FORM} in UTF-8, or in the query"})


def checked_values(endpoint: Endpoint, values_by_key: Mapping[str, str]) -> dict[str, str]:
    """Return the values of the endpoint's own parameters; ignore unknown keys."""
    values = {}
    for parameter in endpoint.parameters:
        value = values_by_key.get(parameter.name, "") or parameter.default
        if not value:
            if parameter.required:
                raise query_refused(
                    471,
                    f"Required query parameter [{parameter.name}] is missing",
                    "Specify a value",
                    f"QueryEndpoint [{endpoint.name}] requires it",
                )
            continue
        if _UNSAFE.search(value):
            raise query_refused(
                571,
                "Query failed: a value is unsafe",
                "Remove ; -- /* ` and SQL keywords",
                f"Value of [{parameter.name}] was refused",
            )
        if not _is_of_type(value, parameter.checked_type):
            raise query_refused(
                575,
                "Parameter validation failed",
                f"Specify a {parameter.checked_type}; a date is YYYY-MM-DD",
                f"Value of [{parameter.name}] is not a {parameter.checked_type}",
            )
        if parameter.allowed and value not in parameter.allowed:
            raise query_refused(
                575,
                "Parameter validation failed",
                "Specify one of " + ", ".join(parameter.allowed),
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
