"""The advice of errors: each has a test that follows it with success."""

import ast
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from _runtime import errors
from _runtime.http.options import Timeouts
from _runtime.http.retry import Retry

if TYPE_CHECKING:
    from tests.runtime.conftest import RunClient, Runtime, Server

ROOT = Path(__file__).parents[2]
RUNTIME = ROOT / "templates" / "client" / "package" / "_runtime"
ROWS = b'[{"ShipUID":"1.2"},{"ShipUID":"1.3"}]'
ONCE = Retry(attempts=1)
LATER = "runtime/test_advice.py::test_call_succeeds_after_the_cause_is_removed"
REPORT = LATER  # only the server can fix these

PROOFS = {
    # The beginning of each advice, and the test that follows it.
    "A retry will hardly help": REPORT,
    "The request had all parameters": REPORT,
    "Retry later, or report it": (
        "files/test_advice.py::test_on_difference_keep_saves_the_received_files"
    ),
    "Retry later; --on-difference": (
        "client_cli/test_completeness.py::test_on_difference_keep_saves_the_received_files"
    ),
    "Query less, or pass": "runtime/test_advice.py::test_longer_timeout_waits",
    "Request a valid api_key": "runtime/test_advice.py::test_api_key_is_sent",
    "Call again: part of the response": LATER,
    "Call again; if the error stays": (
        "files/test_advice.py::test_call_that_follows_the_advice_succeeds"
    ),
    "Check the base URL, the network": LATER,
    "Check the base URL: no endpoint": LATER,
    "Check the base URL; the service": LATER,
    "Check the values of the request": (
        "files/test_advice.py::test_call_that_follows_the_advice_succeeds"
    ),
    "Choose one of": "runtime/test_advice.py::test_listed_format_is_accepted",
    "A proxy in front of the server": (
        "end_to_end/test_nginx.py::test_nginx_with_the_documented_settings_serves_the_archive"
    ),
    "Close open responses": "runtime/test_advice.py::test_closed_response_frees_its_connection",
    "Convert it to CSV": (
        "client_cli/test_sources.py::test_parquet_is_accepted_once_it_is_converted"
    ),
    "Copy it again": "runtime/test_advice.py::test_api_key_is_sent",
    "Correct the value": REPORT,
    "Did you mean ": "files/test_usage.py::test_target_that_the_advice_suggests_is_accepted",
    "Download to a local folder": (
        "files/test_usage.py::test_target_that_the_advice_suggests_is_accepted"
    ),
    "Pass the path itself": "files/test_usage.py::test_target_that_the_advice_suggests_is_accepted",
    "Download to each path once": (
        "files/test_targets.py::test_second_download_to_the_same_destination_fails"
    ),
    "Download them into separate folders": (
        "files/test_advice.py::test_downloads_of_one_name_succeed_in_separate_folders"
    ),
    "Free some space": ("files/test_advice.py::test_limit_error_names_the_limit_to_raise"),
    "Pass an http_client that trusts": (
        "runtime/test_transports.py::test_http_client_that_trusts_the_certificate_connects"
    ),
    "Set a valid key in the environment": (
        "client_cli/test_config.py::test_key_of_the_file_is_sent_only_to_its_server"
    ),
    "Pass a value": "runtime/test_advice.py::test_required_value_is_accepted",
    "Pass an api_key that is valid": "runtime/test_advice.py::test_api_key_is_sent",
    "Pass the parameter that the server": REPORT,
    "If you trust the server": ("files/test_advice.py::test_limit_error_names_the_limit_to_raise"),
    "Omit it, or pass": "runtime/test_advice.py::test_required_value_is_accepted",
    "Leave the outdated one out": (
        "files/test_completeness.py::test_item_that_states_two_counts_is_refused"
    ),
    "Make the client with max_connections": (
        "files/test_many.py::test_more_workers_than_the_maximum_of_connections_are_refused"
    ),
    "Nothing was unpacked. To look": (
        "files/test_advice.py::test_keep_zip_saves_archive_that_cannot_be_unpacked_safely"
    ),
    "Pass a manifest file": "files/test_manifest.py::test_manifest_of_a_portal_is_read",
    "Pass a table whose header": (
        "files/test_manifest.py::test_manifest_of_another_form_states_its_series"
    ),
    "Pass a whole number": (
        "files/test_completeness.py::test_invalid_count_of_the_item_is_refused_before_any_request"
    ),
    "Pass mappings or rows": "files/test_items.py::test_many_rows_of_any_library_are_downloaded",
    "Regenerate the package, or": (
        "sensing/test_detector.py::test_difference_causes_one_warning_for_many_responses"
    ),
    "Remove the outdated one": (
        "files/test_completeness.py::test_items_that_contradict_each_other_are_refused"
    ),
    "Save it as UTF-8": "files/test_manifest.py::test_manifest_in_another_encoding_is_refused",
    "See the response with --format raw": (
        "client_cli/test_outcomes.py::test_unreadable_response_is_status_3_and_leaves_no_file"
    ),
    "See the body with": "runtime/test_advice.py::test_raw_and_another_format_return_the_body",
    "See the error's `failed`": ("files/test_advice.py::test_second_call_downloads_missing_items"),
    "Check the base URL and any proxy": LATER,
    "The response is not the file": (
        "files/test_advice.py::test_call_that_follows_the_advice_succeeds"
    ),
    "The response is truncated": LATER,
    "The fault is the server's": LATER,
    "The server cannot reach its database": LATER,
    "Request the received format": (
        "runtime/test_advice.py::test_received_format_can_be_requested"
    ),
    "This server does not have the endpoint": LATER,
    "Pass values without ; --": LATER,
    "Wait and call again": LATER,
    "Wait until it ends": (
        "files/test_processes.py::test_second_process_fails_while_the_first_writes_the_same_folder"
    ),
    "With --on-mismatch warn": (
        "client_cli/test_records.py::test_invalid_value_is_an_error_or_a_warning"
    ),
    "With on_mismatch=": "runtime/test_advice.py::test_on_mismatch_warn_returns_the_row",
}


