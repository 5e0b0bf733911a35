"""The configuration file of a command: where the server is, and the key for it."""

import json
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path

import click

KEYS = ("base-url", "api-key")


def config_path(command: str) -> Path:
    """Where the file is: the system's place for the configuration of a user."""
    from platformdirs import user_config_path  # noqa: PLC0415 - late on purpose

    return user_config_path(command, appauthor=False) / "config.toml"


def read_config(command: str) -> dict[str, str]:
    """What the file says; nothing if there is none.

    Raises:
        ClickException: It cannot be read, or says something else.
    """
    path = config_path(command)
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (ValueError, RecursionError):  # not UTF-8, not TOML, or beyond Python's limits
        raise click.ClickException(f"{path} is not TOML; mend or delete it") from None
    for key, value in said.items():
        if key not in KEYS or not isinstance(value, str):
            raise click.ClickException(
                f"{path}: {key!r} is not one of {' and '.join(KEYS)} with a text; mend the file"
            )
    return said


def write_config(command: str, values: Mapping[str, str]) -> Path:
    """Write the file, whole or not at all, for nobody's eyes but the user's."""
    path = config_path(command)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            for key, value in values.items():  # a string of JSON is one of TOML
                file.write(f"{key} = {json.dumps(value, ensure_ascii=False)}\n".encode())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path
