"""Connections of the synchronous client: reuse, closing and errors."""

import socket
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from _runtime.errors import (
    HTTPStatusError,
    IncompleteResponseError,
    TransportError,
)
from _runtime.http import transport_urllib3 as over_urllib3

if TYPE_CHECKING:
    from tests.runtime.conftest import Runtime, Server

from wire_server import BOTH, ONCE, OVER_URLLIB3, ROWS, http_response


@BOTH
def test_response_closed_early_does_not_affect_the_next_one(
    below: str, rt: "Runtime", wire: SimpleNamespace
) -> None:
    many = b"[" + b",".join([ROWS[1:-1]] * 20_000) + b"]"
    wire.script = [http_response(many), http_response(b"[]")]
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
    server.respond_with(rt.Reply(ROWS * 9, chunks=2, hold=hold))
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
    wire.script = [http_response(ROWS[:45], b"Content-Length: 500")]
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
    wire.script = [(http_response(), None)]
    with rt.Client(base_url=wire.base_url, retry=ONCE) as client:
        for _ in range(5):
            assert len(client.list_ships()) == 2
            assert wire.ended.wait(20)
            wire.ended.clear()


@OVER_URLLIB3
def test_connection_idle_for_long_is_not_reused(
    below: str, rt: "Runtime", server: "Server", monkeypatch: pytest.MonkeyPatch
) -> None:
    server.respond_with(ROWS)
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
    server.respond_with(there)
    other_server.respond_with(ROWS)
    with rt.Client(base_url=server.base_url, retry=ONCE) as client:
        for _ in range(3):
            assert len(client.list_ships()) == 2
    assert other_server.connections == 3, "each one was given up for the next host"


@BOTH
def test_error_frees_its_connection(below: str, rt: "Runtime", server: "Server") -> None:
    server.respond_with(rt.Reply(b"no", 404))
    with rt.Client(base_url=server.base_url, max_connections=1, retry=ONCE) as client:
        for _ in range(3):
            with pytest.raises(HTTPStatusError):
                client.list_ships()
    assert server.connections == 1


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
@BOTH
@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is not sent to one process there")
def test_ctrl_c_within_a_response_leaves_no_socket_open(
    below: str, rt: "Runtime", server: "Server"
) -> None:
    server.respond_with(rt.Reply(ROWS * 9, chunks=2, hold=(hold := threading.Event())))
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
