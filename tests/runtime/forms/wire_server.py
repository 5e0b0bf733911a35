"""A server that sends the bytes of a script, and names that tests of transports share."""

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


def http_response(body: bytes = ROWS, *headers: bytes) -> bytes:
    lines = [b"HTTP/1.1 200 OK", *(headers or (b"Content-Length: %d" % len(body),)), b"", body]
    return b"\r\n".join(lines)


@contextmanager
def scripted_server() -> Iterator[SimpleNamespace]:
    """Yield a server that sends one response of its script per request of a connection.

    A response that ends in ``None`` closes the connection. ``ended`` is set after a close.
    """
    state = SimpleNamespace(script=[], ended=threading.Event(), requests=[])
    listening = socket.create_server(("127.0.0.1", 0))
    state.base_url = f"http://127.0.0.1:{listening.getsockname()[1]}/v3"

    def serve(connection: socket.socket) -> None:
        with connection:
            while True:
                try:
                    request = connection.recv(65536)
                except OSError:
                    request = b""
                if not request:
                    state.ended.set()
                    return
                state.requests.append(request)
                response = state.script.pop(0) if len(state.script) > 1 else state.script[0]
                for chunk in response if isinstance(response, tuple) else (response,):
                    if chunk is None:
                        connection.close()
                        state.ended.set()
                        return
                    connection.sendall(chunk)

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
