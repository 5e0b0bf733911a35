"""HTTP responses of the archive: the server's headers, streams that are closed, gzip."""

import json
import zlib
from collections.abc import Mapping
from contextlib import suppress
from typing import Protocol
from urllib.parse import quote

from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from tciagen import __version__
from tciagen.archive.formats import Blocks

COMMON_HEADERS = {
    "Bindaas-version": f"tciagen {__version__}",
    "Vendor": "tciagen embedded archive",
    "tags": "[]",
}


class Closeable(Protocol):
    """An object that holds a resource until it is closed."""

    def close(self) -> object:
        """Release the resource."""


class StreamResponse(StreamingResponse):
    """Sends blocks while they are made, and closes their sources however that ends."""

    def __init__(self, body: Blocks, headers: Mapping[str, str], *sources: Closeable) -> None:
        super().__init__(body, headers=headers)
        self._closed_at_end = (body, *sources)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response; for HEAD its headers alone."""
        try:
            if scope["method"] == "HEAD":
                await send_headers(self, send)
            else:
                await super().__call__(scope, receive, send)
        except OSError:
            # The body has begun, so only its missing end can show that it is not complete.
            return
        finally:
            # A thread may still run the body after a forced stop; the process ends soon.
            with suppress(ValueError):
                for source in self._closed_at_end:
                    source.close()


class ChunkedResponse(Response):
    """Sends a complete body as the v3 servers do: without Content-Length."""

    def __init__(self, body: bytes, headers: Mapping[str, str]) -> None:
        super().__init__(body, headers=headers)
        del self.headers["Content-Length"]


async def send_headers(response: Response, send: Send) -> None:
    """Send the status and the headers of a response, and end it."""
    await send(
        {
            "type": "http.response.start",
            "status": response.status_code,
            "headers": response.raw_headers,
        }
    )
    await send({"type": "http.response.body", "body": b""})


def plain_error(message: str, status: int = 500) -> Response:
    """Return an error in the server's shorter form."""
    return with_type("application/json", json.dumps({"errorMessage": message}).encode(), status)


def with_type(media_type: str, body: bytes, status: int = 200) -> Response:
    """Return a response whose Content-Type names no charset: Starlette adds one, v3 does not."""
    return Response(body, status, headers={"Content-Type": media_type})


def attachment(name: str) -> str:
    """Return a Content-Disposition; RFC 6266 has another form for names beyond ASCII."""
    plain = name.encode("ascii", "replace").decode().replace("?", "_")
    extended = "" if name.isascii() else f"; filename*=UTF-8''{quote(name, safe='')}"
    return f'attachment;filename="{plain}"{extended}'


def accepts_gzip(accepted: str) -> bool:
    """Return whether an Accept-Encoding header allows gzip."""
    for offer in accepted.split(","):
        name, _, weight = offer.replace(" ", "").lower().partition(";q=")
        if name in ("gzip", "x-gzip"):
            return weight.strip("0.") != "" or not weight
    return False


def gzipped(body: Blocks) -> Blocks:
    """Yield a body in gzip encoding."""
    packer = zlib.compressobj(1, wbits=31)
    for chunk in body:
        if packed := packer.compress(chunk):
            yield packed
    yield packer.flush()
