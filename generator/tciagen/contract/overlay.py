"""The overlay: reviewed statements that the documents leave out, each with its reason.

A TOML file of ``[[entry]]`` tables::

    [[entry]]
    endpoint = "SharedList/query/ContentsByName"   # exact, or a glob
    attribute = "SeriesInstanceUID"                # or parameter = …, or neither
    set = { aliases = ["SERIES_INSTANCE_UID"] }
    reason = "The server writes the column's name in the database."

An overlay never overrides a document or the DICOM dictionary. An entry that matches nothing
or repeats the documents is an error, so that the file cannot become stale.
"""

import json
import re
import tomllib
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import attrs

from tciagen.contract.model import COMPUTED, FILE_FORMATS, NO_TAG, RECORD_FORMATS, Type
from tciagen.errors import DocumentProblem
from tciagen.suggestions import suggestion

_TEXT = "a string"
_YES_NO = "true or false"
_TEXTS = "a list of strings"
_FORMATS = "a list of " + ", ".join((*RECORD_FORMATS, *FILE_FORMATS))
_FORMAT = "one of " + ", ".join((*RECORD_FORMATS, *FILE_FORMATS))
_TYPE = "one of " + ", ".join(Type)
_TAG = f"a tag such as '0020 000E', {NO_TAG} or {COMPUTED}"
_TAGS = re.compile(rf"[0-9A-Fa-f]{{4}} [0-9A-Fa-f]{{4}}|{NO_TAG}|{COMPUTED}")

SETTABLE: Mapping[str, Mapping[str, str]] = {
    "endpoint": {
        "formats": _FORMATS,
        "default_format": _FORMAT,
        "name": _TEXT,
        "class": _TEXT,
    },
    "parameter": {
        "required": _YES_NO,
        "type": _TYPE,
        "dicom": _TAG,
        "allowed_values": _TEXTS,
        "default": _TEXT,
        "description": _TEXT,
        "example": _TEXT,
        "name": _TEXT,
    },
    "attribute": {
        "optional": _YES_NO,
        "type": _TYPE,
        "allowed_values": _TEXTS,
        "example": _TEXT,
        "name": _TEXT,
        "aliases": _TEXTS,
    },
}
"""The keys that an entry may set, by the kind of its target, and the form of each value."""


@attrs.frozen
class Entry:
    """One entry: its target, the values that it sets, and why."""

    number: int
    endpoint: str
    kind: str
    member: str
    values: Mapping[str, Any]
    reason: str

    def matches(self, address: str, kind: str, member: str = "") -> bool:
        """Return whether the entry applies to this endpoint, parameter or attribute."""
        return self.kind == kind and self.member == member and fnmatchcase(address, self.endpoint)

    def __str__(self) -> str:
        target = f"{self.kind} {self.member} of {self.endpoint}" if self.member else self.endpoint
        return f"entry {self.number} ({target})"


@attrs.frozen
class Overlay:
    """All entries of one file; ``where`` names it in messages."""

    where: str = "no overlay"
    entries: tuple[Entry, ...] = ()


def overlay_lines(endpoint: str, key: str, value: object, reason: str = "…", **member: str) -> str:
    """Return an entry as TOML, ready to be pasted into the overlay."""
    shown = json.dumps(value, ensure_ascii=False)
    lines = [
        "[[entry]]",
        f"endpoint = {json.dumps(endpoint)}",
        *(f"{kind} = {json.dumps(name)}" for kind, name in member.items()),
        f"set = {{ {key} = {shown} }}",
        f"reason = {json.dumps(reason, ensure_ascii=False)}",
    ]
    return "\n".join(f"    {line}" for line in lines)


def read_overlay(path: Path) -> Overlay:
    """Return the overlay in ``path``.

    Raises:
        DocumentProblem: The file is unreadable or not TOML, or entries are invalid; all findings
            are reported.
    """
    try:
        return parse_overlay(path.read_bytes(), str(path))
    except OSError as error:
        raise DocumentProblem(f"The overlay {path} cannot be read: {error.strerror}.") from error


def parse_overlay(body: bytes, where: str) -> Overlay:
    """Return the overlay in ``body``; ``where`` names it in messages.

    Raises:
        DocumentProblem: The body is not TOML, or entries are invalid; all findings are reported.
    """
    try:
        data = tomllib.loads(body.decode("utf-8-sig"))
    except ValueError as error:  # not UTF-8, not TOML, or a number of thousands of digits
        raise DocumentProblem(f"The overlay {where} is not TOML: {error}") from error
    except RecursionError as error:
        raise DocumentProblem(
            f"The overlay {where} is not TOML: its values are nested too deeply"
        ) from error
    problems = [
        f"unknown key {key!r}; entries are [[entry]] tables" for key in data if key != "entry"
    ]
    tables = data.get("entry", [])
    if not isinstance(tables, list) or not all(isinstance(t, dict) for t in tables):
        problems.append("`entry` must be an array of tables: write [[entry]]")
        tables = []
    entries = []
    for number, table in enumerate(tables, 1):
        wrong = _wrong(table)
        problems += [f"entry {number}: {reason}" for reason in wrong]
        if not wrong:
            entries.append(_entry(number, table))
    if problems:
        raise DocumentProblem("\n".join(f"{where}: {problem}" for problem in problems))
    return Overlay(where, tuple(entries))


def _kind(table: Mapping[str, Any]) -> str:
    return next((kind for kind in ("parameter", "attribute") if kind in table), "endpoint")


def _entry(number: int, table: Mapping[str, Any]) -> Entry:
    kind = _kind(table)
    member = table[kind] if kind != "endpoint" else ""
    return Entry(number, table["endpoint"], kind, member, table["set"], table["reason"])


def _wrong(table: Mapping[str, Any]) -> list[str]:
    allowed = {"endpoint", "parameter", "attribute", "set", "reason"}
    found = [
        f"unknown key {key!r}{suggestion(key, allowed)}" for key in table if key not in allowed
    ]
    found += [
        f"`{key}` must be a string"
        for key in ("endpoint", "reason")
        if not _fits(table.get(key), _TEXT)
    ]
    if "parameter" in table and "attribute" in table:
        found.append("set `parameter` or `attribute`, not both")
    kind = _kind(table)
    if kind != "endpoint" and not isinstance(table[kind], str):
        found.append(f"`{kind}` must be a string")
    values = table.get("set")
    if not isinstance(values, dict) or not values:
        return [*found, "`set` must be a table of values, such as { optional = false }"]
    for key, value in values.items():
        if key not in SETTABLE[kind]:
            hint = suggestion(key, SETTABLE[kind])
            found.append(f"an overlay cannot set {key!r} of an {kind}{hint}")
        elif not _fits(value, SETTABLE[kind][key]):
            found.append(f"{key} must be {SETTABLE[kind][key]}, not {value!r}")
    return found


def _fits(value: object, wanted: str) -> bool:
    if wanted == _YES_NO:
        return isinstance(value, bool)
    if wanted == _TAG:
        return isinstance(value, str) and _TAGS.fullmatch(value) is not None
    if wanted == _TYPE:
        return isinstance(value, str) and value in set(Type)
    if wanted == _FORMAT:
        return value in (*RECORD_FORMATS, *FILE_FORMATS)
    if wanted in (_TEXTS, _FORMATS):
        inner = _TEXT if wanted == _TEXTS else _FORMAT
        return isinstance(value, list) and bool(value) and all(_fits(v, inner) for v in value)
    return isinstance(value, str) and bool(value.strip())
