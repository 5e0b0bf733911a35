"""Deliberate faults, for tests of clients: faults of real servers and proxies.

A fault is written ``ENDPOINT:KIND`` or ``ENDPOINT:KIND@NUMBER``. ENDPOINT is a
QueryName, a QueryName with ``/metadata``, or ``*`` for every query.
"""

import asyncio
import math
from collections.abc import Iterable, Mapping, Sequence

import attrs
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tciagen.archive.queries import Endpoint
from tciagen.archive.zips import ZipFaults
from tciagen.errors import UsageProblem
from tciagen.suggestions import suggestion


@attrs.frozen
class Kind:
    """One kind of fault; ``number`` is the default of NUMBER, None if the kind takes no number."""

    description: str
    number: float | None = None
    least: float = 0
    is_count: bool = False


KINDS = {
    "truncate": Kind("cut the connection after NUMBER bytes of the body", 1000, is_count=True),
    "slow": Kind("send at most NUMBER bytes a second", 10_000, least=1),
    "latency": Kind("wait NUMBER seconds before the response", 1),
    "status-429": Kind(
        "respond NUMBER times with 429 and HTML, then normally", 1, 1, is_count=True
    ),
    "status-502": Kind(
        "respond NUMBER times with 502 and HTML, then normally", 1, 1, is_count=True
    ),
    "status-503": Kind(
        "respond NUMBER times with 503 and HTML, then normally", 1, 1, is_count=True
    ),
    "html": Kind("send an HTML page with the type application/json"),
    "sentence": Kind("send a sentence with the type application/json"),
    "empty": Kind("respond with 200 and an empty body"),
    "no-content": Kind("respond with 204"),
    "metadata-absent": Kind("leave the metadata header out"),
    "metadata-malformed": Kind("cut the metadata header's JSON"),
    "metadata-huge": Kind("send NUMBER bytes as the metadata header", 40_000, is_count=True),
    "media-type": Kind("send the type text/plain"),
    "server-version": Kind("send NUMBER as the header Bindaas-version", 2),
    "zip-no-directory": Kind("end the ZIP before its central directory"),
    "zip-left-out": Kind("leave image NUMBER out of the ZIP", 0, is_count=True),
    "zip-cut-short": Kind("end image NUMBER of the ZIP half-way", 0, is_count=True),
}
_PAGE = b"<html><head><title>%d</title></head><body><h1>Service trouble</h1></body></html>"
_REPLACED = {
    "html": (200, b"application/json", _PAGE % 200),
    "sentence": (200, b"application/json", b"The archive is closed for maintenance."),
    "empty": (200, b"application/json", b""),
    "no-content": (204, b"application/json", b""),
}
_SLOW_CHUNK = 1024


@attrs.define
class Fault:
    """One fault; ``number`` of a status is the number of faulty responses that remain."""

    endpoint: str
    kind: str
    number: float

    def applies_to(self, path: str) -> bool:
        """Return whether this fault applies to a request path."""
        target = path.partition("/query/")[2]
        return target == self.endpoint or (
            self.endpoint == "*" and target != "" and "/" not in target
        )


def parse_fault(text: str) -> Fault:
    """Read ``ENDPOINT:KIND[@NUMBER]``.

    Raises:
        UsageProblem: the form is invalid, the kind is unknown, or the number does not
            suit the kind.
    """
    endpoint, _, rest = text.rpartition(":")
    name, at, number = rest.partition("@")
    if not endpoint:
        raise UsageProblem(
            f"--fault {text!r} is not ENDPOINT:KIND[@NUMBER], such as getSeries:slow@1000"
        )
    if (kind := KINDS.get(name)) is None:
        raise UsageProblem(f"--fault {text!r} has no kind {name!r}{suggestion(name, KINDS)}")
    if not at:
        return Fault(endpoint, name, kind.number or 0)
    if kind.number is None:
        raise UsageProblem(f"--fault {text!r}: {name} takes no number; leave out @{number}")
    try:
        value = float(number)
    except ValueError as error:
        raise UsageProblem(f"--fault {text!r}: {number!r} is not a number") from error
    if not kind.least <= value < math.inf or (kind.is_count and not value.is_integer()):
        wanted = "a whole number" if kind.is_count else "a number"
        raise UsageProblem(f"--fault {text!r}: specify {wanted} from {kind.least:g} on")
    return Fault(endpoint, name, value)


def check_faults(faults: Sequence[Fault], endpoints: Iterable[Endpoint]) -> None:
    """Check that each fault can occur.

    Args:
        faults: Faults in the order of the command line.
        endpoints: Endpoints of the server.

    Raises:
        UsageProblem: a fault names an unknown endpoint, or can never occur there.
    """
    with_zip = {endpoint.name: "ZIP" in endpoint.formats for endpoint in endpoints}
    replaced: dict[str, str] = {}
    for fault in faults:
        option = f"--fault {fault.endpoint}:{fault.kind}"
        is_document = fault.endpoint.endswith("/metadata")
        if problem := _no_endpoint(fault, with_zip) or _no_effect(fault, with_zip):
            raise UsageProblem(f"{option}{problem}")
        if first := replaced.get(fault.endpoint) or replaced.get("" if is_document else "*"):
            raise UsageProblem(f"{option} has no effect: {first} replaces the response before it")
        if fault.kind in _REPLACED:
            replaced[fault.endpoint] = f"{fault.endpoint}:{fault.kind}"


