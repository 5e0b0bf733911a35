"""Failed requests return their connection slot, their connection and their log settings."""

import asyncio
import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from _runtime.errors import IncompleteResponseError, NotFoundError, ReadTimeoutError
from _runtime.http import transport as transports
from _runtime.http.options import Timeouts
from _runtime.http.retry import Retry
from _runtime.http.transport_urllib3 import Urllib3Transport

if TYPE_CHECKING:
    from tests.runtime.conftest import Runtime, Server

ONE_SLOT: dict[str, Any] = {
    "max_connections": 1,
    "retry": Retry(attempts=1),
    "timeout": Timeouts(pool=0.5),
}
Outcomes = Callable[..., list[Any]]


class PausedError(Exception):
    """Interrupts a pause."""


def _rows_or_types(found: list[Any]) -> list[Any]:
    return [type(one) if isinstance(one, Exception) else one for one in found]


@pytest.fixture(params=["sync", "sync-urllib3", "async"])
def outcomes(
    request: pytest.FixtureRequest, rt: "Runtime", server: "Server", monkeypatch: Any
) -> Outcomes:
    """Call a method of one client several times; each result is its rows or its error's type."""

    def sync(count: int, prepare: Callable[[Any], None], **options: Any) -> list[Any]:
        with rt.Client(base_url=server.base_url, **ONE_SLOT, **options) as client:
            prepare(client)
            found: list[Any] = []
            for _ in range(count):
                try:
                    found.append(client.list_ships())
                except Exception as error:
                    found.append(error)  # its traceback refers to the response
            return _rows_or_types(found)

    async def awaited(
        count: int, prepare: Callable[[Any], None], options: dict[str, Any]
    ) -> list[Any]:
        async with rt.AsyncClient(base_url=server.base_url, **ONE_SLOT, **options) as client:
            prepare(client)
            found: list[Any] = []
            for _ in range(count):
                try:
                    found.append(await client.list_ships())
                except Exception as error:
                    found.append(error)  # its traceback refers to the response
            return _rows_or_types(found)

    def run(
        count: int, prepare: Callable[[Any], None] = lambda _client: None, **options: Any
    ) -> list[Any]:
        if request.param == "async":
            return asyncio.run(awaited(count, prepare, options))
        return sync(count, prepare, **options)

    if request.param == "sync-urllib3":
        monkeypatch.setattr(rt.Client, "below", "urllib3")
    return run


def test_request_with_an_error_status_frees_its_slot(
    outcomes: Outcomes, rt: "Runtime", server: "Server"
) -> None:
    server.respond_with(rt.Reply(b"", status=404), rt.Reply(b"", status=404), b"[]")
    assert outcomes(3) == [NotFoundError, NotFoundError, []]


def test_partial_response_that_was_not_requested_frees_its_connection(
    outcomes: Outcomes, rt: "Runtime", server: "Server"
) -> None:
    hold = threading.Event()
    partial = rt.Reply(b"[" * 1_000_000, status=206, chunks=2, hold=hold)
    server.respond_with(partial, partial, b"[]")
    try:
        assert outcomes(3) == [IncompleteResponseError, IncompleteResponseError, []]
        assert server.connections == 3, "an unread body is not read to its end"
    finally:
        hold.set()


def test_redirect_frees_its_connection_for_the_next_request(
    outcomes: Outcomes, rt: "Runtime", server: "Server"
) -> None:
    hold = threading.Event()
    here = {"Location": f"{server.base_url}/Fleet/query/listShips?format=json"}
    server.respond_with(
        rt.Reply(b"x" * 1_000_000, status=302, headers=here, chunks=2, hold=hold), b"[]"
    )
    try:
        assert outcomes(2) == [[], []]
    finally:
        hold.set()


def test_pause_that_is_interrupted_frees_its_slot(outcomes: Outcomes, server: "Server") -> None:
    def interrupt_pauses(client: Any) -> None:
        def pause(_seconds: float) -> None:
            raise PausedError

        client._calls.transport.sleep = pause

    server.respond_with(b"[]")
    found = outcomes(3, interrupt_pauses, requests_per_second=0.01)
    assert found == [[], PausedError, PausedError]
    assert ReadTimeoutError not in found


def test_log_shows_queries_again_after_a_redirect(
    rt: "Runtime", server: "Server", caplog: pytest.LogCaptureFixture
) -> None:
    here = {"Location": f"{server.base_url}/Fleet/query/listShips?format=json&signature=s3cr3t"}
    server.respond_with(rt.Reply(b"", status=302, headers=here), b"[]")
    with rt.Client(base_url=server.base_url) as client, caplog.at_level(logging.DEBUG):
        client.list_ships()
        assert "s3cr3t" not in caplog.text
        caplog.clear()
        logging.getLogger("urllib3.connectionpool").debug("GET %s", "/path?q=1")
    assert "q=1" in caplog.text


