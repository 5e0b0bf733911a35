"""Text among or behind the records is an error, and never a row."""

import re
from decimal import Decimal, localcontext
from itertools import pairwise
from typing import Any

import attrs
import pytest
from wire_forms import FORMATS, WRITERS, decode, decoder_of

from _runtime.decoding.rows import Blueprint, RowReader
from _runtime.endpoint import Attribute, Endpoint
from _runtime.errors import (
    InvalidResponseError,
    MissingValueError,
    ShapeError,
    TruncatedResponseError,
)
from _runtime.values import UID

PAGE = b"<html><body><h1>504 Gateway Time-out</h1></body></html>"
CRASH = b'{"errorMessage":"database gone"}'
BOTH = pytest.mark.parametrize("msgspec", [True, False])
STEPS = pytest.mark.parametrize("step", [10**6, 7, 1])


@attrs.frozen(kw_only=True)
class Port:
    """A row of one column."""

    name: str | None = None


@attrs.frozen(kw_only=True)
class Crew:
    """A row with a required text."""

    ship_uid: UID
    rank: str
    name: str | None = None
    pay: Any = None
    size: int | None = None


PORT = Blueprint(
    Endpoint(resource="F", name="p", attributes=(Attribute("Name", "name"),)),
    Port,
)
CREW = Blueprint(
    Endpoint(
        resource="F",
        name="c",
        attributes=(
            Attribute("ShipUID", "ship_uid", "uid", optional=False),
            Attribute("Rank", "rank", optional=False),
            Attribute("Name", "name"),
            Attribute("Pay", "pay", "decimal"),
            Attribute("Size", "size", "integer"),
        ),
    ),
    Crew,
)


def read(blueprint: Any, form: str, body: bytes, *, step: int = 10**6, msgspec: bool = True) -> Any:
    reader = decoder_of(form, RowReader(blueprint), msgspec=msgspec)
    rows: list[Any] = []
    for start, end in pairwise([*range(0, len(body), step), len(body)]):
        rows += reader.feed(body[start:end])
    rows += reader.finish()
    reader.check()
    return rows


@pytest.mark.parametrize("behind", [PAGE, CRASH, b"\x00", b"x"])
@pytest.mark.parametrize("form", FORMATS)
@STEPS
def test_text_after_the_records_raises_an_error(form: str, behind: bytes, step: int) -> None:
    for blueprint, names, rows in (
        (PORT, ["Name"], [("A",), ("B",)]),
        (CREW, ["ShipUID", "Rank"], [("1.2", "A"), ("1.3", "B")]),
    ):
        body = WRITERS[form](names, rows).encode()
        between = b"\n" if form == "csv" else b""
        assert len(read(blueprint, form, body, step=step)) == 2
        with pytest.raises(InvalidResponseError):
            read(blueprint, form, body + between + behind, step=step)


@pytest.mark.parametrize("form", FORMATS)
@STEPS
def test_two_responses_in_one_body_raise_an_error(form: str, step: int) -> None:
    one = WRITERS[form](["Name"], [("A",)]).encode()
    for between in (b"", b"\n"):
        with pytest.raises(InvalidResponseError):
            read(PORT, form, one + between + one, step=step)


def test_html_decoder_refuses_a_table_of_an_error_page() -> None:
    body = WRITERS["html"](["Name"], [("A",)]).encode()
    page = b"<HTML><TABLE><tbody><TR><TD>504 Gateway</TD></TR></tbody>"
    with pytest.raises(ShapeError, match="row 1: the last cell can be read in more than one way"):
        read(PORT, "html", body + page)


@pytest.mark.parametrize("count", [1, 2, 17, 40])
@pytest.mark.parametrize("line", ["java.sql.SQLException: x", "\tat com.foo(Bar.java:5)", "Name"])
@BOTH
def test_csv_decoder_refuses_unquoted_text_of_one_column(
    count: int, line: str, msgspec: bool
) -> None:
    body = "\n".join(["Name", *['"A"'] * count, line]).encode()
    with pytest.raises(
        ShapeError, match=rf"row {count + 1}: .*without quotes: .*{re.escape(line[-5:])}"
    ):
        read(PORT, "csv", body, msgspec=msgspec)


@pytest.mark.parametrize("count", [2, 17, 18, 40])
@BOTH
def test_csv_decoder_strips_blanks_around_values(count: int, msgspec: bool) -> None:
    lines = [f'"1.{n}", "A" ,"B "\t, "1.5",' for n in range(count)]
    for end in ("\n", "\r\n"):
        body = end.join(["ShipUID, Rank, Name, Pay, Size", *lines]).encode()
        rows = read(CREW, "csv", body, msgspec=msgspec)
        assert {(row.rank, row.name, row.pay, row.size) for row in rows} == {
            ("A", "B ", Decimal("1.5"), None)
        }


@STEPS
@BOTH
def test_csv_decoder_reads_a_null_at_the_end_of_a_short_line(step: int, msgspec: bool) -> None:
    lines = ['"1.2","A",', '"1.3","it\\\'s \\\\",', '"1.4","k","l"', '"1.5","k",null'] * 9
    body = "\r\n".join(["ShipUID,Rank,Name", *lines]).encode()
    rows = read(CREW, "csv", body, step=step, msgspec=msgspec)
    assert [row.name for row in rows] == [None, None, "l", None] * 9


