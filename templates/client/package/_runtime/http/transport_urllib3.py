"""urllib3 below httpx: its pools read a body in large pieces, which httpcore does not.

Everything above stays as it is: a request and a response are httpx's, and so is each
error. urllib3 neither follows a redirect, nor tries again, nor undoes an encoding here.
"""

import contextlib
import http.client
import re
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from email.errors import FirstHeaderLineIsContinuationDefect, MissingHeaderBodySeparatorDefect
from http import HTTPStatus
from typing import Any

import httpx
import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NewConnectionError,
    ReadTimeoutError,
    SSLError,
)

from .transport import from_environment, tls_context

PIECE = 512 * 1024
"""Bytes that one piece of a body has at most; it has fewer where fewer have arrived."""

WHOLE = 128 * 1024
"""Bytes that a piece has of a fast stream with TLS, which gives 16 kB at a time."""

_FAST = 8_000_000  # bytes a second: a piece that must be whole is waited for a moment only
_BEGINNING = 1_000_000
_OLDEST = (2, 3)
_FORK = 900
_IDLE_SECONDS = 5.0
_MOST_HOSTS = 8
_MOST_INTERIM = 64
_DEFECTS = (FirstHeaderLineIsContinuationDefect, MissingHeaderBodySeparatorDefect)
_FOLD = re.compile(r"\s*\r?\n\s*")


def usable() -> bool:
    """Whether the urllib3 at hand is one that this module is written for.

    urllib3.future, which takes the place of urllib3 where niquests is installed, is another
    library; it counts its patches from 900.
    """
    try:
        major, minor, patch = map(int, getattr(urllib3, "__version__", "").split(".")[:3])
    except ValueError:
        return False
    return _OLDEST <= (major, minor) < (3, 0) and patch < _FORK


class _Head(http.client.HTTPResponse):
    """An answer's head that is refused where http.client would read it as something else."""

    def begin(self) -> None:
        """Read the head.

        Raises:
            http.client.HTTPException: It is no header, so that others are lost; it switches
                protocols; there are too many interim responses; or it is followed by another
                transfer coding than chunked, which would be left on.
        """
        super().begin()
        for _ in range(_MOST_INTERIM):
            if (
                self.status == HTTPStatus.SWITCHING_PROTOCOLS
                or self.status > HTTPStatus.EARLY_HINTS
            ):
                break
            vars(self).update(headers=None, msg=None)  # as before any response
            super().begin()
        if self.status < HTTPStatus.OK:
            raise http.client.HTTPException(f"interim status {self.status}, not asked for")
        if any(isinstance(defect, _DEFECTS) for defect in self.headers.defects):
            raise http.client.HTTPException("a malformed header")
        coding = self.headers.get("transfer-encoding")
        if coding is not None and coding.strip().lower() != "chunked":
            raise http.client.HTTPException(f"transfer coding {coding!r:.80}")


class _Connection(HTTPConnection):
    """Not used again after :data:`_IDLE_SECONDS`, as with httpx: a firewall may have cut it."""

    response_class = _Head
    idle_since = 0.0

    @property
    def is_connected(self) -> bool:
        return time.monotonic() - self.idle_since < _IDLE_SECONDS and super().is_connected


class _TlsConnection(HTTPSConnection):
    """The same with TLS, whose handshake is part of connecting."""

    response_class = _Head
    idle_since = 0.0

    @property
    def is_connected(self) -> bool:
        return time.monotonic() - self.idle_since < _IDLE_SECONDS and super().is_connected

    def connect(self) -> None:
        try:
            super().connect()
        except TimeoutError as error:
            raise ConnectTimeoutError(self, "TLS handshake timed out") from error


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Connection  # pyright: ignore[reportAssignmentType] - a `Final` of urllib3


class _TlsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _TlsConnection  # pyright: ignore[reportAssignmentType] - a `Final` of urllib3


