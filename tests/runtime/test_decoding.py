"""Decoding of the four formats to the same typed rows, in chunks of any size."""

import json
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wire_forms import (
    FORMATS,
    KINDS,
    NAME,
    SHIP,
    WRITERS,
    Row,
    as_csv,
    as_html,
    as_json,
    as_xml,
    decode,
    ships,
    texts,
)

from _runtime.decoding.formats import decoder
from _runtime.decoding.json import JsonDecoder
from _runtime.decoding.rows import Blueprint, RowReader
from _runtime.endpoint import Attribute, Endpoint
from _runtime.errors import (
    InvalidResponseError,
    InvalidValueError,
    MissingValueError,
    NotRecordsError,
    ShapeError,
    TruncatedResponseError,
)


@settings(max_examples=300, deadline=None)
@given(st.lists(ships, max_size=6), st.lists(st.integers(0, 4000), max_size=8), st.booleans())
def test_decode_every_format_returns_the_encoded_rows(
    rows: list[Row], cuts: list[int], msgspec: bool
) -> None:
    names = list(KINDS)
    for name, writer in WRITERS.items():
        lost = {"xml": "", "html": "null"}.get(name)  # the text that this format writes for null
        sent = [tuple(None if value == lost else value for value in row) for row in rows]
        found = decode(name, writer(names, rows), cuts=cuts, msgspec=msgspec)
        assert [(r.a_shipuid, r.a_shipname, r.a_homeport, r.a_crew) for r in found] == [
            (row[0], row[1], row[2], row[4]) for row in sent
        ]
        assert found == decode("json", as_json(names, sent), msgspec=not msgspec)
        assert [str(r.a_launched) for r in found] == [str(row[3]) for row in rows]
        assert [r.a_tonnage for r in found] == [row[5] and Decimal(row[5]) for row in rows]


@settings(max_examples=100, deadline=None)
@given(st.lists(ships, max_size=4), st.lists(st.integers(0, 4000), max_size=5))
def test_json_decoder_ignores_whitespace(rows: list[Row], cuts: list[int]) -> None:
    names = list(KINDS)
    compact = decode("json", as_json(names, rows))
    assert decode("json", as_json(names, rows, " , \r\n"), cuts=cuts) == compact
    assert (
        decode("json", " " + as_json(names, rows, ensure_ascii=False) + "\n", cuts=cuts) == compact
    )
    assert decode("json", as_json(names, rows, ",\n", indent=2), cuts=cuts) == compact


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.none() | texts), max_size=6), st.lists(st.integers(0, 300), max_size=5)
)
def test_decode_one_optional_column_returns_every_row(rows: list[Row], cuts: list[int]) -> None:
    for name in ("json", "csv"):
        found = decode(name, WRITERS[name](["Name"], rows), cuts=cuts, plan=NAME)
        assert [row.a_name for row in found] == [name for (name,) in rows]


@pytest.mark.parametrize("name", FORMATS)
def test_decode_returns_values_of_their_types(name: str) -> None:
    row = ["1.2.3", "A/B ", None, "1998-12-08 00:00:00.0", 0, "2.500000", "1"]
    row += ["1998-12-08 13:05:00.0", "13:05:00"]
    (ship,) = decode(name, WRITERS[name](list(KINDS), [row]))
    values = attrs.astuple(ship)
    seen = datetime(1998, 12, 8, 13, 5)
    assert values == (
        "1.2.3", "A/B ", None, date(1998, 12, 8), 0, Decimal("2.5"), True, seen, time(13, 5)
    )  # fmt: skip
    kinds = [str, str, type(None), date, int, Decimal, bool, datetime, time]
    assert [type(value) for value in values] == kinds


