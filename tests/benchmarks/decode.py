"""Measures the decoding of responses: ``python tests/benchmarks/decode.py [ROWS]``.

Each method runs in separate processes, in turn with ``orjson.loads`` of the same rows to
dicts. The table shows the medians of both, and the median of the ratios of each two runs,
because the machine may be slower a second later. In a common process, each method would
pay for the memory that another leaves in the allocator, up to a third of its time. Each
method has several processes, since the layout of code and data in memory changes the time
by a tenth. All methods must return the same rows before they are timed. Memory is that of
a separate, single run: the peak of Python's allocations, as a ratio to that of the dicts.
"""

import csv
import gc
import json
import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import closing
from operator import truediv
from pathlib import Path
from typing import Any

import orjson

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "generated" / "tcia-client" / "src"))

import tcia_client  # noqa: E402
from tcia_client._endpoints import GET_SERIES  # noqa: E402
from tcia_client._runtime.decoding.csv import CsvDecoder  # noqa: E402
from tcia_client._runtime.decoding.decoder import BATCH_BYTES  # noqa: E402
from tcia_client._runtime.decoding.json import JsonDecoder  # noqa: E402
from tcia_client._runtime.decoding.markup import HtmlDecoder, XmlDecoder  # noqa: E402
from tcia_client._runtime.decoding.rows import Blueprint, RowReader  # noqa: E402

CHUNK = 64 * 1024
PROCESSES = 3
ROUNDS = 6
RIVAL = "orjson to dicts"
ARGUMENTS_OF_ONE_METHOD = 3
WANTED = {
    "rows, standard library": 2.2,
    "rows, msgspec": 1.4,
    "rows, msgspec, collector disabled": 0.8,
    "rows of CSV, msgspec": 1.8,
}
BLUEPRINT: Blueprint[Any] = Blueprint(GET_SERIES, GET_SERIES.model)


def bodies(count: int) -> dict[str, bytes]:
    """Return a getSeries response of the embedded archive in the server's four formats."""
    from tciagen.archive.catalog import open_for_writing  # noqa: PLC0415 - only the main process serves
    from tciagen.archive.running import running_archive  # noqa: PLC0415
    from tciagen.archive.testing.synthetic import synthesize  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder:
        catalog = Path(folder) / "catalog.sqlite"
        with closing(open_for_writing(catalog)) as connection:
            synthesize(connection, count, seed=7)
        with (
            running_archive(catalog) as server,
            tcia_client.Client(base_url=server.base_url) as client,
        ):
            return {
                "json": client.with_raw_response.get_series(format="json").content,
                "csv": client.with_raw_response.get_series(format="csv").content,
                "xml": client.with_raw_response.get_series(format="xml").content,
                "html": client.with_raw_response.get_series(format="html").content,
            }


def batches(decoder: Any, body: bytes) -> Iterator[list[Any]]:
    """Yield the rows of chunks of the size that a connection delivers."""
    for start in range(0, len(body), CHUNK):
        yield decoder.feed(body[start : start + CHUNK])
    yield decoder.finish()


def all_rows(decoder: Any, body: bytes) -> list[Any]:
    """Return all rows of a response, as a client's method does."""
    decoder.min_bytes = BATCH_BYTES
    rows: list[Any] = []
    for batch in batches(decoder, body):
        rows += batch
    return rows


def without_collector(work: Callable[[], Any]) -> Callable[[], Any]:
    """Return the same work with the garbage collector disabled."""

    def run() -> Any:
        gc.disable()
        try:
            return work()
        finally:
            gc.enable()

    return run


def seconds(work: Callable[[], Any]) -> float:
    """Return the processor time of one run in seconds, after a garbage collection."""
    gc.collect()
    started = time.process_time()
    result = work()
    duration = time.process_time() - started
    del result
    return duration


def peak(work: Callable[[], Any]) -> int:
    """Return the peak of Python's allocations during one run in bytes."""
    gc.collect()
    tracemalloc.start()
    result = work()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    del result
    return most


