"""Measures the growth of generation and comparison: ``python tests/benchmarks/generator.py``.

Copies of the v3 documents are generated with an empty store of results, again without a
change, and after one document changed; endpoints that are all renamed are compared. Each
line is a ratio of CPU seconds within this run, with its limit.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import attrs

from tciagen.config import Api
from tciagen.contract.resolve import resolve
from tciagen.documents.folder import read_folder
from tciagen.documents.parsing import JsonObject
from tciagen.drift.compare.contracts import compare
from tciagen.pipeline import plan_of

DOCUMENTS = Path(__file__).parents[2] / "generator" / "contracts" / "tcia-v3" / "documents"
COPIES = 20
RENAMED = 300


def main() -> int:
    """Print the ratios; return 1 if one of them is above its limit."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = folder
        documents = copies(COPIES)
        generate(copies(1))  # loads the modules
        first = seconds(lambda: generate(documents))
        again = seconds(lambda: generate(documents))
        address = next(iter(documents))
        changed = {**documents, address: {**documents[address], "Description": "Other words."}}
        one = seconds(lambda: generate(changed))
    few = seconds(lambda: rename(RENAMED))
    twice = seconds(lambda: rename(2 * RENAMED))
    rows = [
        (
            f"generate {len(documents)} documents again, compared with the first time",
            again / first,
            0.3,
        ),
        ("generate after a change of one document, compared with no change", one / again, 2.0),
        (f"diff of {2 * RENAMED} renamed endpoints, compared with {RENAMED}", twice / few, 3.0),
    ]
    for name, ratio, limit in rows:
        print(f"{name:66} {ratio:6.2f} (at most {limit})")
    return int(any(ratio > limit for _, ratio, limit in rows))


def copies(number: int) -> dict[str, JsonObject]:
    """Return ``number`` copies of the documents, each under separate names."""
    found = {}
    for n in range(number):
        for address, document in read_folder(DOCUMENTS).items():
            name = f"{document['QueryName']}V{n}"
            result = {**document["Result"]}
            if "Name" in result:
                result["Name"] += f"V{n}"
            changed = {**document, "QueryName": name, "Result": result}
            found[address.replace(str(document["QueryName"]), name)] = changed
    return found


def generate(documents: Mapping[str, JsonObject]) -> None:
    """Generate a package's files in memory."""
    plan_of(Api(documents=DOCUMENTS, package="big", base_url="http://127.0.0.1"), documents, b"")


def rename(number: int) -> None:
    """Compare contracts in which every endpoint has another name."""
    old = resolve(dict(list(copies(number // 15).items())[:number])).contract
    new = attrs.evolve(
        old, endpoints=tuple(attrs.evolve(e, name=f"renamed{e.name}") for e in old.endpoints)
    )
    changes = compare(old, new)
    assert len(changes) >= len(old.endpoints)


def seconds(work: Callable[[], None]) -> float:
    """Return the CPU seconds of some work."""
    begin = time.process_time()
    work()
    return time.process_time() - begin


if __name__ == "__main__":
    sys.exit(main())
