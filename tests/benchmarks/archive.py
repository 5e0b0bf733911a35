"""Measures the archive's rate of small queries: ``python tests/benchmarks/archive.py``.

The rival is the plain way to write such a server: Starlette's router, a new SQLite
connection for each request, and StreamingResponse over a generator in a thread. It serves
the same queries from the same catalog with the same headers. Both servers run at the same
time, and rounds alternate; the numbers are medians, the ratio is that of the medians.
"""

import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from tciagen.archive.catalog import open_for_reading, open_for_writing
from tciagen.archive.running import running_archive
from tciagen.archive.testing.synthetic import synthesize

SERIES = 2000
CONNECTIONS = 4
QUERIES = 400
ROUNDS = 9
WANTED = 1.5
END = b"\r\n0\r\n\r\n"


def main() -> int:
    """Print queries a second of both servers; return 1 if the ratio is below the limit."""
    with tempfile.TemporaryDirectory() as folder:
        catalog = Path(folder) / "catalog.sqlite"
        with closing(open_for_writing(catalog)) as connection:
            synthesize(connection, SERIES, seed=7)
            rows = connection.execute("SELECT series_uid FROM series ORDER BY series_uid LIMIT 50")
            uids = [row[0] for row in rows]
        targets = [f"/TCIA/query/getSeries?SeriesInstanceUID={uid}" for uid in uids]
        with running_archive(catalog) as archive, rival(catalog) as bare:
            urls = {"archive": archive.base_url, "bare": bare}
            first = {name: responses(url, targets[:1]) for name, url in urls.items()}
            assert first["archive"] == first["bare"], first
            rates: dict[str, list[float]] = {name: [] for name in urls}
            for number in range(2 * ROUNDS):
                name = list(urls)[number % 2]
                rates[name].append(rate(urls[name], targets))
    medians = {name: statistics.median(values[1:]) for name, values in rates.items()}
    ratio = medians["archive"] / medians["bare"]
    for name, median in medians.items():
        print(f"{name:8} {median:7.0f} small queries/s")
    print(f"ratio    {ratio:7.2f} (wanted: at least {WANTED})")
    return int(ratio < WANTED)


def rate(base_url: str, targets: list[str]) -> float:
    """Send the queries over some connections at once, and return queries a second."""
    sequence = [targets[n % len(targets)] for n in range(QUERIES)]
    threads = [
        threading.Thread(target=responses, args=(base_url, sequence[n::CONNECTIONS]))
        for n in range(CONNECTIONS)
    ]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return QUERIES / (time.perf_counter() - start)


def responses(base_url: str, targets: list[str]) -> list[bytes]:
    """Send queries over one connection, one after the other, and return the bodies."""
    url = urlsplit(base_url)
    bodies = []
    with socket.create_connection((url.hostname, url.port)) as connection:
        for target in targets:
            request = f"GET {url.path}{target} HTTP/1.1\r\nHost: {url.netloc}\r\n\r\n"
            connection.sendall(request.encode())
            received = b""
            while not received.endswith(END):
                block = connection.recv(65536)
                assert block, received
                received += block
            head, _, body = received.partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 "), head
            bodies.append(body)
    return bodies


@contextmanager
def rival(catalog: Path) -> Iterator[str]:
    """Run the plain server in a separate process."""
    command = [sys.executable, __file__, str(catalog)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def serve_rival(catalog: Path) -> None:
    """Serve getSeries by the plain way until a signal ends the process."""
    import json  # noqa: PLC0415 - only the rival uses it

    import uvicorn  # noqa: PLC0415
    from starlette.applications import Starlette  # noqa: PLC0415
    from starlette.concurrency import run_in_threadpool  # noqa: PLC0415
    from starlette.requests import Request  # noqa: PLC0415
    from starlette.responses import StreamingResponse  # noqa: PLC0415
    from starlette.routing import Route  # noqa: PLC0415

    from tciagen.archive import formats, queries  # noqa: PLC0415

    endpoint = queries.endpoints()["TCIA/query/getSeries"]
    layout = formats.LAYOUTS["JSON"]
    document = json.dumps(endpoint.document, separators=(",", ":"))

    def query(values: dict[str, str]) -> StreamingResponse:
        connection = open_for_reading(catalog)
        rows = connection.execute(*endpoint.select(layout.row(endpoint.columns), values))

        def body() -> Iterator[bytes]:
            with closing(connection):
                batch = formats.first_batch(rows)
                yield from formats.stream(layout, endpoint.columns, batch, rows)

        headers = {"Content-Type": layout.media_type, "metadata": document}
        return StreamingResponse(body(), headers=headers)

    async def respond(request: Request) -> StreamingResponse:
        return await run_in_threadpool(query, dict(request.query_params))

    # With the protocol named, asyncio sets TCP_NODELAY; without it each response takes 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    print(f"http://127.0.0.1:{listener.getsockname()[1]}/services/v3", flush=True)
    app = Starlette(routes=[Route("/services/v3/TCIA/query/getSeries", respond)])
    config = uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off")
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    if len(sys.argv) > 1:
        serve_rival(Path(sys.argv[1]))
        sys.exit(0)
    sys.exit(main())