def _no_endpoint(fault: Fault, with_zip: Mapping[str, bool]) -> str | None:
    documents = {f"{name}/metadata" for name in with_zip}
    if fault.endpoint in {*with_zip, *documents, "*"}:
        return None
    known = documents if "/" in fault.endpoint else set(with_zip)
    return f": there is no endpoint {fault.endpoint!r}{suggestion(fault.endpoint, known)}"


def _no_effect(fault: Fault, with_zip: Mapping[str, bool]) -> str | None:
    has_zip = any(with_zip.values()) if fault.endpoint == "*" else with_zip.get(fault.endpoint)
    if fault.kind.startswith("zip-") and not has_zip:
        names = ", ".join(name for name in with_zip if with_zip[name])
        return f" has no effect: the endpoint sends no ZIP; {names} does"
    if fault.kind.startswith("metadata-") and fault.endpoint.endswith("/metadata"):
        query = fault.endpoint.removesuffix("/metadata")
        return f" has no effect: only a query has the metadata header; write {query}:{fault.kind}"
    return None


class FaultyApp:
    """Middleware that adds faults to the responses of an application."""

    def __init__(self, app: ASGIApp, faults: Sequence[Fault]) -> None:
        self._app = app
        self._faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request with the faults that apply to its path."""
        path = scope.get("path", "")
        for fault in [fault for fault in self._faults if fault.applies_to(path)]:
            if fault.kind.startswith("status-"):
                if fault.number > 0:
                    fault.number -= 1
                    status = int(fault.kind.removeprefix("status-"))
                    await _reply(send, status, b"text/html", _PAGE % status)
                    return
            elif fault.kind in _REPLACED:
                await _reply(send, *_REPLACED[fault.kind])
                return
            elif fault.kind == "latency":
                await asyncio.sleep(fault.number)
            elif fault.kind.startswith("zip-"):
                earlier = scope.get("tciagen.zip_faults", ZipFaults())
                scope["tciagen.zip_faults"] = _with_zip_fault(earlier, fault)
            else:
                send = _with_fault(send, fault)
        await self._app(scope, receive, send)


async def _reply(send: Send, status: int, media_type: bytes, body: bytes) -> None:
    headers = [(b"content-type", media_type)]
    if status != 204:
        headers.append((b"content-length", b"%d" % len(body)))
    if status in (429, 503):
        headers.append((b"retry-after", b"0"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _with_zip_fault(faults: ZipFaults, fault: Fault) -> ZipFaults:
    index = int(fault.number)
    match fault.kind:
        case "zip-left-out":
            return attrs.evolve(faults, left_out=faults.left_out | {index})
        case "zip-cut-short":
            return attrs.evolve(faults, cut_short=faults.cut_short | {index})
        case _:
            return attrs.evolve(faults, without_directory=True)


def _with_fault(send: Send, fault: Fault) -> Send:
    if fault.kind == "truncate":
        return _cut(send, int(fault.number))
    if fault.kind == "slow":
        return _slowed(send, fault.number)
    return _with_other_headers(send, fault)


def _cut(send: Send, left: int) -> Send:
    """Drop all after ``left`` bytes: uvicorn closes the connection of an incomplete response."""

    async def cut(message: Message) -> None:
        nonlocal left
        if message["type"] == "http.response.body":
            body = message.get("body", b"")
            if len(body) >= left:
                message = {**message, "body": body[:left], "more_body": True}
                body = message["body"]
                if left <= 0:
                    return
            left -= len(body)
        await send(message)

    return cut


def _slowed(send: Send, bytes_a_second: float) -> Send:
    async def slowed(message: Message) -> None:
        body = message.get("body", b"")
        while len(body) > _SLOW_CHUNK:
            chunk, body = body[:_SLOW_CHUNK], body[_SLOW_CHUNK:]
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await asyncio.sleep(_SLOW_CHUNK / bytes_a_second)
        await send({**message, "body": body} if "body" in message else message)

    return slowed


def _with_other_headers(send: Send, fault: Fault) -> Send:
    async def changed(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = _other_headers(dict(message["headers"]), fault)
            message = {**message, "headers": list(headers.items())}
        await send(message)

    return changed


def _other_headers(headers: dict[bytes, bytes], fault: Fault) -> dict[bytes, bytes]:
    match fault.kind:
        case "media-type":
            return {**headers, b"content-type": b"text/plain"}
        case "server-version":
            return {**headers, b"bindaas-version": b"%g" % fault.number}
    document = headers.pop(b"metadata", b"{}")
    if fault.kind == "metadata-malformed":
        headers[b"metadata"] = document[: len(document) // 2]
    elif fault.kind == "metadata-huge":
        headers[b"metadata"] = b'{"QueryName":"' + b"x" * int(fault.number) + b'"}'
    return headers
