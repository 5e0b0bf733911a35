"""The transport of the synchronous client: httpx, or urllib3 if it is selected."""

import inspect
import socket
import ssl
import subprocess
import sys
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
    HTTPStatusError,
    IncompleteResponseError,
    ParameterError,
    ReadTimeoutError,
    TransportError,
)
from _runtime.http import transport_urllib3 as over_urllib3
from _runtime.http.options import Timeouts, TransportName

if TYPE_CHECKING:
    from tests.runtime.conftest import Runtime, Server

from wire_server import BOTH, ONCE, OVER_URLLIB3, ROWS, answer

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
    server.answers(ROWS)
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
    asked: list[str]
    body = ROWS
    missing = 0

    def log_message(self, *args: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self.asked.append(self.path)
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
    handler = type("Handler", (_Proxy,), {"asked": []})
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


# --- connections -------------------------------------------------------------------------------


@BOTH
def test_response_closed_early_does_not_affect_the_next_one(
    below: str, rt: "Runtime", wire: SimpleNamespace
) -> None:
    many = b"[" + b",".join([ROWS[1:-1]] * 20_000) + b"]"
    wire.script = [answer(many), answer(b"[]")]
    with rt.Client(base_url=wire.base_url, max_connections=1, retry=ONCE) as client:
        rows = client.streaming.list_ships()
        assert next(rows).ship_name == "Fram"
        rows.close()
        assert client.list_ships() == []


@BOTH
def test_closing_the_client_aborts_open_responses(
    below: str, rt: "Runtime", server: "Server"
) -> None:
    hold = threading.Event()
    server.answers(rt.Reply(ROWS * 9, pieces=2, hold=hold))
    client = rt.Client(base_url=server.base_url, retry=ONCE)
    rows = client.streaming.list_ships()
    assert next(rows).ship_name == "Fram"
    client.close()
    hold.set()
    with pytest.raises(TransportError):
        list(rows)


@OVER_URLLIB3
def test_closing_the_client_wakes_a_thread_that_reads(
    below: str, rt: "Runtime", wire: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire.script = [answer(ROWS[:45], b"Content-Length: 500")]
    client = rt.Client(base_url=wire.base_url, retry=ONCE)
    caught: list[BaseException] = []
    begun, waits = threading.Event(), threading.Event()
    readinto = socket.SocketIO.readinto

    def noted(sock: socket.SocketIO, buffer: bytearray) -> int | None:
        if begun.is_set():
            waits.set()
        return readinto(sock, buffer)

    monkeypatch.setattr(socket.SocketIO, "readinto", noted)

    def read() -> None:
        try:
            for _ in client.streaming.list_ships():
                begun.set()
        except TransportError as error:
            caught.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    assert waits.wait(20)
    client.close()
    thread.join(20)
    assert not thread.is_alive()
    assert [type(error) for error in caught] == [IncompleteResponseError]
    assert wire.ended.wait(20), "and the connection is closed"


@BOTH
def test_connection_closed_by_the_server_is_not_reused(
    below: str, rt: "Runtime", wire: SimpleNamespace
) -> None:
    wire.script = [(answer(), None)]
    with rt.Client(base_url=wire.base_url, retry=ONCE) as client:
        for _ in range(5):
            assert len(client.list_ships()) == 2
            assert wire.ended.wait(20)
            wire.ended.clear()


@OVER_URLLIB3
def test_connection_idle_for_long_is_not_reused(
    below: str, rt: "Runtime", server: "Server", monkeypatch: pytest.MonkeyPatch
) -> None:
    server.answers(ROWS)
    with rt.Client(base_url=server.base_url) as client:
        client.list_ships()
        client.list_ships()
        assert server.connections == 1
        monkeypatch.setattr(over_urllib3, "_IDLE_SECONDS", 0)
        client.list_ships()
        assert server.connections == 2


@OVER_URLLIB3
def test_pools_of_redirect_targets_are_bounded(
    below: str,
    rt: "Runtime",
    server: "Server",
    other_server: "Server",
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(over_urllib3, "_MAX_HOSTS", 1)
    there = rt.Reply(b"", 302, {"Location": f"{other_server.base_url}/ships?format=json"})
    server.answers(there)
    other_server.answers(ROWS)
    with rt.Client(base_url=server.base_url, retry=ONCE) as client:
        for _ in range(3):
            assert len(client.list_ships()) == 2
    assert other_server.connections == 3, "each one was given up for the next host"


@BOTH
def test_error_frees_its_connection(below: str, rt: "Runtime", server: "Server") -> None:
    server.answers(rt.Reply(b"no", 404))
    with rt.Client(base_url=server.base_url, max_connections=1, retry=ONCE) as client:
        for _ in range(3):
            with pytest.raises(HTTPStatusError):
                client.list_ships()
    assert server.connections == 1


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
@BOTH
def test_ipv6_address_is_a_valid_host(below: str, rt: "Runtime") -> None:
    handler = type("Handler", (_Proxy,), {"asked": []})
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


@BOTH
@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is not sent to one process there")
def test_ctrl_c_within_a_response_leaves_no_socket_open(
    below: str, rt: "Runtime", server: "Server"
) -> None:
    server.answers(rt.Reply(ROWS * 9, pieces=2, hold=(hold := threading.Event())))
    code = (
        "import sys, gc, signal, threading; sys.path[:0] = sys.argv[2:]\n"
        "from conftest import Client\n"
        f"client = Client(base_url=sys.argv[1], transport={below!r})\n"
        "try:\n"
        "    rows = client.streaming.list_ships(); next(rows)\n"
        "    stop = [threading.main_thread().ident, signal.SIGINT]\n"
        "    threading.Timer(0.2, signal.pthread_kill, stop).start()\n"
        "    list(rows)\n"
        "except KeyboardInterrupt:\n"
        "    print('ended')\n"
        "client.close(); del client; gc.collect()\n"
    )
    command = [sys.executable, "-X", "dev", "-c", code, server.base_url, str(Path(__file__).parent)]
    out = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    hold.set()
    assert (out.stdout, out.returncode) == ("ended\n", 0), out.stderr
    assert "ResourceWarning" not in out.stderr
