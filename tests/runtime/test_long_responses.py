"""Responses of many rows, which compiled loops read."""

import json
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wire_forms import FORMATS, KINDS, SHIP, WRITERS, Row, as_json, blueprint, decode, ships

from _runtime.decoding.json import JsonDecoder
from _runtime.decoding.rows import Blueprint, RowReader
from _runtime.endpoint import Attribute, Endpoint
from _runtime.errors import InvalidResponseError, InvalidValueError, MissingValueError

TEXTS = blueprint(First="string", Second="string", Third="string")


@settings(max_examples=60, deadline=None)
@given(
    st.lists(ships, min_size=1, max_size=5),
    st.lists(ships, max_size=5),
    st.sampled_from([4, 20]),
    st.booleans(),
)
def test_decode_repeated_rows_returns_equal_rows(
    rows: list[Row], others: list[Row], times: int, msgspec: bool
) -> None:
    names, many = list(KINDS), rows * times + others + rows * 4
    for name, writer in WRITERS.items():
        once = decode(name, writer(names, rows), msgspec=not msgspec)
        new = decode(name, writer(names, others), msgspec=not msgspec) if others else []
        body = writer(names, many)
        found = decode(name, body, cuts=range(0, len(body.encode()), 700), msgspec=msgspec)
        assert found == once * times + new + once * 4


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.text("\",\\\n\r'a/n[]{}:1", max_size=24), min_size=1, max_size=4),
    st.booleans(),
)
def test_csv_decoder_returns_the_same_at_once_and_line_by_line(
    lines: list[str], msgspec: bool
) -> None:
    def read(lines: list[str]) -> list[Any] | None:
        try:
            body = "First,Second,Third\n" + "\n".join(lines)
            return decode("csv", body, plan=TEXTS, msgspec=msgspec)
        except InvalidResponseError:
            return None

    few = read(lines)
    many = read([*('"a",,"b"' for _ in range(20)), *lines])
    if few is not None:
        assert many is not None
        assert many[20:] == few
    else:
        assert many is None


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(*[st.none() | st.text(",\"'\\a]\n", max_size=5)] * 3), min_size=17, max_size=30
    ),
    st.booleans(),
)
def test_csv_decoder_returns_commas_quotes_and_nulls(rows: list[Row], msgspec: bool) -> None:
    names = ["First", "Second", "Third"]
    found = decode("csv", WRITERS["csv"](names, rows), plan=TEXTS, msgspec=msgspec)
    assert [(r.a_first, r.a_second, r.a_third) for r in found] == rows


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("msgspec", [True, False])
def test_decode_repeated_texts_returns_shared_objects(name: str, msgspec: bool) -> None:
    rows = [(f"1.2.{i}", ("Star", "Sun")[i % 2]) for i in range(3000)]
    body = WRITERS[name](["ShipUID", "ShipName"], rows)
    found = decode(name, body, cuts=range(0, len(body), 1000), msgspec=msgspec)
    assert [ship.a_shipname for ship in found] == [name for _, name in rows]
    assert len({id(ship.a_shipname) for ship in found}) < 1000


OTHERS: list[dict[str, Any]] = [
    {"ShipName": "Other"},
    {"ShipName": "Other", "Launched": "2001-02-03 00:00:00.0"},
    {"ShipName": "Other", "Crew": "7.000000"},
    {"ShipName": "Other", "Crew": None, "Launched": None},
    {"Tonnage": 7, "AtSea": True},
    {"Name": "Other", "New": [1]},
    {"shipname": "Other"},
]


@pytest.mark.parametrize("other", OTHERS, ids=json.dumps)
@pytest.mark.parametrize("msgspec", [True, False])
def test_decode_late_record_of_another_form_is_read_like_the_first(
    other: dict[str, Any], msgspec: bool
) -> None:
    usual = {"ShipUID": "1.2.3", "ShipName": "Usual", "Launched": "1999-01-02", "Crew": 3}
    records = [usual] * 2000 + [{"ShipUID": "1.2", **other}, usual] * 30 + [usual] * 300
    body = json.dumps(records, separators=(",", ":"))
    found = decode("json", body, cuts=range(0, len(body), 4000), msgspec=msgspec)
    (first,) = decode("json", json.dumps([usual]))
    (late,) = decode("json", json.dumps([{"ShipUID": "1.2", **other}]))
    assert found == [first] * 2000 + [late, first] * 30 + [first] * 300


