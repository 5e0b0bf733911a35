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
from _runtime.redaction import Redactor, redacted, redacting

if TYPE_CHECKING:
    from tests.runtime.conftest import RunClient, Runtime, Server

from wire_server import OVER_URLLIB3

ROWS = b'[{"ShipUID":"1.2.3","ShipName":"Fram"},{"ShipUID":"1.2.4"}]'


def test_key_is_sent_as_a_header_and_not_logged(
    run_client: "RunClient", server: "Server", caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.respond_with(ROWS)
    run_client(lambda c: c.list_ships(), api_key="s3cret")
    path, headers = server.requests[0]
    assert headers["api_key"] == "s3cret"
    assert headers["user-agent"] == "ship_client/1.2.3"
    assert "s3cret" not in path + caplog.text


@pytest.mark.parametrize("key", ["key", "api_key", "status", "e", "server", "a.b*"])
def test_key_that_is_a_common_word_does_not_change_messages(
    run_client: "RunClient", rt: "Runtime", server: "Server", key: str
) -> None:
    def message(text: str, api_key: str) -> str:
        body = json.dumps({"errorMessage": text}).encode()
        server.respond_with(rt.Reply(body, 401, {"WWW-Authenticate": "x"}))
        with pytest.raises(AuthenticationError) as caught:
            run_client(lambda c: c.list_ships(), api_key=api_key)
        assert caught.value.server_message == caught.value.error_description
        return str(caught.value)

    expected = message("!", "another").replace('"!"', '"! <api_key> ! <api_key>"')
    assert message(f"! {key} ! {key}", key) == expected


@pytest.mark.parametrize("key", ["row", "must", "Crew", "crew", "not", "'"])
def test_key_that_is_a_common_word_does_not_change_messages_about_rows(
    run_client: "RunClient", server: "Server", key: str
) -> None:
    server.respond_with(json.dumps([{"ShipUID": "1.2.3", "Crew": f"x{key}x"}]).encode())
    with pytest.raises(InvalidValueError) as caught:
        run_client(lambda c: c.list_ships(), api_key=key)
    assert caught.value.reason == ("row 1: crew (Crew) must be an integer, not 'x<api_key>x'")
    assert caught.value.value == "x<api_key>x"


@pytest.mark.parametrize("quoted", ["key", "a/key/b", "?api_key=key", "x=key&y=1"])
def test_redirect_that_contains_a_short_key_is_not_followed(
    run_client: "RunClient", rt: "Runtime", server: "Server", quoted: str
) -> None:
    query = quoted.partition("?")[2] or (quoted if "=" in quoted else "")
    path = "" if "=" in quoted else quoted
    server.respond_with(rt.Reply(b"", 302, {"Location": f"/{path}?format=json&{query}"}), b"[]")
    with pytest.raises(RedirectError, match="an address that contains the key"):
        run_client(lambda c: c.list_ships(), api_key="key")


def test_redirect_with_a_word_that_contains_a_short_key_is_followed(
    run_client: "RunClient", rt: "Runtime", server: "Server"
) -> None:
    server.respond_with(rt.Reply(b"", 302, {"Location": "/monkeys?format=json&keyed=1"}), b"[]")
    assert run_client(lambda c: c.list_ships(), api_key="key") == []
    server.respond_with(rt.Reply(b"", 302, {"Location": "/v3/json?format=json"}), b"[]")
    assert run_client(lambda c: c.list_ships(), api_key="v3") == []


def test_error_hides_the_key_that_a_server_repeats(
    run_client: "RunClient", rt: "Runtime", server: "Server"
) -> None:
    server.respond_with(rt.Reply(b'{"errorMessage":"key s3cret is unknown"}', 401))
    with pytest.raises(AuthenticationError) as caught:
        run_client(lambda c: c.list_ships(), api_key="s3cret")
    assert "s3cret" not in str(caught.value) + repr(caught.value) + repr(vars(caught.value))
    assert "key <api_key> is unknown" in str(caught.value)


def test_warning_and_log_hide_the_key_that_a_server_repeats(
    rt: "Runtime", server: "Server", caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "ship_client")
    rows = json.dumps([{"ShipUID": "1.2.3", "Crew": "s3cret", "Made by s3cret": 1}]).encode()
    headers = {"Content-Type": "text/s3cret", "metadata": '{"s3cret":[]}'}
    versions = ("1 of s3cret", "2 of s3cret")
    server.respond_with(
        *(rt.Reply(rows, headers={**headers, "bindaas-version": v}) for v in versions)
    )
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
    output = f"{[w.message for w in warned]}{drifts}{caplog.text}"
    assert "s3cret" not in output
    for words in ("Made by <api_key>", "text/<api_key>", "version is 2 of <api_key>"):
        assert words in output


@OVER_URLLIB3
def test_traceback_with_local_variables_hides_the_key(below: str, rt: "Runtime", wire: Any) -> None:
    wire.script = [(b"", None)]
    with (
        rt.Client(base_url=wire.base_url, api_key="s3cret", retry=Retry(attempts=1)) as client,
        pytest.raises(ConnectError) as caught,
    ):
        client.list_ships()
    error = caught.value.with_traceback(caught.tb.tb_next)
    output = "".join(TracebackException.from_exception(error, capture_locals=True).format())
    assert "in urlopen" in output
    assert "headers = {" in output
    assert "s3cret" not in output


@pytest.mark.parametrize("quoted", ["s3/cret", "s3%2Fcret"])
def test_attributes_of_an_error_hide_the_key(
    run_client: "RunClient",
    rt: "Runtime",
    server: "Server",
    caplog: pytest.LogCaptureFixture,
    quoted: str,
) -> None:
    caplog.set_level("DEBUG")
    listed = rt.Reply(json.dumps([{"ShipUID": [quoted]}]).encode())
    refused = rt.Reply(quoted.encode(), 401)
    led_away = rt.Reply(b"", 302, {"Location": f"/v3/elsewhere?format=json&api_key={quoted}"})
    for reply, kind in (
        (listed, InvalidValueError),
        (refused, AuthenticationError),
        (led_away, RedirectError),
    ):
        server.respond_with(reply)
        with pytest.raises(kind) as caught:
            run_client(lambda c: c.list_ships(), api_key="s3/cret")
        assert quoted not in str(caught.value) + repr(vars(caught.value))
        assert quoted.encode() not in pickle.dumps(caught.value)
    ours = [r.getMessage() for r in caplog.records if not r.name.startswith("httpcore")]
    assert quoted not in "".join(ours)
    assert all("elsewhere" not in path for path, _ in server.requests)


def test_log_hides_the_query_of_a_redirect(
    run_client: "RunClient", rt: "Runtime", server: "Server", caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "ship_client")
    signed = rt.Reply(b"", 302, {"Location": "/v3/elsewhere?format=json&signature=0123456789"})
    server.respond_with(signed, b"[]")
    assert run_client(lambda c: c.list_ships()) == []
    assert "elsewhere" in caplog.text
    assert "0123456789" not in "".join(r.getMessage() for r in caplog.records)


def test_key_is_sent_only_to_redirects_on_its_host(
    run_client: "RunClient", rt: "Runtime", server: "Server", other_server: "Server"
) -> None:
    here = rt.Reply(b"", 302, {"Location": "/v3/elsewhere?format=json"})
    there = rt.Reply(b"", 307, {"Location": f"{other_server.base_url}/ships?format=json"})
    server.respond_with(here, there)
    other_server.respond_with(ROWS)
    assert len(run_client(lambda c: c.list_ships(), api_key="s3cret")) == 2
    assert [h.get("api_key") for _, h in server.requests] == ["s3cret", "s3cret"]
    path, headers = other_server.requests[0]
    assert path == "/v3/ships?format=json"
    assert "s3cret" not in repr(headers)


def test_headers_of_an_http_client_are_not_sent_to_another_host(
    rt: "Runtime", server: "Server", other_server: "Server"
) -> None:
    server.respond_with(
        rt.Reply(b"", 302, {"Location": f"{other_server.base_url}/ships?format=json"})
    )
    other_server.respond_with(ROWS)
    headers = {"api_key": "default"}
    with (
        httpx.Client(headers=headers, auth=("me", "hunter2"), follow_redirects=True) as mine,
        rt.Client(base_url=server.base_url, http_client=mine) as client,
    ):
        client.list_ships()
    assert server.requests[0][1]["api_key"] == "default"
    assert "authorization" in server.requests[0][1]
    assert not {"api_key", "authorization"} & set(other_server.requests[0][1])


@pytest.mark.parametrize(
    "location", ["/v3/again?format=json", "ftp://x/", "http://u:p@x/", "http://[", None]
)
def test_redirect_without_a_valid_target_raises_redirect_error(
    run_client: "RunClient", rt: "Runtime", server: "Server", location: str | None
) -> None:
    server.respond_with(rt.Reply(b"", 302, {"Location": location} if location else {}))
    with pytest.raises(RedirectError) as caught:
        run_client(lambda c: c.list_ships())
    assert not caught.value.retryable
    assert len(server.requests) <= 6


def test_redaction_ends_with_its_block() -> None:
    with redacting(Redactor({"s3cret": "api_key"})):
        assert "s3cret" not in redacted("key s3cret")
    assert redacted("key s3cret") == "key s3cret"
