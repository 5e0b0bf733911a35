"""Rows are held against the contract: each kind of difference, and nothing else."""

from typing import Any

import pytest

from tciagen.contract import Attribute, Endpoint, Result, Type
from tciagen.live.rows import judge_rows
from tciagen.resolve import Resolution

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


def told(*rows: dict[str, Any]) -> list[tuple[str, str, int | None]]:
    found = judge_rows(ENDPOINT, rows)
    return [(o.rule, o.place.rsplit("/", 1)[-1], o.row) for o in found]


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
    assert told(row) == []


def test_no_rows_prove_nothing() -> None:
    assert told() == []


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
def test_each_difference_is_told_once_with_its_first_row(
    row: dict[str, Any], rule: str, attribute: str
) -> None:
    assert told(GOOD, row, row) == [(rule, attribute, 2)]


def test_an_attribute_that_never_comes_is_told() -> None:
    row = {"VesselID": "V-7", "Flag": "NL"}
    assert told(row, row) == [("wire-attr-never-sent", "Crew", None)]
    assert told(row, GOOD) == []


@pytest.mark.parametrize(
    ("type_", "good", "bad"),
    [
        (Type.DATE, ["1998-12-08", "1998-12-08 00:00:00.0"], ["08.12.1998", "1998-12-08 10:00:00"]),
        (Type.DATE_TIME, ["1998-12-08 10:00:00.5", "1998-12-08T10:00:00Z"], ["10:00"]),
        (Type.TIME, ["10:00", "10:00:00.5", "101500.25"], ["x", "10.15"]),
        (Type.DECIMAL, [1.5, "1.500000", "-1e3"], ["1,5"]),
        (Type.BOOLEAN, [True, "1", "false", 0], ["yes"]),
        (Type.UID, ["1.2.840.10008"], ["1.02", "1." * 40, "1.2\n"]),
        (Type.STRING, ["", "x\ny", "x"], []),
    ],
)
def test_the_wire_is_read_as_leniently_as_the_client_does(
    type_: Type, good: list[Any], bad: list[Any]
) -> None:
    attribute = Attribute(name="A", type=type_)
    endpoint = Endpoint(resource="R", name="q", result=Result(name="X", attributes=(attribute,)))
    for value in good:
        rules = {o.rule for o in judge_rows(endpoint, [{"A": value}])}
        assert "wire-type-mismatch" not in rules, value
    for value in bad:
        assert [o.rule for o in judge_rows(endpoint, [{"A": value}])] == ["wire-type-mismatch"]


def test_hostile_rows_are_told_in_printable_words(tcia: Resolution) -> None:
    endpoint = tcia.contract.by_address()["TCIA/query/getSeriesSize"]
    for value in ("\x1b[31m\u202e", "x" * 10_000, ["deep"] * 100):
        for observation in judge_rows(endpoint, [{"ObjectCount": value}]):
            assert str(observation).isprintable()
            assert len(str(observation)) < 250
