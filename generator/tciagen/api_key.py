"""The API key that a server asks for: from an option, the environment or a file.

These are the places where the generated client looks, too: ``--api-key``, the variable
``<PREFIX>_API_KEY`` and the file that ``<command> config set api-key`` writes. A key is never
printed and never written.
"""

import json
import os
import tomllib

from platformdirs import user_config_path

from tciagen.errors import UsageProblem

HEADER = "api_key"
_SECRET = 8
"""From this length on a key is taken for a secret, and is looked for in responses."""


def checked_key(key: str, source: str) -> str:
    """Return a key as it can be in a header.

    Raises:
        UsageProblem: it is empty, or holds other than visible ASCII characters.
    """
    key = key.strip()
    if not key:
        raise UsageProblem(f"{source} is empty. Leave it out, or set it to a key.")
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise UsageProblem(
            f"{source} holds characters that no key has."
            " Copy it again: letters, digits and punctuation, without blanks."
        )
    return key


def find_key(
    given: str | None, *, prefix: str, command: str, default_url: str | None, base_url: str
) -> str | None:
    """Return the key for a server, None if there is none.

    Args:
        given: the key of the option.
        prefix: of the environment variable.
        command: whose file may hold a key. It goes to the server of the file only.
        default_url: the server of a file that names none.
        base_url: the server that gets the key.

    Raises:
        UsageProblem: a key or the file is not usable.
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
    """Return whether a response repeats the key. A key of a few letters is no secret."""
    if key is None or len(key) < _SECRET:
        return False
    return key.encode() in text or json.dumps(key)[1:-1].encode() in text


def without_key(text: bytes, key: str | None) -> bytes:
    """Return a response without the key, should the server repeat it."""
    if key is None or len(key) < _SECRET:
        return text
    shorter = text.replace(json.dumps(key)[1:-1].encode(), b"<api_key>")
    return shorter.replace(key.encode(), b"<api_key>")
