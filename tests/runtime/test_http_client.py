"""Clients that the caller passes as http_client: their hooks, auth and timeouts."""

import asyncio
import json
import threading
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from _runtime.errors import DatabaseError, NotFoundError, ReadTimeoutError, TransportError
from _runtime.http.options import Timeouts
from _runtime.http.retry import Retry

if TYPE_CHECKING:
    from tests.runtime.conftest import Runtime, Server

ROWS = b'[{"ShipUID":"1.2.3"},{"ShipUID":"1.2.4"}]'


def read(response: httpx.Response) -> None:
    response.read()


def use_up(response: httpx.Response) -> None:
    for _ in response.iter_raw():
        pass


def complain(response: httpx.Response) -> None:
    response.raise_for_status()


class Curious(httpx.Auth):
    """Reads each response."""

    requires_response_body = True

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        response = yield request
        assert response.content


def run_client(rt: "Runtime", server: "Server", mine: httpx.Client) -> Any:
    with rt.Client(
        base_url=server.base_url, http_client=mine, retry=Retry(backoff=0), timeout=5
    ) as client:
        return client.list_ships(), client.with_raw_response.list_ships().content


@pytest.mark.parametrize("close", [False, True])
def test_body_that_a_hook_or_an_auth_has_read_is_returned(
    rt: "Runtime", server: "Server", close: bool
) -> None:
    server.respond_with(rt.Reply(ROWS, headers={"Connection": "close"} if close else {}))
    options: list[dict[str, Any]] = [{"event_hooks": {"response": [read]}}, {"auth": Curious()}]
    for option in options:
        with httpx.Client(**option) as mine:
            rows, content = run_client(rt, server, mine)
        assert (len(rows), content) == (2, ROWS)


def test_async_client_returns_body_that_a_hook_has_read(rt: "Runtime", server: "Server") -> None:
    async def hook(response: httpx.Response) -> None:
        await response.aread()

    async def main() -> Any:
        async with (
            httpx.AsyncClient(event_hooks={"response": [hook]}) as mine,
            rt.AsyncClient(base_url=server.base_url, http_client=mine, timeout=5) as client,
        ):
            return await client.list_ships(), (await client.with_raw_response.list_ships()).content

    server.respond_with(rt.Reply(ROWS, headers={"Connection": "close"}))
    rows, content = asyncio.run(main())
    assert (len(rows), content) == (2, ROWS)


def test_threads_get_separate_responses_though_a_hook_reads_them(
    rt: "Runtime", server: "Server"
) -> None:
    bodies = [json.dumps([{"ShipUID": f"1.{n}"}]).encode() for n in range(40)]
    server.respond_with(*bodies, b"[]")
    with (
        httpx.Client(event_hooks={"response": [read]}) as mine,
        rt.Client(base_url=server.base_url, http_client=mine) as client,
        ThreadPoolExecutor(4) as pool,
    ):
        answers = list(pool.map(lambda _: client.list_ships(), range(40)))
    assert sorted(row.ship_uid for rows in answers for row in rows) == sorted(
        f"1.{n}" for n in range(40)
    )


def test_body_that_a_hook_has_consumed_raises_transport_error(
    rt: "Runtime", server: "Server"
) -> None:
    server.respond_with(ROWS)
    with (
        httpx.Client(event_hooks={"response": [use_up]}) as mine,
        pytest.raises(TransportError, match="could not be read"),
    ):
        run_client(rt, server, mine)


def test_hook_that_raises_for_a_status_does_not_change_errors_and_retries(
    rt: "Runtime", server: "Server"
) -> None:
    with httpx.Client(event_hooks={"response": [complain]}) as mine:
        server.respond_with(rt.Reply(b"no", 503), rt.Reply(b"no", 503), ROWS)
        assert len(run_client(rt, server, mine)[0]) == 2
        for status, kind in ((404, NotFoundError), (573, DatabaseError)):
            server.respond_with(rt.Reply(b"no", status))
            with pytest.raises(kind) as raised:
                run_client(rt, server, mine)
            assert raised.value.status == status


def test_error_of_a_failed_request_hides_the_key(rt: "Runtime") -> None:
    with (
        httpx.Client() as mine,
        rt.Client(
            base_url="http://127.0.0.1:9/v3",
            api_key="s3cr3t-key",
            http_client=mine,
            retry=Retry(attempts=1),
        ) as client,
        pytest.raises(TransportError) as raised,
    ):
        client.list_ships()
    cause: BaseException | None = raised.value
    while cause is not None:
        assert "s3cr3t" not in repr(vars(cause))
        request = getattr(cause, "_request", None)
        assert "s3cr3t" not in repr(request and dict(request.headers))
        cause = cause.__cause__


@pytest.mark.parametrize(
    ("ours", "message"),
    [(None, r"no byte arrived for 0\.2 s"), (Timeouts(read=0.3), r"no byte arrived for 0\.3 s")],
)
def test_error_names_the_timeout_of_the_http_client(
    rt: "Runtime", server: "Server", ours: Timeouts | None, message: str
) -> None:
    hold = threading.Event()
    server.respond_with(rt.Reply(ROWS, chunks=2, hold=hold))
    with (
        httpx.Client(timeout=0.2) as mine,
        rt.Client(base_url=server.base_url, http_client=mine, timeout=ours) as client,
        pytest.raises(ReadTimeoutError, match=message),
    ):
        client.list_ships()
    hold.set()


def test_timeout_without_a_known_limit_raises_read_timeout(rt: "Runtime", server: "Server") -> None:
    def give_up(_request: httpx.Request) -> None:
        raise httpx.ReadTimeout("no token came")

    with (
        httpx.Client(event_hooks={"request": [give_up]}, timeout=None) as mine,
        rt.Client(base_url=server.base_url, http_client=mine) as client,
        pytest.raises(ReadTimeoutError, match=r"no token came"),
    ):
        client.list_ships()