def advice_in(tree: ast.AST) -> Iterator[str]:
    """Yield the strings of keywords and variables that are named advice."""
    for node in ast.walk(tree):
        values: list[ast.expr | None] = []
        if isinstance(node, ast.keyword) and node.arg == "advice":
            values = [node.value]
        elif isinstance(node, ast.Assign):
            names = [ast.unparse(target) for target in node.targets]
            values = [node.value] if any("advice" in name.lower() for name in names) else []
        elif isinstance(node, ast.AnnAssign) and "advice" in ast.unparse(node.target).lower():
            values = [node.value]
        for value in values:
            yield from texts_of(value)


def texts_of(node: ast.expr | None) -> Iterator[str]:
    match node:
        case ast.Constant(value=str() as text):
            yield text
        case ast.JoinedStr(values=[ast.Constant(value=str() as text), *_]):
            yield text
        case ast.IfExp(body=one, orelse=other):
            yield from (text for part in (one, other) for text in texts_of(part))
        case ast.Dict(values=values):
            yield from (text for value in values for text in texts_of(value))


def test_each_advice_is_followed_by_a_test() -> None:
    found = {
        text
        for path in RUNTIME.rglob("*.py")
        for text in advice_in(ast.parse(path.read_text(encoding="utf-8")))
        if len(text) > 12
    }
    assert len(found) > 40
    assert [text for text in found if not text.startswith(tuple(PROOFS))] == []
    assert [start for start in PROOFS if not any(t.startswith(start) for t in found)] == []
    missing = [
        proof
        for path, _, name in (proof.partition("::") for proof in PROOFS.values())
        if f"def {name}" not in (ROOT / "tests" / path).read_text(encoding="utf-8")
        for proof in [f"{path}::{name}"]
    ]
    assert missing == []


@pytest.mark.parametrize(
    ("trouble", "kind"),
    [
        *[
            ({"status": status, "body": b"{}"}, errors.HTTPStatusError)
            for status in (404, 429, 471, 500, 502, 571, 572, 573, 574, 575, 591)
        ],
        (
            {"status": 500, "body": b'{"errorMessage": "QueryEndpoint [x] not found"}'},
            errors.UnknownEndpointError,
        ),
        ({"body": ROWS[:-1]}, errors.TruncatedResponseError),
        ({"body": ROWS, "cut": True}, errors.IncompleteResponseError),
        ({"body": b"<html>login</html>"}, errors.NotRecordsError),
        ({"status": 302, "headers": {"Location": "/v3/login"}}, errors.RedirectError),
    ],
)
def test_call_succeeds_after_the_cause_is_removed(
    run_client: "RunClient",
    rt: "Runtime",
    server: "Server",
    trouble: Any,
    kind: type[errors.ApiError],
) -> None:
    server.respond_with(rt.Reply(**trouble))
    with pytest.raises(kind) as caught:
        run_client(lambda c: c.list_ships(), retry=ONCE)
    assert caught.value.advice
    server.respond_with(ROWS)
    assert len(run_client(lambda c: c.list_ships(), retry=ONCE)) == 2


