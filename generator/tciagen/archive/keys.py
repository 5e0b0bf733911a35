"""API keys of the server: compared by digest, stored as digests, hidden in the log.

A key of :func:`new_key` has 256 random bits, so a plain SHA-256 digest does not reveal it.
The log and secret scanners recognize it by its fixed start and length.
"""

import hashlib
import os
import re
import secrets
import stat
from collections.abc import Iterable
from pathlib import Path

import attrs

from tciagen.errors import DocumentProblem, UsageProblem

HIDDEN = "***"
_GENERATED = re.compile(r"tciagen_[A-Za-z0-9_-]{43}")
_LINE = re.compile(r"sha256:([0-9a-f]{64})")
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


@attrs.frozen
class Keys:
    """The keys that a server accepts; an empty set disables authentication."""

    _digests: tuple[bytes, ...] = ()
    _texts: tuple[str, ...] = attrs.field(default=(), repr=False)

    @classmethod
    def of(cls, texts: Iterable[str], digests: Iterable[bytes] = ()) -> "Keys":
        """Return the keys with these texts and digests."""
        known = tuple(texts)
        return cls((*map(_digest, known), *digests), known)

    def __bool__(self) -> bool:
        return bool(self._digests)

    def accept(self, key: str) -> bool:
        """Return whether a key is one of these, in constant time."""
        digest = _digest(key)
        return sum(secrets.compare_digest(digest, known) for known in self._digests) > 0

    def hide(self, text: str) -> str:
        """Return a text without any key."""
        for key in self._texts:
            text = text.replace(key, HIDDEN)
        return _GENERATED.sub(HIDDEN, text)


def checked_key(key: str, source: str) -> str:
    """Return a key that a request can carry.

    Raises:
        UsageProblem: the key is empty, or no header can hold it.
    """
    if not key.strip():
        raise UsageProblem(
            f"{source} is empty, and an empty key would admit everyone: set a key, or leave it out"
        )
    if key != key.strip() or not key.isprintable():
        raise UsageProblem(
            f"{source} begins or ends with a blank, or has control characters, which no request "
            "can send: set another key"
        )
    return key


def new_key(path: Path) -> str:
    """Add a new random key to a key file, create the file if absent, and return the key.

    Raises:
        UsageProblem: the file cannot be written, or others can read it.
        DocumentProblem: the file is not a key file.
    """
    key = "tciagen_" + secrets.token_urlsafe(32)
    if path.exists():
        read_key_file(path)
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0)
    try:
        with os.fdopen(os.open(path, flags, 0o600), "a", encoding="ascii") as file:
            file.write(f"sha256:{_digest(key).hex()}\n")
    except OSError as error:
        raise UsageProblem(f"cannot write the key file {path}: {error.strerror}") from error
    return key


def read_key_file(path: Path) -> list[bytes]:
    """Return the digests of the keys in a key file.

    Raises:
        UsageProblem: the file cannot be read, or others can read it.
        DocumentProblem: a line is not a hashed key, or the file contains no key.
    """
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        lines = path.read_text(encoding="utf-8-sig", errors="replace").splitlines()
    except OSError as error:
        raise UsageProblem(
            f"cannot read the key file {path}: {error.strerror}; "
            "create one with `tciagen archive new-key`"
        ) from error
    if os.name == "posix" and mode & _OTHERS:
        raise UsageProblem(
            f"other users have access to the key file {path} (mode {mode:o}): `chmod 600` it"
        )
    digests = []
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        if (found := _LINE.fullmatch(line.strip())) is None:
            raise DocumentProblem(
                f"{path} line {number} is not a hashed key: delete the line, and add a key with "
                "`tciagen archive new-key`"
            )
        digests.append(bytes.fromhex(found[1]))
    if not digests:
        raise DocumentProblem(f"{path} contains no key: add one with `tciagen archive new-key`")
    return digests


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()
