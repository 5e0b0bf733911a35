"""Proxies and certificates of the environment: the requests that use them."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import attrs
import pytest

from _runtime.errors import ConnectError, HTTPStatusError, TransportError
from _runtime.http.proxies import proxy_of, without_credentials

if TYPE_CHECKING:
    from tests.runtime.conftest import RunClient, Server

from wire_server import ONCE, ROWS

VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
BROKEN = "socks5://127.0.0.1:9"
MISSING = "/nowhere/ca.pem"


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@attrs.define
class Proxy:
    """A proxy that responds without a server."""

    url: str
    status: int = 200
    requests: list[str] = attrs.field(factory=list)


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    """A proxy that records the requested URLs."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            """Log nothing."""

        def do_GET(self) -> None:
            state.requests.append(self.path)
            self.send_response(state.status)
            self.send_header("Content-Length", str(len(ROWS)))
            self.end_headers()
            self.wfile.write(ROWS)

        def do_CONNECT(self) -> None:
            state.requests.append(self.path)
            self.send_error(state.status)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        state = Proxy(f"http://127.0.0.1:{http.server_port}")
        thread = threading.Thread(target=http.serve_forever, args=(0.05,))
        thread.start()
        yield state
        http.shutdown()
        thread.join()


@pytest.mark.parametrize("excepted", [False, True])
def test_proxy_of_the_environment_is_used(
    run_client: "RunClient",
    server: "Server",
    proxy: Proxy,
    monkeypatch: pytest.MonkeyPatch,
    excepted: bool,
) -> None:
    server.respond_with(ROWS)
    monkeypatch.setenv("http_proxy", proxy.url)
    monkeypatch.setenv("no_proxy", "127.0.0.1" if excepted else "elsewhere.invalid")
    assert len(run_client(lambda c: c.list_ships())) == 2
    address = f"{server.base_url}/Fleet/query/listShips?format=json"
    assert proxy.requests == ([] if excepted else [address])
    assert len(server.requests) == excepted


@pytest.mark.parametrize("no_proxy", ["127.0.0.0/8", "10.0.0.0/8, 127.0.0.1", "*", "::1,127.0.0.1"])
def test_broken_proxy_does_not_fail_a_request_that_needs_none(
    run_client: "RunClient", server: "Server", monkeypatch: pytest.MonkeyPatch, no_proxy: str
) -> None:
    server.respond_with(ROWS)
    monkeypatch.setenv("ALL_PROXY", BROKEN)
    monkeypatch.setenv("HTTPS_PROXY", "nonsense://[")
    monkeypatch.setenv("NO_PROXY", no_proxy)
    monkeypatch.setenv("SSL_CERT_FILE", MISSING)
    assert len(run_client(lambda c: c.list_ships())) == 2


def test_missing_certificates_fail_only_https(
    run_client: "RunClient", server: "Server", monkeypatch: pytest.MonkeyPatch
) -> None:
    server.respond_with(ROWS)
    monkeypatch.setenv("SSL_CERT_FILE", MISSING)
    assert len(run_client(lambda c: c.list_ships())) == 2
    with pytest.raises(TransportError, match="certificates of the environment") as caught:
        run_client(lambda c: c.list_ships(), base_url="https://127.0.0.1:9/")
    assert "SSL_CERT_FILE" in str(caught.value)


@pytest.mark.parametrize(
    ("proxy_url", "reason"),
    [
        (BROKEN, "socksio"),
        ("gopher://127.0.0.1:9", "gopher"),
        ("http://127.0.0.1:notaport", "port"),
    ],
)
def test_proxy_that_cannot_be_used_is_named(
    run_client: "RunClient",
    server: "Server",
    monkeypatch: pytest.MonkeyPatch,
    proxy_url: str,
    reason: str,
) -> None:
    server.respond_with(ROWS)
    monkeypatch.setenv("ALL_PROXY", proxy_url)
    with pytest.raises(TransportError, match=reason) as caught:
        run_client(lambda c: c.list_ships())
    assert f"through the proxy {proxy_url}" in str(caught.value)
    assert server.requests == []


def test_error_of_a_request_through_a_proxy_names_the_proxy_without_its_password(
    run_client: "RunClient", server: "Server", proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = proxy.url
    monkeypatch.setenv("http_proxy", shown.replace("http://", "http://me:hunter2@"))
    proxy.status = 502
    with pytest.raises(
        HTTPStatusError, match=f"status 502: .*, through the proxy {shown}"
    ) as refused:
        run_client(lambda c: c.list_ships(), retry=ONCE)
    monkeypatch.setenv("https_proxy", shown.replace("http://", "http://me:hunter2@"))
    proxy.status = 407
    with pytest.raises(ConnectError, match=f"through the proxy {shown}") as failed:
        run_client(lambda c: c.list_ships(), base_url="https://server.invalid/v3", retry=ONCE)
    monkeypatch.setenv("http_proxy", "http://me:hunter2@127.0.0.1:9")
    with pytest.raises(ConnectError, match=r"the proxy http://127\.0\.0\.1:9") as no:
        run_client(lambda c: c.list_ships(), retry=ONCE)
    for error in (refused.value, failed.value, no.value):
        assert "hunter2" not in f"{error}{error!r}{vars(error)}{error.__cause__}"
    assert len(proxy.requests) == 2


@pytest.mark.parametrize(
    ("no_proxy", "url", "used"),
    [
        ("", "http://server.invalid/", True),
        ("server.invalid", "http://server.invalid/", False),
        ("server.invalid:8080", "http://server.invalid:8080/", False),
        ("server.invalid:8080", "http://server.invalid/", True),
        ("server.invalid:80", "http://server.invalid/", False),
        (".invalid", "http://a.server.invalid/", False),
        ("invalid", "http://server.invalid/", False),
        ("valid", "http://server.invalid/", True),
        ("*", "http://server.invalid/", False),
        ("10.0.0.0/8", "http://10.20.30.40/", False),
        ("10.0.0.0/8", "http://11.20.30.40/", True),
        ("10.0.0.1/8", "http://10.20.30.40:99/", False),
        ("10.0.0.0/33,nonsense/8,", "http://10.20.30.40/", True),
        ("10.0.0.0/8", "http://10.server.invalid/", True),
        ("fd00::/8", "http://[fd12::1]/", False),
        ("fd00::/8", "http://[fe80::1]/", True),
        ("::1", "http://[::1]:8080/", False),
        ("[::1]", "http://[0:0:0:0:0:0:0:1]/", False),
        ("127.0.0.1", "http://localhost/", True),
    ],
)
def test_no_proxy_names_hosts_domains_and_networks(
    monkeypatch: pytest.MonkeyPatch, no_proxy: str, url: str, used: bool
) -> None:
    monkeypatch.setenv("http_proxy", "proxy.invalid:3128")
    monkeypatch.setenv("no_proxy", no_proxy)
    assert proxy_of(url) == ("http://proxy.invalid:3128" if used else None)


def test_proxy_of_the_scheme_precedes_proxy_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://all.invalid")
    monkeypatch.setenv("https_proxy", "http://tls.invalid")
    assert proxy_of("https://server.invalid/") == "http://tls.invalid"
    assert proxy_of("http://server.invalid/") == "http://all.invalid"
    assert without_credentials("http://me:p@ss@host.invalid:1/x?y") == "http://host.invalid:1"
