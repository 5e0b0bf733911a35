"""The connection limit and the rate limiter of a client."""

import asyncio
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpcore
import httpx
import pytest

from _runtime.client import AsyncClientBase
from _runtime.errors import ConnectError, ReadTimeoutError
from _runtime.http.options import Timeouts
from _runtime.http.rate_limit import RateLimiter
from _runtime.http.retry import Clock, Retry

if TYPE_CHECKING:
    from tests.runtime.conftest import Runtime, Server

ROWS = b'[{"ShipUID":"1.2.3","ShipName":"Fram"},{"ShipUID":"1.2.4"}]'


def test_client_serves_many_threads_within_its_connections(rt: "Runtime", server: "Server") -> None:
    server.respond_with(rt.Reply(ROWS, chunks=4))
    with (
        rt.Client(base_url=server.base_url, max_connections=3, retry=Retry(attempts=1)) as client,
        ThreadPoolExecutor(24) as pool,
    ):
        counts = list(pool.map(lambda _: len(client.list_ships()), range(150)))
    assert counts == [2] * 150
    assert len(server.requests) == 150, "no request was repeated"
    assert server.most_open <= 3
    assert server.connections <= 3, "no socket was closed under a thread's hands"


def test_client_serves_many_tasks_within_its_connections(rt: "Runtime", server: "Server") -> None:
    server.respond_with(rt.Reply(ROWS, chunks=4))

    async def run() -> list[int]:
        async with rt.AsyncClient(base_url=server.base_url, max_connections=3) as client:
            answers = await asyncio.gather(*(client.list_ships() for _ in range(100)))
            return [len(rows) for rows in answers]

    assert asyncio.run(run()) == [2] * 100
    assert server.most_open <= 3
    assert server.connections <= 3, "no more connections lie idle than may be open"


