"""How fast answers become typed rows: ``python tests/benchmarks/decode.py [ROWS]``.

All ways run in turn, several rounds of them, and the medians are told as ratios to
``orjson.loads`` of the same rows to dicts in the same rounds. What the ways give is
compared before it is timed. The last two columns are of separate, single runs: the peak
of memory that Python allocated, as a ratio to the dicts, and the time to the first row.
"""

import csv
import gc
import json
import random
import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import attrs
import orjson

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "templates" / "client" / "package"))

from _runtime.decode_csv import CsvDecoder  # noqa: E402
from _runtime.decode_json import JsonDecoder  # noqa: E402
from _runtime.decode_markup import HtmlDecoder, XmlDecoder  # noqa: E402
from _runtime.decoding import MANY_BYTES  # noqa: E402
from _runtime.endpoint import Attribute, Endpoint  # noqa: E402
from _runtime.rows import Blueprint, Rows  # noqa: E402

CHUNK = 64 * 1024
ROUNDS = 7
WANTED = {
    "rows, standard library": 2.2,
    "rows, msgspec": 1.4,
    "rows, msgspec, collector held off": 0.8,
    "rows of CSV, msgspec": 1.8,
}
KINDS = {"SeriesInstanceUID": "uid", "StudyInstanceUID": "uid", "SeriesDate": "date"}
KINDS |= {"SeriesNumber": "integer", "Visibility": "integer", "ImageCount": "integer"}
NAMES = [
    "SeriesInstanceUID",
    "StudyInstanceUID",
    "Modality",
    "ProtocolName",
    "SeriesDate",
    "SeriesDescription",
    "BodyPartExamined",
    "SeriesNumber",
    "AnnotationsFlag",
    "Collection",
    "Manufacturer",
    "ManufacturerModelName",
    "SoftwareVersions",
    "Visibility",
    "ImageCount",
    "PatientID",
]
ATTRIBUTES = tuple(
    Attribute(name, f"a{index}", KINDS.get(name, "string"), optional=index > 2)  # type: ignore[arg-type]
    for index, name in enumerate(NAMES)
)
MODEL = attrs.make_class(
    "Series",
    {a.python_name: attrs.field(default=None, kw_only=True) for a in ATTRIBUTES},
    frozen=True,
    slots=True,
)
BLUEPRINT: Blueprint[Any] = Blueprint(
    Endpoint(resource="TCIA", name="getSeries", attributes=ATTRIBUTES), MODEL
)


def series(count: int) -> Iterator[list[Any]]:
    """Rows of getSeries, with the repetitions and the nulls that such answers have."""
    pick = random.Random(7)

    def uid() -> str:
        return f"1.3.6.1.4.1.14519.5.2.1.7695.4001.{pick.randrange(10**29, 10**30)}"

    study = patient = day = ""
    for index in range(count):
        if index % 5 == 0:
            study, patient = uid(), f"TCGA-{pick.randrange(10, 99)}-{pick.randrange(1000, 9999)}"
            day = str(date(1995, 1, 1) + timedelta(pick.randrange(7000)))
        yield [
            uid(),
            study,
            pick.choice(["MR", "CT", "PT"]),
            pick.choice([None, "BRAIN/HEAD", "CHEST"]),
            day,
            f"AX T1 {pick.randrange(400)} POST GD",
            pick.choice(["BRAIN", "CHEST", None]),
            f"{pick.randrange(1, 900)}.000000",
            None,
            "TCGA-GBM",
            "GE MEDICAL SYSTEMS",
            pick.choice(["GENESIS_SIGNA", "DISCOVERY"]),
            pick.choice(["07", None]),
            "1",
            pick.randrange(1, 300),
            patient,
        ]


def bodies(count: int) -> dict[str, bytes]:
    """The same rows in the server's four formats."""
    rows = list(series(count))

    def table(write: Callable[[str, Any], str], between: str = "") -> Iterator[str]:
        return (between.join(map(write, NAMES, row)) for row in rows)

    def csv_cell(_name: str, value: Any) -> str:
        return "" if value is None else '"{}"'.format(str(value).replace("/", "\\/"))

    def xml_element(name: str, value: Any) -> str:
        return f"<{name} type='VARCHAR' >{'' if value is None else value}</{name}>"

    def html_cell(_name: str, value: Any) -> str:
        return f"<TD>{'null' if value is None else value}</TD>"

    objects = [{n: v for n, v in zip(NAMES, row, strict=True) if v is not None} for row in rows]
    heads = "".join(f"<TH>{name}</TH>" for name in NAMES)
    html = "".join(f"<TR>{row}</TR>" for row in table(html_cell))
    html = f"<HTML><BODY><TABLE id='data'><thead><TR>{heads}</TR></thead><tbody>{html}</tbody>"
    xml = "".join(f"<Row>{row}</Row>" for row in table(xml_element))
    return {
        "json": orjson.dumps(objects),
        "csv": "\n".join([",".join(NAMES), *table(csv_cell, ",")]).encode(),
        "xml": f"<Results>{xml}</Results>".encode(),
        "html": f"{html}</TABLE></BODY></HTML".encode(),
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
