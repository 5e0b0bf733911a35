"""A server that says whatever bytes its script has, and what the tests of transports share."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from _runtime.http.retry import Retry

ROWS = b'[{"ShipUID":"1.2.3","ShipName":"Fram"},{"ShipUID":"1.2.4"}]'
ONCE = Retry(attempts=1)
OVER_URLLIB3 = pytest.mark.parametrize("below", ["urllib3"], indirect=True)
BOTH = pytest.mark.parametrize("below", ["urllib3", "httpx"], indirect=True)


def answer(body: bytes = ROWS, *headers: bytes) -> bytes:
    lines = [b"HTTP/1.1 200 OK", *(headers or (b"Content-Length: %d" % len(body),)), b"", body]
    return b"\r\n".join(lines)


@contextmanager
def said_by_script() -> Iterator[SimpleNamespace]:
    """A server that says the bytes of its script, one answer a request, on each connection.

    What ends in ``None`` closes the connection after it; ``ended`` tells that one is closed.
    """
    state = SimpleNamespace(script=[], ended=threading.Event(), asked=[])
    listening = socket.create_server(("127.0.0.1", 0))
    state.base_url = f"http://127.0.0.1:{listening.getsockname()[1]}/v3"

    def serve(connection: socket.socket) -> None:
        with connection:
            while True:
                try:
                    asked = connection.recv(65536)
                except OSError:
                    asked = b""
                if not asked:
                    state.ended.set()
                    return
                state.asked.append(asked)
                said = state.script.pop(0) if len(state.script) > 1 else state.script[0]
                for piece in said if isinstance(said, tuple) else (said,):
                    if piece is None:
                        connection.close()
                        state.ended.set()
                        return
                    connection.sendall(piece)

    def accept() -> None:
        while True:
            try:
                connection = listening.accept()[0]
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept)
    thread.start()
    yield state
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()
    thread.join()
