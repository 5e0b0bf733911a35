"""Turns at a client's connections: how many at once, who waits, and for how long."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from _runtime.errors import AnswerTimeoutError
from _runtime.options import Timeouts
from _runtime.retry import Retry

if TYPE_CHECKING:
    from tests.runtime.conftest import Runtime, Server

ROWS = b'[{"ShipUID":"1.2.3","ShipName":"Fram"},{"ShipUID":"1.2.4"}]'


def test_one_client_serves_many_threads_within_its_connections(
    rt: "Runtime", server: "Server"
) -> None:
    server.answers(rt.Reply(ROWS, pieces=4))
    with (
        rt.Client(base_url=server.base_url, max_connections=3, retry=Retry(attempts=1)) as client,
        ThreadPoolExecutor(24) as pool,
    ):
        counts = list(pool.map(lambda _: len(client.list_ships()), range(150)))
    assert counts == [2] * 150
    assert len(server.asked) == 150, "nothing was asked again"
    assert server.most_open <= 3
    assert server.connections <= 3, "no socket was closed under a thread's hands"


def test_many_tasks_stay_within_the_connections(rt: "Runtime", server: "Server") -> None:
    server.answers(rt.Reply(ROWS, pieces=4))

    async def run() -> list[int]:
        async with rt.AsyncClient(base_url=server.base_url, max_connections=3) as client:
            answers = await asyncio.gather(*(client.list_ships() for _ in range(100)))
            return [len(rows) for rows in answers]

    assert asyncio.run(run()) == [2] * 100
    assert server.most_open <= 3
    assert server.connections <= 3, "no more connections lie idle than may be open"


def test_waiting_for_a_connection_is_bounded(rt: "Runtime", server: "Server") -> None:
    server.answers(rt.Reply(ROWS * 2, pieces=2, hold=(hold := threading.Event())))
    with rt.Client(
        base_url=server.base_url, max_connections=1, timeout=Timeouts(pool=0.1)
    ) as client:
        rows = client.list_ships.iter()
        next(rows)
        with pytest.raises(AnswerTimeoutError, match="none of 1 connections"):
            client.list_ships()
        hold.set()
        rows.close()


def slowly(rt: "Runtime", server: "Server") -> None:
    """Answers that take longer than the timeout, and never fall silent for so long."""
    reply = rt.Reply(b"[" + b" " * 8 + b"]", pieces=10, gap=0.06)
    server.answers(reply)


def test_who_waits_behind_answers_that_move_is_not_given_up(
    rt: "Runtime", server: "Server"
) -> None:
    slowly(rt, server)
    with (
        rt.Client(base_url=server.base_url, max_connections=1, timeout=0.5) as client,
        ThreadPoolExecutor(4) as pool,
    ):
        assert list(pool.map(lambda _: client.list_ships(), range(4))) == [[]] * 4


def test_nor_is_a_task(rt: "Runtime", server: "Server") -> None:
    async def main() -> list[Any]:
        async with rt.AsyncClient(
            base_url=server.base_url, max_connections=1, timeout=0.5
        ) as client:
            return await asyncio.gather(*[client.list_ships() for _ in range(4)])

    slowly(rt, server)
    assert asyncio.run(main()) == [[]] * 4


def test_who_keeps_to_a_rate_holds_no_connection_meanwhile(rt: "Runtime", server: "Server") -> None:
    server.answers(b"[]")
    options: dict[str, Any] = {"requests_per_second": 4, "max_connections": 1, "timeout": 0.2}
    with (
        rt.Client(base_url=server.base_url, **options) as client,
        ThreadPoolExecutor(6) as pool,
    ):
        assert list(pool.map(lambda _: client.list_ships(), range(6))) == [[]] * 6


def test_a_redirect_counts_among_the_requests_of_a_rate(rt: "Runtime", server: "Server") -> None:
    server.answers(rt.Reply(b"", 302, {"Location": "/v3/elsewhere"}), b"[]")
    with rt.Client(base_url=server.base_url, requests_per_second=0.01) as client:
        pauses: list[Any] = []
        client._core.transport.sleep = pauses.append
        assert client.list_ships() == []
    assert [round(pause, -1) for pause in pauses] == [100]
