"""Measures the rate of small downloads from a server with latency.

Run: python tests/benchmarks/latency.py [ROUNDS]

The server, in a separate process, waits 0.2 seconds before each response, as a distant one
does. With N workers, no client can make more than N / 0.2 downloads a second. The ratio is the
measured rate to this bound.
"""

import asyncio
import io
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

HERE = Path(__file__).parent
PACKAGE = HERE.parents[1] / "templates" / "client" / "package"
sys.path[:0] = [str(PACKAGE), str(HERE.parent / "files"), str(HERE.parents[1])]

LATENCY = 0.2
DOWNLOADS = 320


def main(rounds: int) -> int:
    """Print the table; return 1 if a ratio is below its limit."""
    command = [sys.executable, __file__, "--serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        base_url = server.stdout.readline().strip()
        try:
            print(
                f"{'workers':>8}{'client':>8}{'downloads/s':>13}{'bound':>8}{'ratio':>7}{'wanted':>8}"
            )
            missed = [
                row(base_url, workers, wanted, kind, rounds)
                for kind, wanted in (("sync", 0.7), ("async", 0.4))
                for workers in (8, 32)
            ]
        finally:
            server.terminate()
    return int(any(missed))


def row(base_url: str, workers: int, wanted: float, kind: str, rounds: int) -> bool:
    """Measure one number of workers; return whether the ratio is too low."""
    count = DOWNLOADS * workers // 32
    bound = workers / LATENCY
    rate = statistics.median(count / seconds(base_url, workers, kind, count) for _ in range(rounds))
    ratio = rate / bound
    print(f"{workers:8}{kind:>8}{rate:13.1f}{bound:8.0f}{ratio:7.2f}{wanted:8.1f}")
    return ratio < wanted


def seconds(base_url: str, workers: int, kind: str, count: int) -> float:
    """Return the seconds of the downloads with a new client."""
    from files_client import AsyncClient, Client  # noqa: PLC0415 - sys.path is set above

    items = [{"vessel_id": f"V-{number}"} for number in range(count)]

    async def awaited(folder: str) -> None:
        async with AsyncClient(base_url=base_url) as client:
            await client.download_plans(folder, items, workers=workers)

    with tempfile.TemporaryDirectory(prefix="latency-") as folder:
        start = time.perf_counter()
        if kind == "async":
            asyncio.run(awaited(folder))
        else:
            with Client(base_url=base_url) as client:
                client.download_plans(folder, items, workers=workers)
        return time.perf_counter() - start


async def serve() -> None:
    """Respond to every request with a small file, after the latency."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("plan.txt", "a plan")
    body = buffer.getvalue()
    response = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                await asyncio.sleep(LATENCY)
                writer.write(response)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(respond, "127.0.0.1", 0, backlog=256)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v3", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        asyncio.run(serve())
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 3))
