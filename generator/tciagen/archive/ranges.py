"""Files with a length, an ETag and ranges (RFC 9110), as sent by a server that stores them.

The v3 servers write a ZIP while they send it, and support none of these. A proxy in front
of one, or another deployment, may support them; clients are tested against both.
"""

import hashlib
import tempfile
from typing import IO, cast

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tciagen.archive.conditions import Part, Unsatisfiable, failed_precondition, requested_part

_FILES = ("application/zip", "application/dicom", "application/octet-stream")
_IN_MEMORY = 8 * 1024 * 1024
_BLOCK = 64 * 1024


class RangesApp:
    """Middleware that sends files, or the requested part, once they are complete."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            await self._app(scope, receive, send)
        elif scope["method"] == "GET" or await self._is_file(scope, receive):
            await self._send_file(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _is_file(self, scope: Scope, receive: Receive) -> bool:
        """Return whether a HEAD request is for a file; do not create its body."""
        is_file = False

        async def inspect(message: Message) -> None:
            nonlocal is_file
            is_file = is_file or _starts_file(message)

        await self._app(dict(scope), receive, inspect)
        return is_file

    async def _send_file(self, scope: Scope, receive: Receive, send: Send) -> None:
        with tempfile.SpooledTemporaryFile(_IN_MEMORY) as spool:
            file = cast("IO[bytes]", spool)
            digest = hashlib.sha256()
            start: Message | None = None

            async def store(message: Message) -> None:
                nonlocal start
                if _starts_file(message):
                    start = message
                    return
                if start is None:
                    await send(message)
                    return
                body = message.get("body", b"")
                file.write(body)
                digest.update(body)
                if not message.get("more_body", False):
                    await _respond(start, file, f'"{digest.hexdigest()[:32]}"', scope, send)

            await self._app({**scope, "method": "GET"}, receive, store)


def _starts_file(message: Message) -> bool:
    if message["type"] != "http.response.start":
        return False
    media_type = Headers(raw=message["headers"]).get("content-type")
    return message["status"] == 200 and media_type in _FILES


async def _respond(start: Message, file: IO[bytes], tag: str, scope: Scope, send: Send) -> None:
    request_headers = Headers(scope=scope)
    headers = MutableHeaders(raw=list(start["headers"]))
    headers["Accept-Ranges"] = "bytes"
    headers["ETag"] = tag
    total = file.tell()
    part = Part(0, total)
    status = failed_precondition(request_headers, tag)
    if status is None:
        try:
            requested_range = (
                requested_part(request_headers, tag, total) if scope["method"] == "GET" else None
            )
        except Unsatisfiable:
            status, headers["Content-Range"] = 416, f"bytes */{total}"
        else:
            status, part = (200, part) if requested_range is None else (206, requested_range)
            if status == 206:
                headers["Content-Range"] = f"bytes {part.first}-{part.end - 1}/{total}"
    if status in (200, 206):
        headers["Content-Length"] = str(part.end - part.first)
    else:
        part = Part(0, 0)
        for name in ("Content-Type", "Content-Disposition", "imageCount"):
            del headers[name]
        if status != 304:
            headers["Content-Length"] = "0"
    await send({**start, "status": status, "headers": headers.raw})
    file.seek(part.first)
    left = 0 if scope["method"] == "HEAD" else part.end - part.first
    while left:
        block = file.read(min(left, _BLOCK))
        left -= len(block)
        await send({"type": "http.response.body", "body": block, "more_body": True})
    await send({"type": "http.response.body", "body": b""})
