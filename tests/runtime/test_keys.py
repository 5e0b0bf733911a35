"""Keys, and redirects: what is sent where, and what a server sends back goes nowhere."""

import json
import logging
import pickle
from traceback import TracebackException
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from _runtime.errors import (
    AuthenticationError,
    ConnectError,
    InvalidValueError,
    MismatchWarning,
    RedirectError,
)
from _runtime.http.retry import Retry

if TYPE_CHECKING:
    from tests.runtime.conftest import Ask, Runtime, Server

from wire_server import OVER_URLLIB3

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


@pytest.mark.parametrize("key", ["key", "api_key", "status", "e", "server", "a.b*"])
def test_key_that_is_a_common_word_changes_no_sentence_of_ours(
    ask: "Ask", rt: "Runtime", server: "Server", key: str
) -> None:
    def told(said: str, api_key: str) -> str:
        body = json.dumps({"errorMessage": said}).encode()
        server.answers(rt.Reply(body, 401, {"WWW-Authenticate": "x"}))
        with pytest.raises(AuthenticationError) as caught:
            ask(lambda c: c.list_ships(), api_key=api_key)
        assert caught.value.server_message == caught.value.error_description
        return str(caught.value)

    expected = told("!", "another").replace('"!"', '"! <api_key> ! <api_key>"')
    assert told(f"! {key} ! {key}", key) == expected


@pytest.mark.parametrize("key", ["row", "must", "Crew", "crew", "not", "'"])
def test_key_that_is_a_common_word_changes_no_sentence_about_a_row(
    ask: "Ask", server: "Server", key: str
) -> None:
    server.answers(json.dumps([{"ShipUID": "1.2.3", "Crew": f"x{key}x"}]).encode())
    with pytest.raises(InvalidValueError) as caught:
        ask(lambda c: c.list_ships(), api_key=key)
    assert caught.value.reason == ("row 1: crew (Crew) must be an integer, not 'x<api_key>x'")
    assert caught.value.value == "x<api_key>x"


@pytest.mark.parametrize("said", ["key", "a/key/b", "?api_key=key", "x=key&y=1"])
def test_redirect_that_holds_a_short_key_is_not_followed(
    ask: "Ask", rt: "Runtime", server: "Server", said: str
) -> None:
    query = said.partition("?")[2] or (said if "=" in said else "")
    path = "" if "=" in said else said
    server.answers(rt.Reply(b"", 302, {"Location": f"/{path}?format=json&{query}"}), b"[]")
    with pytest.raises(RedirectError, match="an address that contains the key"):
        ask(lambda c: c.list_ships(), api_key="key")


def test_redirect_is_followed_where_a_word_only_contains_a_short_key(
    ask: "Ask", rt: "Runtime", server: "Server"
) -> None:
    server.answers(rt.Reply(b"", 302, {"Location": "/monkeys?format=json&keyed=1"}), b"[]")
    assert ask(lambda c: c.list_ships(), api_key="key") == []
    server.answers(rt.Reply(b"", 302, {"Location": "/v3/json?format=json"}), b"[]")
    assert ask(lambda c: c.list_ships(), api_key="v3") == []


def test_a_server_that_repeats_the_key_does_not_get_it_into_an_error(
    ask: "Ask", rt: "Runtime", server: "Server"
) -> None:
    server.answers(rt.Reply(b'{"errorMessage":"key s3cret is unknown"}', 401))
    with pytest.raises(AuthenticationError) as caught:
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


@OVER_URLLIB3
def test_a_traceback_with_local_variables_does_not_show_the_key(
    below: str, rt: "Runtime", wire: Any
) -> None:
    wire.script = [(b"", None)]
    with (
        rt.Client(base_url=wire.base_url, api_key="s3cret", retry=Retry(attempts=1)) as client,
        pytest.raises(ConnectError) as caught,
    ):
        client.list_ships()
    error = caught.value.with_traceback(caught.tb.tb_next)
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
    led_away = rt.Reply(b"", 302, {"Location": f"/v3/elsewhere?format=json&api_key={said}"})
    for reply, kind in (
        (listed, InvalidValueError),
        (refused, AuthenticationError),
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
    signed = rt.Reply(b"", 302, {"Location": "/v3/elsewhere?format=json&signature=0123456789"})
    server.answers(signed, b"[]")
    assert ask(lambda c: c.list_ships()) == []
    assert "elsewhere" in caplog.text
    assert "0123456789" not in "".join(r.getMessage() for r in caplog.records)


def test_the_key_follows_redirects_on_its_host_only(
    ask: "Ask", rt: "Runtime", server: "Server", other_server: "Server"
) -> None:
    here = rt.Reply(b"", 302, {"Location": "/v3/elsewhere?format=json"})
    there = rt.Reply(b"", 307, {"Location": f"{other_server.base_url}/ships?format=json"})
    server.answers(here, there)
    other_server.answers(ROWS)
    assert len(ask(lambda c: c.list_ships(), api_key="s3cret")) == 2
    assert [h.get("api_key") for _, h in server.asked] == ["s3cret", "s3cret"]
    path, headers = other_server.asked[0]
    assert path == "/v3/ships?format=json"
    assert "s3cret" not in repr(headers)


def test_nothing_of_a_given_http_client_goes_to_another_host(
    rt: "Runtime", server: "Server", other_server: "Server"
) -> None:
    server.answers(rt.Reply(b"", 302, {"Location": f"{other_server.base_url}/ships?format=json"}))
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


@pytest.mark.parametrize(
    "location", ["/v3/again?format=json", "ftp://x/", "http://u:p@x/", "http://[", None]
)
def test_redirects_that_lead_nowhere_are_errors(
    ask: "Ask", rt: "Runtime", server: "Server", location: str | None
) -> None:
    server.answers(rt.Reply(b"", 302, {"Location": location} if location else {}))
    with pytest.raises(RedirectError) as caught:
        ask(lambda c: c.list_ships())
    assert not caught.value.retryable
    assert len(server.asked) <= 6
