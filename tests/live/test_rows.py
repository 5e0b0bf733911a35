"""Comparison of rows with the contract, by the decoders and drift rules of the client."""

import json
from typing import Any

import attrs
import pytest

from tciagen.contract.model import Attribute, Endpoint, Parameter, Result, Type
from tciagen.contract.resolve import Resolution
from tciagen.live.rows import Decoded, decode

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


def decoded(endpoint: Endpoint, *rows: Any) -> Decoded:
    return decode(endpoint, json.dumps(rows).encode())


def reported(*rows: dict[str, Any]) -> list[tuple[str, str, int | None]]:
    found = decoded(ENDPOINT, *rows).observations
    return [(o.rule, o.pointer.split("/")[3], o.row) for o in found]


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
def test_decode_rows_as_documented_have_no_observation(row: dict[str, Any]) -> None:
    assert reported(row) == []


def test_decode_empty_response_has_no_observation() -> None:
    assert reported() == []


@pytest.mark.parametrize(
    ("row", "rule", "attribute", "number"),
    [
        ({**GOOD, "Speed": 3}, "wire-attr-undeclared", "Speed", None),
        ({"Crew": 1, "Flag": "NL"}, "wire-attr-missing", "VesselID", 2),
        ({**GOOD, "VesselID": None}, "wire-attr-missing", "VesselID", 2),
        ({**GOOD, "Crew": "12.5"}, "wire-type-mismatch", "Crew", 2),
        ({**GOOD, "Crew": {"a": 1}}, "wire-type-mismatch", "Crew", 2),
        ({**GOOD, "Flag": "XX"}, "wire-value-undeclared", "Flag", None),
    ],
)
def test_decode_reports_each_difference_once(
    row: dict[str, Any], rule: str, attribute: str, number: int | None
) -> None:
    assert reported(GOOD, row, row) == [(rule, attribute, number)]


def test_decode_attribute_that_is_never_sent_is_reported() -> None:
    row = {"VesselID": "V-7", "Flag": "NL"}
    assert reported(row, row) == [("wire-attr-never-sent", "Crew", None)]
    assert reported(row, GOOD) == []


def test_decode_filter_that_rows_contradict_is_reported() -> None:
    body = json.dumps([GOOD, {**GOOD, "VesselID": "V-8"}]).encode()
    endpoint = attrs.evolve(ENDPOINT, parameters=(Parameter(name="VesselID"),))
    (found,) = decode(endpoint, body, arguments={"VesselID": "V-7"}).observations
    assert (found.rule, found.pointer) == ("wire-filter-ignored", "/Parameters/VesselID")
    assert found.message == 'requested "V-7", received "V-8"'


def test_decode_other_media_type_is_reported() -> None:
    (found,) = decode(ENDPOINT, json.dumps([GOOD]).encode(), media_type="text/plain").observations
    assert (found.rule, found.pointer) == ("wire-media-type-mismatch", "/Formats")


@pytest.mark.parametrize("body", [b"<html>", b'{"error": "no"}', b"[3]", b"nothing"])
def test_decode_invalid_response_is_one_observation(body: bytes) -> None:
    result = decode(ENDPOINT, body)
    assert (result.is_valid, len(result.observations)) == (False, 1)


def test_decode_beginning_of_a_response_has_its_complete_rows() -> None:
    body = json.dumps([GOOD, GOOD], separators=(",", ":")).encode()[:-5]
    assert not decode(ENDPOINT, body).is_valid
    assert len(decode(ENDPOINT, body, is_complete=False).rows) == 1


def test_decode_hostile_rows_are_reported_in_printable_text(tcia: Resolution) -> None:
    endpoint = tcia.contract.by_address()["TCIA/query/getSeriesSize"]
    for value in ("\x1b[31m\u202e", "x" * 10_000, ["deep"] * 100):
        for observation in decoded(endpoint, {"ObjectCount": value}).observations:
            assert str(observation).isprintable()
            assert len(str(observation)) < 250
