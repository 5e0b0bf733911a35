"""A transport of httpx that sends requests with urllib3, which reads bodies in large chunks.

It takes requests of httpx, and returns or raises its responses and errors. It does not follow
redirects, retry requests or decode bodies.
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

_CHUNK_BYTES = 512 * 1024
_TLS_CHUNK_BYTES = 128 * 1024
"""Size of the chunks of a fast TLS stream, which returns 16 kB at a time."""

_FAST = 8_000_000  # bytes per second from which on a read waits for a chunk of this size
_BEGINNING = 1_000_000
_IDLE_SECONDS = 5.0
_MAX_HOSTS = 8
_MAX_INTERIM = 64
_DEFECTS = (FirstHeaderLineIsContinuationDefect, MissingHeaderBodySeparatorDefect)
_FOLD = re.compile(r"\s*\r?\n\s*")


class _RawResponse(http.client.HTTPResponse):
    """A response that rejects headers which http.client would misread."""

    def begin(self) -> None:
        """Read the headers.

        Raises:
            http.client.HTTPException: A header is malformed, so that others are lost; the
                response switches protocols; there are too many interim responses; or the
                transfer coding is not chunked, so that http.client would not decode it.
        """
        super().begin()
        for _ in range(_MAX_INTERIM):
            if self.status == HTTPStatus.SWITCHING_PROTOCOLS or self.status >= HTTPStatus.OK:
                break
            vars(self).update(headers=None, msg=None)  # as before any response
            super().begin()
        if self.status < HTTPStatus.OK:
            raise http.client.HTTPException(f"unexpected interim status {self.status}")
        if any(isinstance(defect, _DEFECTS) for defect in self.headers.defects):
            raise http.client.HTTPException("a malformed header")
        coding = self.headers.get("transfer-encoding")
        if coding is not None and coding.strip().lower() != "chunked":
            raise http.client.HTTPException(f"transfer coding {coding!r:.80}")


class _Connection(HTTPConnection):
    """A connection that is reused for :data:`_IDLE_SECONDS` only, as in httpx.

    A firewall may drop a longer idle connection without notice.
    """

    response_class = _RawResponse
    idle_since = 0.0

    @property
    def is_connected(self) -> bool:
        return time.monotonic() - self.idle_since < _IDLE_SECONDS and super().is_connected


class _TlsConnection(_Connection, HTTPSConnection):
    """A connection with TLS, whose handshake counts as connecting."""

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
    """Sends requests without a body; threads may share it.

    The connect timeout also applies to sending. The headers of a response are limited to 64 kB
    per line and to 100 headers, the limits of http.client.

    Args:
        max_connections: Maximum number of idle connections to one host. The caller limits the
            connections in use, so that an interrupt within a pool of urllib3 loses none.
    """

    def __init__(self, max_connections: int) -> None:
        self._max_connections = max_connections
        self._pools: dict[tuple[bytes, bytes, int | None], urllib3.HTTPConnectionPool] = {}
        self._tls: ssl.SSLContext | None = None
        self._lock = threading.Lock()
        self._bodies: set[_Body] = set()
        self._closed = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and return the response when its headers have arrived."""
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
            raise _translated(error) from error
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
        """Raise the maximum number of idle connections to one host."""
        with self._lock:
            if connections > self._max_connections:
                self._max_connections = connections
                self._pools.clear()  # each connection closes once nobody reads from it

    def close(self) -> None:
        """Close all connections, including those whose responses are being read."""
        with self._lock:
            self._closed = True
            pools = list(self._pools.values())
            self._pools.clear()
        for pool in pools:
            pool.close()
        for body in list(self._bodies):
            body.abort()

    def _pool(self, origin: tuple[bytes, bytes, int | None]) -> urllib3.HTTPConnectionPool:
        pool = self._pools.get(origin)
        if pool is None:
            with self._lock:
                pool = self._pools.get(origin)
                if pool is None:
                    if len(self._pools) >= _MAX_HOSTS:
                        # Its connections close once nobody reads from them.
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
    """The body of a response as it arrives."""

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
                    chunk = raw.read(_TLS_CHUNK_BYTES) if fast else raw.read1(_CHUNK_BYTES)
                if not chunk:
                    return
                count += len(chunk)
                yield chunk
        except (HTTPError, OSError, ValueError) as error:
            raise _translated(error, streaming=True) from error

    def close(self) -> None:
        """Return the connection to its pool, closed unless the body was read to its end."""
        self._bodies.discard(self)
        if isinstance(self._connection, _Connection):
            self._connection.idle_since = time.monotonic()
        with self._lock:
            self._raw.close()
            self._raw.release_conn()

    def abort(self) -> None:
        """Close the body while another thread may wait for more bytes."""
        with contextlib.suppress(ValueError, RuntimeError, OSError):
            self._raw.shutdown()
        self.close()


class _Secret(str):
    """A value of a header that tracebacks with local variables do not show."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'[secure]'"


def _request_headers(raw: list[tuple[bytes, bytes]]) -> Mapping[str, str]:
    headers = {name.decode("ascii"): _Secret(value, "latin-1") for name, value in raw}
    if len(headers) == len(raw):
        return headers
    several = urllib3.HTTPHeaderDict()
    for name, value in raw:
        several.add(name.decode("ascii"), value.decode("latin-1"))
    return several


def _in_one_line(value: str) -> str:
    """Return the value of a header without surrounding blanks and line folds (RFC 9112, 5)."""
    return (_FOLD.sub(" ", value) if "\n" in value else value).strip(" \t")


def _inner(error: Exception) -> BaseException:
    return error.__cause__ or next((a for a in error.args if isinstance(a, Exception)), error)


def _translated(error: Exception, *, streaming: bool = False) -> httpx.TransportError:
    """Return the error of httpx for one of urllib3."""
    inner = _inner(error)
    text = str(inner) or type(inner).__name__
    if isinstance(error, NewConnectionError) or (isinstance(error, SSLError) and not streaming):
        return httpx.ConnectError(text)
    if isinstance(error, ConnectTimeoutError):
        return httpx.ConnectTimeout(text)
    if isinstance(error, ReadTimeoutError):
        return httpx.ReadTimeout(text)
    if isinstance(inner, TimeoutError):
        return httpx.WriteTimeout(text)
    if isinstance(inner, OSError):
        return httpx.ReadError(text)
    if isinstance(error, HTTPError) or streaming:
        return httpx.RemoteProtocolError(text)
    return httpx.LocalProtocolError(text)
