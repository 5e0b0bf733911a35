"""Cross-origin access for pages in a browser (https://fetch.spec.whatwg.org/#http-cors-protocol)."""

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

METHODS = ("GET", "HEAD", "POST", "OPTIONS")
_EXPOSED = (
    "Accept-Ranges, Bindaas-version, Content-Disposition, Content-Encoding, Content-Range, Date, "
    "ETag, imageCount, metadata, responseTime, Retry-After, tags, Vendor"
)
_PREFLIGHT_SECONDS = 600


class CorsApp:
    """Middleware that adds the CORS headers to every response and responds to OPTIONS itself.

    A preflight carries no API key, so this layer responds before keys are checked.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_exposed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=list(message["headers"]))
                headers["Access-Control-Allow-Origin"] = "*"
                headers["Access-Control-Expose-Headers"] = _EXPOSED
                message = {**message, "headers": headers.raw}
            await send(message)

        if scope["method"] == "OPTIONS":
            await _send_preflight(Headers(scope=scope), send_exposed)
        else:
            await self._app(scope, receive, send_exposed)


async def _send_preflight(requested: Headers, send: Send) -> None:
    methods = ", ".join(METHODS)
    headers = MutableHeaders({"Allow": methods})
    if "access-control-request-method" in requested:
        headers["Access-Control-Allow-Methods"] = methods
        headers["Access-Control-Allow-Headers"] = requested.get(
            "access-control-request-headers", "*"
        )
        headers["Access-Control-Max-Age"] = str(_PREFLIGHT_SECONDS)
        headers["Vary"] = "Access-Control-Request-Headers"
    await send({"type": "http.response.start", "status": 204, "headers": headers.raw})
    await send({"type": "http.response.body", "body": b""})
