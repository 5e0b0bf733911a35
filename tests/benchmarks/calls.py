"""Compares a call with one of httpx: ``python tests/benchmarks/calls.py [CALLS]``.

Both request one row of five values in turn, over one keep-alive connection each, from a
server in a separate process. The table shows the medians of the processor time of a call;
that of httpx includes ``json`` of the body, and the client's returns a typed row. A call of
the client can cost less, since it uses the transport and not ``httpx.Client.send``. The
transport is that of httpx, or urllib3 where the line names it.
"""

import asyncio
import functools
import json
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine
from typing import Any

import attrs
import httpx

ROOT = __file__.rpartition("/tests/")[0]
sys.path.insert(0, f"{ROOT}/templates/client/package")

from _runtime.client import AsyncClientBase, Settings, SyncClient  # noqa: E402
from _runtime.endpoint import Attribute, Parameter, RecordEndpoint  # noqa: E402
from _runtime.http.options import TransportName  # noqa: E402
from _runtime.tables import Rows  # noqa: E402

WANTED = 15.0
BODY = b'[{"SeriesInstanceUID":"1.2.840.1","Modality":"CT","SeriesDate":"1998-12-08","Count":7}]'
RESPONSE = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nmetadata: {}\r\n"
    b"Vendor: none\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)
)
SERVER = """
import socket, sys
listening = socket.socket(fileno=int(sys.argv[1]))
response = bytes.fromhex(sys.argv[2])
while True:
    connection = listening.accept()[0]
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with connection:
        while requests := connection.recv(65536):
            connection.sendall(response * requests.count(b"\\r\\n\\r\\n"))
"""


@attrs.frozen(kw_only=True)
class Series:
    """A row."""

    uid: Any
    modality: Any = None
    day: Any = None
    count: Any = None
    patient: Any = None


ENDPOINT = RecordEndpoint(
    resource="TCIA",
    name="getSeries",
    method="get_series",
    model=Series,
    formats=("CSV", "JSON"),
    parameters=(
        Parameter("Collection", "collection"),
        Parameter("SeriesInstanceUID", "uid", "uid"),
    ),
    attributes=(
        Attribute("SeriesInstanceUID", "uid", "uid", optional=False),
        Attribute("Modality", "modality"),
        Attribute("SeriesDate", "day", "date"),
        Attribute("Count", "count", "integer"),
        Attribute("PatientID", "patient"),
    ),
)
_SETTINGS = Settings(
    package="bench", version="1", base_url="http://h/", environment="BENCH", endpoints=(ENDPOINT,)
)


class Client(SyncClient):
    """A synchronous client, as the generator writes it."""

    _settings = _SETTINGS

    def get_series(self, *, collection: str | None = None, uid: str | None = None) -> Rows[Series]:
        """Query series."""
        return self._calls.rows(
            ENDPOINT, {"Collection": collection, "SeriesInstanceUID": uid}, "json"
        )


class AsyncClient(AsyncClientBase):
    """An asynchronous client, as the generator writes it."""

    _settings = _SETTINGS

    async def get_series(
        self, *, collection: str | None = None, uid: str | None = None
    ) -> Rows[Series]:
        """Query series."""
        return await self._calls.rows(
            ENDPOINT, {"Collection": collection, "SeriesInstanceUID": uid}, "json"
        )


def seconds(work: Callable[[], Any]) -> float:
    """Return the processor time of one call in seconds."""
    started = time.process_time()
    work()
    return time.process_time() - started


async def seconds_async(work: Callable[[], Coroutine[Any, Any, Any]]) -> float:
    """Return the processor time of one asynchronous call in seconds."""
    started = time.process_time()
    await work()
    return time.process_time() - started


def print_line(name: str, rival: list[float], ours: list[float]) -> None:
    """Print a line of the table."""
    other, mine = statistics.median(rival) * 1e6, statistics.median(ours) * 1e6
    print(f"{name:16}{other:12.1f}{mine:12.1f}{mine - other:10.1f}{WANTED:10.1f}")


async def measure_async(base_url: str, url: str, calls: int) -> None:
    """Time asynchronous calls."""
    async with httpx.AsyncClient() as plain, AsyncClient(base_url=base_url) as own:

        async def raw() -> Any:
            return json.loads((await plain.get(url)).content)

        async def call() -> Any:
            return await own.get_series(collection="TCGA-GBM")

        await raw()
        await call()
        rival, ours = [], []
        for _ in range(calls):
            rival.append(await seconds_async(raw))
            ours.append(await seconds_async(call))
    print_line("async", rival, ours)


def measure(base_url: str, url: str, calls: int, transport: TransportName = "urllib3") -> None:
    """Time synchronous calls."""
    with httpx.Client() as plain, Client(base_url=base_url, transport=transport) as own:

        def raw() -> Any:
            return json.loads(plain.get(url).content)

        def call() -> Any:
            return own.get_series(collection="TCGA-GBM")

        if len(raw()) != len(call()):
            raise SystemExit("not the same rows")
        rival, ours = [], []
        for _ in range(calls):
            rival.append(seconds(raw))
            ours.append(seconds(call))
    print_line(f"sync, {transport}", rival, ours)


def main(calls: int) -> None:
    """Print the table."""
    print(f"{'us a call':16}{'httpx':>12}{'ours':>12}{'over':>10}{'wanted':>10}")
    ways: list[Callable[[str, str, int], None]] = [
        functools.partial(measure, transport="httpx"),
        measure,
        lambda *arguments: asyncio.run(measure_async(*arguments)),
    ]
    for way in ways:
        with socket.create_server(("127.0.0.1", 0), backlog=8) as listening:
            base_url = f"http://127.0.0.1:{listening.getsockname()[1]}/v3"
            url = f"{base_url}/TCIA/query/getSeries?Collection=TCGA-GBM&format=json"
            command = [sys.executable, "-c", SERVER, str(listening.fileno()), RESPONSE.hex()]
            # One process for each connection: a process serves the one that it has accepted.
            servers = [subprocess.Popen(command, pass_fds=[listening.fileno()]) for _ in range(2)]
            try:
                way(base_url, url, calls)
            finally:
                for server in servers:
                    server.kill()
                    server.wait()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3000)
