"""Manifest files: lists of series as data portals write them.

A ``.tcia`` file has lines of ``key=value`` up to ``ListOfSeriesToDownload=``, then one
SeriesInstanceUID a line. Newer portals write tables, see :mod:`.tables`.
"""

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import attrs

from ..endpoint import Parameter
from .errors import ManifestError
from .items import spellings
from .options import StrPath
from .tables import (
    LIST,
    SERIES,
    Lines,
    Record,
    fail,
    first_line,
    is_manifest,
    is_uid,
    read_lines,
    read_records,
    shown,
)

_SERIES = Parameter(SERIES, "series_instance_uid", "uid", required=True)
_KEY = re.compile(r"[A-Za-z0-9_.-]{1,100}")


def _each_once(uids: Iterable[str]) -> tuple[str, ...]:
    if isinstance(uids, str):
        raise TypeError("series is one text; give a list of UIDs")
    return tuple(dict.fromkeys(map(str, uids)))


@attrs.frozen
class Manifest:
    """A list of series, and what the portal says of it.

    Attributes:
        series: SeriesInstanceUIDs in the order of the file, each once.
        fields: The ``key=value`` lines above the list.
    """

    series: tuple[str, ...] = attrs.field(
        converter=_each_once, repr=lambda series: f"<{len(series)} series>"
    )
    fields: Mapping[str, str] = attrs.field(factory=dict[str, str])


def read_manifest(source: StrPath) -> Manifest:
    """Read a list of series from a file.

    The file is a ``.tcia`` manifest; a table with a column ``SeriesInstanceUID`` or ``Series
    UID``, such as today's CSV manifests and the server's own CSV; JSON lines; or a list of
    UIDs. Its content decides, not its name.

    Args:
        source: Its path.

    Raises:
        ManifestError: It has no such format; the error names the line.
        OSError: The file cannot be read.
    """
    with Path(source).open("rb") as file:
        first, lines = first_line(read_lines(file, str(source)), str(source))
        if is_manifest(first):
            return parse_manifest(lines, str(source))
        known = spellings([_SERIES])
        records = read_records(lines, str(source), known, [_SERIES.python_name])
        return Manifest([_series_of(record) for record in records])


def _series_of(record: Record) -> str:
    position = record.positions[_SERIES.python_name]
    uid = record.values[position]
    if not isinstance(uid, str) or not is_uid(uid):
        raise ManifestError(f"{record.location}: {shown(str(uid))} is no SeriesInstanceUID")
    return uid


def parse_manifest(lines: Lines, title: str) -> Manifest:
    """Return the manifest of these lines.

    Raises:
        ManifestError: They are no manifest; the error names the line.
    """
    fields: dict[str, str] = {}
    series: list[str] = []
    in_list = False
    for number, line in lines:
        text = line.strip()
        key, equals, value = text.partition("=")
        if not text:
            continue
        if in_list:
            if not is_uid(text):
                fail(title, number, f"{shown(text)} is no SeriesInstanceUID")
            series.append(text)
        elif equals and key.strip() == LIST and not value.strip():
            in_list = True
        elif equals and _KEY.fullmatch(key.strip()) and text.isprintable():
            fields[key.strip()] = value.strip()
        else:
            fail(title, number, f"{shown(text)} is neither key=value nor {LIST}=")
    if not in_list:
        raise ManifestError(
            f"{title} has no line {LIST}=", advice="Pass a manifest file as the portal made it."
        )
    return Manifest(series, fields)


def write_manifest(
    target: StrPath, series: Iterable[str], fields: Mapping[str, str] | None = None
) -> Path:
    """Write a manifest file completely or not at all.

    Args:
        target: Its path; of a link, what that leads to is written.
        series: SeriesInstanceUIDs; repeated ones are left out.
        fields: Lines to put above the list.

    Raises:
        ManifestError: A UID is invalid, or a key or value cannot be written in one line.
        OSError: The file cannot be written.
    """
    manifest = Manifest(series, fields or {})
    for uid in manifest.series:
        if not is_uid(uid):
            raise ManifestError(f"{shown(uid)} is no SeriesInstanceUID")
    for key, value in manifest.fields.items():
        if not _KEY.fullmatch(key) or key == LIST or not value.isprintable():
            raise ManifestError(f"{shown(f'{key}={value}')} cannot stand in a manifest")
    lines = [f"{key}={value.strip()}" for key, value in manifest.fields.items()]
    text = "\n".join([*lines, f"{LIST}=", *manifest.series]) + "\n"
    path = Path(os.path.realpath(target))
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        part.write_text(text, encoding="utf-8", newline="\n")
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return Path(target)
