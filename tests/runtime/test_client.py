"""Clients against a real server: rows, raw responses, streams, names, limits."""

import asyncio
import gzip
import json
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from _runtime.endpoint import Endpoint
from _runtime.errors import (
    IncompleteResponseError,
    InvalidValueError,
    MismatchWarning,
    ReadTimeoutError,
)
from _runtime.http.options import Timeouts
from _runtime.http.retry import Retry
from _runtime.values import UID

if TYPE_CHECKING:
    from tests.runtime.conftest import RunClient, Runtime, Server

ROWS = b'[{"ShipUID":"1.2.3","ShipName":"Fram"},{"ShipUID":"1.2.4"}]'
CSV = b'ShipUID,ShipName\n"1.2.3","Fram"\n"1.2.4",'


@pytest.mark.parametrize(("name", "body"), [("json", ROWS), ("csv", CSV)])
def test_call_and_stream_return_typed_rows(
    run_client: "RunClient", rt: "Runtime", server: "Server", name: str, body: bytes
) -> None:
    server.respond_with(body)
    rows = run_client(lambda c: c.list_ships(format=name))
    assert rows == [
        rt.Ship(ship_uid=UID("1.2.3"), ship_name="Fram"),
        rt.Ship(ship_uid=UID("1.2.4")),
    ]
    assert run_client(lambda c: c.streaming.list_ships(format=name)) == rows


def test_raw_response_has_the_unchanged_body_headers_and_time(
    run_client: "RunClient", rt: "Runtime", server: "Server"
) -> None:
    body = b"anything \xff at all"
    packed = gzip.compress(body)
    headers = {"metadata": "{}", "imageCount": "3", "Content-Encoding": "gzip"}
    server.respond_with(rt.Reply(packed, headers=headers))
    response = run_client(lambda c: c.with_raw_response.list_ships(format="xml"), api_key="s3cret")
    assert (response.content, response.status, response.format) == (body, 200, "xml")
    assert (response.headers["imagecount"], response.headers["imageCount"]) == ("3", "3")
    assert response.url == f"{server.base_url}/Fleet/query/listShips?format=xml"
    assert response.seconds > 0
    assert "s3cret" not in repr(response)


@pytest.mark.parametrize("reply", [{"body": b"[]"}, {"body": b""}, {"body": b"", "status": 204}])
def test_response_without_rows_is_an_empty_list(
    run_client: "RunClient", rt: "Runtime", server: "Server", reply: dict[str, Any]
) -> None:
    server.respond_with(rt.Reply(**reply))
    assert run_client(lambda c: c.list_ships()) == []
    assert run_client(lambda c: c.streaming.list_ships()) == []


def test_stream_yields_the_first_row_before_the_last_byte(rt: "Runtime", server: "Server") -> None:
    hold = threading.Event()
    server.respond_with(rt.Reply(b"[" + b",".join([ROWS[1:-1]] * 50) + b"]", chunks=2, hold=hold))
    with rt.Client(base_url=server.base_url) as client:
        rows = client.streaming.list_ships()
        assert next(rows).ship_name == "Fram"
        hold.set()
        assert len(list(rows)) == 99


def test_closing_a_stream_early_closes_the_response(rt: "Runtime", server: "Server") -> None:
    hold = threading.Event()
    reply = rt.Reply(ROWS * 2, chunks=2, hold=hold)
    server.respond_with(reply, reply, ROWS)

    async def close_async() -> None:
        async with rt.AsyncClient(base_url=server.base_url, max_connections=1) as client:
            async with aclosing(client.streaming.list_ships()) as rows:
                assert (await anext(rows)).ship_name == "Fram"
            assert len(await client.list_ships()) == 2

    with rt.Client(base_url=server.base_url, max_connections=1) as client:
        rows = client.streaming.list_ships()
        assert next(rows).ship_name == "Fram"
        rows.close()
        server.respond_with(reply, ROWS)
        hold.set()
    asyncio.run(close_async())