@pytest.mark.parametrize("msgspec", [True, False])
@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"ShipUID": "1..2"}, InvalidValueError),
        ({"ShipUID": 7}, InvalidValueError),
        ({"ShipUID": None}, MissingValueError),
        ({"ShipName": 7}, InvalidValueError),
        ({"ShipName": {}}, InvalidValueError),
        ({"Launched": "1999-02-30"}, InvalidValueError),
        ({"Crew": True}, InvalidValueError),
        ({"Crew": "many"}, InvalidValueError),
        ({"Tonnage": True}, InvalidValueError),
        ({"AtSea": 2}, InvalidValueError),
    ],
)
@pytest.mark.parametrize("different", [0, 1])
def test_invalid_value_late_in_a_response_is_reported_with_its_row(
    wrong: dict[str, Any], error: type[InvalidResponseError], different: int, msgspec: bool
) -> None:
    usual = {"ShipUID": "1.2.3", "Launched": "1999-01-02", "Crew": 1, "Tonnage": 1, "AtSea": True}
    ships = [{**usual, "ShipName": f"Usual {i * different}"} for i in range(2501)]
    ships[2000] |= wrong
    body = json.dumps(ships)
    decoder = JsonDecoder(RowReader(SHIP), use_msgspec=msgspec)
    rows: list[Any] = []
    chunks = [body[start : start + 4000].encode() for start in range(0, len(body), 4000)]
    with pytest.raises(error) as caught:
        rows.extend(row for chunk in chunks for row in decoder.feed(chunk))
    assert len(rows) == 2000
    assert (caught.value.row, caught.value.attribute) == (2001, f"a_{next(iter(wrong)).lower()}")
    reported: list[InvalidResponseError] = []
    rows = decode("json", body, report=reported.append, msgspec=msgspec)
    assert len(rows) == 2501
    assert len(reported) == 1


@pytest.mark.parametrize("other", [[], "", {}, 0, None, True, "ShipUID", ["ShipUID", "ShipName"]])
@pytest.mark.parametrize("place", [20, 2000])
@pytest.mark.parametrize("msgspec", [True, False])
def test_other_json_among_many_records_is_reported_with_its_row(
    other: object, place: int, msgspec: bool
) -> None:
    records: list[object] = [
        {"ShipUID": f"1.2.{i}", "ShipName": f"Ship {i}", "Crew": i % 2} for i in range(2500)
    ]
    records.insert(place, other)
    body = json.dumps(records, separators=(",", ":"))
    with pytest.raises(InvalidResponseError) as caught:
        decode("json", body, cuts=range(0, len(body), 4000), msgspec=msgspec)
    assert caught.value.row == place + 1


def test_rows_of_equal_values_are_equal_in_every_mode() -> None:
    rows = [
        (f"1.2.{i}", None, "Kiel", "1999-01-02", i, "1.500000", "1", None, None) for i in range(900)
    ]
    body = as_json(list(KINDS), rows)
    fast, plain = (
        decode("json", body, cuts=range(0, len(body), 9000), msgspec=m) for m in (True, False)
    )
    assert fast == plain
    assert [hash(row) for row in fast] == [hash(row) for row in plain]


@pytest.mark.parametrize("count", [3, 3000])
@pytest.mark.parametrize("msgspec", [True, False])
def test_row_reader_returns_undeclared_values(count: int, msgspec: bool) -> None:
    attributes = (
        Attribute("Modality", "modality", allowed_values=("CT", "MR")),
        Attribute("Part", "part"),
    )
    model = attrs.make_class("Series", ["modality", "part"])
    rows: RowReader[Any] = RowReader(
        Blueprint(Endpoint(resource="X", name="y", attributes=attributes), model)
    )
    decoder = JsonDecoder(rows, use_msgspec=msgspec)
    records: list[Any] = [{"Modality": m, "Part": "A"} for m in ("CT", "PT", "MR")] + [{}]
    body = json.dumps(records * count).encode()
    for start in range(0, len(body), 3000):
        decoder.feed(body[start : start + 3000])
    decoder.finish()
    assert rows.count == 4 * count
    assert rows.undeclared_values() == {"modality": ["PT"]}
