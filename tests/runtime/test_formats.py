"""Recognition of the format of a body and of its media type."""

from typing import TYPE_CHECKING

import pytest

from _runtime.decoding.formats import format_of, is_labelled
from _runtime.drift.detector import ContractDriftWarning

if TYPE_CHECKING:
    from tests.runtime.conftest import RunClient, Runtime, Server


@pytest.mark.parametrize(
    ("body", "form"),
    [
        (b"[]", "json"),
        (b' \n[ {"ShipUID":"1', "json"),
        (b"\xef\xbb\xbf[{", "json"),
        (b"<Results><Row>", "xml"),
        (b"<?xml version='1.0'?>\n<Results/>", "xml"),
        (b"<HTML><BODY><TABLE id='data' BORDER=1>", "html"),
        (b"ShipUID,ShipName\n", "csv"),
        (b"SHIP_ID,Captain", "csv"),
        (b"", None),
        (b"[maintenance until noon]", None),
        (b'{"errorMessage":"x"}', None),
        (b"<html><head><title>503</title></head><table>", None),
        (b"<Result>", None),
        (b"The ship, ShipUID, sank", None),
        (b"Captain,Mate\n", None),
        (b"\xff\xfe\x00", None),
    ],
)
def test_format_of_recognizes_records_by_their_first_bytes(
    rt: "Runtime", body: bytes, form: str | None
) -> None:
    assert format_of(body, rt.ships) == form


@pytest.mark.parametrize(
    ("label", "fits"),
    [
        ("application/json", {"json"}),
        ("application/JSON; charset=utf-8", {"json"}),
        ("application/problem+json", {"json"}),
        ("application/csv", {"csv"}),
        ("text/csv;header=present", {"csv"}),
        ("text/comma-separated-values", {"csv"}),
        ("text/xml", {"xml"}),
        ("application/atom+xml", {"xml"}),
        ("text/html", {"html"}),
        ("application/xhtml+xml", {"xml", "html"}),
        ("text/plain", set[str]()),
        ("application/octet-stream", set[str]()),
        ("json", {"json"}),
        ("", {"json", "csv", "xml", "html"}),
        (" ; charset=utf-8", {"json", "csv", "xml", "html"}),
    ],
)
def test_is_labelled_accepts_usual_media_types(label: str, fits: set[str]) -> None:
    assert {form for form in ("json", "csv", "xml", "html") if is_labelled(label, form)} == fits


def test_empty_response_has_no_media_type_mismatch(
    run_client: "RunClient", rt: "Runtime", server: "Server"
) -> None:
    server.respond_with(rt.Reply(b" \n", headers={"Content-Type": "text/html"}))
    assert run_client(lambda c: c.list_ships(), on_drift="raise") == []


def test_drift_message_lists_some_of_many_names(run_client: "RunClient", server: "Server") -> None:
    row = ",".join(f'"X{n}":1' for n in range(5000))
    server.respond_with(f'[{{"ShipUID":"1.2.3",{row}}}]'.encode())
    with pytest.warns(ContractDriftWarning, match='"X7", and many more') as warned:
        run_client(lambda c: c.list_ships())
    assert isinstance(warned[0].message, ContractDriftWarning)
    assert len(str(warned[0].message)) < 500


@pytest.fixture(autouse=True)
def _forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("_runtime.drift.detector._WARNED", set())
