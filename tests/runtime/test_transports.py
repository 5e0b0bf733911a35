"""The transport of the synchronous client: httpx, or urllib3 if it is selected."""

import inspect
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import urllib3

from _runtime.client import AsyncClientBase, SyncClient
from _runtime.errors import (
    ConnectError,
    IncompleteResponseError,
    ParameterError,
    ReadTimeoutError,
)
from _runtime.http import transport_urllib3 as over_urllib3
from _runtime.http.options import Timeouts, TransportName

if TYPE_CHECKING:
    from tests.runtime.conftest import Runtime, Server

from wire_server import BOTH, ONCE, ROWS

# --- selection ---------------------------------------------------------------------------------


@BOTH
def test_urllib3_is_used_only_if_selected(
    below: TransportName, rt: "Runtime", server: "Server", monkeypatch: pytest.MonkeyPatch
) -> None:
    used: list[str] = []
    plain = urllib3.HTTPConnectionPool.urlopen

    def urlopen(self: Any, *arguments: Any, **options: Any) -> Any:
        used.append("urllib3")
        return plain(self, *arguments, **options)

    monkeypatch.setattr(urllib3.HTTPConnectionPool, "urlopen", urlopen)
    server.respond_with(ROWS)
    with rt.Client(base_url=server.base_url, transport=below) as client:
        assert len(client.list_ships()) == 2
    assert used == ["urllib3"] * (below == "urllib3")
    with httpx.Client() as mine, rt.Client(base_url=server.base_url, http_client=mine) as client:
        assert len(client.list_ships()) == 2
    assert len(used) == (below == "urllib3")


def test_client_uses_httpx_by_default() -> None:
    parameters = inspect.signature(SyncClient).parameters
    assert parameters["transport"].default == "httpx"
    assert "transport" not in inspect.signature(AsyncClientBase).parameters


@pytest.mark.parametrize("version", ["1.26.20", "2.2.3", "2.12.904", "3.0.0", "unknown"])
def test_another_library_named_urllib3_is_refused(
    version: str, rt: "Runtime", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(urllib3, "__version__", version)
    with pytest.raises(ImportError, match="install ship_client with its extra 'fast'"):
        rt.Client(transport="urllib3")


def test_transport_without_effect_is_refused(rt: "Runtime") -> None:
    with httpx.Client() as mine, pytest.raises(ParameterError, match="pass one of the two"):
        rt.Client(transport="urllib3", http_client=mine)
    with pytest.raises(ParameterError, match='must be "httpx" or "urllib3"'):
        rt.Client(transport="requests")


# --- the network -------------------------------------------------------------------------------


class _Proxy(BaseHTTPRequestHandler):
    requests: list[str]
    body = ROWS
    missing = 0

    def log_message(self, *args: object) -> None:
        """Log nothing."""

    def do_GET(self) -> None:
        self.requests.append(self.path)
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.body) + self.missing))
        self.end_headers()
        self.wfile.write(self.body)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate of 127.0.0.1, and its key."""
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    more = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    out = ["-keyout", str(path.with_name("key.pem")), "-out", str(path.with_name("cert.pem"))]
    subprocess.run([*command.split(), *more, *out], check=True, capture_output=True)
    path.write_bytes(b"".join(path.with_name(n).read_bytes() for n in ("key.pem", "cert.pem")))
    return path


class _TlsServer(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore handshakes that the client aborted."""


