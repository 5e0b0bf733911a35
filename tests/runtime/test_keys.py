"""Keys: which servers get them, and that no message shows them."""

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


def test_key_is_sent_as_a_header_and_not_logged(
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
def test_key_that_is_a_common_word_does_not_change_messages(
    ask: "Ask", rt: "Runtime", server: "Server", key: str
) -> None:
    def message(said: str, api_key: str) -> str:
        body = json.dumps({"errorMessage": said}).encode()
        server.answers(rt.Reply(body, 401, {"WWW-Authenticate": "x"}))
        with pytest.raises(AuthenticationError) as caught:
            ask(lambda c: c.list_ships(), api_key=api_key)
        assert caught.value.server_message == caught.value.error_description
        return str(caught.value)

    expected = message("!", "another").replace('"!"', '"! <api_key> ! <api_key>"')
    assert message(f"! {key} ! {key}", key) == expected


@pytest.mark.parametrize("key", ["row", "must", "Crew", "crew", "not", "'"])
def test_key_that_is_a_common_word_does_not_change_messages_about_rows(
    ask: "Ask", server: "Server", key: str
) -> None:
    server.answers(json.dumps([{"ShipUID": "1.2.3", "Crew": f"x{key}x"}]).encode())
    with pytest.raises(InvalidValueError) as caught:
        ask(lambda c: c.list_ships(), api_key=key)
    assert caught.value.reason == ("row 1: crew (Crew) must be an integer, not 'x<api_key>x'")
    assert caught.value.value == "x<api_key>x"


@pytest.mark.parametrize("said", ["key", "a/key/b", "?api_key=key", "x=key&y=1"])
def test_redirect_that_contains_a_short_key_is_not_followed(
    ask: "Ask", rt: "Runtime", server: "Server", said: str
) -> None:
    query = said.partition("?")[2] or (said if "=" in said else "")
    path = "" if "=" in said else said
    server.answers(rt.Reply(b"", 302, {"Location": f"/{path}?format=json&{query}"}), b"[]")
    with pytest.raises(RedirectError, match="an address that contains the key"):
        ask(lambda c: c.list_ships(), api_key="key")


def test_redirect_with_a_word_that_contains_a_short_key_is_followed(
    ask: "Ask", rt: "Runtime", server: "Server"
) -> None:
    server.answers(rt.Reply(b"", 302, {"Location": "/monkeys?format=json&keyed=1"}), b"[]")
    assert ask(lambda c: c.list_ships(), api_key="key") == []
    server.answers(rt.Reply(b"", 302, {"Location": "/v3/json?format=json"}), b"[]")
    assert ask(lambda c: c.list_ships(), api_key="v3") == []


def test_error_hides_the_key_that_a_server_repeats(
    ask: "Ask", rt: "Runtime", server: "Server"
) -> None:
    server.answers(rt.Reply(b'{"errorMessage":"key s3cret is unknown"}', 401))
    with pytest.raises(AuthenticationError) as caught:
        ask(lambda c: c.list_ships(), api_key="s3cret")
    assert "s3cret" not in str(caught.value) + repr(caught.value) + repr(vars(caught.value))
    assert "key <api_key> is unknown" in str(caught.value)


def test_warning_and_log_hide_the_key_that_a_server_repeats(
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
def test_traceback_with_local_variables_hides_the_key(below: str, rt: "Runtime", wire: Any) -> None:
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
def test_attributes_of_an_error_hide_the_key(
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


def test_log_hides_the_query_of_a_redirect(
    ask: "Ask", rt: "Runtime", server: "Server", caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "ship_client")
    signed = rt.Reply(b"", 302, {"Location": "/v3/elsewhere?format=json&signature=0123456789"})
    server.answers(signed, b"[]")
    assert ask(lambda c: c.list_ships()) == []
    assert "elsewhere" in caplog.text
    assert "0123456789" not in "".join(r.getMessage() for r in caplog.records)


def test_key_is_sent_only_to_redirects_on_its_host(
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


def test_headers_of_an_http_client_are_not_sent_to_another_host(
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
def test_redirect_without_a_valid_target_raises_redirect_error(
    ask: "Ask", rt: "Runtime", server: "Server", location: str | None
) -> None:
    server.answers(rt.Reply(b"", 302, {"Location": location} if location else {}))
    with pytest.raises(RedirectError) as caught:
        ask(lambda c: c.list_ships())
    assert not caught.value.retryable
    assert len(server.asked) <= 6
