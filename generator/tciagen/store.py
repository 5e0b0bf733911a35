"""Results of slow, pure functions, cached in the user's cache folder by digest of the input.

A digest covers the input and the code of the function, so an entry cannot be out of date. The
store is optional: without a writable folder everything works, only slower.
"""

import hashlib
import sqlite3
import time
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from types import ModuleType

from platformdirs import user_cache_path

_DAY = 24 * 60 * 60
_REFRESH_DAYS = 7
_KEEP_DAYS = 60
_SCHEMA = """\
CREATE TABLE IF NOT EXISTS result (key BLOB PRIMARY KEY, text TEXT NOT NULL, used INTEGER NOT NULL)
WITHOUT ROWID
"""


def code_digest(*modules: ModuleType, also: str = "") -> str:
    """Return the SHA-256 of the source of modules and of further inputs."""
    total = hashlib.sha256(also.encode())
    for module in modules:
        total.update(Path(str(module.__file__)).read_bytes())
    return total.hexdigest()


def key_of(*parts: str) -> bytes:
    """Return the key of an input in parts."""
    total = hashlib.sha256()
    for part in parts:
        body = part.encode("utf-8", "surrogatepass")
        total.update(len(body).to_bytes(8, "big") + body)
    return total.digest()


def read_results(keys: Iterable[bytes]) -> dict[bytes, str]:
    """Return the cached results of those keys that have one."""
    database = _database()
    if database is None:
        return {}
    try:
        found = {}
        stale = []
        today = int(time.time() // _DAY)
        for key in keys:
            row = database.execute("SELECT text, used FROM result WHERE key = ?", (key,)).fetchone()
            if row is not None:
                found[key] = str(row[0])
                if row[1] < today - _REFRESH_DAYS:
                    stale.append((today, key))
        if stale:
            with database:
                database.executemany("UPDATE result SET used = ? WHERE key = ?", stale)
    except sqlite3.Error:
        return {}
    return found


def write_results(results: Mapping[bytes, str]) -> None:
    """Store results, and delete those that were not used for two months."""
    database = _database()
    if database is None or not results:
        return
    today = int(time.time() // _DAY)
    rows = [(key, text, today) for key, text in results.items()]
    try:
        with database:
            database.execute("DELETE FROM result WHERE used < ?", (today - _KEEP_DAYS,))
            database.executemany("INSERT OR REPLACE INTO result VALUES (?, ?, ?)", rows)
    except sqlite3.Error:
        return


def _database() -> sqlite3.Connection | None:
    return _open(user_cache_path("tciagen", appauthor=False) / "results.sqlite")


@cache
def _open(path: Path) -> sqlite3.Connection | None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            return _connect(path)
        except sqlite3.OperationalError:  # no access, or locked for too long
            return None
        except sqlite3.DatabaseError:  # damaged: it holds nothing that cannot be made again
            path.unlink()
            return _connect(path)
    except (OSError, sqlite3.Error):
        return None


def _connect(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=5, check_same_thread=False)
    try:
        database.execute(_SCHEMA)
    except sqlite3.Error:
        database.close()
        raise
    return database