def ways(folder: Path) -> dict[str, Callable[[], Any]]:
    """Return each measured method by name, for the responses in a folder."""
    body = {path.name: path.read_bytes() for path in folder.iterdir()}

    def rows_of(kind: Callable[..., Any], name: str, **options: Any) -> Callable[[], list[Any]]:
        return lambda: all_rows(kind(RowReader(BLUEPRINT), **options), body[name])

    def drained() -> int:
        return sum(map(len, batches(JsonDecoder(RowReader(BLUEPRINT)), body["json"])))

    standard = rows_of(JsonDecoder, "json", use_msgspec=False)
    fast = rows_of(JsonDecoder, "json", use_msgspec=True)
    return {
        RIVAL: lambda: orjson.loads(body["json"]),
        "json to dicts": lambda: json.loads(body["json"]),
        "csv.reader to lists": lambda: list(csv.reader(body["csv"].decode().splitlines())),
        "iterator, msgspec, rows dropped": drained,
        "rows, standard library": standard,
        "rows, standard library, collector disabled": without_collector(standard),
        "rows, msgspec": fast,
        "rows, msgspec, collector disabled": without_collector(fast),
        "rows of CSV, standard library": rows_of(CsvDecoder, "csv", use_msgspec=False),
        "rows of CSV, msgspec": rows_of(CsvDecoder, "csv"),
        "rows of XML": rows_of(XmlDecoder, "xml"),
        "rows of HTML": rows_of(HtmlDecoder, "html"),
    }


def measure(folder: Path, name: str) -> dict[str, list[float]]:
    """Return the seconds of each run of a method and of the rival; the peak of each in bytes."""
    all_ways = ways(folder)
    rival, work = all_ways[RIVAL], all_ways[name]
    of_rival: list[float] = []
    of_work: list[float] = []
    for turn in range(ROUNDS):
        turns = [(rival, of_rival), (work, of_work)]
        for way, times in turns if turn % 2 else reversed(turns):
            times.append(seconds(way))
    return {
        "rival": of_rival,
        "way": of_work,
        "rival_peak": [peak(rival)],
        "way_peak": [peak(work)],
    }


def check(folder: Path) -> None:
    """Exit with an error if one method returns other rows than the others."""
    named = [way for way in ways(folder).items() if way[0].startswith("rows")]
    expected = named[0][1]()
    for name, work in named:
        if work() != expected:
            raise SystemExit(f"{name}: other rows")


def main() -> None:
    """Measure and print the table."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        body = bodies(count)
        for name, content in body.items():
            folder.joinpath(name).write_bytes(content)
        print(f"{count} rows of getSeries, {len(body['json'])} bytes of JSON")
        print(f"{PROCESSES} processes with {ROUNDS} rounds each")
        check(folder)
        print(f"{'':44}{'ms':>8}{'orjson':>8}{'ratio':>8}{'wanted':>8}{'x memory':>10}")
        for name in ways(folder):
            found: dict[str, list[float]] = {}
            for _ in range(PROCESSES):
                output = subprocess.check_output([sys.executable, __file__, str(folder), name])
                for key, values in json.loads(output).items():
                    found.setdefault(key, []).extend(values)
            middle = {key: statistics.median(values) for key, values in found.items()}
            ratio = statistics.median(map(truediv, found["way"], found["rival"]))
            milliseconds = f"{middle['way'] * 1e3:8.0f}{middle['rival'] * 1e3:8.0f}"
            compared = f"{ratio:8.2f}{WANTED.get(name, ''):>8}"
            share = middle["way_peak"] / middle["rival_peak"]
            print(f"{name:44}{milliseconds}{compared}{share:10.2f}")
        first = batches(JsonDecoder(RowReader(BLUEPRINT)), body["json"])
        print(f"first rows of an iterator after {seconds(lambda: next(first)) * 1e3:.1f} ms")


if __name__ == "__main__":
    if len(sys.argv) == ARGUMENTS_OF_ONE_METHOD:
        print(json.dumps(measure(Path(sys.argv[1]), sys.argv[2])))
    else:
        main()