class Urllib3Transport(httpx.BaseTransport):
    """Sends requests that have no body; may be shared by threads.

    A request's few bytes go out under the timeout for connecting. An answer whose head is
    longer than http.client takes (64 kB a line, 100 headers) is asked for again by httpx's
    own transport, which takes 100 kB.

    Args:
        max_connections: Connections to one host that are kept; who sends requests sees to it
            that there are no more at a time, so that none is lost to an interrupt's bad moment.
    """

    def __init__(self, max_connections: int) -> None:
        self._max_connections = max_connections
        self._pools: dict[tuple[bytes, bytes, int | None], urllib3.HTTPConnectionPool] = {}
        self._tls: ssl.SSLContext | None = None
        self._lock = threading.Lock()
        self._bodies: set[_Body] = set()
        self._longer_heads: dict[str, httpx.HTTPTransport] = {}
        self._closed = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, and give the answer when its head has come."""
        url = request.url
        pool = self._pool((url.raw_scheme, url.raw_host, url.port))
        seconds: Mapping[str, Any] = request.extensions.get("timeout", {})
        try:
            raw = pool.urlopen(
                request.method,
                url.raw_path.decode("ascii"),
                headers=_request_headers(request.headers.raw),
                retries=False,
                redirect=False,
                assert_same_host=False,
                timeout=urllib3.Timeout(connect=seconds.get("connect"), read=seconds.get("read")),
                preload_content=False,
                decode_content=False,
            )
        except (HTTPError, OSError, ValueError) as error:
            if _head_too_long(error):
                return self._for_longer_heads(url.scheme).handle_request(request)
            raise _translated(error, opening=True) from error
        body = _Body(raw, self._bodies)
        if self._closed:
            body.close()
            raise httpx.ReadError("the transport has been closed")
        return httpx.Response(
            raw.status,
            headers=[
                (name.encode("latin-1"), _in_one_line(value).encode("latin-1"))
                for name, value in raw.headers.iteritems()
            ],
            stream=body,
            extensions={
                "http_version": b"HTTP/1.0" if raw.version == 10 else b"HTTP/1.1",
                "reason_phrase": (raw.reason or "").encode("latin-1"),
            },
        )

    def hold(self, connections: int) -> None:
        """Keep so many connections to one host from now on."""
        with self._lock:
            if connections > self._max_connections:
                self._max_connections = connections
                self._pools.clear()  # their connections close when nobody reads from them

    def close(self) -> None:
        """Close all connections, also those whose answers are still being read."""
        with self._lock:
            self._closed = True
            pools = list(self._pools.values())
            self._pools.clear()
            for transport in self._longer_heads.values():
                transport.close()
        for pool in pools:
            pool.close()
        for body in list(self._bodies):
            body.abort()

    def _for_longer_heads(self, scheme: str) -> httpx.HTTPTransport:
        with self._lock:
            if self._closed:
                raise httpx.ReadError("the transport has been closed")
            if scheme not in self._longer_heads:
                limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
                with from_environment():
                    transport = httpx.HTTPTransport(verify=tls_context(scheme), limits=limits)
                self._longer_heads[scheme] = transport
            return self._longer_heads[scheme]

    def _pool(self, origin: tuple[bytes, bytes, int | None]) -> urllib3.HTTPConnectionPool:
        pool = self._pools.get(origin)
        if pool is None:
            with self._lock:
                pool = self._pools.get(origin)
                if pool is None:
                    if len(self._pools) >= _MOST_HOSTS:
                        # Its idle connections close with it, which is when nobody reads from it.
                        self._pools.pop(next(iter(self._pools)))
                    pool = self._pools[origin] = self._new_pool(*origin)
        return pool

    def _new_pool(self, scheme: bytes, host: bytes, port: int | None) -> urllib3.HTTPConnectionPool:
        name = host.decode("ascii")
        if scheme != b"https":
            return _Pool(name, port, maxsize=self._max_connections)
        if self._tls is None:
            with from_environment():
                self._tls = tls_context("https")
        return _TlsPool(name, port, maxsize=self._max_connections, ssl_context=self._tls)


class _Body(httpx.SyncByteStream):
    """The body of an answer as it comes."""

    def __init__(self, raw: urllib3.BaseHTTPResponse, bodies: "set[_Body]") -> None:
        self._raw = raw
        self._connection = raw.connection
        self._bodies = bodies
        self._lock = threading.Lock()
        bodies.add(self)

    def __iter__(self) -> Iterator[bytes]:
        raw, lock = self._raw, self._lock
        tls = isinstance(self._connection, _TlsConnection)
        count, began = 0, time.monotonic()
        try:
            while True:
                fast = tls and count > max(_BEGINNING, _FAST * (time.monotonic() - began))
                with lock:
                    piece = raw.read(WHOLE) if fast else raw.read1(PIECE)
                if not piece:
                    return
                count += len(piece)
                yield piece
        except (HTTPError, OSError, ValueError) as error:
            raise _translated(error, opening=False) from error

    def close(self) -> None:
        """Give the connection back, closed unless the body has been read to its end."""
        self._bodies.discard(self)
        if isinstance(self._connection, _Connection | _TlsConnection):
            self._connection.idle_since = time.monotonic()
        with self._lock:
            self._raw.close()
            self._raw.release_conn()

    def abort(self) -> None:
        """Close while another thread may be waiting for more."""
        with contextlib.suppress(ValueError, RuntimeError, OSError):
            self._raw.shutdown()
        self.close()


class _Unshown(str):
    """A header's value that tracebacks with local variables do not show."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'[secure]'"


def _request_headers(raw: list[tuple[bytes, bytes]]) -> Mapping[str, str]:
    headers = {name.decode("ascii"): _Unshown(value, "latin-1") for name, value in raw}
    if len(headers) == len(raw):
        return headers
    several = urllib3.HTTPHeaderDict()
    for name, value in raw:
        several.add(name.decode("ascii"), value.decode("latin-1"))
    return several


def _in_one_line(value: str) -> str:
    """A header's value without the blanks and the folds around and in it (RFC 9112, 5)."""
    return (_FOLD.sub(" ", value) if "\n" in value else value).strip(" \t")


def _inner(error: Exception) -> BaseException:
    return error.__cause__ or next((a for a in error.args if isinstance(a, Exception)), error)


def _head_too_long(error: Exception) -> bool:
    inner = _inner(error)
    return isinstance(inner, http.client.LineTooLong) or (
        type(inner) is http.client.HTTPException and "headers" in str(inner)
    )


def _translated(error: Exception, *, opening: bool) -> httpx.TransportError:
    """The error of httpx for one of urllib3."""
    inner = _inner(error)
    words = str(inner) or type(inner).__name__
    if isinstance(error, NewConnectionError) or (opening and isinstance(error, SSLError)):
        return httpx.ConnectError(words)
    if isinstance(error, ConnectTimeoutError):
        return httpx.ConnectTimeout(words)
    if isinstance(error, ReadTimeoutError):
        return httpx.ReadTimeout(words)
    if isinstance(inner, TimeoutError):
        return httpx.WriteTimeout(words)
    if isinstance(inner, OSError):
        return httpx.ReadError(words)
    if isinstance(error, HTTPError) or not opening:
        return httpx.RemoteProtocolError(words)
    return httpx.LocalProtocolError(words)
