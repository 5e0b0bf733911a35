"""The report that a server puts into an archive: an entry for each object."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, cast

LONGEST_REPORT = 16 * 1024 * 1024
"""Bytes of a report that are read."""

REPORT = "results.json"
"""Name of the report in the archive."""

FAILED = "error retrieving file"
"""What the report states of an object that the server could not read."""


def entries(text: str) -> Iterator[dict[str, str]]:
    """Yield the string values of each entry by their names; nothing if it is no report."""
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
