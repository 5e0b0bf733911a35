"""The two files that a release edits in place: the configuration and the changelog."""

import re
from pathlib import Path

import tomlkit

HEADER = """\
# Changelog

The format is that of [Keep a Changelog](https://keepachangelog.com/en/1.1.0/); versions follow
[Semantic Versioning](https://semver.org).
"""
BYTE_ORDER_MARK = "\ufeff"
_RELEASE = re.compile(r"^## \[?\d", re.MULTILINE)


def with_version(config: str, path: Path, api: str, version: str) -> str:
    """Return a configuration file's text with another version of an API's package.

    Comments and layout stay as they are. ``path`` determines the location of the API's table.
    """
    mark = BYTE_ORDER_MARK if config.startswith(BYTE_ORDER_MARK) else ""
    document = tomlkit.parse(config.removeprefix(mark))
    tables = document["tool"]["tciagen"] if path.name == "pyproject.toml" else document
    tables[api]["version"] = version
    return mark + tomlkit.dumps(document)


def with_entry(changelog: str, entry: str) -> str:
    """Return a changelog with the entry of a new release above the earlier ones."""
    breaks = changelog.count("\r\n")
    if breaks and breaks == changelog.count("\n"):
        return with_entry(changelog.replace("\r\n", "\n"), entry).replace("\n", "\r\n")
    text = changelog or HEADER
    first = _RELEASE.search(text)
    before, after = (text[: first.start()], text[first.start() :]) if first else (text, "")
    return (
        "\n\n".join(filter(None, (before.rstrip("\n"), entry.rstrip("\n"), after))).rstrip("\n")
        + "\n"
    )
