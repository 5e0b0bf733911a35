"""Redirects: which ones the client follows, and that no message shows their query."""

import logging
from typing import TYPE_CHECKING

import httpx
import pytest

from _runtime.errors import (
    ConnectError,
    HTTPStatusError,
    ParameterError,
    RedirectError,
    TransportError,
)
from _runtime.http.retry import Retry

if TYPE_CHECKING:
    from tests.runtime.conftest import RunClient, Runtime, Server

from wire_server import ROWS

SIGNATURE = "0123456789abcdef"


@pytest.mark.parametrize(
    "location",
    [
        "/v3/Fleet/query/listShips?Port=Kiel%20%2B1&format=json",
        "/elsewhere?format=json&Port=Kiel+%2B1",
        "/elsewhere?session=1&Port=Kiel%20%2B1&format=json&X-Amz-Signature=abc#part",
    ],
)
def test_redirect_that_retains_the_query_is_followed(
    run_client: "RunClient", rt: "Runtime", server: "Server", location: str
) -> None:
    server.respond_with(rt.Reply(b"", 302, {"Location": location}), ROWS)
    with pytest.warns(UserWarning, match="the request is sent anyway"):
        assert len(run_client(lambda c: c.list_ships(port="Kiel +1"))) == 2
    assert server.requests[1][0] == location.partition("#")[0]


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("/v3/Fleet/query/listShips", "drops Port, format from the query"),
        ("/v3/Fleet/query/listShips?format=json", "drops Port from the query"),
        ("?port=Kiel&format=json", "drops Port from the query"),
        ("?Port=Oslo&format=json", "changes Port in the query"),
        ("?Port=&format=json", "changes Port in the query"),
        ("?Port=Kiel&Port=Oslo&format=json", "changes Port in the query"),
        ("?Port=Kiel&format=csv", "changes format in the query"),
        ("?Port=Kiel&Crew=5&format=json", "changes Crew in the query"),
        ("?Port%3DKiel%26format%3Djson", "drops Port, format from the query"),
    ],
)
def test_redirect_that_loses_the_query_is_an_error(
    run_client: "RunClient", rt: "Runtime", server: "Server", location: str, reason: str
) -> None:
    server.respond_with(rt.Reply(b"", 302, {"Location": location}), ROWS)
    with pytest.raises(RedirectError, match=reason) as caught:
        run_client(lambda c: c.list_ships(port="Kiel"))
    assert len(server.requests) == 1
    assert not caught.value.retryable
    assert "The server must keep the query." in str(caught.value)


def test_second_redirect_is_compared_with_the_request_too(
    run_client: "RunClient", rt: "Runtime", server: "Server"
) -> None:
    hops = ["/one?Port=Kiel&format=json", "/two?format=json"]
    server.respond_with(*(rt.Reply(b"", 307, {"Location": hop}) for hop in hops), ROWS)
    with pytest.raises(RedirectError, match="drops Port from the query"):
        run_client(lambda c: c.list_ships(port="Kiel"))


@pytest.mark.parametrize(
    ("location", "followed"),
    [
        ("/bucket/plans.zip?X-Amz-Signature=abc", True),
        ("/bucket/plans.zip?ShipUID=1.2.3", True),
        ("/bucket/plans.zip?ShipUID=9.9", False),
        ("/v4/Fleet/query/getPlans", False),
    ],
)
def test_redirect_of_a_file_to_its_storage_is_followed(
    run_client: "RunClient", rt: "Runtime", server: "Server", location: str, followed: bool
) -> None:
    server.respond_with(rt.Reply(b"", 302, {"Location": location}), b"PK")
    if followed:
        assert run_client(lambda c: c.streaming.download_plans(ship_uid="1.2.3")) == [b"PK"]
    else:
        with pytest.raises(RedirectError, match="ShipUID"):
            run_client(lambda c: c.streaming.download_plans(ship_uid="1.2.3"))
    assert len(server.requests) == 1 + followed


@pytest.mark.parametrize("host", ["xn--a", "xn--", "xn--a.example", "a\u0300.xn--a"])
def test_redirect_to_an_invalid_host_raises_redirect_error(
    run_client: "RunClient", rt: "Runtime", server: "Server", host: str
) -> None:
    location = f"http://{host}/?format=json".encode().decode("latin-1")
    server.respond_with(rt.Reply(b"", 302, {"Location": location}))
    with pytest.raises(RedirectError, match="an invalid address"):
        run_client(lambda c: c.list_ships())


def test_base_url_with_an_invalid_host_raises_an_api_error(run_client: "RunClient") -> None:
    with pytest.raises((ParameterError, TransportError)):
        run_client(lambda c: c.list_ships(), base_url="http://xn--a/")


def test_error_and_log_hide_the_query_of_a_redirect(
    run_client: "RunClient",
    rt: "Runtime",
    server: "Server",
    other_server: "Server",
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    signed = f"{other_server.base_url}/ships?format=json&X-Amz-Signature={SIGNATURE}"
    server.respond_with(rt.Reply(b"", 302, {"Location": signed}))
    echoed = f"<Error><SignatureProvided>{SIGNATURE}</SignatureProvided></Error>".encode()
    other_server.respond_with(
        rt.Reply(b"busy", 503),
        rt.Reply(b"[", cut=True),
        rt.Reply(echoed, 403),
    )
    with pytest.raises(HTTPStatusError) as caught:
        run_client(lambda c: c.list_ships())
    address = f"{other_server.base_url}/ships"
    assert f"status 403: the server refused the request, redirected to {address}. " in str(
        caught.value
    )
    assert f"redirected to {address}; retrying" in caplog.text
    assert SIGNATURE not in caplog.text
    assert SIGNATURE not in f"{caught.value}{caught.value!r}{vars(caught.value)}"


def test_error_and_log_hide_the_query_of_a_redirect_to_an_unreachable_server(
    run_client: "RunClient", rt: "Runtime", server: "Server", caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    down = f"http://127.0.0.1:9/ships?format=json&X-Amz-Signature={SIGNATURE}"
    server.respond_with(rt.Reply(b"", 302, {"Location": down}))
    with pytest.raises(ConnectError, match=r"redirected to http://127\.0\.0\.1:9/") as no:
        run_client(lambda c: c.list_ships(), retry=Retry(attempts=2, backoff=0))
    cause = no.value.__cause__
    chain = [no.value, cause, cause and cause.__cause__]
    assert SIGNATURE not in caplog.text + "".join(f"{one}{one!r}" for one in chain)


def test_query_of_a_redirect_is_not_logged_for_a_client_of_the_caller(
    rt: "Runtime", server: "Server", caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    signed = f"/ships?format=json&X-Amz-Signature={SIGNATURE}"
    server.respond_with(rt.Reply(b"", 302, {"Location": signed}), ROWS)
    with (
        httpx.Client() as mine,
        rt.Client(base_url=server.base_url, http_client=mine) as client,
    ):
        assert len(client.list_ships()) == 2
        mine.get(f"{server.base_url}/own?mine=1")
    assert "GET http" in caplog.text
    assert "own?mine=1" in caplog.text, "what the caller requests is logged as before"
    assert SIGNATURE not in caplog.text