def test_decode_returns_frozen_instances_of_the_class() -> None:
    (ship,) = decode("json", '[{"ShipUID":"1.2.3"}]')
    assert type(ship) is SHIP.model
    assert ship == SHIP.model(a_shipuid="1.2.3")
    assert hash(ship) == hash(SHIP.model(a_shipuid="1.2.3"))
    assert attrs.evolve(ship, a_crew=1).a_crew == 1
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        ship.a_crew = 2


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("json", "[]"),
        ("json", " [ ]\n"),
        ("json", ""),
        ("json", " \n"),
        ("json", "\ufeff[]"),
        ("csv", ""),
        ("csv", "ShipUID,ShipName"),
        ("csv", "ShipUID,ShipName\r\n"),
        ("xml", ""),
        ("xml", "<Results></Results>"),
        ("xml", "<?xml version='1.0'?>\n<Results>\n</Results>"),
        ("html", ""),
        ("html", as_html(["ShipUID"], [])),
    ],
)
def test_response_without_rows_is_an_empty_list(name: str, body: str) -> None:
    assert decode(name, body) == []


# --- names ------------------------------------------------------------------------------------

ALIASED: Blueprint[Any] = Blueprint(
    Endpoint(
        resource="Fleet",
        name="listShips",
        attributes=(
            Attribute(
                "ShipUID", "ship_uid", optional=False, aliases=("SHIP_ID", "Id", "Ship_name")
            ),
            Attribute("ShipName", "ship_name"),
            Attribute("Ship_name", "second_name"),
        ),
    ),
    attrs.make_class("Ship", ["ship_uid", "ship_name", "second_name"], frozen=True, slots=True),
)


@pytest.mark.parametrize("msgspec", [True, False])
@pytest.mark.parametrize(
    ("record", "row"),
    [
        ({"ShipUID": "a"}, ("a", None, None)),
        ({"SHIP_ID": "a"}, ("a", None, None)),
        ({"Id": "b", "SHIP_ID": "a"}, ("a", None, None)),
        ({"Id": "b", "SHIP_ID": "c", "ShipUID": "a"}, ("a", None, None)),
        ({"ship_uid": "a"}, ("a", None, None)),
        ({"shipid": "a"}, ("a", None, None)),
        ({"shipuid": "b", "ShipUID": "a"}, ("a", None, None)),
        ({"ShipUID": "a", "SHIPNAME": "ambiguous"}, ("a", None, None)),
        ({"ShipUID": "a", "New": [1, {}], "ShipName": "n"}, ("a", "n", None)),
        ({"ShipUID": "a", "Ship_name": "n"}, ("a", None, "n")),
    ],
)
def test_positions_prefer_documented_names_then_aliases_then_similar_names(
    record: dict[str, Any], row: Row, msgspec: bool
) -> None:
    rest = [{"ShipUID": "z", "ShipName": "y"}, {}, {"ShipUID": "x"}]
    body = json.dumps([record, rest[0], record, rest[2]], separators=(",", ":"))
    found = decode("json", body, plan=ALIASED, msgspec=msgspec)
    assert [attrs.astuple(r) for r in found] == [row, ("z", "y", None), row, ("x", None, None)]
    flat = {k: v for k, v in record.items() if k != "New"}
    assert (
        attrs.astuple(decode("csv", as_csv(flat, [tuple(flat.values())]), plan=ALIASED)[0]) == row
    )


def test_json_decoder_finds_names_that_change_within_a_response() -> None:
    records = [{"ShipUID": "1"}] * 3 + [{"SHIP_ID": "2"}] * 3 + [{"id": "3", "x": None}] * 3
    found = decode(
        "json", json.dumps(records, separators=(",", ":")), plan=ALIASED, cuts=range(200)
    )
    assert [row.ship_uid for row in found] == list("111222333")


def test_layouts_record_undeclared_names() -> None:
    rows = RowReader(ALIASED)
    decoder("csv", rows).feed(b"ShipUID,Captain,SHIPNAME\n")
    assert list(rows.layouts.undeclared) == ["Captain", "SHIPNAME"]


# --- invalid responses --------------------------------------------------------------------------

GOOD = {"ShipUID": "1.2.3"}


def rows_of(*records: dict[str, Any]) -> tuple[list[str], list[Row]]:
    names = list(dict.fromkeys(name for record in records for name in record))
    return names, [tuple(record.get(name) for name in names) for record in records]


@pytest.mark.parametrize("name", FORMATS)
def test_missing_value_error_names_row_and_attribute(name: str) -> None:
    body = WRITERS[name](*rows_of(GOOD, {"ShipName": "x"}, GOOD))
    with pytest.raises(MissingValueError, match="row 2: a_shipuid") as caught:
        decode(name, body)
    assert (caught.value.row, caught.value.attribute, caught.value.value) == (2, "a_shipuid", None)


