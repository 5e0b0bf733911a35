"""A client in a process that was forked from its own: nothing of a connection is shared."""

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
from pathlib import Path
import httpx
from tests.runtime.conftest import Client
from _runtime.options import Cache
base_url, kind, folder = sys.argv[1:]
options = {
    "cached": lambda: {"cache": Cache(folder=Path(folder), lifetime=60)},
    "given": lambda: {"http_client": httpx.Client()},
    "own": dict,
}[kind]()
client = Client(base_url=base_url, **options)
client.list_ships(ship_uid="1.1")
read, write = os.pipe()
child = os.fork()
try:
    asked = [f"1.{os.getpid()}.{n}" for n in range(1, 40)]
    got = [client.list_ships(ship_uid=uid)[0].ship_uid for uid in asked]
    said = "its own" if got == asked else f"asked {asked}, got {got}"
except RuntimeError as error:
    said = str(error)
client.close()
if child == 0:
    os.write(write, said.encode())
    os._exit(0)
os.waitpid(child, 0)
print(said)
print(os.read(read, 10000).decode())
"""


@pytest.fixture
def echo() -> Iterator[str]:
    """A server whose answer is what was asked for."""

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


def said(root: Path, echo: str, kind: str, folder: Path) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, echo, kind, str(folder)],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout.splitlines()


@pytest.mark.parametrize("kind", ["own", "cached"])
def test_parent_and_child_get_each_their_own_answers(
    root: Path, echo: str, tmp_path: Path, kind: str
) -> None:
    assert said(root, echo, kind, tmp_path) == ["its own", "its own"]


def test_a_client_of_the_callers_own_stays_with_the_parent(
    root: Path, echo: str, tmp_path: Path
) -> None:
    parent, child = said(root, echo, "given", tmp_path)
    assert parent == "its own"
    assert child.endswith("make a client in each process")
