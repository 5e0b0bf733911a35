"""The crawl, against a real server that can misbehave in each way that servers do."""

import json
import random
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import attrs
import pytest

from tciagen import crawl as crawling
from tciagen.crawl import crawl, write_documents
from tciagen.documents.folder import document_path, read_folder
from tciagen.documents.parsing import JsonObject
from tciagen.errors import DocumentProblem, ServerProblem, UsageProblem
from tciagen.http import open_client

Run = Callable[..., Any]
ADDRESSES = ["Crew/query/listCrew", "Crew/query/listSailors", "Fleet/query/listVessels"]


@attrs.define
class Server:
    """Serves scripted responses for each path; the last one is repeated."""

    base_url: str
    script: dict[str, list[tuple[int, bytes, dict[str, str]]]]
    requests: list[str] = attrs.field(factory=list)
    at_once: int = 0
    most_at_once: int = 0
    pair: threading.Barrier | None = None

    def respond(self, address: str, *responses: tuple[int, bytes | str]) -> None:
        path = f"/api/{address}/metadata"
        self.script[path] = [
            (status, body.encode() if isinstance(body, str) else body, {})
            for status, body in responses
        ]


@pytest.fixture
def server(fleet_folder: Path) -> Iterator[Server]:
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            with lock:
                state.requests.append(self.path)
                state.at_once += 1
                state.most_at_once = max(state.most_at_once, state.at_once)
                responses = state.script.get(self.path, [(404, b"", {})])
                status, body, headers = responses.pop(0) if len(responses) > 1 else responses[0]
            if state.pair is not None:
                state.pair.wait(20)
            if status == 0:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
            else:
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)
            with lock:
                state.at_once -= 1

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state = Server(f"http://127.0.0.1:{httpd.server_port}/api", {})
    for address, document in read_folder(fleet_folder / "documents").items():
        state.respond(address, (200, json.dumps(document)))
    thread = threading.Thread(target=httpd.serve_forever)
    thread.start()
    yield state
    httpd.shutdown()
    thread.join()
    httpd.server_close()


@pytest.fixture(autouse=True)
def quick_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "uniform", lambda _low, _high: 0.001)


def reasons(server: Server, *addresses: str) -> Mapping[str, tuple[str, str]]:
    failures = crawl(server.base_url, addresses or ADDRESSES).failures
    return {f.address: (f.rule, f.reason.replace(server.base_url, "URL")) for f in failures}


def test_crawl_returns_the_documents_of_the_server(server: Server, fleet_folder: Path) -> None:
    result = crawl(server.base_url, ADDRESSES)
    committed = read_folder(fleet_folder / "documents")
    assert result.documents == {a: committed[a] for a in ADDRESSES}
    result.require_complete()


def test_crawl_requests_are_concurrent_up_to_the_limit(server: Server) -> None:
    server.pair = threading.Barrier(2)
    many = [f"Fleet/query/e{i}" for i in range(30)]
    crawl(server.base_url, many)
    assert 1 < server.most_at_once <= crawling.CONCURRENCY
    assert sorted(server.requests) == sorted(f"/api/{a}/metadata" for a in many)


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_crawl_transient_status_is_retried(server: Server, status: int) -> None:
    good = server.script[f"/api/{ADDRESSES[0]}/metadata"][0][1]
    server.respond(ADDRESSES[0], (status, "<html>busy</html>"), (200, good))
    assert reasons(server) == {}
    assert server.requests.count(f"/api/{ADDRESSES[0]}/metadata") == 2


@pytest.mark.parametrize(
    "headers",
    [
        {"Retry-After": "\u00b2"},
        {"Retry-After": "-1"},
        {"Retry-After": "soon"},
        {"Retry-After": ""},
        {"Set-Cookie": "name=\u00e9; Path=/"},
    ],
)
def test_crawl_odd_headers_lose_no_document(server: Server, headers: dict[str, str]) -> None:
    path = f"/api/{ADDRESSES[0]}/metadata"
    good = server.script[path][0]
    server.script[path] = [(503, b"", headers), good]
    result = crawl(server.base_url, ADDRESSES)
    result.require_complete()
    assert set(result.documents) == set(ADDRESSES)