@pytest.mark.parametrize("count", [3, 16, 17, 40, 2000])
@BOTH
def test_missing_required_column_raises_missing_value_error(count: int, msgspec: bool) -> None:
    body = "\n".join(["ShipUID,Name", *[f'"1.{n}","A"' for n in range(count)]]).encode()
    with pytest.raises(MissingValueError, match="row 1: rank"):
        read(CREW, "csv", body, msgspec=msgspec)


@pytest.mark.parametrize("header", ["ShipUID,Ra", "ShipUID", "ShipUID,"])
@STEPS
def test_csv_truncated_within_its_header_raises_an_error(header: str, step: int) -> None:
    with pytest.raises(TruncatedResponseError, match="within its header, without Rank"):
        read(CREW, "csv", header.encode(), step=step)
    assert read(CREW, "csv", b"ShipUID,Rank", step=step) == []
    assert read(CREW, "csv", b"ShipUID,Rank\n", step=step) == []


@pytest.mark.parametrize("text", ["", "null", "x"])
@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("count", [1, 40])
def test_required_text_is_read_unchanged(form: str, text: str, count: int) -> None:
    rows = [(f"1.{n}", text, None) for n in range(count)]
    found = read(CREW, form, WRITERS[form](["ShipUID", "Rank", "Name"], rows).encode())
    assert {(row.rank, row.name) for row in found} == {(text, None)}


NUMBERS = [("1e30", 10**30), ("15993614.000000", 15993614), ("-2.50e1", -25), ("1E+2", 100)]


@pytest.mark.parametrize(("wire", "value"), NUMBERS)
@BOTH
def test_decimals_ignore_the_context_of_the_caller(wire: str, value: int, msgspec: bool) -> None:
    body = f'[{{"ShipUID":"1.2","Rank":"A","Size":{wire},"Pay":{wire}}}]'.encode()
    with localcontext() as context:
        context.prec = 3
        (row,) = read(CREW, "json", body, msgspec=msgspec)
    assert (row.size, row.pay) == (value, Decimal(wire))


@pytest.mark.parametrize("count", [1, 40])
@BOTH
def test_number_beyond_decimal_raises_where_it_is_used(count: int, msgspec: bool) -> None:
    huge = "1e99999999999999999999"
    rows = ",".join([f'{{"ShipUID":"1.2","Rank":"A","New":{huge}}}'] * count)
    assert len(read(CREW, "json", f"[{rows}]".encode(), msgspec=msgspec)) == count
    for name in ("Pay", "Size"):
        with pytest.raises(InvalidResponseError, match=f"row 1: {name.lower()} .* must be "):
            read(CREW, "json", f"[{rows}]".replace("New", name).encode(), msgspec=msgspec)


@pytest.mark.parametrize(
    "body",
    [
        b"<thead><th>" + b" " * 60_000 + b"</thead><tbody>",
        b"<thead>" + b"<th> " * 12_000 + b"</thead><tbody>",
        b"<thead>" * 9000,
        b"<thead><th>x</th></thead>" * 2000,
        b"<title>" * 9000,
    ],
)
@pytest.mark.parametrize("step", [10**6, 1000])
def test_invalid_header_raises_at_once(body: bytes, step: int) -> None:
    with pytest.raises(InvalidResponseError):
        read(PORT, "html", body, step=step)


@BOTH
def test_invalid_json_within_a_row_raises_shape_error(msgspec: bool) -> None:
    for body in (
        b'[{"Name":"x"},{"Name":"y"]',
        b'[{"Name":"x"},]',
        b'[{"Name":"x"}{"Name":"y"}]',
        b'[{"Name":"x"},{"Name" "y"}]',
    ):
        with pytest.raises(ShapeError, match=r"broken JSON in row [12]:"):
            read(PORT, "json", body, msgspec=msgspec)


def test_decode_accepts_the_names_of_generated_code() -> None:
    assert decode("json", '[{"ShipUID":"1.2.03"}]')[0].a_shipuid == "1.2.03"


NOT_RECORDS = [
    b'{\n  "errorMessage": "database gone",\n  "suggestedAction": "wait"\n}\n',
    b'"Q"\n"a"',
    b"Service\nUnavailable\n",
    b"<!DOCTYPE html>\n<html><head>\n<title>504 Gateway Time-out</title></head>\n<body/></html>",
    b"Port,Captain\n",
    b'[\n"a"\n]',
    b"null\n",
    b"\xef\xbb\xbf\n\nsorry,\nno rows\n",
    b"ORA-01555: snapshot\n" + b"at db.Query(Query.java:7)\n" * 400,
]


@pytest.mark.parametrize("body", NOT_RECORDS, ids=[str(body[:12]) for body in NOT_RECORDS])
@pytest.mark.parametrize("form", FORMATS)
def test_error_of_other_text_does_not_depend_on_the_chunks(form: str, body: bytes) -> None:
    errors: set[tuple[type[InvalidResponseError], str, str | None]] = set()
    for step in (10**6, 4096, 100, 7, 1):
        with pytest.raises(InvalidResponseError) as caught:
            read(PORT, form, body, step=step)
        errors.add((type(caught.value), str(caught.value), caught.value.server_message))
    assert len(errors) == 1


@pytest.mark.parametrize(
    ("end", "wanted"),
    [
        (b"}3}", ShapeError),
        (b"tru", TruncatedResponseError),
        (b"1e-", TruncatedResponseError),
        (b"trx", ShapeError),
    ],
)
def test_truncated_invalid_json_raises_shape_error(
    end: bytes, wanted: type[InvalidResponseError]
) -> None:
    for step in (10**6, 7, 1):
        with pytest.raises(wanted):
            read(PORT, "json", b'[{"Name": "A"},{"Name": ' + end, step=step)
