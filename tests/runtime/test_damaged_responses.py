"""Damaged responses: the same outcome for any chunks, and never a wrong row."""

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wire_forms import FORMATS, HARD, KINDS, SHIP, WRITERS, as_json, decode, decoder_of

from _runtime.decoding.rows import RowReader
from _runtime.errors import InvalidResponseError, ShapeError

NAMES = ["ShipUID", "ShipName", "HomePort"]
CHUNKS = [
    *(byte.encode() for byte in "\",}{]\\\n<>&'\x00\u20ac"),
    b"\xff",
    b"\xc3",
    b"null",
    b"</TD>",
    b"</TR></tbody>",
    b"</Row></Results>",
    b"},[],{",
    b'},"",{',
    b'},{"ShipUID":{}},{',
    b'},{"ShipUID":"1.2","New":1},{',
    b'},{"ShipUID":"1.2","New\\u0007\\"":1},{',
    b'\n"1.2","b"x"c",\n',
]


def read(name: str, body: bytes, cuts: Any, *, msgspec: bool) -> tuple[list[Any], Any, Any]:
    """Return the rows, and the class and the row of the error after them."""
    rows: list[Any] = []
    reader = decoder_of(name, RowReader(SHIP), msgspec=msgspec)
    places = [0, *sorted(cut % (len(body) + 1) for cut in cuts), len(body)]
    try:
        for start, end in pairwise(places):
            rows += reader.feed(body[start:end])
        rows += reader.finish()
        reader.check()
    except InvalidResponseError as error:
        return rows, type(error), error.row
    return rows, None, None


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(FORMATS),
    st.sampled_from([2, 17, 40]),
    st.lists(st.sampled_from(HARD) | st.none(), min_size=1, max_size=4),
    st.lists(st.tuples(st.integers(0, 9999), st.integers(0, 12), st.sampled_from([b"", *CHUNKS]))),
    st.lists(st.integers(0, 9999), max_size=6),
    st.booleans(),
)
def test_damaged_response_raises_the_same_error_for_any_chunks(
    name: str, count: int, texts: list[str | None], damage: Any, cuts: list[int], msgspec: bool
) -> None:
    rows = [(f"1.2.{i}", texts[i % len(texts)], "Kiel") for i in range(count)]
    body = WRITERS[name](NAMES, rows).encode()
    if name == "json":
        body = as_json(NAMES, rows, separators=(",", ":")).encode()
    for place, length, inserted in damage[:4]:
        at = place % (len(body) + 1)
        body = body[:at] + inserted + body[at + length :]
    whole = read(name, body, (), msgspec=not msgspec)
    in_chunks = read(name, body, cuts, msgspec=msgspec)
    for found, error, row in (whole, in_chunks):
        assert error is None or row is None or len(found) in (row - 1, row)
    assert (whole[1] is None) == (in_chunks[1] is None)
    if whole[1] is None:
        assert whole == in_chunks
    else:
        shared = min(len(whole[0]), len(in_chunks[0]))
        assert whole[0][:shared] == in_chunks[0][:shared]


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("step", [10**6, 1000, 7])
def test_invalid_utf8_raises_an_error_with_the_row_after_all_rows_before(
    name: str, step: int
) -> None:
    body = WRITERS[name](NAMES, [(f"1.2.{i}", "Name", "Kiel") for i in range(60)]).encode()
    if name == "json":
        body = body.replace(b'"}, {"', b'"},{"')
    place = body.index(b"Name", body.index(b"1.2.41"))
    body = body[:place] + b"\xfe" + body[place:]
    found, error, row = read(name, body, range(0, len(body), step), msgspec=True)
    assert (len(found), error, row) == (41, ShapeError, 42)


@pytest.mark.parametrize(
    ("name", "value"),
    [("xml", "Na</Row></Results>me"), ("html", "Na</TR></tbody>me"), ("html", "</tbody></TABLE>")],
)
@pytest.mark.parametrize("step", [10**6, 7, 1])
def test_markup_value_may_contain_the_end_of_the_records(name: str, value: str, step: int) -> None:
    rows = [("1.2.1", value, "Kiel"), ("1.2.2", value, "Kiel")]
    body = WRITERS[name](NAMES, rows).encode()
    found = decode(name, body, cuts=range(0, len(body), step))
    assert [(ship.a_shipname, ship.a_homeport) for ship in found] == [(value, "Kiel")] * 2


@pytest.mark.parametrize("key", ["\x07", '"', "\\", "", "\ud800", "class", "__init__", "a0", "é"])
@pytest.mark.parametrize("msgspec", [True, False])
def test_json_key_that_is_no_identifier_is_undeclared(key: str, msgspec: bool) -> None:
    records = [{"ShipUID": f"1.2.{i}", "ShipName": "Name", key: i} for i in range(900)]
    body = json.dumps(records, separators=(",", ":"))
    found = decode("json", body, cuts=range(0, len(body), 5000), msgspec=msgspec)
    plain = WRITERS["json"](list(KINDS)[:2], [(f"1.2.{i}", "Name") for i in range(900)])
    assert found == decode("json", plain)
