"""Reads the ``.tcia`` manifests that the NBIA search page creates."""

import re
from pathlib import Path

from tciagen.errors import DocumentProblem

_HEAD = "ListOfSeriesToDownload="
_UID = re.compile(r"[0-9]+(?:\.[0-9]+)*", re.ASCII)
_LONGEST_UID = 64


def is_uid(text: str) -> bool:
    """Return whether a string is a UID (PS3.5, section 9.1)."""
    return len(text) <= _LONGEST_UID and _UID.fullmatch(text) is not None


def series_of(manifest: Path) -> list[str]:
    """Return the series UIDs of a manifest: the lines after ``ListOfSeriesToDownload=``.

    Raises:
        DocumentProblem: the file cannot be read or is not a manifest.
    """
    try:
        lines = manifest.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DocumentProblem(f"cannot read the manifest {manifest}: {error}") from error
    start = next((i for i, line in enumerate(lines) if line.startswith(_HEAD)), None)
    if start is None:
        raise DocumentProblem(f"{manifest} is not a .tcia manifest: it has no line {_HEAD}")
    lines[start] = lines[start].removeprefix(_HEAD)
    uids = []
    for number, line in enumerate(lines[start:], start + 1):
        if not line.strip():
            continue
        if not is_uid(line.strip()):
            raise DocumentProblem(f"{manifest} line {number} is not a series UID: {line[:80]!r}")
        uids.append(line.strip())
    if not uids:
        raise DocumentProblem(f"{manifest} contains no series")
    return uids
