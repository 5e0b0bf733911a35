"""Clients in forked processes: they share no connection."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")

SCRIPT = """
import os, sys
import httpx
from tests.runtime.conftest import Client
base_url, kind = sys.argv[1:]
options = {
    "given": lambda: {"http_client": httpx.Client()},
    "own": dict,
}[kind]()
client = Client(base_url=base_url, **options)
client.list_ships(ship_uid="1.1")
read, write = os.pipe()
child = os.fork()
try:
    uids = [f"1.{os.getpid()}.{n}" for n in range(1, 40)]
    received = [client.list_ships(ship_uid=uid)[0].ship_uid for uid in uids]
    result = "equal" if received == uids else f"requested {uids}, received {received}"
except RuntimeError as error:
    result = str(error)
client.close()
if child == 0:
    os.write(write, result.encode())
    os._exit(0)
os.waitpid(child, 0)
print(result)
print(os.read(read, 10000).decode())
"""


@pytest.fixture
def echo() -> Iterator[str]:
    """A server that returns a row with the requested UID."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            (uid,) = parse_qs(urlsplit(self.path).query)["ShipUID"]
            body = json.dumps([{"ShipUID": uid}]).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        http.daemon_threads = True
        thread = threading.Thread(target=http.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}/v3"
        http.shutdown()
        thread.join()


def outputs(root: Path, echo: str, kind: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, echo, kind],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout.splitlines()


def test_client_after_fork_opens_connections_of_each_process(root: Path, echo: str) -> None:
    assert outputs(root, echo, "own") == ["equal", "equal"]


def test_client_with_http_client_after_fork_raises_in_the_child(root: Path, echo: str) -> None:
    parent, child = outputs(root, echo, "given")
    assert parent == "equal"
    assert child.endswith("make a client in each process")