def test_urllib3_transport_closes_its_connections(server: "Server") -> None:
    server.respond_with(b"[]")
    transport = Urllib3Transport(1)
    transport.handle_request(httpx.Request("GET", f"{server.base_url}/x")).read()
    pools = [*transport._pools.values()]
    assert transport._bodies == set()
    transport.close()
    assert [pool.pool for pool in pools] == [None]


def test_urllib3_transport_that_is_closed_during_a_request_closes_its_body(
    server: "Server",
) -> None:
    server.respond_with(b"[]")
    transport = Urllib3Transport(1)
    transport._closed = True
    with pytest.raises(httpx.ReadError, match="has been closed"):
        transport.handle_request(httpx.Request("GET", f"{server.base_url}/x"))
    assert transport._bodies == set()
    transport.close()


def test_urllib3_transport_that_is_closed_closes_bodies_that_are_being_read(
    rt: "Runtime", server: "Server"
) -> None:
    hold = threading.Event()
    server.respond_with(rt.Reply(b"[" * 1_000_000, chunks=2, hold=hold))
    transport = Urllib3Transport(1)
    response = transport.handle_request(httpx.Request("GET", f"{server.base_url}/x"))
    transport.close()
    hold.set()
    assert transport._bodies == set()
    with pytest.raises(httpx.TransportError):
        response.read()


def test_proxies_are_remembered_for_a_bounded_number_of_origins(
    rt: "Runtime", server: "Server"
) -> None:
    with rt.Client(base_url=server.base_url) as client:
        transport: Any = client._calls.transport
        for number in range(transports._MAX_ORIGINS + 10):
            transport.proxy(f"http://127.0.0.1:{number + 1}/")
        assert 0 < len(transport._proxies) <= transports._MAX_ORIGINS


def busy_connections(client: Any) -> list[Any]:
    (transport,) = client._calls.transport._transports.values()
    pools = [one._pool for one in getattr(transport, "_all", [transport])]
    connections = [one for pool in pools for one in pool.connections]
    return [one for one in connections if not (one.is_idle() or one.is_closed())]


def test_unread_bodies_hold_no_connection_of_httpx(rt: "Runtime", server: "Server") -> None:
    hold = threading.Event()
    body: dict[str, Any] = {"body": b"[" * 1_000_000, "chunks": 2, "hold": hold}
    here = {"Location": f"{server.base_url}/Fleet/query/listShips?format=json"}
    server.respond_with(
        rt.Reply(status=206, **body), rt.Reply(status=302, headers=here, **body), b"[]"
    )
    try:
        with rt.Client(base_url=server.base_url, transport="httpx", **ONE_SLOT) as client:
            with pytest.raises(IncompleteResponseError) as caught:
                client.list_ships()
            assert busy_connections(client) == []
            assert client.list_ships() == []
            assert busy_connections(client) == []
            assert caught.value.status is None
    finally:
        hold.set()


def test_unread_bodies_hold_no_connection_of_a_task(rt: "Runtime", server: "Server") -> None:
    hold = threading.Event()
    server.respond_with(rt.Reply(b"[" * 1_000_000, status=206, chunks=2, hold=hold), b"[]")

    async def main() -> None:
        async with rt.AsyncClient(base_url=server.base_url, **ONE_SLOT) as client:
            with pytest.raises(IncompleteResponseError) as caught:
                await client.list_ships()
            assert busy_connections(client) == []
            assert await client.list_ships() == []
            assert caught.value.status is None

    try:
        asyncio.run(main())
    finally:
        hold.set()


def test_urllib3_transport_with_a_higher_maximum_makes_a_new_pool(
    server: "Server",
) -> None:
    server.respond_with(b"[]")
    transport = Urllib3Transport(1)
    for connections in (1, 4):
        transport.hold(connections)
        transport.handle_request(httpx.Request("GET", f"{server.base_url}/x")).read()
        (pool,) = transport._pools.values()
        assert pool.pool is not None
        assert pool.pool.maxsize == connections
    transport.close()


def test_iterator_of_a_task_that_is_closed_frees_its_connection_at_once(
    rt: "Runtime", server: "Server"
) -> None:
    hold = threading.Event()
    row = b'{"ShipUID":"1.2.3"},'
    server.respond_with(rt.Reply(b"[" + row * 20_000 + row[:-1] + b"]", chunks=2, hold=hold))

    async def main() -> list[Any]:
        async with rt.AsyncClient(base_url=server.base_url) as client:
            rows = client.streaming.list_ships()
            await anext(rows)
            assert len(busy_connections(client)) == 1
            await rows.aclose()
            return busy_connections(client)

    try:
        assert asyncio.run(main()) == []
    finally:
        hold.set()