@pytest.mark.parametrize("name", FORMATS)
def test_invalid_value_error_names_row_attribute_and_value(name: str) -> None:
    body = WRITERS[name](*rows_of(GOOD, GOOD, {**GOOD, "Crew": "12.5"}))
    with pytest.raises(InvalidValueError, match=r"row 3: a_crew .*integer, not '12.5'") as caught:
        decode(name, body)
    assert (caught.value.row, caught.value.attribute, caught.value.value) == (3, "a_crew", "12.5")


@pytest.mark.parametrize("name", FORMATS)
def test_row_reader_reports_the_first_mismatch_of_each_attribute(name: str) -> None:
    bad = {"ShipName": "x", "Crew": "many"}
    body = WRITERS[name](*rows_of(GOOD, bad, bad, GOOD))
    reported: list[InvalidResponseError] = []
    found = decode(name, body, report=reported.append)
    assert [(r.a_shipuid, r.a_crew) for r in found] == [
        ("1.2.3", None), (None, "many"), (None, "many"), ("1.2.3", None)
    ]  # fmt: skip
    assert {(e.row, e.attribute) for e in reported} == {(2, "a_crew"), (2, "a_shipuid")}


@pytest.mark.parametrize("name", FORMATS)
def test_decode_returns_the_rows_before_an_error(name: str) -> None:
    body = WRITERS[name](*rows_of(GOOD, GOOD, {**GOOD, "Crew": "x"}, GOOD)).encode()
    reader = decoder(name, RowReader(SHIP))
    built = reader.feed(body) + (reader.finish() if reader._error is None else [])
    assert len(built) == 2
    with pytest.raises(InvalidValueError):
        reader.check()


@settings(max_examples=60, deadline=None)
@given(st.lists(ships, min_size=1, max_size=3), st.data())
def test_json_or_xml_truncated_anywhere_raises_after_complete_rows(
    rows: list[Row], data: st.DataObject
) -> None:
    for name in ("json", "xml"):
        body = WRITERS[name](list(KINDS), rows).encode()
        cut = data.draw(st.integers(1, len(body) - 1))
        with pytest.raises(InvalidResponseError):
            decode(name, body[:cut])


@pytest.mark.parametrize("name", FORMATS)
def test_truncation_error_states_the_number_of_rows(name: str) -> None:
    body = WRITERS[name](*rows_of(*[{**GOOD, "ShipName": "Fram"}] * 3))
    with pytest.raises(TruncatedResponseError, match=r"2 complete|row 3") as caught:
        decode(name, body[: body.rindex("Fram") + 2])
    assert (caught.value.fault, caught.value.retryable) == ("network", True)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(
    ("body", "words"),
    [
        (
            "<!DOCTYPE html><html><head><title>Sign in</title></head><body>x</body></html>",
            "Sign in",
        ),
        ("\n<html><body><h1>502 Bad Gateway</h1></body></html>", "502 Bad Gateway"),
        ("The service is down for maintenance.", "down for maintenance"),
        ("Service,Status\nis,down" * 3000, "Service"),
    ],
)
def test_page_or_sentence_raises_not_records_error(name: str, body: str, words: str) -> None:
    for cuts in ((), (1, 5, 40, 5000)):
        with pytest.raises((NotRecordsError, ShapeError)) as caught:
            decode(name, body, cuts=cuts)
        assert words in str(caught.value)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('{"errorMessage":"no such thing"}', 'a JSON object instead.*"no such thing"'),
        ('"No data"', "a JSON string"),
        ("null", "a single JSON value"),
        ("[1]", "row 1: 1 instead of a JSON object"),
        ('[{"ShipUID":"1.2"},["x"]]', "row 2"),
        ('[{"ShipUID":"1.2"},]', "row 2"),
        ('[{"ShipUID":"1.2"}{"ShipUID":"1.2"}]', "row 1"),
        ('[{"ShipUID":"1.2"}] oops', "after the end"),
        ('[{"ShipUID":"1.2","Tonnage":NaN}]', "NaN"),
        ('[{"ShipUID":"1.2","ShipName":{"a":1}}]', "must be text"),
        ('[{"ShipUID":"1.2"},' + "[" * 100000, "row 2"),
        (b'[{"ShipUID":"\xff"}]', "UTF-8"),
    ],
)
def test_other_json_raises_shape_error(body: str, words: str) -> None:
    for msgspec in (True, False):
        with pytest.raises(InvalidResponseError, match=words):
            decode("json", body, msgspec=msgspec)


