"""The API key of a server: from an option, the environment or a file.

The generated client reads the same sources: ``--api-key``, the variable ``<PREFIX>_API_KEY``
and the file that ``<command> config set api-key`` writes. A key is never printed or written.
"""

import json
import os
import tomllib

from platformdirs import user_config_path

from tciagen.errors import UsageProblem

HEADER = "api_key"
_SECRET = 8
"""Minimum length of a key that is a secret, which responses must not repeat."""


def checked_key(key: str, source: str) -> str:
    """Return a key in the form of a header value.

    Raises:
        UsageProblem: It is empty, or has other characters than visible ASCII.
    """
    key = key.strip()
    if not key:
        raise UsageProblem(f"{source} is empty. Omit it, or set it to a key.")
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise UsageProblem(
            f"{source} contains characters that no key has."
            " Copy it again: letters, digits and punctuation, without blanks."
        )
    return key


def find_key(
    given: str | None, *, prefix: str, command: str, default_url: str | None, base_url: str
) -> str | None:
    """Return the key for a server, or None.

    Args:
        given: The key of the option.
        prefix: Prefix of the environment variable.
        command: Command whose configuration file may have a key for one server.
        default_url: The server of a file that names no server.
        base_url: The server that receives the key.

    Raises:
        UsageProblem: A key or the file is invalid.
    """
    variable = f"{prefix}_API_KEY"
    if given is not None:
        return checked_key(given, "--api-key")
    if os.environ.get(variable, "").strip():
        return checked_key(os.environ[variable], variable)
    path = user_config_path(command, appauthor=False) / "config.toml"
    try:
        stored = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageProblem(f"{path} is not TOML. Fix or delete it.") from error
    server, key = stored.get("base-url") or default_url, stored.get("api-key")
    if not isinstance(key, str) or not isinstance(server, str):
        return None
    same = server.rstrip("/") == base_url.rstrip("/")
    return checked_key(key, f"api-key in {path}") if same else None


def holds_key(text: bytes, key: str | None) -> bool:
    """Return whether a response repeats the key. A short key is not a secret."""
    if key is None or len(key) < _SECRET:
        return False
    return key.encode() in text or json.dumps(key)[1:-1].encode() in text


def without_key(text: bytes, key: str | None) -> bytes:
    """Return a response in which the key is redacted."""
    if key is None or len(key) < _SECRET:
        return text
    shorter = text.replace(json.dumps(key)[1:-1].encode(), b"<api_key>")
    return shorter.replace(key.encode(), b"<api_key>")
