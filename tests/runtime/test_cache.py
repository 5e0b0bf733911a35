"""Answers that are kept: given again while they hold, to whom they came, and without a key."""

import asyncio
import gzip
import json
import os
import sqlite3
import stat
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from _runtime.errors import DecodeError, ParameterError, ServerError
from _runtime.options import Cache
from _runtime.retry import Retry

if TYPE_CHECKING:
    from tests.runtime.conftest import Ask, Runtime, Server

HOUR = timedelta(hours=1)
KEY = "sesame-4711-open"


def ships(*uids: str) -> bytes:
    return json.dumps([{"ShipUID": uid} for uid in uids]).encode()


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(folder=tmp_path / "kept" / "here", lifetime=HOUR)


def uids(rows: Any) -> list[str]:
    return [row.ship_uid for row in rows]


def stored(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_an_answer_is_given_again_without_asking(
    ask: "Ask", server: "Server", cache: Cache
) -> None:
    server.answers(ships("1.2"), ships("1.3"), ships("1.4"))
    first = ask(lambda c: c.list_ships(), cache=cache)
    assert uids(ask(lambda c: c.list_ships(), cache=cache)) == uids(first) == ["1.2"]
    assert uids(ask(lambda c: c.list_ships.iter(), cache=cache)) == ["1.2"]
    raw = ask(lambda c: c.list_ships.raw(), cache=cache)
    assert (raw.content, raw.status) == (ships("1.2"), 200)
    assert len(server.asked) == 1
    assert uids(ask(lambda c: c.list_ships(port="Kiel"), cache=cache)) == ["1.3"]
    assert uids(ask(lambda c: c.list_ships())) == ["1.4"]
    assert len(server.asked) == 3


def test_a_cache_is_shared_by_both_clients(rt: "Runtime", server: "Server", cache: Cache) -> None:
    server.answers(ships("1.2"), ships("1.3"))
    with rt.Client(base_url=server.base_url, cache=cache) as client:
        client.list_ships()

    async def run() -> list[str]:
        async with rt.AsyncClient(base_url=server.base_url, cache=cache) as client:
            return uids(await client.list_ships())

    assert asyncio.run(run()) == ["1.2"]
    assert len(server.asked) == 1


IN_TURN = """
import sys
sys.path[:0] = sys.argv[4:]
from conftest import Client
from _runtime.options import Cache

cache = Cache(folder=sys.argv[1], lifetime=float(sys.argv[2]))
with Client(base_url=sys.argv[3], cache=cache, on_drift="off") as client:
    for _ in range(60):
        assert [ship.ship_uid for ship in client.list_ships()] == ["1.2"]
"""


def test_processes_that_run_at_once_share_a_cache(server: "Server", cache: Cache) -> None:
    server.answers(ships("1.2"))
    paths = [path for path in sys.path if path.endswith(("package", "runtime", "forms"))]

    def ask(processes: int, lifetime: float) -> None:
        command = [sys.executable, "-c", IN_TURN]
        command += [str(cache.folder), str(lifetime), server.base_url, *paths]
        running = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(processes)]
        told = [process.communicate(timeout=120)[1] for process in running]
        assert [process.returncode for process in running] == [0] * processes, told

    ask(3, lifetime=0.02)
    asked = len(server.asked)
    assert asked > 2
    for _ in range(2):
        ask(1, lifetime=60.0)
    assert len(server.asked) <= asked + 1


def test_what_no_longer_holds_is_asked_for_again(
    ask: "Ask", server: "Server", tmp_path: Path
) -> None:
    server.answers(ships("1.2"), ships("1.3"))
    short = Cache(folder=tmp_path, lifetime=0.2)
    ask(lambda c: c.list_ships(), cache=short)
    time.sleep(0.3)
    assert uids(ask(lambda c: c.list_ships(), cache=short)) == ["1.3"]


def test_headers_are_kept_and_those_of_one_client_are_not(
    ask: "Ask", rt: "Runtime", server: "Server", cache: Cache
) -> None:
    told = {"Vendor": "x", "Set-Cookie": "session=oyster-99", "Echo": f"key {KEY}"}
    server.answers(rt.Reply(ships("1.2"), headers=told), ships())
    ask(lambda c: c.list_ships(), cache=cache, api_key=KEY)
    raw = ask(lambda c: c.list_ships.raw(), cache=cache, api_key=KEY)
    assert raw.headers["vendor"] == raw.headers["VENDOR"] == "x"
    assert raw.content == ships("1.2")
    assert b"oyster-99" not in stored(cache.folder)


def test_a_compressed_answer_is_given_again(
    ask: "Ask", rt: "Runtime", server: "Server", cache: Cache
) -> None:
    packed = gzip.compress(ships("1.2"))
    server.answers(rt.Reply(packed, headers={"Content-Encoding": "gzip"}), ships())
    for _ in range(2):
        assert uids(ask(lambda c: c.list_ships(), cache=cache)) == ["1.2"]
        assert ask(lambda c: c.list_ships.raw(), cache=cache).content == ships("1.2")