def test_json_decoder_raises_for_an_invalid_row_before_the_end() -> None:
    reader = JsonDecoder(RowReader(SHIP))
    assert len(reader.feed(b'[{"ShipUID":"1.2"},<html>,{"ShipUID":"1.2"},{"Sh')) == 1
    with pytest.raises(NotRecordsError, match="row 2"):
        reader.feed(b"")


# --- ambiguous records --------------------------------------------------------------------------


def test_xml_decoder_accepts_markup_in_values() -> None:
    value = "a < b & c </x> <Crew> </ShipName>"
    names, rows = ["ShipUID", "ShipName", "Crew"], [("1.2", value, 3), ("1.2", "plain", 3)]
    for order in (rows, rows[::-1]):
        assert {r.a_shipname for r in decode("xml", as_xml(names, order))} == {value, "plain"}


@pytest.mark.parametrize("first", [0, 1])
def test_ambiguous_xml_raises_an_error_with_the_row(first: int) -> None:
    value = "x</ShipName><Crew type='VARCHAR' >4"
    rows = [("1.2", "plain", 3)] * first + [("1.2", value, 3)]
    with pytest.raises(ShapeError, match=f"row {first + 1}: .*more than one way"):
        decode("xml", as_xml(["ShipUID", "ShipName", "Crew"], rows))


def test_html_cell_with_cells_raises_an_error_with_the_row() -> None:
    rows = [("1.2", "a <b>bold</b> & x"), ("1.2", "a</TD><TD>b")]
    assert decode("html", as_html(["ShipUID", "ShipName"], rows[:1]))[0].a_shipname == rows[0][1]
    with pytest.raises(ShapeError, match="row 2: 3 cells for 2 columns"):
        decode("html", as_html(["ShipUID", "ShipName"], rows))


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ('"1.2","It\\\'s \\/ \\u00FC \\uD83D\\uDEA2 \\n\\t\\\\"', "It's / ü 🚢 \n\t\\"),
        ('"1.2","a\nb, ""c"""', 'a\nb, "c"'),
        ("1.2,plain", "plain"),
        ('"1.2",', None),
        ('"1.2",""', ""),
        ('"1.2","x"\r', "x"),
    ],
)
def test_csv_decoder_reads_quotes_escapes_and_nulls(line: str, name: str) -> None:
    body = f'ShipUID,ShipName\n{line}\n"1.3","next"\n'
    for cuts in ((), range(0, 60, 3)):
        found = decode("csv", body, cuts=cuts)
        assert [(r.a_shipuid, r.a_shipname) for r in found] == [("1.2", name), ("1.3", "next")]


@pytest.mark.parametrize("line", ['"1.2","a"b"', '"1.2"', '"1.2","a","b"', '"1.2""x",,'])
def test_invalid_csv_line_raises_an_error_with_the_row(line: str) -> None:
    with pytest.raises(InvalidResponseError, match=r"row 2|row 3"):
        decode("csv", f'ShipUID,ShipName\n"1.1","x"\n{line}\n"1.3","y"')


@pytest.mark.parametrize("spelling", ["Ship-UID", "ship uid", " SHIP_UID ", "Ship.Uid"])
@pytest.mark.parametrize("name", FORMATS)
def test_decode_finds_names_with_other_case_blanks_and_punctuation(
    name: str, spelling: str
) -> None:
    if name == "xml":
        spelling = spelling.strip().replace(" ", "-")  # a tag has no blanks
    (ship,) = decode(name, WRITERS[name]([spelling], [["1.2.3"]]))
    assert ship.a_shipuid == "1.2.3"


def test_decode_refuses_two_similar_names_for_one_attribute() -> None:
    with pytest.raises(MissingValueError, match="a_shipuid"):
        decode("json", '[{"Ship-UID":"1.2","Ship UID":"1.3"}]')
