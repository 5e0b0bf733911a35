"""Answers of many rows, which are read otherwise than those of a few."""

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
def test_rows_that_come_again_and_again_are_read_as_the_first_ones(
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
def test_csv_of_any_kind_is_read_alike_at_once_and_line_by_line(
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
def test_csv_values_of_commas_quotes_and_nulls_come_back(rows: list[Row], msgspec: bool) -> None:
    names = ["First", "Second", "Third"]
    found = decode("csv", WRITERS["csv"](names, rows), plan=TEXTS, msgspec=msgspec)
    assert [(r.a_first, r.a_second, r.a_third) for r in found] == rows


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("msgspec", [True, False])
def test_texts_that_come_again_and_again_are_few_objects(name: str, msgspec: bool) -> None:
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
def test_what_comes_late_and_unlike_all_before_is_read_as_if_it_were_first(
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
def test_a_misfit_late_in_an_answer_is_told_with_its_row(
    wrong: dict[str, Any], error: type[InvalidResponseError], different: int, msgspec: bool
) -> None:
    usual = {"ShipUID": "1.2.3", "Launched": "1999-01-02", "Crew": 1, "Tonnage": 1, "AtSea": True}
    ships = [{**usual, "ShipName": f"Usual {i * different}"} for i in range(2501)]
    ships[2000] |= wrong
    body = json.dumps(ships)
    decoder = JsonDecoder(RowReader(SHIP), use_msgspec=msgspec)
    rows: list[Any] = []
    pieces = [body[start : start + 4000].encode() for start in range(0, len(body), 4000)]
    with pytest.raises(error) as told:
        rows.extend(row for piece in pieces for row in decoder.feed(piece))
    assert len(rows) == 2000
    assert (told.value.row, told.value.attribute) == (2001, f"a_{next(iter(wrong)).lower()}")
    reported: list[InvalidResponseError] = []
    rows = decode("json", body, report=reported.append, msgspec=msgspec)
    assert len(rows) == 2501
    assert len(reported) == 1


@pytest.mark.parametrize("other", [[], "", {}, 0, None, True, "ShipUID", ["ShipUID", "ShipName"]])
@pytest.mark.parametrize("place", [20, 2000])
@pytest.mark.parametrize("msgspec", [True, False])
def test_what_is_no_ship_among_many_is_told_with_its_row(
    other: object, place: int, msgspec: bool
) -> None:
    records: list[object] = [
        {"ShipUID": f"1.2.{i}", "ShipName": f"Ship {i}", "Crew": i % 2} for i in range(2500)
    ]
    records.insert(place, other)
    body = json.dumps(records, separators=(",", ":"))
    with pytest.raises(InvalidResponseError) as told:
        decode("json", body, cuts=range(0, len(body), 4000), msgspec=msgspec)
    assert told.value.row == place + 1


def test_rows_of_the_same_values_are_equal_however_they_came() -> None:
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
def test_values_that_an_attribute_does_not_list_are_known_afterwards(
    count: int, msgspec: bool
) -> None:
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