@pytest.fixture
def tls_url(certificate: Path) -> Iterator[str]:
    """A server that speaks TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    handler = type("Handler", (_Proxy,), {"requests": []})
    with _TlsServer(("127.0.0.1", 0), handler) as http:
        http.socket = context.wrap_socket(http.socket, server_side=True)
        thread = threading.Thread(target=http.serve_forever, args=(0.05,))
        thread.start()
        yield f"https://127.0.0.1:{http.server_port}/v3"
        http.shutdown()
        thread.join()


@BOTH
def test_certificate_is_verified_with_authorities_of_the_environment(
    below: str,
    rt: "Runtime",
    tls_url: str,
    certificate: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with rt.Client(base_url=tls_url) as client, pytest.raises(ConnectError) as caught:
        client.list_ships()
    assert not caught.value.retryable
    assert "CERTIFICATE_VERIFY_FAILED" in str(caught.value)
    assert "certificate authority" in str(caught.value)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.with_name("cert.pem")))
    with rt.Client(base_url=tls_url) as client:
        assert len(client.list_ships()) == 2
        assert len(client.list_ships()) == 2
    other = tls_url.replace("127.0.0.1", "localhost")
    with (
        rt.Client(base_url=other, retry=ONCE) as client,
        pytest.raises(ConnectError, match="localhost"),
    ):
        client.list_ships()


def test_http_client_that_trusts_the_certificate_connects(
    rt: "Runtime", tls_url: str, certificate: Path
) -> None:
    with (
        rt.Client(base_url=tls_url) as client,
        pytest.raises(ConnectError, match="Pass an http_client that trusts"),
    ):
        client.list_ships()
    trusting = ssl.create_default_context(cafile=certificate.with_name("cert.pem"))
    with (
        httpx.Client(verify=trusting) as own,
        rt.Client(base_url=tls_url, http_client=own) as client,
    ):
        assert len(client.list_ships()) == 2


@BOTH
@pytest.mark.parametrize("missing", [0, 10])
def test_fast_tls_stream_is_read_in_large_chunks_to_its_end(
    below: str,
    missing: int,
    rt: "Runtime",
    tls_url: str,
    certificate: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    body = b"[" + b",".join([ROWS[1:-1]] * 20_000) + b"]"
    monkeypatch.setattr(_Proxy, "body", body)
    monkeypatch.setattr(_Proxy, "missing", missing)
    monkeypatch.setattr(over_urllib3, "_FAST", 0)
    monkeypatch.setattr(over_urllib3, "_BEGINNING", 0)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.with_name("cert.pem")))
    with rt.Client(base_url=tls_url, retry=ONCE) as client:
        if missing:
            with pytest.raises(IncompleteResponseError):
                client.with_raw_response.list_ships()
        else:
            assert client.with_raw_response.list_ships().content == body
            assert len(client.list_ships()) == 40_000


@BOTH
def test_tls_handshake_that_hangs_raises_connect_error(below: str, rt: "Runtime") -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        base_url = f"https://127.0.0.1:{silent.getsockname()[1]}/"
        with (
            rt.Client(base_url=base_url, timeout=Timeouts(connect=0.2), retry=ONCE) as client,
            pytest.raises(ConnectError, match=r"no connection within 0\.2 s"),
        ):
            client.list_ships()


@BOTH
def test_missing_headers_raise_read_timeout(
    below: str, rt: "Runtime", wire: SimpleNamespace
) -> None:
    wire.script = [()]
    with (
        rt.Client(base_url=wire.base_url, timeout=Timeouts(read=0.2)) as client,
        pytest.raises(ReadTimeoutError, match=r"no response: no byte arrived for 0\.2 s"),
    ):
        client.list_ships()


@BOTH
@pytest.mark.parametrize("base_url", ["http://127.0.0.1:9/", "http://nowhere.invalid/"])
def test_connect_error_quotes_the_system(below: str, rt: "Runtime", base_url: str) -> None:
    with (
        rt.Client(base_url=base_url, retry=ONCE) as client,
        pytest.raises(ConnectError, match=r"the connection failed \(\[Errno -?\d+\] "),
    ):
        client.list_ships()


@BOTH
def test_ipv6_address_is_a_valid_host(below: str, rt: "Runtime") -> None:
    handler = type("Handler", (_Proxy,), {"requests": []})
    server = type("Server", (ThreadingHTTPServer,), {"address_family": socket.AF_INET6})
    try:
        http = server(("::1", 0), handler)
    except OSError:
        pytest.skip("no IPv6 here")
    with http:
        thread = threading.Thread(target=http.serve_forever, args=(0.05,))
        thread.start()
        with rt.Client(base_url=f"http://[::1]:{http.server_port}/") as client:
            assert len(client.list_ships()) == 2
        http.shutdown()
        thread.join()
