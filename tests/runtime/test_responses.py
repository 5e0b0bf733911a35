"""Complete and broken responses of servers, on both transports."""

import asyncio
import warnings
from collections.abc import Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from _runtime.errors import (
    ApiError,
    ConnectError,
    HTTPStatusError,
    IncompleteResponseError,
)

if TYPE_CHECKING:
    from tests.runtime.conftest import Runtime, Server

from wire_server import BOTH, ONCE, OVER_URLLIB3, ROWS, http_response

BROKEN = {
    "short": http_response(ROWS, b"Content-Length: 500"),
    "cut in a chunk": http_response(b"20\r\n[{", b"Transfer-Encoding: chunked"),
    "cut between chunks": http_response(b"2\r\n[{\r\n", b"Transfer-Encoding: chunked"),
    "no chunk": http_response(b"zzz\r\n[]\r\n", b"Transfer-Encoding: chunked"),
    "not compressed": http_response(b"[]", b"Content-Length: 2", b"Content-Encoding: gzip"),
}


@BOTH
@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("way", ["list", "raw"])
def test_incomplete_body_is_an_error(
    below: str, name: str, way: str, rt: "Runtime", wire: SimpleNamespace
) -> None:
    wire.script = [(BROKEN[name], None)]
    asks: dict[str, Callable[[Any], Any]] = {
        "list": lambda client: client.list_ships(),
        "raw": lambda client: client.with_raw_response.list_ships(),
    }
    with (
        rt.Client(base_url=wire.base_url, retry=ONCE) as client,
        pytest.raises(IncompleteResponseError),
    ):
        asks[way](client)


REFUSED = {
    "another protocol": b"SSH-2.0-OpenSSH\r\n",
    "a line that is no header": http_response(ROWS, b"Content-Length: 59", b"nonsense", b"X: y"),
    "another transfer coding": http_response(ROWS, b"Transfer-Encoding: gzip, chunked"),
    "two lengths": http_response(ROWS, b"Content-Length: 59", b"Content-Length: 9"),
    "a head without an end": b"HTTP/1.1 200 OK\r\n" + b"X: %s\r\n" % (b"x" * 200_000),
    "nothing": b"",
}


@BOTH
@pytest.mark.parametrize("name", REFUSED)
def test_malformed_headers_raise_connect_error(
    below: str, name: str, rt: "Runtime", wire: SimpleNamespace
) -> None:
    wire.script = [(REFUSED[name], None), http_response()]
    with rt.Client(base_url=wire.base_url, retry=ONCE) as client:
        with pytest.raises(ConnectError):
            client.list_ships()
        assert len(client.list_ships()) == 2, "and nothing of it is left over"


@BOTH
@pytest.mark.parametrize("interim", ["100 Continue", "102 Processing", "103 Early Hints"])
def test_interim_responses_are_skipped(
    below: str, interim: str, rt: "Runtime", wire: SimpleNamespace
) -> None:
    head = f"HTTP/1.1 {interim}\r\nLink: </x>\r\nContent-Length: 9\r\n\r\n".encode()
    wire.script = [head * 3 + http_response(ROWS), head + http_response(b"[]")]
    with rt.Client(base_url=wire.base_url, retry=ONCE) as client:
        assert len(client.list_ships()) == 2
        assert client.list_ships() == []


@OVER_URLLIB3
@pytest.mark.parametrize(("interim", "count"), [("101 Switching Protocols", 1), ("103 Hints", 99)])
def test_interim_responses_without_a_response_are_an_error(
    below: str, interim: str, count: int, rt: "Runtime", wire: SimpleNamespace
) -> None:
    head = f"HTTP/1.1 {interim}\r\nLink: </x>\r\n\r\n".encode()
    wire.script = [head * count + http_response(b"[]"), http_response()]
    with rt.Client(base_url=wire.base_url, retry=ONCE) as client:
        with pytest.raises(ConnectError, match=f"interim status {interim[:3]}"):
            client.list_ships()
        assert len(client.list_ships()) == 2


@BOTH
def test_headers_are_returned_as_they_were_sent(
    below: str, rt: "Runtime", wire: SimpleNamespace
) -> None:
    wire.script = [
        http_response(
            ROWS,
            b"Content-Length: %d" % len(ROWS),
            b"X-Folded: one\r\n  two",
            b"X-Twice: a",
            b"X-Other: caf\xe9  ",
            b"x-twice: b",
        )
    ]
    with rt.Client(base_url=wire.base_url) as client:
        headers = client.with_raw_response.list_ships().headers
    assert (headers["X-Folded"], headers["X-Twice"]) == ("one two", "a, b")
    assert headers["X-Other"] == "café"
    assert b"\r\nAccept-Encoding: gzip, deflate" in wire.requests[0]
    assert wire.requests[0].count(b"Accept-Encoding") == 1
    assert wire.requests[0].lower().count(b"\r\nuser-agent: ship_client/1.2.3\r\n") == 1
    assert wire.requests[0].lower().count(b"\r\nhost: ") == 1


