"""Compares the start of the client with that of its dependencies.

Every round starts each program once in a fresh interpreter. The table shows the medians,
minus that of an empty program if an import is compared. Run: python tests/benchmarks/startup.py
"""

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "generated" / "tcia-client" / "src"
ROUNDS = 21
CLIENT = """
import gc, time
from tcia_client import Client
gc.disable()
Client().close()
start = time.perf_counter()
client = Client()
print(time.perf_counter() - start)
"""
PROGRAMS = {
    "nothing": ["-c", "pass"],
    "import attrs, httpx": ["-c", "import attrs, httpx"],
    "import httpx": ["-c", "import httpx"],
    "import tcia_client": ["-c", "import tcia_client"],
    "from tcia_client import Client": ["-c", "from tcia_client import Client"],
    "Client(), in process": ["-c", CLIENT],
    "tcia --help": ["-m", "tcia_client", "--help"],
    "tcia get-series --help": ["-m", "tcia_client", "get-series", "--help"],
}
LIMITS: list[tuple[str, str, float | None, bool]] = [
    # program, rival, limit of the ratio, whether an empty program's time is subtracted
    ("import tcia_client", "import attrs, httpx", 0.7, True),
    ("from tcia_client import Client", "import attrs, httpx", None, True),
    ("tcia --help", "import httpx", 2.0, False),
    ("tcia get-series --help", "import httpx", 2.0, False),
]


def main() -> int:
    """Print one table; return 1 if a ratio is above its limit."""
    times: dict[str, list[float]] = {name: [] for name in PROGRAMS}
    for _ in range(ROUNDS):
        for name, program in PROGRAMS.items():
            times[name].append(_seconds(program, inside=program[1] == CLIENT))
    medians = {name: statistics.median(values) for name, values in times.items()}
    empty = medians["nothing"]
    print(f"{'program':32} {'ms':>7} {'rival':22} {'ratio':>6} {'limit':>6}")
    failed = False
    for name, rival, limit, net in LIMITS:
        off = empty if net else 0.0
        ratio = (medians[name] - off) / (medians[rival] - off)
        failed |= limit is not None and ratio > limit
        shown = "-" if limit is None else f"{limit:.1f}"
        print(f"{name:32} {medians[name] * 1e3:7.1f} {rival:22} {ratio:6.2f} {shown:>6}")
    made = medians["Client(), in process"]
    failed |= made > 1e-3
    print(f"{'Client()':32} {made * 1e3:7.3f} {'1 ms':22} {made / 1e-3:6.2f} {1.0:6.1f}")
    return int(failed)


def _seconds(program: list[str], *, inside: bool) -> float:
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-P", *program], env=environment, capture_output=True, check=True
    )
    return float(done.stdout) if inside else time.perf_counter() - start


if __name__ == "__main__":
    sys.exit(main())
