"""Measures the comparison of two complete contracts in one process.

Run: python tests/benchmarks/compare.py
"""

import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from tciagen.contract.resolve import resolve
from tciagen.drift.compare.contracts import compare

DATA = Path(__file__).parents[1] / "drift" / "data" / "drift-mutations.json"
ROUNDS = 200
LIMIT = 5.0


def main() -> int:
    """Print the median in milliseconds; return 1 if one is above the limit."""
    documents = json.loads(DATA.read_bytes())["base_documents"]
    old = resolve(documents).contract
    again = resolve(json.loads(json.dumps(documents))).contract
    one = resolve({**documents, "TCIA/query/getSeries": _retyped(documents)}).contract
    every = resolve({a: _rewritten(d) for a, d in documents.items()}).contract
    slow = False
    for title, new in (("no change", again), ("one change", one), ("all changed", every)):
        times = []
        for _ in range(ROUNDS):
            start = time.perf_counter()
            changes = compare(old, new)
            times.append((time.perf_counter() - start) * 1000)
        median = statistics.median(times)
        slow |= median > LIMIT
        print(f"{title:12} {len(changes):4} changes {median:7.3f} ms")
    return int(slow)


def _retyped(documents: dict[str, Any]) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(json.dumps(documents["TCIA/query/getSeries"]))
    document["Parameters"][0]["Type"] = "integer"
    return document


def _rewritten(document: dict[str, Any]) -> dict[str, Any]:
    text = json.dumps(document).replace('"Description": "', '"Description": "New: ')
    result: dict[str, Any] = json.loads(text.replace('"string"', '"integer"'))
    return result


if __name__ == "__main__":
    sys.exit(main())
