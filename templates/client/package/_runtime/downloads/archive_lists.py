"""Lists that servers put into an archive: the report of objects, and MD5 sums.

The list of MD5 sums follows the files in the archive. So the sums are compared after the last
file, by reading the files again; without a list nothing is read.
"""

import csv
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from .options import UNLIMITED
from .unzip import Unzip
from .zip_format import Member

REPORT = "results.json"
MD5_LIST = "md5hashes.csv"
LONGEST_LIST = 64 * 1024 * 1024
"""Maximum size of a list in bytes."""

FAILED = "error retrieving file"
"""Text in the report for an object that the server could not read."""

_SUM = re.compile(r"[0-9a-fA-F]{32}")
_BLOCK = 64 * 1024


def entries(text: str) -> Iterator[dict[str, str]]:
    """Yield the string values of each entry of a report by name; nothing if it is no report."""
    try:
        document: Any = json.loads(text)
    except (ValueError, RecursionError):
        return
    for entry in cast("list[object]", document) if isinstance(document, list) else []:
        if isinstance(entry, dict):
            values = cast("dict[str, object]", entry).items()
            yield {name: value for name, value in values if isinstance(value, str)}


def has_failed(entry: Mapping[str, str]) -> bool:
    """Return whether an entry states that the server could not read its object."""
    return any(FAILED in value.lower() for value in entry.values())


def read_sums(content: bytes, members: Iterable[str]) -> dict[str, str]:
    """Return the MD5 sums of a list with the columns ``Filename,MD5Hash``.

    Args:
        content: The list; one that is too long is not read.
        members: Names of the archive's members; a listed name may lack their folders.

    Returns:
        The sums by the names of members; that of a missing file has its listed name.
    """
    if len(content) > LONGEST_LIST:
        return {}
    names = set(members)
    short: dict[str, list[str]] = {}
    for name in names:
        short.setdefault(name.rpartition("/")[2], []).append(name)
    found: dict[str, str] = {}
    try:
        for row in csv.reader(content.decode("utf-8-sig", "replace").splitlines()):
            if len(row) == 2 and _SUM.fullmatch(row[1].strip()):
                name = row[0].strip().removeprefix("./")
                if name.rpartition("/")[2] not in (MD5_LIST, REPORT):
                    alike = [name] if name in names else short.get(name, [])
                    found[alike[0] if len(alike) == 1 else name] = row[1].strip().lower()
    except csv.Error:
        return {}
    return found


def _new_md5() -> Any:
    """Return an MD5 sum, which detects accidental changes and no deliberate ones."""
    return hashlib.md5(usedforsecurity=False)


def sum_of(path: Path) -> str:
    """Return the MD5 sum of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, _new_md5).hexdigest()


def sums_in(archive: Path) -> Iterator[tuple[str, str]]:
    """Yield the names of an archive's members with their MD5 sums.

    Raises:
        DownloadError: The archive cannot be read.
    """
    unzip = Unzip(UNLIMITED, unpacked=False)
    name, total = "", _new_md5()
    for block in read_blocks(archive):
        for event in unzip.feed(block):
            if isinstance(event, bytes):
                total.update(event)
            elif isinstance(event, Member):
                name, total = "/".join(event.parts), _new_md5()
            else:
                yield name, str(total.hexdigest())


def read_blocks(path: Path) -> Iterator[bytes]:
    """Yield a file in blocks of 64 kB."""
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            yield block
