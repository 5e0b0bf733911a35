"""Manifest files (``.tcia``): a list of series as data portals hand it out.

A text of ``key=value`` lines up to ``ListOfSeriesToDownload=``, then one
SeriesInstanceUID a line.
"""

import codecs
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import attrs

from .errors import ManifestError
from .options import StrPath

_LIST = "ListOfSeriesToDownload"
_LONGEST = 64 * 1024 * 1024
_LINE_END = re.compile(r"\r\n|\r|\n")
_UID = re.compile(r"[0-9]+(?:\.[0-9]+)+")
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
    """Read a manifest file.

    Args:
        source: Its path.

    Raises:
        ManifestError: It is none; the error names the line.
        OSError: The file cannot be read.
    """
    path = Path(source)
    with path.open("rb") as file:
        content = file.read(_LONGEST + 1)
    if len(content) > _LONGEST:
        raise ManifestError(f"{path} is longer than {_LONGEST} bytes")
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise ManifestError(f"{path} is UTF-16", advice="Save it as UTF-8.")
    try:
        lines = _LINE_END.split(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        number = len(_LINE_END.split(content[: error.start].decode("utf-8", "replace")))
        raise ManifestError(
            f"{path}, line {number}: bytes that are no UTF-8", line=number
        ) from None
    fields: dict[str, str] = {}
    series: list[str] = []
    in_list = False
    for number, line in enumerate(lines, 1):
        text = line.strip()
        key, equals, value = text.partition("=")
        if not text:
            continue
        if in_list:
            if not _is_uid(text):
                raise ManifestError(
                    f"{path}, line {number}: {_shown(text)} is no SeriesInstanceUID", line=number
                )
            series.append(text)
        elif equals and key.strip() == _LIST and not value.strip():
            in_list = True
        elif equals and _KEY.fullmatch(key.strip()) and text.isprintable():
            fields[key.strip()] = value.strip()
        else:
            raise ManifestError(
                f"{path}, line {number}: {_shown(text)} is neither key=value nor {_LIST}=",
                line=number,
            )
    if not in_list:
        raise ManifestError(
            f"{path} has no line {_LIST}=", advice="Give a manifest file as the portal made it."
        )
    return Manifest(series, fields)


def write_manifest(
    target: StrPath, series: Iterable[str], fields: Mapping[str, str] | None = None
) -> Path:
    """Write a manifest file, whole or not at all.

    Args:
        target: Its path; of a link, what that leads to is written.
        series: SeriesInstanceUIDs; one that comes again is left out.
        fields: Lines to put above the list.

    Raises:
        ManifestError: A UID that is none, or a key or value that cannot stand in a line.
        OSError: The file cannot be written.
    """
    manifest = Manifest(series, fields or {})
    for uid in manifest.series:
        if not _is_uid(uid):
            raise ManifestError(f"{_shown(uid)} is no SeriesInstanceUID")
    for key, value in manifest.fields.items():
        if not _KEY.fullmatch(key) or key == _LIST or not value.isprintable():
            raise ManifestError(f"{_shown(f'{key}={value}')} cannot stand in a manifest")
    lines = [f"{key}={value.strip()}" for key, value in manifest.fields.items()]
    text = "\n".join([*lines, f"{_LIST}=", *manifest.series]) + "\n"
    path = Path(os.path.realpath(target))
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        part.write_text(text, encoding="utf-8", newline="\n")
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return Path(target)


def _is_uid(text: str) -> bool:
    return len(text) <= 64 and text.isascii() and _UID.fullmatch(text) is not None


def _shown(text: str) -> str:
    return ascii(text if len(text) <= 80 else text[:80] + "...")
