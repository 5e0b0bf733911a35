"""The two texts that a release changes in place: the configuration and the changelog."""

import re
from pathlib import Path

import tomlkit

HEADER = """\
# Changelog

The format is that of [Keep a Changelog](https://keepachangelog.com/en/1.1.0/); versions follow
[Semantic Versioning](https://semver.org).
"""
_RELEASE = re.compile(r"^## \[?\d", re.MULTILINE)


def with_version(config: str, path: Path, api: str, version: str) -> str:
    """Return a configuration file's text with another version of an API's package.

    Comments and layout stay as they are. ``path`` tells where the API's table stands.
    """
    document = tomlkit.parse(config)
    tables = document["tool"]["tciagen"] if path.name == "pyproject.toml" else document
    tables[api]["version"] = version
    return tomlkit.dumps(document)


def with_entry(changelog: str, entry: str) -> str:
    """Return a changelog with the entry of a new release above the earlier ones."""
    text = changelog or HEADER
    first = _RELEASE.search(text)
    before, after = (text[: first.start()], text[first.start() :]) if first else (text, "")
    return (
        "\n\n".join(filter(None, (before.rstrip("\n"), entry.rstrip("\n"), after))).rstrip("\n")
        + "\n"
    )
