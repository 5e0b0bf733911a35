"""Faults on purpose, for tests of clients: what real servers and proxies do at times.

A fault is written ``ENDPOINT:KIND`` or ``ENDPOINT:KIND@NUMBER``. ENDPOINT is a
QueryName, a QueryName with ``/metadata``, or ``*`` for every query.
"""

import asyncio
from collections.abc import Sequence

import attrs
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tciagen.archive.zips import ZipFaults
from tciagen.errors import UsageProblem

KINDS = {
    "truncate": (1000, "cut the connection after NUMBER bytes of the body"),
    "slow": (10_000, "send at most NUMBER bytes a second"),
    "latency": (1, "wait NUMBER seconds before the answer"),
    "status-429": (1, "answer 429 with HTML NUMBER times, then as usual"),
    "status-502": (1, "answer 502 with HTML NUMBER times, then as usual"),
    "status-503": (1, "answer 503 with HTML NUMBER times, then as usual"),
    "html": (0, "answer an HTML page that is labelled application/json"),
    "sentence": (0, "answer a sentence that is labelled application/json"),
    "empty": (0, "answer 200 with an empty body"),
    "no-content": (0, "answer 204"),
    "metadata-absent": (0, "leave the metadata header out"),
    "metadata-malformed": (0, "cut the metadata header's JSON"),
    "metadata-huge": (40_000, "send NUMBER bytes as the metadata header"),
    "media-type": (0, "label the answer text/plain"),
    "server-version": (2, "send NUMBER as the header Bindaas-version"),
    "zip-no-directory": (0, "end the ZIP before its central directory"),
    "zip-left-out": (0, "leave image NUMBER out of the ZIP"),
    "zip-cut-short": (0, "end image NUMBER of the ZIP half-way"),
}
_PAGE = b"<html><head><title>%d</title></head><body><h1>Service trouble</h1></body></html>"
_REPLACED = {
    "html": (200, b"application/json", _PAGE % 200),
    "sentence": (200, b"application/json", b"The archive is closed for maintenance."),
    "empty": (200, b"application/json", b""),
    "no-content": (204, b"application/json", b""),
}
_SLOW_PIECE = 1024


@attrs.define
class Fault:
    """One fault; ``number`` of a status counts down to the answer as usual."""

    endpoint: str
    kind: str
    number: float

    def concerns(self, path: str) -> bool:
        """Tell whether a request path meets this fault."""
        place = path.partition("/query/")[2]
        return place == self.endpoint or (self.endpoint == "*" and place != "" and "/" not in place)


def parse_fault(text: str) -> Fault:
    """Read ``ENDPOINT:KIND[@NUMBER]``.

    Raises:
        UsageProblem: it is not of that form, or of no kind that there is.
    """
    endpoint, _, rest = text.rpartition(":")
    kind, _, number = rest.partition("@")
    if not endpoint or kind not in KINDS:
        raise UsageProblem(
            f"--fault {text!r} is not ENDPOINT:KIND[@NUMBER] with one of the kinds "
            + ", ".join(KINDS)
        )
    try:
        return Fault(endpoint, kind, float(number) if number else KINDS[kind][0])
    except ValueError as error:
        raise UsageProblem(f"--fault {text!r}: {number!r} is not a number") from error


class FaultyApp:
    """Passes requests on to an application and spoils the answers."""

    def __init__(self, app: ASGIApp, faults: Sequence[Fault]) -> None:
        self._app = app
        self._faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request with the faults that concern its path."""
        path = scope.get("path", "")
        for fault in [fault for fault in self._faults if fault.concerns(path)]:
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
                scope["tciagen.zip_faults"] = _zip_faults(fault)
            else:
                send = _spoiled(send, fault)
        await self._app(scope, receive, send)


async def _reply(send: Send, status: int, media_type: bytes, body: bytes) -> None:
    headers = [(b"content-type", media_type)]
    if status != 204:
        headers.append((b"content-length", b"%d" % len(body)))
    if status in (429, 503):
        headers.append((b"retry-after", b"0"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _zip_faults(fault: Fault) -> ZipFaults:
    index = frozenset({int(fault.number)})
    match fault.kind:
        case "zip-left-out":
            return ZipFaults(left_out=index)
        case "zip-cut-short":
            return ZipFaults(cut_short=index)
        case _:
            return ZipFaults(without_directory=True)


def _spoiled(send: Send, fault: Fault) -> Send:
    if fault.kind == "truncate":
        return _cut(send, int(fault.number))
    if fault.kind == "slow":
        return _slowed(send, fault.number)
    return _with_other_headers(send, fault)


def _cut(send: Send, left: int) -> Send:
    """Drop all behind ``left`` bytes: an answer without an end makes uvicorn hang up."""

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
        while len(body) > _SLOW_PIECE:
            piece, body = body[:_SLOW_PIECE], body[_SLOW_PIECE:]
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            await asyncio.sleep(_SLOW_PIECE / bytes_a_second)
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