def test_stream_of_a_large_response_needs_constant_memory(rt: "Runtime", server: "Server") -> None:
    record = json.dumps({"ShipUID": "1.2.3", "ShipName": "x" * 80}).encode()
    server.respond_with(rt.Reply(b"[" + b",".join([record] * 200_000) + b"]"))
    code = (
        "import sys, resource; sys.path[:0] = sys.argv[2:];"
        "from conftest import Client;"
        "rows = Client(base_url=sys.argv[1]).streaming.list_ships(); next(rows);"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss;"
        "count = sum(1 for _ in rows) + 1;"
        "print(count, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    here = str(Path(__file__).parent)
    out = subprocess.run(
        [sys.executable, "-c", code, server.base_url, here], capture_output=True, check=True
    )
    count, risen_kb = map(int, out.stdout.split())
    assert count == 200_000
    assert risen_kb < 15_000


def test_interrupted_stream_raises_after_the_received_rows(rt: "Runtime", server: "Server") -> None:
    broken = rt.Reply(ROWS[:-1] + b',{"Sh', cut=True)
    server.respond_with(broken)
    with rt.Client(base_url=server.base_url, retry=Retry(backoff=0)) as client:
        rows = client.streaming.list_ships()
        assert next(rows).ship_name == "Fram"
        with pytest.raises(IncompleteResponseError) as caught:
            list(rows)
        assert (caught.value.retryable, caught.value.fault) == (True, "network")
        assert len(server.requests) == 1, "no retry once rows are delivered"
        with pytest.raises(IncompleteResponseError):
            client.list_ships()
        assert len(server.requests) == 5


def test_call_retries_after_an_interrupted_response(
    run_client: "RunClient", rt: "Runtime", server: "Server"
) -> None:
    server.respond_with(rt.Reply(ROWS[:-1] + b',{"Sh', cut=True), ROWS)
    assert len(run_client(lambda c: c.list_ships())) == 2
    server.respond_with(rt.Reply(ROWS[:9], cut=True), ROWS)
    assert run_client(lambda c: c.with_raw_response.list_ships()).content == ROWS


def test_silent_server_raises_read_timeout(
    run_client: "RunClient", rt: "Runtime", server: "Server"
) -> None:
    hold = threading.Event()
    server.respond_with(rt.Reply(ROWS, chunks=2, hold=hold))
    with pytest.raises(ReadTimeoutError, match=r"no byte arrived for 0\.2 s"):
        run_client(lambda c: c.list_ships(), timeout=Timeouts(read=0.2))
    hold.set()


def test_mismatches_raise_or_warn_at_the_line_that_called(rt: "Runtime", server: "Server") -> None:
    server.respond_with(b'[{"ShipUID":"1.2.3","Crew":"x"},{"ShipUID":"1.2.3","Crew":"y"}]')
    with (
        rt.Client(base_url=server.base_url) as client,
        pytest.raises(InvalidValueError, match=r"Fleet/query/listShips: row 1: crew .*format=json"),
    ):
        client.list_ships()
    with (
        rt.Client(base_url=server.base_url, on_mismatch="warn") as client,
        pytest.warns(MismatchWarning, match="row 1: crew") as warned,
    ):
        assert [str(row.crew) for row in client.list_ships()] == ["x", "y"]
    assert [w.filename for w in warned] == [__file__]


def test_headers_of_every_response_are_observable(
    rt: "Runtime", server: "Server", monkeypatch: pytest.MonkeyPatch
) -> None:
    server.respond_with(rt.Reply(ROWS, headers={"metadata": '{"a":1}'}))
    seen: list[tuple[str, str]] = []

    def observe(endpoint: Endpoint, headers: Mapping[str, str]) -> None:
        seen.append((endpoint.name, headers["metadata"]))

    with rt.Client(base_url=server.base_url) as client:
        monkeypatch.setattr(client._detector, "check_headers", observe)
        client.list_ships()
        client.with_raw_response.list_ships()
    assert seen == [("listShips", '{"a":1}')] * 2


def test_unrequested_partial_content_is_an_error(
    run_client: "RunClient", rt: "Runtime", server: "Server"
) -> None:
    server.respond_with(rt.Reply(b'"ShipUID"\n"1.2"\n', 206, {"Content-Range": "bytes 0-15/40"}))
    with pytest.raises(IncompleteResponseError, match="206"):
        run_client(lambda c: c.list_ships(format="csv"))
    assert len(server.requests) == 4


# --- httpx -------------------------------------------------------------------------------------


def test_http_client_of_the_caller_is_used_and_not_closed(rt: "Runtime", server: "Server") -> None:
    server.respond_with(ROWS)
    with httpx.Client(headers={"X-Mine": "yes"}) as mine:
        with rt.Client(base_url=server.base_url, http_client=mine) as client:
            client.list_ships()
        assert not mine.is_closed

    async def run() -> None:
        async with httpx.AsyncClient(headers={"X-Mine": "yes"}) as mine:
            async with rt.AsyncClient(base_url=server.base_url, http_client=mine) as client:
                await client.list_ships()
            assert not mine.is_closed

    asyncio.run(run())
    assert [headers["x-mine"] for _, headers in server.requests] == ["yes", "yes"]


def test_closed_client_raises_an_error(rt: "Runtime", server: "Server") -> None:
    for call_first in (True, False):
        server.respond_with(ROWS)
        with rt.Client(base_url=server.base_url) as client:
            if call_first:
                client.list_ships()
        with pytest.raises(RuntimeError, match="closed"):
            client.list_ships()


def test_client_refuses_a_second_event_loop(rt: "Runtime", server: "Server") -> None:
    server.respond_with(b"[]")
    client = rt.AsyncClient(base_url=server.base_url)

    async def rows() -> Any:
        return await client.list_ships()

    async def leave() -> None:
        await client.aclose()

    with asyncio.Runner() as first, asyncio.Runner() as second:
        assert first.run(rows()) == []
        with pytest.raises(RuntimeError, match="make one inside each"):
            second.run(rows())
        assert first.run(rows()) == []
        first.run(leave())


def test_import_and_client_load_neither_httpx_nor_extras(rt: "Runtime") -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]);"
        "from _runtime import client;"
        "C = type('C', (client.SyncClient,), {'_settings': client.Settings("
        "package='p', version='1', base_url='https://h/', environment='P')});"
        "C(); print({'httpx', 'msgspec', 'orjson', 'pyarrow', 'urllib3'} & set(sys.modules))"
    )
    package = Path(__file__).parents[2] / "templates" / "client" / "package"
    out = subprocess.run(
        [sys.executable, "-c", code, str(package)], capture_output=True, check=True, text=True
    )
    assert out.stdout.strip() == "set()"