@pytest.mark.parametrize("status", [401, 591])
def test_api_key_is_sent(
    run_client: "RunClient", rt: "Runtime", server: "Server", status: int
) -> None:
    server.respond_with(rt.Reply(b"", status=status), ROWS)
    with pytest.raises(errors.HTTPStatusError, match="api_key"):
        run_client(lambda c: c.list_ships())
    with pytest.raises(errors.ParameterError, match="Copy it again"):
        run_client(lambda c: c.list_ships(), api_key="a key")
    assert len(run_client(lambda c: c.list_ships(), api_key="a-key")) == 2
    assert server.requests[-1][1]["api_key"] == "a-key"


def test_longer_timeout_waits(run_client: "RunClient", rt: "Runtime", server: "Server") -> None:
    hold = threading.Event()
    server.respond_with(rt.Reply(ROWS, chunks=2, hold=hold), ROWS)
    with pytest.raises(errors.ReadTimeoutError, match="longer timeout"):
        run_client(lambda c: c.list_ships(), retry=ONCE, timeout=0.2)
    hold.set()
    assert len(run_client(lambda c: c.list_ships(), retry=ONCE, timeout=20)) == 2


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        (b'{"ShipUID": "1.2"}, {"Crew": 1}', errors.MissingValueError),
        (b'{"ShipUID": "1.2", "Crew": "many"}', errors.InvalidValueError),
    ],
)
def test_on_mismatch_warn_returns_the_row(
    run_client: "RunClient", server: "Server", row: bytes, kind: type[errors.ApiError]
) -> None:
    server.respond_with(b"[%s]" % row)
    with pytest.raises(kind, match='on_mismatch="warn" the client returns'):
        run_client(lambda c: c.list_ships(), on_drift="off")
    with pytest.warns(errors.MismatchWarning):
        rows = run_client(lambda c: c.list_ships(), on_mismatch="warn", on_drift="off")
    assert rows[0].ship_uid == "1.2"


def test_raw_and_another_format_return_the_body(
    run_client: "RunClient", rt: "Runtime", server: "Server"
) -> None:
    broken = b'[{"ShipUID":"1.2"},]'
    server.respond_with(broken)
    with pytest.raises(errors.InvalidResponseError, match="with_raw_response"):
        run_client(lambda c: c.list_ships())
    assert run_client(lambda c: c.with_raw_response.list_ships()).content == broken
    server.respond_with(rt.Reply(b'ShipUID\n"1.2"\n', headers={"Content-Type": "application/csv"}))
    assert len(run_client(lambda c: c.list_ships(format="csv"))) == 1


def test_received_format_can_be_requested(
    run_client: "RunClient", rt: "Runtime", server: "Server"
) -> None:
    server.respond_with(rt.Reply(b'ShipUID\n"1.2"\n', headers={"Content-Type": "application/csv"}))
    with pytest.raises(
        errors.FormatIgnoredError, match="the client requested json, and the server sent csv"
    ):
        run_client(lambda c: c.list_ships())
    assert len(run_client(lambda c: c.list_ships(format="csv"))) == 1


def test_listed_format_is_accepted(run_client: "RunClient", server: "Server") -> None:
    server.respond_with(ROWS)
    with pytest.raises(errors.ParameterError, match="Choose one of: csv, html, xml, json"):
        run_client(lambda c: c.list_ships(format="pdf"))
    assert len(run_client(lambda c: c.list_ships(format="json"))) == 2


def test_required_value_is_accepted(run_client: "RunClient", server: "Server") -> None:
    server.respond_with(ROWS)
    with pytest.raises(errors.ParameterError, match="Omit it, or pass a value"):
        run_client(lambda c: c.list_ships(port=" "))
    with pytest.raises(errors.ParameterError, match="Pass a value"):
        run_client(lambda c: c.with_raw_response.download_plans(ship_uid=""))
    assert len(run_client(lambda c: c.list_ships())) == 2
    assert len(run_client(lambda c: c.list_ships(port="Kiel"))) == 2
    assert run_client(lambda c: c.with_raw_response.download_plans(ship_uid="1.2")).content == ROWS


def test_closed_response_frees_its_connection(rt: "Runtime", server: "Server") -> None:
    server.respond_with(rt.Reply(ROWS * 2, chunks=2, hold=(hold := threading.Event())), ROWS)
    options: dict[str, Any] = {"base_url": server.base_url, "timeout": Timeouts(pool=0.1)}
    with rt.Client(**options, max_connections=1) as client:
        rows = client.streaming.list_ships()
        next(rows)
        with pytest.raises(errors.ReadTimeoutError, match="Close open responses"):
            client.list_ships()
        hold.set()
        rows.close()
        assert len(client.list_ships()) == 2
