"""Rows are held against the contract: each kind of difference, and nothing else."""

import json
from decimal import Decimal
from typing import Any

import pytest

from tcia_client._runtime.values import CONVERTERS, InvalidValue
from tciagen.contract.model import Attribute, Endpoint, Result, Type
from tciagen.contract.resolve import Resolution
from tciagen.live.rows import judge_rows

ENDPOINT = Endpoint(
    resource="Fleet",
    name="listVessels",
    formats=("JSON",),
    result=Result(
        name="Vessel",
        attributes=(
            Attribute(name="VesselID", optional=False, aliases=("KEY",)),
            Attribute(name="Crew", type=Type.INTEGER),
            Attribute(name="Flag", allowed_values=("NL", "NO")),
        ),
    ),
)


def reported(*rows: dict[str, Any]) -> list[tuple[str, str, int | None]]:
    found = judge_rows(ENDPOINT, rows)
    return [(o.rule, o.pointer.rsplit("/", 1)[-1], o.row) for o in found]


GOOD = {"VesselID": "V-7", "Crew": "12.000000", "Flag": "NL"}


@pytest.mark.parametrize(
    "row",
    [
        GOOD,
        {**GOOD, "Crew": 12},
        {**GOOD, "Crew": 0},
        {"KEY": "V-7", "Crew": 1, "Flag": "NO"},
        {"vessel_id": "V-7", "CREW": "1", "flag": "NO"},
    ],
)
def test_rows_as_described_give_nothing(row: dict[str, Any]) -> None:
    assert reported(row) == []


def test_no_rows_prove_nothing() -> None:
    assert reported() == []


@pytest.mark.parametrize(
    ("row", "rule", "attribute"),
    [
        ({**GOOD, "Speed": 3}, "wire-attr-undeclared", "Speed"),
        ({"Crew": 1, "Flag": "NL"}, "wire-attr-missing", "VesselID"),
        ({**GOOD, "VesselID": None}, "wire-attr-missing", "VesselID"),
        ({**GOOD, "Crew": "12.5"}, "wire-type-mismatch", "Crew"),
        ({**GOOD, "Crew": {"a": 1}}, "wire-type-mismatch", "Crew"),
        ({**GOOD, "Flag": "XX"}, "wire-value-undeclared", "Flag"),
    ],
)
def test_judge_rows_reports_each_difference_once_with_its_first_row(
    row: dict[str, Any], rule: str, attribute: str
) -> None:
    assert reported(GOOD, row, row) == [(rule, attribute, 2)]


def test_judge_rows_attribute_that_is_never_sent_is_reported() -> None:
    row = {"VesselID": "V-7", "Flag": "NL"}
    assert reported(row, row) == [("wire-attr-never-sent", "Crew", None)]
    assert reported(row, GOOD) == []


TEXTS = [
    *(
        "",
        " ",
        "x",
        "x\ny",
        "V-7",
        "yes",
        "true",
        "FALSE",
        " 1 ",
        "0",
        "2",
        "2.0",
        "2.000000",
        "12.5",
    ),
    *(
        "+3",
        "1,5",
        "-1e3",
        ".5",
        "1e",
        "NaN",
        "٣",
        "1.2.840.10008",
        "1.02",
        "1..2",
        "1.2\n",
        "1." * 40,
    ),
    *("1998-12-08", "19981208", "1998-13-08", "19981308", "1998-1208", "08.12.1998", "1998-12-08 "),
    *("1998-12-08 00:00:00.0", "1998-12-08 00:00", "1998-12-08T00:00:00Z", "1998-12-08 10:00:00"),
    *("1998-12-08 10:00:00.1234567", "1998-12-08T100000", "1998-12-08 25:00", "1998-12-08x10:00"),
    *("10:00", "10:00:00.5", "25:00", "10", "1015", "101500", "101500.25", "10.15", "1015.5", ":"),
]
VALUES = [*TEXTS, *(0, 1, 2, -7, 1.5, 2.0, 1e300, True, False), [], ["1"], {}, {"a": 1}]


@pytest.mark.parametrize("type_", Type)
@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_judge_rows_agrees_with_the_client_about_every_value(type_: Type, value: Any) -> None:
    attribute = Attribute(name="A", type=type_, optional=False)
    endpoint = Endpoint(resource="R", name="q", result=Result(name="X", attributes=(attribute,)))
    decimals = json.loads(json.dumps(value), parse_float=Decimal)
    try:
        expected = [] if CONVERTERS[type_.value](decimals) is not None else ["wire-attr-missing"]
    except InvalidValue:
        expected = ["wire-type-mismatch"]
    assert [o.rule for o in judge_rows(endpoint, [{"A": value}])] == expected


def test_judge_rows_hostile_rows_are_reported_in_printable_text(tcia: Resolution) -> None:
    endpoint = tcia.contract.by_address()["TCIA/query/getSeriesSize"]
    for value in ("\x1b[31m\u202e", "x" * 10_000, ["deep"] * 100):
        for observation in judge_rows(endpoint, [{"ObjectCount": value}]):
            assert str(observation).isprintable()
            assert len(str(observation)) < 250