def test_async_request_looks_at_no_other_idle_connection(
    rt: "Runtime", server: "Server", monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[object] = []
    has_expired = httpcore.AsyncHTTPConnection.has_expired

    def noted(connection: httpcore.AsyncHTTPConnection) -> bool:
        looks.append(connection)
        return has_expired(connection)

    together: Any = threading.Barrier(16)
    server.respond_with(rt.Reply(ROWS, hold=together))

    async def run() -> None:
        async with rt.AsyncClient(base_url=server.base_url, max_connections=16) as client:
            await asyncio.gather(*(client.list_ships() for _ in range(16)))
            server.respond_with(b"[]")
            monkeypatch.setattr(httpcore.AsyncHTTPConnection, "has_expired", noted)
            assert await client.list_ships() == []

    asyncio.run(run())
    assert server.connections == 16
    assert len(set(looks)) == 1


def test_async_connection_of_a_failed_request_is_used_again(
    rt: "Runtime", server: "Server"
) -> None:
    async def run() -> int:
        async with rt.AsyncClient(base_url=server.base_url, retry=Retry(attempts=1)) as client:
            for _ in range(3):
                with pytest.raises(ConnectError):
                    await client.list_ships()
            transports: Any = client._calls.transport._transports
            (connections,) = transports.values()
            return len(connections._all)

    with socket.create_server(("127.0.0.1", 0)) as closed:
        server.base_url = f"http://127.0.0.1:{closed.getsockname()[1]}/v3"
    assert asyncio.run(run()) == 1


def test_request_without_free_connection_raises_read_timeout(
    rt: "Runtime", server: "Server"
) -> None:
    server.respond_with(rt.Reply(ROWS * 2, chunks=2, hold=(hold := threading.Event())))
    with rt.Client(
        base_url=server.base_url, max_connections=1, timeout=Timeouts(pool=0.1)
    ) as client:
        rows = client.streaming.list_ships()
        next(rows)
        with pytest.raises(ReadTimeoutError, match="none of 1 connections"):
            client.list_ships()
        hold.set()
        rows.close()


POOL = 0.01


class ManualClock:
    """A clock that a test sets, and that records when it is read."""

    def __init__(self) -> None:
        self.now = 0.0
        self.looks = threading.Semaphore(0)
        self.looked = asyncio.Event()

    def set(self, client: Any) -> None:
        client._calls.transport._limit.clock = Clock(monotonic=self.monotonic)

    def monotonic(self) -> float:
        now = self.now
        self.looks.release()
        self.looked.set()
        return now

    def advance(self, seconds: float) -> None:
        """Advance, and wait until another thread has read the new time."""
        while self.looks.acquire(blocking=False):
            pass
        self.now += seconds
        for _ in range(2):  # the first may have read the old one
            assert self.looks.acquire(timeout=20)

    async def advance_async(self, seconds: float) -> None:
        """Advance, and wait until another task has read the new time."""
        self.now += seconds
        self.looked.clear()
        async with asyncio.timeout(20):
            await self.looked.wait()


def stepwise(rt: "Runtime", server: "Server") -> threading.Semaphore:
    """Let the server send ten rows, each after a release of the returned semaphore."""
    rows = [b'%c{"ShipUID":"1.2.%d"}%c' % (b"[ "[n > 0], n, b", "[n == 9]) for n in range(10)]
    body = b"".join([*rows, b"]".ljust(len(rows[0]))])
    step = threading.Semaphore(1)
    server.respond_with(rt.Reply(body, chunks=11, step=step), b"[]")
    return step


def test_thread_waits_for_connection_as_long_as_a_response_arrives(
    rt: "Runtime", server: "Server"
) -> None:
    step, clock = stepwise(rt, server), ManualClock()
    options: dict[str, Any] = {"max_connections": 1, "timeout": Timeouts(pool=POOL)}
    with rt.Client(base_url=server.base_url, **options) as client, ThreadPoolExecutor() as pool:
        clock.set(client)
        rows = client.streaming.list_ships()
        next(rows)
        waiting = pool.submit(client.list_ships)
        for _ in range(8):
            clock.advance(0.9 * POOL)
            step.release()
            next(rows)
        rows.close()
        clock.now += 2 * POOL
        assert waiting.result() == []


def test_task_waits_for_connection_as_long_as_a_response_arrives(
    rt: "Runtime", server: "Server"
) -> None:
    step = stepwise(rt, server)
    options: dict[str, Any] = {"max_connections": 1, "timeout": Timeouts(pool=POOL)}

    async def main() -> None:
        clock = ManualClock()
        async with rt.AsyncClient(base_url=server.base_url, **options) as client:
            clock.set(client)
            rows = client.streaming.list_ships()
            await anext(rows)
            waiting = asyncio.create_task(client.list_ships())
            for _ in range(8):
                await clock.advance_async(0.9 * POOL)
                step.release()
                await anext(rows)
            await rows.aclose()
            clock.now += 2 * POOL
            assert await waiting == []

    asyncio.run(main())


def test_request_that_waits_for_the_rate_does_not_time_out(rt: "Runtime", server: "Server") -> None:
    server.respond_with(b"[]")
    options: dict[str, Any] = {"requests_per_second": 4, "max_connections": 1, "timeout": 0.2}
    with (
        rt.Client(base_url=server.base_url, **options) as client,
        ThreadPoolExecutor(6) as pool,
    ):
        assert list(pool.map(lambda _: client.list_ships(), range(6))) == [[]] * 6


class SleepClock:
    """A clock that only sleeping advances."""

    def __init__(self) -> None:
        self.now = 0.0
        self.requests: list[float] = []

    def set(self, client: Any) -> None:
        transport = client._calls.transport
        transport._rate = RateLimiter(1, Clock(monotonic=lambda: self.now))
        asynchronous = isinstance(client, AsyncClientBase)
        transport.sleep = self.sleep_async if asynchronous else self.sleep

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    async def sleep_async(self, seconds: float) -> None:
        self.now += seconds

    def note(self, _request: httpx.Request) -> None:
        self.requests.append(self.now)

    async def note_async(self, request: httpx.Request) -> None:
        self.note(request)


def test_threads_behind_a_long_response_keep_the_rate_after_it(
    rt: "Runtime", server: "Server"
) -> None:
    server.respond_with(ROWS)
    clock = SleepClock()
    with (
        httpx.Client(event_hooks={"request": [clock.note]}) as own,
        rt.Client(
            base_url=server.base_url, http_client=own, max_connections=1, requests_per_second=1
        ) as client,
        ThreadPoolExecutor(4) as pool,
    ):
        clock.set(client)
        held = client.streaming.list_ships()
        next(held)
        waiting = [pool.submit(client.list_ships) for _ in range(4)]
        held.close()
        assert [len(one.result()) for one in waiting] == [2] * 4
    assert clock.requests == [0, 1, 2, 3, 4]


def test_tasks_behind_a_long_response_keep_the_rate_after_it(
    rt: "Runtime", server: "Server"
) -> None:
    server.respond_with(ROWS)
    clock = SleepClock()

    async def main() -> None:
        async with (
            httpx.AsyncClient(event_hooks={"request": [clock.note_async]}) as own,
            rt.AsyncClient(
                base_url=server.base_url, http_client=own, max_connections=1, requests_per_second=1
            ) as client,
        ):
            clock.set(client)
            held = client.streaming.list_ships()
            await anext(held)
            waiting = [asyncio.create_task(client.list_ships()) for _ in range(4)]
            for _ in range(50):  # until each task waits
                await asyncio.sleep(0)
            await held.aclose()
            assert [len(rows) for rows in await asyncio.gather(*waiting)] == [2] * 4

    asyncio.run(main())
    assert clock.requests == [0, 1, 2, 3, 4]


class PausedError(Exception):
    """Raised instead of a pause."""


def test_task_cancelled_while_it_waits_for_the_rate_does_not_delay_others(
    rt: "Runtime", server: "Server"
) -> None:
    server.respond_with(b"[]")
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        raise PausedError

    async def main() -> None:
        async with rt.AsyncClient(base_url=server.base_url, requests_per_second=0.01) as client:
            assert await client.list_ships() == []
            for _ in range(3):
                tasks = [asyncio.create_task(client.list_ships()) for _ in range(5)]
                await asyncio.sleep(0)
                for task in tasks:
                    task.cancel()
                assert {type(e) for e in await asyncio.gather(*tasks, return_exceptions=True)} == {
                    asyncio.CancelledError
                }
            transport: Any = client._calls.transport
            transport.sleep = pause
            with pytest.raises(PausedError):
                await client.list_ships()

    asyncio.run(main())
    assert pauses[0] <= 100
    assert len(server.requests) == 1


def test_redirect_counts_as_a_request_of_the_rate(rt: "Runtime", server: "Server") -> None:
    server.respond_with(rt.Reply(b"", 302, {"Location": "/v3/elsewhere?format=json"}), b"[]")
    clock = SleepClock()
    with rt.Client(base_url=server.base_url, requests_per_second=1) as client:
        clock.set(client)
        assert client.list_ships() == []
    assert clock.now == 1