@BOTH
@pytest.mark.parametrize(
    "data",
    [
        http_response(ROWS, b"Content-Length: 59"),
        http_response(b"3b\r\n" + ROWS + b"\r\n0\r\n\r\n", b"Transfer-Encoding: chunked"),
        (http_response(ROWS, b"Connection: close"), None),
        (http_response(ROWS, b"Content-Length: 59", b"Connection: close"), None),
        (http_response().replace(b"1.1", b"1.0", 1), None),
    ],
    ids=["length", "chunked", "until the end", "length and end", "1.0"],
)
def test_body_of_each_framing_is_read(
    below: str, data: Any, rt: "Runtime", wire: SimpleNamespace
) -> None:
    wire.script = [data]
    with rt.Client(base_url=wire.base_url, max_connections=1, retry=ONCE) as client:
        for _ in range(3):
            assert len(client.list_ships()) == 2


@BOTH
def test_cookies_are_sent_only_to_the_host_that_set_them(
    below: str, rt: "Runtime", server: "Server", other_server: "Server"
) -> None:
    elsewhere = other_server.base_url.replace("127.0.0.1", "localhost")
    server.respond_with(
        rt.Reply(ROWS, headers={"Set-Cookie": "node=7"}),
        ROWS,
        rt.Reply(b"", 302, {"Location": f"{elsewhere}/ships?format=json"}),
    )
    other_server.respond_with(ROWS)
    with rt.Client(base_url=server.base_url) as client:
        for _ in range(3):
            client.list_ships()
    assert [h.get("cookie") for _, h in server.requests] == [None, "node=7", "node=7"]
    assert "cookie" not in other_server.requests[0][1]


@pytest.mark.parametrize("given", [True, False])
@BOTH
def test_client_drops_cookie_with_other_characters_than_ascii(
    below: str, given: bool, rt: "Runtime", wire: SimpleNamespace
) -> None:
    wire.script = [
        http_response(ROWS, b"Content-Length: %d" % len(ROWS), b"Set-Cookie: node=\xc3\xaa"),
        http_response(ROWS, b"Content-Length: %d" % len(ROWS), b"Set-Cookie: node=7"),
    ]
    with httpx.Client() as mine:
        http_client = mine if given else None
        with rt.Client(base_url=wire.base_url, http_client=http_client) as client:
            for _ in range(3):
                assert len(client.list_ships()) == 2
    assert [b"node=7" in requests for requests in wire.requests] == [False, False, True]


@pytest.mark.parametrize("given", [True, False])
def test_async_client_drops_cookie_with_other_characters_than_ascii(
    given: bool, rt: "Runtime", wire: SimpleNamespace
) -> None:
    headers = (b"Content-Length: %d" % len(ROWS), b"Set-Cookie: node=\xc3\xaa")
    wire.script = [http_response(ROWS, *headers)]

    async def run_client() -> None:
        async with httpx.AsyncClient() as mine:
            http_client = mine if given else None
            client = rt.AsyncClient(base_url=wire.base_url, http_client=http_client)
            async with client:
                for _ in range(3):
                    assert len(await client.list_ships()) == 2

    asyncio.run(run_client())


CHUNKS = [
    b"",
    b"\r\n",
    b"\x00",
    b"\xff",
    b"\x1b[2J",
    b": ",
    b"9",
    b"-1",
    b"chunked",
    b"gzip",
    b"302",
]


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    head=st.lists(
        st.sampled_from(
            [
                b"Content-Length: %d" % len(ROWS),
                b"Transfer-Encoding: chunked",
                b"Content-Encoding: gzip",
                b"Content-Type: application/json; charset=utf-99",
                b"Set-Cookie: a=\xea; Path=/",
                b"Retry-After: 9999999999999999999999",
                b"Location: http://[",
                b'metadata: {"Result":',
            ]
        ),
        unique=True,
    ),
    status=st.sampled_from([200, 204, 206, 302, 304, 429, 471, 999]),
    damage=st.lists(
        st.tuples(st.integers(0, 400), st.integers(0, 9), st.sampled_from(CHUNKS)), max_size=3
    ),
)
@BOTH
def test_any_response_results_in_rows_or_an_api_error(
    below: str,
    rt: "Runtime",
    wire: SimpleNamespace,
    head: list[bytes],
    status: int,
    damage: list[tuple[int, int, bytes]],
) -> None:
    data = b"\r\n".join([b"HTTP/1.1 %d Reason" % status, *head, b"", ROWS])
    for place, length, replacement in damage:
        at = place % (len(data) + 1)
        data = data[:at] + replacement + data[at + length :]
    wire.script = [(data, None)]
    with (
        rt.Client(
            base_url=wire.base_url, retry=ONCE, timeout=5.0, on_mismatch="warn", on_drift="off"
        ) as client,
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        for _ in range(2):
            try:
                outcome = f"{len(client.list_ships())} rows"
            except ApiError as error:
                outcome = str(error)
            assert outcome.isprintable()


@BOTH
def test_message_of_a_broken_server_is_printable(
    below: str, rt: "Runtime", wire: SimpleNamespace
) -> None:
    data = "no \x1b[2Jservice \u202eereh".encode()
    head = b"HTTP/1.1 503 Busy\r\nContent-Length: %d\r\n\r\n" % len(data)
    wire.script = [head + data, (b"\x1b[2J" * 9999 + b"\r\n\r\n", None)]
    with rt.Client(base_url=wire.base_url, retry=ONCE) as client:
        for kind in (HTTPStatusError, ConnectError):
            with pytest.raises(kind) as caught:
                client.list_ships()
            assert str(caught.value).isprintable()
            assert len(str(caught.value)) < 5000
