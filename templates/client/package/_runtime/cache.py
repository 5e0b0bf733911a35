"""Where the answers of a :class:`.options.Cache` are kept: hishel's storage, the extra ``cache``.

It is loaded by the first request.
"""

import hashlib
import os
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from .options import Options
from .request import Request

_FILE = "answers.sqlite"
_ROUNDS = 100_000


class Shelf:
    """What of keeping answers has nothing to do with waiting.

    The client's key becomes part of the name of each answer, stretched so that it cannot be
    found by trying.
    """

    def __init__(self, options: Options) -> None:
        assert options.cache is not None  # noqa: S101 - there is a cache
        self._cache = options.cache
        self._key = options.api_key
        key, salt = (options.api_key or "").encode(), options.base_url.encode()
        self._whose = hashlib.pbkdf2_hmac("sha256", key, salt, _ROUNDS) if key else b""

    def storage(self, kind: str) -> Any:
        """Open hishel's storage of this name.

        Raises:
            OSError: It cannot be written.
        """
        folder = self._cache.folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / _FILE
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
        descriptor = os.open(path, flags, 0o600)  # SQLite gives its other files this mode, too
        try:
            if os.name != "nt":
                os.fchmod(descriptor, 0o600)
        finally:
            os.close(descriptor)
        return getattr(import_module("hishel"), kind)(
            database_path=path, default_ttl=self._cache.lifetime, max_size=self._cache.max_bytes
        )

    def keeps(self, request: Request) -> bool:
        """Whether answers to it are kept: those of records are, files are not."""
        return request.format is not None

    def takes(self, status: int, headers: Mapping[str, str]) -> bool:
        """Whether an answer may be kept."""
        return status == 200 and "no-store" not in headers.get("cache-control", "").lower()

    def name(self, request: Request) -> str:
        """What the answer to a request is kept under."""
        return hashlib.sha256(self._whose + b"\n" + request.url.encode()).hexdigest()

    def asked(self, request: Request) -> Any:
        """The request as it is kept: without headers, and so without a key."""
        return import_module("hishel").Request("GET", request.url)

    def answered(self, status: int, headers: Mapping[str, str], body: Any) -> Any:
        """The answer as it is kept, without what is meant for one client alone."""
        hishel = import_module("hishel")
        kept = {
            name: value
            for name, value in headers.items()
            if name.lower() != "set-cookie" and not (self._key and self._key in value)
        }
        return hishel.Response(status, hishel.Headers(kept), body)