def test_no_key_is_in_the_files_and_none_gets_what_came_for_another(
    ask: "Ask", server: "Server", cache: Cache
) -> None:
    server.answers(ships("1.1"), ships("1.2"), ships("1.3"), ships("1.4"))
    for key, uid in [(KEY, "1.1"), ("another", "1.2"), (None, "1.3")]:
        for _ in range(2):
            assert uids(ask(lambda c: c.list_ships(), cache=cache, api_key=key)) == [uid]
    assert [headers.get("api_key") for _, headers in server.asked] == [KEY, "another", None]
    content = stored(cache.folder)
    assert b"1.1" in content
    assert KEY.encode() not in content
    assert b"api_key" not in content


def test_another_server_is_another_answer(
    rt: "Runtime", server: "Server", other_server: "Server", cache: Cache
) -> None:
    server.answers(ships("1.1"))
    other_server.answers(ships("1.2"))
    for one, uid in [(server, "1.1"), (other_server, "1.2"), (server, "1.1")]:
        with rt.Client(base_url=one.base_url, cache=cache) as client:
            assert uids(client.list_ships()) == [uid]
    assert len(server.asked) == 1


@pytest.mark.skipif(os.name == "nt", reason="there are no modes")
def test_the_files_are_their_owner_s_alone_and_hold_no_key_while_they_are_open(
    rt: "Runtime", server: "Server", cache: Cache
) -> None:
    server.answers(ships("1.2"))
    for _ in range(2):
        old = os.umask(0)
        try:
            with rt.Client(base_url=server.base_url, cache=cache, api_key=KEY) as client:
                client.list_ships()
                found = list(cache.folder.glob("answers*"))
                modes = {stat.S_IMODE(path.stat().st_mode) for path in found}
                content = stored(cache.folder)
        finally:
            os.umask(old)
        assert len(found) == 3  # SQLite has two more while it is open
        assert modes == {0o600}
        assert stat.S_IMODE(cache.folder.stat().st_mode) == 0o700
        assert b"1.2" in content
        assert KEY.encode() not in content
        (cache.folder / "answers.sqlite").chmod(0o644)


@pytest.mark.parametrize(
    "body",
    [b'[{"ShipUID": "1.2"}', b"<html>out of order</html>", b'[{"ShipName": "x"}]'],
    ids=["cut", "page", "misfit"],
)
def test_what_cannot_be_read_is_not_kept(
    ask: "Ask", server: "Server", cache: Cache, body: bytes
) -> None:
    server.answers(body, ships("1.2"))
    with pytest.raises(DecodeError):
        ask(lambda c: c.list_ships(), cache=cache, retry=Retry(attempts=1))
    assert uids(ask(lambda c: c.list_ships(), cache=cache)) == ["1.2"]


def test_what_was_kept_raw_and_cannot_be_read_goes_when_that_is_seen(
    ask: "Ask", server: "Server", cache: Cache
) -> None:
    server.answers(b"a sentence", ships("1.2"))
    assert ask(lambda c: c.list_ships.raw(), cache=cache).content == b"a sentence"
    with pytest.raises(DecodeError):
        ask(lambda c: c.list_ships(), cache=cache)
    assert uids(ask(lambda c: c.list_ships(), cache=cache)) == ["1.2"]


def test_what_breaks_fails_or_is_not_to_be_stored_is_not_kept(
    ask: "Ask", rt: "Runtime", server: "Server", cache: Cache
) -> None:
    server.answers(rt.Reply(ships("1.2"), cut=True), ships("1.3"))
    assert uids(ask(lambda c: c.list_ships(), cache=cache)) == ["1.3"]  # tried again
    server.answers(rt.Reply(b"{}", status=500), ships("1.4"))
    with pytest.raises(ServerError):
        ask(lambda c: c.list_ships(crew=1), cache=cache)
    assert uids(ask(lambda c: c.list_ships(crew=1), cache=cache)) == ["1.4"]
    private = rt.Reply(ships("1.5"), headers={"Cache-Control": "max-age=9, No-Store"})
    server.answers(private, ships("1.6"))
    for uid in ("1.5", "1.6"):
        assert uids(ask(lambda c: c.list_ships(crew=2), cache=cache)) == [uid]


def test_an_iterator_that_is_closed_early_keeps_nothing(
    rt: "Runtime", server: "Server", cache: Cache
) -> None:
    many = ships(*(f"1.{n}" for n in range(1, 20_000)))
    server.answers(many, ships("1.2"))
    with rt.Client(base_url=server.base_url, cache=cache) as client:
        rows = client.list_ships.iter()
        next(rows)
        rows.close()
        assert uids(client.list_ships()) == ["1.2"]


def test_a_large_answer_is_given_again(ask: "Ask", server: "Server", cache: Cache) -> None:
    many = [f"1.{n}" for n in range(1, 20_000)]
    server.answers(ships(*many), ships())
    for _ in range(2):
        assert uids(ask(lambda c: c.list_ships(), cache=cache)) == many
    assert len(server.asked) == 1


