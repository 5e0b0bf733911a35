"""Files as a server that keeps them answers: with a length, an ETag, and ranges (RFC 9110).

The v3 servers write a ZIP while they send it, and have none of these. A proxy in front of
one, or another deployment, may; clients are to be tested against both.
"""

import hashlib
import re
import tempfile
from typing import IO, cast

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_FILES = ("application/zip", "application/dicom", "application/octet-stream")
_RANGE = re.compile(r"bytes=([0-9]{1,18})-([0-9]{0,18})")
_IN_MEMORY = 8 * 1024 * 1024
_BLOCK = 64 * 1024


class RangesApp:
    """Passes requests on, and answers files once they are whole, or the part asked for."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http" or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        with tempfile.SpooledTemporaryFile(_IN_MEMORY) as spool:
            file = cast("IO[bytes]", spool)
            digest = hashlib.sha256()
            start: Message | None = None

            async def kept(message: Message) -> None:
                nonlocal start
                if message["type"] == "http.response.start" and _is_file(message):
                    start = message
                    return
                if start is None:
                    await send(message)
                    return
                body = message.get("body", b"")
                file.write(body)
                digest.update(body)
                if not message.get("more_body", False):
                    await _answer(start, file, f'"{digest.hexdigest()[:32]}"', scope, send)

            await self._app(scope, receive, kept)


def _is_file(start: Message) -> bool:
    media_type = Headers(raw=start["headers"]).get("content-type")
    return start["status"] == 200 and media_type in _FILES


async def _answer(start: Message, file: IO[bytes], tag: str, scope: Scope, send: Send) -> None:
    asked = Headers(scope=scope)
    headers = MutableHeaders(raw=list(start["headers"]))
    total = file.tell()
    first, end, status = 0, total, 200
    wanted = _RANGE.fullmatch(asked.get("range", ""))
    if wanted and asked.get("if-range", tag) == tag:
        first = int(wanted[1])
        end = min(total, int(wanted[2]) + 1) if wanted[2] else total
        status = 206 if first < end else 416
        headers["Content-Range"] = (
            f"bytes {first}-{end - 1}/{total}" if status == 206 else f"bytes */{total}"
        )
    left = 0 if status == 416 else end - first
    headers["Accept-Ranges"] = "bytes"
    headers["ETag"] = tag
    headers["Content-Length"] = str(left)
    await send({**start, "status": status, "headers": headers.raw})
    file.seek(first)
    while left:
        block = file.read(min(left, _BLOCK))
        left -= len(block)
        await send({"type": "http.response.body", "body": block, "more_body": True})
    await send({"type": "http.response.body", "body": b""})
