"""Measures the growth of ``tciagen archive index``: the processor time of 10 times the files.

Run: python tests/benchmarks/index.py [FILES]

Each row compares FILES (default 1,000) with 10 times FILES in this one run, in turn: the
least processor time of three scans into a new catalog, and of three without a change.
"""

import struct
import sys
import tempfile
import time
from contextlib import closing
from datetime import date
from pathlib import Path

from tciagen.archive.catalog import open_for_writing
from tciagen.archive.rules import CollectionRule
from tciagen.archive.scan import index

ROUNDS = 3
LIMIT = 11.0
CT_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.2"
EXPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"


def main() -> int:
    """Print the ratios; return 1 if one is above the limit."""
    files = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    slow = False
    print(f"{'':38}{'first scan':>12}{'no change':>12}   (at most {LIMIT:.0f})")
    with tempfile.TemporaryDirectory() as work:
        for title, in_series, has_id in (
            ("series of 10 files", 10, True),
            ("series of 10 files, no PatientID", 10, False),
            ("one series", 10 * files, True),
        ):
            folders = [Path(work, title, str(count)) for count in (files, 10 * files)]
            for folder in folders:
                write(folder, int(folder.name), in_series, has_id=has_id)
            rounds = [
                [measure(folder, Path(work, "catalog.sqlite")) for folder in folders]
                for _ in range(ROUNDS)
            ]
            least = [
                [min(times) for times in zip(*one, strict=True)]
                for one in zip(*rounds, strict=True)
            ]
            ratios = [large / small for small, large in zip(*least, strict=True)]
            slow |= max(ratios) > LIMIT
            print(f"{title:38}{ratios[0]:12.2f}{ratios[1]:12.2f}", flush=True)
    return int(slow)


def measure(folder: Path, catalog: Path) -> list[float]:
    """Return the seconds of a first scan, and of a scan without a change."""
    for path in catalog.parent.glob(f"{catalog.name}*"):
        path.unlink()
    times = []
    with closing(open_for_writing(catalog)) as connection:
        for _ in ("first", "again"):
            start = time.process_time()
            index(
                connection,
                [folder],
                rule=CollectionRule(),
                today=date(2020, 2, 29),
                workers=1,
            )
            times.append(time.process_time() - start)
    return times


def write(folder: Path, files: int, in_series: int, *, has_id: bool) -> None:
    """Write small DICOM files, of which ``in_series`` are one series, study and patient."""
    for number in range(files):
        series = number // in_series
        path = folder / str(series) / f"{number}.dcm"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(part10(number, series, has_id=has_id))


def part10(number: int, series: int, *, has_id: bool) -> bytes:
    """Return a Part 10 file in explicit VR, little endian."""
    sop_uid = f"1.2.9.{series}.{number}"
    elements = [
        (0x00080016, "UI", CT_IMAGE_STORAGE),
        (0x00080018, "UI", sop_uid),
        (0x00080060, "CS", "CT"),
        (0x00100010, "PN", f"Name^{series}"),
        (0x00100020, "LO", f"P{series}" if has_id else ""),
        (0x0020000D, "UI", f"1.2.8.{series}"),
        (0x0020000E, "UI", f"1.2.9.{series}"),
        (0x00200011, "IS", "1"),
    ]
    meta = b"".join(
        element(*one)
        for one in (
            (0x00020002, "UI", CT_IMAGE_STORAGE),
            (0x00020003, "UI", sop_uid),
            (0x00020010, "UI", EXPLICIT_LITTLE_ENDIAN),
        )
    )
    length = struct.pack("<HH2sHL", 2, 0, b"UL", 4, len(meta))
    return bytes(128) + b"DICM" + length + meta + b"".join(element(*one) for one in elements)


def element(tag: int, vr: str, value: str) -> bytes:
    """Return an element in explicit VR, little endian."""
    data = value.encode()
    data += (b"\0" if vr == "UI" else b" ") * (len(data) % 2)
    return struct.pack("<HH2sH", tag >> 16, tag & 0xFFFF, vr.encode(), len(data)) + data


if __name__ == "__main__":
    sys.exit(main())