def test_files_are_never_kept(ask: "Ask", server: "Server", cache: Cache, tmp_path: Path) -> None:
    server.answers(b"PK\x05\x06" + bytes(18))  # an archive of nothing
    for _ in range(2):
        assert ask(lambda c: c.download_plans.raw(ship_uid="1.2"), cache=cache).content[:2] == b"PK"
        ask(lambda c: c.download_plans(tmp_path, ship_uid="1.2"), cache=cache)
    assert len(server.asked) == 4
    assert not cache.folder.exists()


def test_a_kept_answer_waits_neither_for_a_connection_nor_for_the_rate(
    rt: "Runtime", server: "Server", cache: Cache
) -> None:
    server.answers(ships("1.2"))
    with rt.Client(
        base_url=server.base_url, cache=cache, max_connections=1, requests_per_second=0.01
    ) as client:
        client.list_ships()
        held = client.list_ships.iter()
        next(held)
        for _ in range(5):
            assert uids(client.list_ships()) == ["1.2"]
        held.close()


def test_a_closed_client_gives_nothing_more(rt: "Runtime", server: "Server", cache: Cache) -> None:
    server.answers(ships("1.2"))
    client = rt.Client(base_url=server.base_url, cache=cache)
    client.list_ships()
    client.close()
    with pytest.raises(RuntimeError, match="closed"):
        client.list_ships()


def test_a_file_that_is_no_cache_is_told_or_done_without(
    ask: "Ask", server: "Server", cache: Cache
) -> None:
    server.answers(ships("1.2"))
    cache.folder.mkdir(parents=True)
    path = cache.folder / "answers.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE entries (mine TEXT)")
    connection.close()
    with pytest.raises(ParameterError, match=r"cache: .* can't use"):
        ask(lambda c: c.list_ships(), cache=cache)
    path.write_bytes(b"no database at all, but a text of some length" * 100)
    assert uids(ask(lambda c: c.list_ships(), cache=cache)) == ["1.2"]


@pytest.mark.skipif(os.name == "nt", reason="links need rights")
def test_a_link_in_its_place_is_not_followed(
    ask: "Ask", server: "Server", cache: Cache, tmp_path: Path
) -> None:
    cache.folder.mkdir(parents=True)
    mine = tmp_path / "mine"
    mine.write_bytes(b"")
    (cache.folder / "answers.sqlite").symlink_to(mine)
    with pytest.raises(OSError, match=r"answers\.sqlite"):
        ask(lambda c: c.list_ships(), cache=cache)
    assert mine.read_bytes() == b""


def test_arguments_that_cannot_be_used_are_told(
    rt: "Runtime", server: "Server", cache: Cache, tmp_path: Path
) -> None:
    with (
        httpx.Client() as own,
        pytest.raises(ParameterError, match="does not go with an http_client of your own"),
    ):
        rt.Client(cache=cache, http_client=own)
    folder: Any = "folder"
    with pytest.raises(ParameterError, match="cache must be a Cache"):
        rt.AsyncClient(cache=folder)
    for wrong in ({"lifetime": 0}, {"lifetime": timedelta(0)}, {"lifetime": 1, "max_bytes": 0}):
        values: Any = wrong
        with pytest.raises(ParameterError, match="must be more than 0"):
            Cache(folder=tmp_path, **values)


def run_in_process(code: str, *arguments: str) -> str:
    package = Path(__file__).parents[2] / "templates" / "client" / "package"
    head = (
        "import sys; sys.path.insert(0, sys.argv[1]);"
        "from _runtime import client, methods, options;"
        "C = type('C', (client.SyncClient,), {'_settings': client.Settings("
        "package='p', version='1', base_url='https://h/', environment='P')});"
        "cache = options.Cache(folder=sys.argv[2], lifetime=60);"
    )
    command = [sys.executable, "-c", head + code, str(package), *arguments]
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()


def test_neither_the_import_nor_a_client_loads_hishel(tmp_path: Path) -> None:
    code = "C(cache=cache); print([m for m in ('hishel', 'sqlite3', 'httpx') if m in sys.modules])"
    assert run_in_process(code, str(tmp_path)) == "[]"


def test_without_hishel_the_extra_is_named(tmp_path: Path) -> None:
    code = (
        "import importlib.machinery\n"
        "class Gone(importlib.machinery.PathFinder):\n"
        "    @classmethod\n"
        "    def find_spec(cls, name, path=None, target=None):\n"
        "        return None if name == 'hishel' else super().find_spec(name, path, target)\n"
        "sys.meta_path[:] = [Gone if m is importlib.machinery.PathFinder else m"
        " for m in sys.meta_path]\n"
        "try:\n"
        "    C(cache=cache)\n"
        "except ImportError as error:\n"
        "    print(error)\n"
    )
    said = run_in_process("\n" + code, str(tmp_path))
    assert said == "a cache needs hishel; install p with its extra 'cache'"
