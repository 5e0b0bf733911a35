"""A client of documents that state no types and no formats, and of no overlay."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tciagen.archive.running import RunningArchive

Run = Callable[..., subprocess.CompletedProcess[str]]

CALLS = """
import datetime, json, sys
from bare_client import Client

with Client(base_url=sys.argv[1]) as client:
    series = client.get_series()
    numbers = {s.image_count for s in series}
    one = client.get_series(series_instance_uid=series[0].series_instance_uid)
    new = client.new_patients_in_collection(
        collection=series[0].collection, date=datetime.date(1990, 1, 1)
    )
print(json.dumps([len(series), sorted(map(str, numbers)), len(one), len(new)]))
print(all(isinstance(n, str) for n in numbers))
"""


def test_client_of_bare_documents_reads_rows_and_takes_values_without_types(
    bare_archive: RunningArchive, tmp_path: Path, tciagen: Run
) -> None:
    given = ["--base-url", bare_archive.base_url, "--documents", "docs"]
    endpoints = ["TCIA/getSeries", "TCIA/NewPatientsInCollection"]
    named = [word for endpoint in endpoints for word in ("--endpoint", endpoint)]
    crawled = tciagen("crawl", *given, *named)
    assert crawled.returncode == 0, crawled.stderr
    done = tciagen("generate", *given, "--package", "bare_client", "--out", "out")
    assert done.returncode == 0, done.stderr
    assert 'attribute = "ImageCount"\n    set = { type = "string" }' in done.stderr
    checked = subprocess.run(
        [sys.executable, "-W", "error", "-c", CALLS, bare_archive.base_url],
        env={"PYTHONPATH": str(tmp_path / "out/src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr
    counted, texts = checked.stdout.splitlines()
    series, numbers, one, _ = json.loads(counted)
    assert series > 1
    assert one == 1
    assert texts == "True"
    assert all(number.isdigit() for number in numbers)
