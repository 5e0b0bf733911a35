"""Requests of browsers, proxies and probes: CORS, preflights, targets, the BaseURL."""

import re
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest
from tests.archive.conftest import Caller

from tciagen.archive.demo import DemoArchive
from tciagen.archive.documents import full_documents
from tciagen.archive.running import RunningArchive, running_archive

EXPOSED = (
    "metadata",
    "imagecount",
    "content-disposition",
    "etag",
    "content-range",
    "accept-ranges",
    "responsetime",
    "bindaas-version",
)
PREFLIGHT = {
    "Origin": "https://example.org",
    "Access-Control-Request-Method": "GET",
    "Access-Control-Request-Headers": "api_key,x-other",
}


@pytest.fixture(scope="module")
def locked(demo: DemoArchive) -> Iterator[str]:
    """The BaseURL of a server that requires a key and fails one endpoint."""
    options = ["--api-key", "s3cret", "--fault", "getPatient:status-503@99"]
    with running_archive(demo.catalog, options=options) as running:
        yield running.base_url


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "", {}, 200),
        ("GET", "/TCIA/query/getSeries", {}, 401),
        ("GET", "/TCIA/query/getSeries/metadata", {}, 401),
        ("GET", "/schema", {}, 401),
        ("GET", "/schema", {"api_key": "s3cret"}, 200),
        ("GET", "/nothing", {"api_key": "s3cret"}, 404),
        ("GET", "/TCIA/query/getNothing", {"api_key": "s3cret"}, 500),
        ("GET", "/TCIA/query/getSeriesSize", {"api_key": "s3cret"}, 471),
        ("GET", "/TCIA/query/getModalityValues", {"api_key": "s3cret"}, 200),
        ("GET", "/TCIA/query/getPatient", {"api_key": "s3cret"}, 503),
        ("POST", "/TCIA/query/getSeries", {"Content-Type": "text/plain"}, 415),
        ("PUT", "/TCIA/query/getSeries", {}, 405),
        ("OPTIONS", "/TCIA/query/getSeries", PREFLIGHT, 204),
    ],
)
def test_every_response_has_the_cors_headers(
    locked: str, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    response = httpx.request(method, locked + path, headers=headers)
    assert response.status_code == status
    assert response.headers.get_list("access-control-allow-origin") == ["*"]
    exposed = response.headers["access-control-expose-headers"].lower().split(", ")
    assert set(EXPOSED) <= set(exposed)


def test_response_outside_the_base_path_has_the_cors_headers(call: Caller) -> None:
    origin = call.base_url.removesuffix("/services/v3")
    response = call.http.get(origin + "/favicon.ico")
    assert response.status_code == 404
    assert response.headers["access-control-allow-origin"] == "*"


def test_preflight_allows_methods_and_headers_without_a_key(locked: str) -> None:
    response = httpx.options(f"{locked}/TCIA/query/getSeries", headers=PREFLIGHT)
    assert (response.status_code, response.content) == (204, b"")
    assert response.headers["access-control-allow-methods"] == "GET, HEAD, POST, OPTIONS"
    assert response.headers["access-control-allow-headers"] == "api_key,x-other"


def test_options_and_405_list_the_methods(call: Caller) -> None:
    url = f"{call.base_url}/TCIA/query/getSeries"
    for method, status in (("OPTIONS", 204), ("PUT", 405), ("DELETE", 405), ("FROB", 405)):
        response = call.http.request(method, url)
        assert response.status_code == status
        assert response.headers["allow"] == "GET, HEAD, POST, OPTIONS"


@pytest.mark.parametrize(
    "name", ["getSeries", "getPatient/metadata", "getNothing", "getSeriesSize"]
)
def test_head_has_the_status_and_headers_of_get_and_no_body(call: Caller, name: str) -> None:
    url = f"{call.base_url}/TCIA/query/{name}"
    head, get = call.http.head(url), call.http.get(url)
    assert (head.status_code, head.content) == (get.status_code, b"")
    for header in ("content-type", "metadata", "content-length", "transfer-encoding"):
        assert head.headers.get(header) == get.headers.get(header)


def raw_response(base_url: str, request: str) -> bytes:
    """Send a request unchanged; return all bytes until the server closes."""
    url = urlsplit(base_url)
    with socket.create_connection((url.hostname, url.port), timeout=30) as connection:
        connection.sendall(request.replace("\n", "\r\n").encode())
        received = b""
        while block := connection.recv(65536):
            received += block
    return received


@pytest.mark.parametrize("target", ["http://example.org", "HTTP://[::1]:1", "https://u@h:443"])
def test_absolute_form_of_a_target_is_its_path(served: RunningArchive, target: str) -> None:
    path = "/services/v3/TCIA/query/getPatient?PatientID=PET-7"
    headers = "Host: x\nConnection: close\n\n"
    origin_form = raw_response(served.base_url, f"GET {path} HTTP/1.1\n{headers}")
    absolute = raw_response(served.base_url, f"GET {target}{path} HTTP/1.1\n{headers}")
    assert b"PET-7" in absolute
    assert absolute.partition(b"\r\n\r\n")[2] == origin_form.partition(b"\r\n\r\n")[2]
    assert raw_response(served.base_url, f"GET {target} HTTP/1.1\n{headers}").startswith(
        b"HTTP/1.1 404 "
    )


def test_websocket_upgrade_is_ignored_without_a_log_record(demo: DemoArchive) -> None:
    request = (
        "GET /services/v3/TCIA/query/getModalityValues HTTP/1.1\nHost: x\n"
        "Connection: Upgrade, close\nUpgrade: websocket\nSec-WebSocket-Version: 13\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n\n"
    )
    with running_archive(demo.catalog) as running:
        response = raw_response(running.base_url, request)
        log = running.log.read_text()
    assert response.startswith(b"HTTP/1.1 200 ")
    assert len(log.splitlines()) == 1
    assert "getModalityValues" in log


@pytest.mark.parametrize("path", ["", "/"])
def test_base_url_shows_the_endpoints_in_a_browser(call: Caller, path: str) -> None:
    response = call.http.get(call.base_url + path)
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html"
    for address in full_documents():
        assert f'href="/services/v3/{address}/metadata"' in response.text
    links = re.findall(r'href="([^"]+)"', response.text)
    assert len(links) > len(full_documents())
    origin = call.base_url.removesuffix("/services/v3")
    for link in links:
        assert call.http.get(origin + link).status_code == 200


def test_page_at_the_base_url_escapes_an_untrusted_contract(
    demo: DemoArchive, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("contract") / "TCIA"
    folder.mkdir()
    (folder / "getSeries.json").write_text(
        '{"Parameters": [{"Name": "<script>alert(1)</script>"}], "Result": {}}'
    )
    with running_archive(demo.catalog, options=["--contract", str(folder.parent)]) as running:
        page = httpx.get(running.base_url).text
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)" in page
