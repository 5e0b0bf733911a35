"""How fast answers become typed rows: ``python tests/benchmarks/decode.py [ROWS]``.

All ways run in turn, several rounds of them, and the medians are told as ratios to
``orjson.loads`` of the same rows to dicts in the same rounds. What the ways give is
compared before it is timed. The last two columns are of separate, single runs: the peak
of memory that Python allocated, as a ratio to the dicts, and the time to the first row.
"""

import csv
import gc
import json
import statistics
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "generated" / "tcia-client" / "src"))

import tcia_client  # noqa: E402
from tcia_client._runtime.decode_csv import CsvDecoder  # noqa: E402
from tcia_client._runtime.decode_json import JsonDecoder  # noqa: E402
from tcia_client._runtime.decode_markup import HtmlDecoder, XmlDecoder  # noqa: E402
from tcia_client._runtime.decoding import MANY_BYTES  # noqa: E402
from tcia_client._runtime.rows import Blueprint, Rows  # noqa: E402
from tciagen.archive.catalog import open_for_writing  # noqa: E402
from tciagen.archive.running import running_archive  # noqa: E402
from tciagen.archive.synth import synthesize  # noqa: E402

CHUNK = 64 * 1024
ROUNDS = 7
WANTED = {
    "rows, standard library": 2.2,
    "rows, msgspec": 1.4,
    "rows, msgspec, collector held off": 0.8,
    "rows of CSV, msgspec": 1.8,
}
METHOD = tcia_client.Client.get_series
BLUEPRINT: Blueprint[Any] = Blueprint(METHOD.endpoint, METHOD.model)


def bodies(count: int) -> dict[str, bytes]:
    """A getSeries answer of the embedded archive, in the server's four formats."""
    with tempfile.TemporaryDirectory() as folder:
        catalog = Path(folder) / "catalog.sqlite"
        with closing(open_for_writing(catalog)) as connection:
            synthesize(connection, count, seed=7)
        with (
            running_archive(catalog) as server,
            tcia_client.Client(base_url=server.base_url) as client,
        ):
            return {
                "json": client.get_series.raw(format="json").content,
                "csv": client.get_series.raw(format="csv").content,
                "xml": client.get_series.raw(format="xml").content,
                "html": client.get_series.raw(format="html").content,
            }


def batches(decoder: Any, body: bytes) -> Iterator[list[Any]]:
    """Rows as they come of chunks of the size that a connection gives."""
    for start in range(0, len(body), CHUNK):
        yield decoder.feed(body[start : start + CHUNK])
    yield decoder.finish()


def all_rows(decoder: Any, body: bytes) -> list[Any]:
    """All rows of an answer, as a client's method gives them."""
    decoder.at_least = MANY_BYTES
    rows: list[Any] = []
    for batch in batches(decoder, body):
        rows += batch
    return rows


def held(work: Callable[[], Any]) -> Callable[[], Any]:
    """The same work with the collector held off."""

    def run() -> Any:
        gc.disable()
        try:
            return work()
        finally:
            gc.enable()

    return run


def seconds(work: Callable[[], Any]) -> float:
    """Processor time of one run, begun with nothing to collect."""
    gc.collect()
    started = time.process_time()
    result = work()
    taken = time.process_time() - started
    del result
    return taken


def peak(work: Callable[[], Any]) -> int:
    """Bytes that Python had allocated at most during one run."""
    gc.collect()
    tracemalloc.start()
    result = work()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    del result
    return most


def main() -> None:
    """Measure and print the table."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    body = bodies(count)

    def rows_of(kind: Callable[..., Any], name: str, **options: Any) -> Callable[[], list[Any]]:
        return lambda: all_rows(kind(Rows(BLUEPRINT), **options), body[name])

    def drained() -> int:
        return sum(map(len, batches(JsonDecoder(Rows(BLUEPRINT)), body["json"])))

    standard = rows_of(JsonDecoder, "json", use_msgspec=False)
    fast = rows_of(JsonDecoder, "json", use_msgspec=True)
    ours = {
        "rows, standard library": standard,
        "rows, standard library, collector held off": held(standard),
        "rows, msgspec": fast,
        "rows, msgspec, collector held off": held(fast),
        "rows of CSV, standard library": rows_of(CsvDecoder, "csv", use_msgspec=False),
        "rows of CSV, msgspec": rows_of(CsvDecoder, "csv"),
        "rows of XML": rows_of(XmlDecoder, "xml"),
        "rows of HTML": rows_of(HtmlDecoder, "html"),
    }
    expected = standard()
    for name, work in ours.items():
        if work() != expected:
            raise SystemExit(f"{name}: other rows")
    del expected
    ways: dict[str, Callable[[], Any]] = {
        "orjson to dicts": lambda: orjson.loads(body["json"]),
        "json to dicts": lambda: json.loads(body["json"]),
        "csv.reader to lists": lambda: list(csv.reader(body["csv"].decode().splitlines())),
        "iterator, msgspec, rows dropped": drained,
        **ours,
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, work in ways.items():
            times[name].append(seconds(work))
    base = statistics.median(times["orjson to dicts"])
    memory = peak(ways["orjson to dicts"])
    print(
        f"{count} rows of getSeries, {len(body['json'])} bytes of JSON; medians of {ROUNDS} rounds"
    )
    print(f"{'':44}{'ms':>8}{'x orjson':>10}{'wanted':>8}{'x memory':>10}")
    for name, work in ways.items():
        median = statistics.median(times[name])
        share = peak(work) / memory
        wanted = WANTED.get(name, "")
        print(f"{name:44}{median * 1e3:8.0f}{median / base:10.2f}{wanted:>8}{share:10.2f}")
    first = batches(JsonDecoder(Rows(BLUEPRINT)), body["json"])
    print(f"first rows of an iterator after {seconds(lambda: next(first)) * 1e3:.1f} ms")


if __name__ == "__main__":
    main()
