"""The list of MD5 sums that some servers put into an archive, ``md5hashes.csv``.

It stands behind the files, so what it says is compared once all is there, by reading the
files again; an archive without one costs nothing.
"""

import csv
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .options import UNLIMITED
from .report import REPORT
from .unzip import Unzip
from .zip_format import Member

NAME = "md5hashes.csv"
_NOT_FILES = (NAME, REPORT)
LONGEST = 64 * 1024 * 1024
"""Bytes of a list that are read."""

_SUM = re.compile(r"[0-9a-fA-F]{32}")


def read_list(content: bytes) -> dict[str, str]:
    """MD5 sums by name, as far as it can be read; its columns are ``Filename,MD5Hash``."""
    if len(content) > LONGEST:
        return {}
    lines = content.decode("utf-8-sig", "replace").splitlines()
    listed: dict[str, str] = {}
    try:
        for row in csv.reader(lines):
            if len(row) == 2 and _SUM.fullmatch(row[1].strip()):
                name = row[0].strip().removeprefix("./")
                if name.rpartition("/")[2] not in _NOT_FILES:
                    listed[name] = row[1].strip().lower()
    except csv.Error:
        return {}
    return listed


def by_member(listed: Mapping[str, str], members: Iterable[str]) -> dict[str, str]:
    """The sums by the names of members; a listed name may lack the folders.

    Returns:
        What is listed and not there has its own name.
    """
    names = set(members)
    short: dict[str, list[str]] = {}
    for name in names:
        short.setdefault(name.rpartition("/")[2], []).append(name)
    found: dict[str, str] = {}
    for name, value in listed.items():
        alike = [name] if name in names else short.get(name, [])
        found[alike[0] if len(alike) == 1 else name] = value
    return found


def new_sum() -> Any:
    """An MD5 sum, which tells what was changed by accident and not what was on purpose."""
    return hashlib.md5(usedforsecurity=False)


def sum_of(blocks: Iterable[bytes]) -> str:
    """The MD5 sum of what comes."""
    total = new_sum()
    for block in blocks:
        total.update(block)
    return str(total.hexdigest())


def sums_in(blocks: Iterable[bytes]) -> Iterator[tuple[str, str]]:
    """The names of an archive's members, with their MD5 sums.

    Raises:
        DownloadError: It cannot be read.
    """
    unzip = Unzip(UNLIMITED, unpacked=False)
    name = ""
    total = new_sum()
    for block in blocks:
        for event in unzip.feed(block):
            if isinstance(event, bytes):
                total.update(event)
            elif isinstance(event, Member):
                name, total = "/".join(event.parts), new_sum()
            else:
                yield name, str(total.hexdigest())