@pytest.mark.parametrize("location", ["http://xn--a/", "http://a..b/", "//xn--a", "http://[", "/%"])
def test_crawl_redirect_to_an_invalid_address_loses_no_other_document(
    server: Server, location: str
) -> None:
    path = f"/api/{ADDRESSES[0]}/metadata"
    server.script[path] = [(302, b"", {"Location": location})]
    result = crawl(server.base_url, ADDRESSES)
    assert set(result.documents) == set(ADDRESSES[1:])
    assert [failure.address for failure in result.failures] == [ADDRESSES[0]]


@pytest.mark.parametrize("host", ["xn--a", "a..b", f"{'a' * 64}.example"])
def test_invalid_host_of_a_base_url_is_a_failure_of_each_endpoint(host: str) -> None:
    result = crawl(f"http://{host}/api", ADDRESSES)
    assert [failure.address for failure in result.failures] == ADDRESSES


@pytest.mark.parametrize(
    ("variable", "value", "scheme"),
    [
        ("ALL_PROXY", "socks5://127.0.0.1:9", "http"),
        ("HTTP_PROXY", "junk://x", "http"),
        ("SSL_CERT_FILE", "/nowhere/ca.pem", "https"),
    ],
)
def test_environment_that_cannot_be_used_is_reported_in_one_sentence(
    server: Server, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, scheme: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(UsageProblem, match="of the environment cannot be used"):
        crawl(server.base_url.replace("http", scheme, 1), ADDRESSES)


@pytest.mark.parametrize("no_proxy", ["127.0.0.0/8", "elsewhere.invalid, 127.0.0.1", "*"])
def test_crawl_needs_no_proxy_and_no_certificates_that_its_server_does_not_need(
    server: Server, monkeypatch: pytest.MonkeyPatch, no_proxy: str
) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9")
    monkeypatch.setenv("HTTPS_PROXY", "junk://x")
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/ca.pem")
    monkeypatch.setenv("NO_PROXY", no_proxy)
    crawl(server.base_url, ADDRESSES).require_complete()
    with open_client(server.base_url, None) as client:  # that of `check --live`
        assert client.get(f"{server.base_url}/{ADDRESSES[0]}/metadata").status_code == 200


def test_crawl_error_names_the_proxy_without_its_password(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://me:hunter2@127.0.0.1:9")
    for rule, reason in reasons(server).values():
        assert rule == "endpoint-unreachable"
        assert "is unreachable through the proxy http://127.0.0.1:9: " in reason
        assert "hunter2" not in reason
    assert server.requests == []


def test_crawl_broken_connection_is_retried(server: Server) -> None:
    good = server.script[f"/api/{ADDRESSES[0]}/metadata"][0][1]
    server.respond(ADDRESSES[0], (0, ""), (0, ""), (200, good))
    assert reasons(server) == {}


@pytest.mark.parametrize("status", [401, 404, 500])
def test_crawl_permanent_status_is_not_retried(server: Server, status: int) -> None:
    server.respond(ADDRESSES[0], (status, "no"))
    reported = reasons(server)
    rule, reason = reported[ADDRESSES[0]]
    assert rule == "endpoint-unreachable"
    assert reason.startswith(f"URL/{ADDRESSES[0]}/metadata responded with status {status}.")
    assert server.requests.count(f"/api/{ADDRESSES[0]}/metadata") == 1


@pytest.mark.parametrize(
    ("body", "rule", "reason"),
    [
        ("<html>", "document-unreadable", "its metadata cannot be read: line 1, column 1"),
        ("{}", "document-empty", "/: found {}, expected a document"),
        ('{"QueryName": "x"}', "document-invalid", "/: found no member"),
        (b" " * 4_200_000, "document-unreadable", "its metadata is larger than 4,194,304 bytes"),
    ],
)
def test_crawl_response_without_document_is_reported(
    server: Server, body: str | bytes, rule: str, reason: str
) -> None:
    server.respond(ADDRESSES[0], (200, body))
    told_rule, told_reason = reasons(server)[ADDRESSES[0]]
    assert told_rule == rule
    assert told_reason.startswith(reason)


def test_crawl_failures_of_all_endpoints_are_reported_together(server: Server) -> None:
    server.respond(ADDRESSES[0], (404, ""))
    server.respond(ADDRESSES[2], (200, "{}"))
    with pytest.raises(ServerProblem) as caught:
        crawl(server.base_url, ADDRESSES).require_complete()
    lines = str(caught.value).splitlines()
    assert [line.split(":")[0] for line in lines[:2]] == [ADDRESSES[0], ADDRESSES[2]]
    assert lines[2].startswith("1 of 3 documents are valid")


def test_crawl_of_only_invalid_documents_raises_document_problem(server: Server) -> None:
    server.respond(ADDRESSES[0], (200, "{}"))
    with pytest.raises(DocumentProblem):
        crawl(server.base_url, ADDRESSES).require_complete()


def test_crawl_invalid_response_never_replaces_a_valid_document(
    server: Server, tmp_path: Path, tciagen: Run
) -> None:
    arguments = ["crawl", "--base-url", server.base_url, "--documents", tmp_path / "docs"]
    arguments += [x for a in ADDRESSES for x in ("--endpoint", a.replace("/query/", "/"))]
    first = tciagen(*arguments)
    assert (first.returncode, first.stderr) == (0, "")
    assert "3 written, 0 unchanged" in first.stdout
    place = document_path(tmp_path / "docs", ADDRESSES[0])
    before = place.read_bytes()

    server.respond(ADDRESSES[0], (200, "{}"))
    changed = json.loads(server.script[f"/api/{ADDRESSES[1]}/metadata"][0][1])
    changed["Description"] = "Other words."
    server.respond(ADDRESSES[1], (200, json.dumps(changed)))
    second = tciagen(*arguments)
    assert second.returncode == 3
    assert second.stderr.startswith(f"tciagen: error: {ADDRESSES[0]}: /: found {{}}")
    assert place.read_bytes() == before
    assert read_folder(tmp_path / "docs")[ADDRESSES[1]]["Description"] == "Other words."

    server.respond(ADDRESSES[0], (404, ""))
    third = tciagen(*arguments)
    assert third.returncode == 4
    assert place.read_bytes() == before


def test_write_documents_unchanged_files_are_not_written(
    tmp_path: Path, fleet_folder: Path
) -> None:
    documents: Mapping[str, JsonObject] = read_folder(fleet_folder / "documents")
    assert sorted(write_documents(documents, tmp_path)) == sorted(documents)
    before = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.json")}
    assert write_documents(documents, tmp_path) == []
    assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.json")} == before


def test_crawl_unreachable_server_is_exit_status_4(tciagen: Run, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    done = tciagen("crawl", "--base-url", url, "--endpoint", "A/b", "--documents", tmp_path)
    assert done.returncode == 4
    first, second = done.stderr.splitlines()
    assert first.startswith(f"tciagen: error: A/query/b: {url}/A/query/b/metadata is unreachable")
    assert second.startswith("tciagen: error: 0 of 1 documents are valid")


@pytest.mark.parametrize("url", ["", "x", "ftp://x", "http://", "http://x/?q", "http://x:99999999"])
def test_crawl_invalid_base_url_is_refused(url: str) -> None:
    with pytest.raises(UsageProblem, match="is not a BaseURL"):
        crawl(url, ADDRESSES)


def test_crawl_module_import_loads_no_formatter_and_no_templates() -> None:
    heavy = "{'black', 'jinja2', 'tciagen.render'}"
    code = f"import sys, tciagen.crawl; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
