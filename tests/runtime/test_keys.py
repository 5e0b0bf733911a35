"""Keys, and redirects: what is sent where, and what a server sends back goes nowhere."""

import json
import logging
import pickle
from traceback import TracebackException
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from _runtime.errors import (
    ConnectionFailedError,
    MisfitValueError,
    MismatchWarning,
    RedirectError,
    UnauthorizedError,
)
from _runtime.retry import Retry

if TYPE_CHECKING:
    from tests.runtime.conftest import Ask, Runtime, Server

ROWS = b'[{"ShipUID":"1.2.3","ShipName":"Fram"},{"ShipUID":"1.2.4"}]'


def test_the_key_goes_as_a_header_and_never_into_logs(
    ask: "Ask", server: "Server", caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.answers(ROWS)
    ask(lambda c: c.list_ships(), api_key="s3cret")
    path, headers = server.asked[0]
    assert headers["api_key"] == "s3cret"
    assert headers["user-agent"] == "ship_client/1.2.3"
    assert "s3cret" not in path + caplog.text


def test_a_server_that_repeats_the_key_does_not_get_it_into_an_error(
    ask: "Ask", rt: "Runtime", server: "Server"
) -> None:
    server.answers(rt.Reply(b'{"errorMessage":"key s3cret is unknown"}', 401))
    with pytest.raises(UnauthorizedError) as caught:
        ask(lambda c: c.list_ships(), api_key="s3cret")
    assert "s3cret" not in str(caught.value) + repr(caught.value) + repr(vars(caught.value))
    assert "key <api_key> is unknown" in str(caught.value)


def test_nor_into_a_warning_or_a_log(
    rt: "Runtime", server: "Server", caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "ship_client")
    rows = json.dumps([{"ShipUID": "1.2.3", "Crew": "s3cret", "Made by s3cret": 1}]).encode()
    headers = {"Content-Type": "text/s3cret", "metadata": '{"s3cret":[]}'}
    versions = ("1 of s3cret", "2 of s3cret")
    server.answers(*(rt.Reply(rows, headers={**headers, "bindaas-version": v}) for v in versions))
    drifts: list[object] = []
    with (
        rt.Client(
            base_url=server.base_url,
            api_key="s3cret",
            on_mismatch="warn",
            on_drift=drifts.append,
        ) as client,
        pytest.warns(MismatchWarning, match="not '<api_key>'") as warned,
    ):
        assert all(client.list_ships() for _ in versions)
    told = f"{[w.message for w in warned]}{drifts}{caplog.text}"
    assert "s3cret" not in told
    for words in ("Made by <api_key>", "text/<api_key>", "version is 2 of <api_key>"):
        assert words in told


def test_a_traceback_with_local_variables_does_not_show_the_key(rt: "Runtime", wire: Any) -> None:
    wire.script = [(b"", None)]
    with (
        rt.Client(base_url=wire.base_url, api_key="s3cret", retry=Retry(attempts=1)) as client,
        pytest.raises(ConnectionFailedError) as caught,
    ):
        client.list_ships()
    below = caught.tb.tb_next
    error = caught.value.with_traceback(below)
    told = "".join(TracebackException.from_exception(error, capture_locals=True).format())
    assert "in urlopen" in told
    assert "headers = {" in told
    assert "s3cret" not in told


@pytest.mark.parametrize("said", ["s3/cret", "s3%2Fcret"])
def test_nor_into_what_hangs_at_an_error_or_an_address(
    ask: "Ask", rt: "Runtime", server: "Server", caplog: pytest.LogCaptureFixture, said: str
) -> None:
    caplog.set_level("DEBUG")
    listed = rt.Reply(json.dumps([{"ShipUID": [said]}]).encode())
    refused = rt.Reply(said.encode(), 401)
    led_away = rt.Reply(b"", 302, {"Location": f"/v3/elsewhere?api_key={said}"})
    for reply, kind in (
        (listed, MisfitValueError),
        (refused, UnauthorizedError),
        (led_away, RedirectError),
    ):
        server.answers(reply)
        with pytest.raises(kind) as caught:
            ask(lambda c: c.list_ships(), api_key="s3/cret")
        assert said not in str(caught.value) + repr(vars(caught.value))
        assert said.encode() not in pickle.dumps(caught.value)
    ours = [r.getMessage() for r in caplog.records if not r.name.startswith("httpcore")]
    assert said not in "".join(ours)
    assert all("elsewhere" not in path for path, _ in server.asked)


def test_the_query_that_a_redirect_leads_to_is_not_logged(
    ask: "Ask", rt: "Runtime", server: "Server", caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "ship_client")
    signed = rt.Reply(b"", 302, {"Location": "/v3/elsewhere?signature=0123456789"})
    server.answers(signed, b"[]")
    assert ask(lambda c: c.list_ships()) == []
    assert "elsewhere" in caplog.text
    assert "0123456789" not in "".join(r.getMessage() for r in caplog.records)


def test_the_key_follows_redirects_on_its_host_only(
    ask: "Ask", rt: "Runtime", server: "Server", other_server: "Server"
) -> None:
    here = rt.Reply(b"", 302, {"Location": "/v3/elsewhere?format=json"})
    there = rt.Reply(b"", 307, {"Location": f"{other_server.base_url}/ships"})
    server.answers(here, there)
    other_server.answers(ROWS)
    assert len(ask(lambda c: c.list_ships(), api_key="s3cret")) == 2
    assert [h.get("api_key") for _, h in server.asked] == ["s3cret", "s3cret"]
    path, headers = other_server.asked[0]
    assert path == "/v3/ships"
    assert "s3cret" not in repr(headers)


def test_nothing_of_a_given_http_client_goes_to_another_host(
    rt: "Runtime", server: "Server", other_server: "Server"
) -> None:
    server.answers(rt.Reply(b"", 302, {"Location": f"{other_server.base_url}/ships"}))
    other_server.answers(ROWS)
    headers = {"api_key": "default"}
    with (
        httpx.Client(headers=headers, auth=("me", "hunter2"), follow_redirects=True) as mine,
        rt.Client(base_url=server.base_url, http_client=mine) as client,
    ):
        client.list_ships()
    assert server.asked[0][1]["api_key"] == "default"
    assert "authorization" in server.asked[0][1]
    assert not {"api_key", "authorization"} & set(other_server.asked[0][1])


@pytest.mark.parametrize("location", ["/v3/again", "ftp://x/", "http://u:p@x/", "http://[", None])
def test_redirects_that_lead_nowhere_are_errors(
    ask: "Ask", rt: "Runtime", server: "Server", location: str | None
) -> None:
    server.answers(rt.Reply(b"", 302, {"Location": location} if location else {}))
    with pytest.raises(RedirectError) as caught:
        ask(lambda c: c.list_ships())
    assert not caught.value.retryable
    assert len(server.asked) <= 6
