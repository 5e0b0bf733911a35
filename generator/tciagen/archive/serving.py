"""Runs the application on uvicorn: start-up line, access log without keys, graceful stop."""

import logging
import re
import signal
import socket
import sys
import time
import warnings
from collections.abc import Callable
from types import FrameType
from typing import TextIO
from urllib.parse import parse_qsl, quote, urlencode

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tciagen.archive.app import BASE_PATH
from tciagen.archive.keys import HIDDEN, Keys
from tciagen.errors import UsageProblem

_GRACE_SECONDS = 3
_ABSOLUTE = re.compile(r"https?://[^/?#]*", re.IGNORECASE)


class AccessLog:
    """Middleware that logs one line for each request and hides everything like a key.

    It marks a response whose end was not sent as ``broken off``.
    """

    def __init__(self, app: ASGIApp, log: TextIO, keys: Keys) -> None:
        self._app = app
        self._log = log
        self._keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and log it when its response ends."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status, size, complete = 0, 0, False

        async def counted(message: Message) -> None:
            nonlocal status, size, complete
            status = message.get("status", status)
            size += len(message.get("body", b""))
            complete = message["type"] == "http.response.body" and not message.get(
                "more_body", False
            )
            await send(message)

        try:
            await self._app(scope, receive, counted)
        finally:
            milliseconds = 1000 * (time.perf_counter() - started)
            client = scope["client"][0] if scope["client"] else "-"
            self._log.write(
                f'{client} "{scope["method"]} {self._target(scope)}" '
                f"{status} {size} bytes {milliseconds:.1f} ms{'' if complete else ', broken off'}\n"
            )
            self._log.flush()

    def _target(self, scope: Scope) -> str:
        hide = self._keys.hide
        target = quote(hide(scope["path"]), safe="*/")
        pairs = parse_qsl(scope["query_string"].decode("utf-8", "replace"), keep_blank_values=True)
        if pairs:
            shown = [
                (hide(name), HIDDEN if "key" in name.lower() else hide(value))
                for name, value in pairs
            ]
            target += "?" + urlencode(shown, safe="*/,:")
        return target


class OriginFormApp:
    """Middleware that accepts the targets that clients send to a proxy (RFC 9112, 3.2.2)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with the path of its target."""
        if scope["type"] == "http" and (found := _ABSOLUTE.match(scope["path"])):
            path = scope["path"][found.end() :] or "/"
            scope = {**scope, "path": path, "raw_path": quote(path).encode()}
        await self._app(scope, receive, send)


class _Server(uvicorn.Server):
    """A server that calls ``ready`` when it listens."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to listen, then call ``ready``."""
        await super().startup(sockets)
        if self.started:
            self._ready()


def run(app: ASGIApp, *, host: str, port: int, summary: str, keys: Keys) -> None:
    """Serve until SIGINT or SIGTERM, then finish requests in progress, for at most 3 seconds.

    Raises:
        UsageProblem: the server cannot listen on the address.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio disables Nagle's algorithm only if the protocol is named.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except (OSError, OverflowError) as error:
        listener.close()
        raise UsageProblem(
            f"cannot listen on {host} port {port}: {error}; --port 0 selects a free port"
        ) from error
    shown_host = f"[{host}]" if ":" in host else host
    base_url = f"http://{shown_host}:{listener.getsockname()[1]}{BASE_PATH}"
    config = uvicorn.Config(
        OriginFormApp(AccessLog(app, sys.stderr, keys)),
        ws="none",
        log_level="warning",
        access_log=False,
        lifespan="off",
        server_header=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    # uvicorn sends itself the signal again after it has stopped; ignore it then.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _ignore_signal)
    # pydicom warns about the content of files; standard error is the access log.
    warnings.filterwarnings("ignore", module=r"pydicom\b")
    logging.getLogger("uvicorn.error").addFilter(_is_no_advice)
    server = _Server(config, lambda: print(f"Serving {summary} at {base_url}", flush=True))
    server.run(sockets=[listener])


def _is_no_advice(record: logging.LogRecord) -> bool:
    """Drop uvicorn's records about an Upgrade header, which a server may ignore (RFC 9110, 7.8)."""
    message = record.getMessage()
    return not message.startswith(("Unsupported upgrade", "No supported WebSocket library"))


def _ignore_signal(_number: int, _frame: FrameType | None) -> None:
    pass
