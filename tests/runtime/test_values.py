"""Wire values and UIDs."""

from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from _runtime.endpoint import Kind
from _runtime.values import CONVERTERS, UID, InvalidValue, are_uids, is_uid


@pytest.mark.parametrize(
    ("kind", "wire", "value"),
    [
        ("string", "ABDOMEN_PELVIS ", "ABDOMEN_PELVIS "),
        ("string", "", ""),
        ("integer", 2, 2),
        ("integer", "2", 2),
        ("integer", "2.000000", 2),
        ("integer", Decimal("2.0"), 2),
        ("integer", "-15993614.000000", -15993614),
        ("integer", "", None),
        ("decimal", "2.500000", Decimal("2.500000")),
        ("decimal", 2, Decimal(2)),
        ("decimal", Decimal("0.1"), Decimal("0.1")),
        ("decimal", " ", None),
        ("boolean", True, True),
        ("boolean", "true", True),
        ("boolean", "1", True),
        ("boolean", 1, True),
        ("boolean", "0", False),
        ("boolean", "", None),
        ("date", "1998-12-08", date(1998, 12, 8)),
        ("date", "1998-12-08 00:00:00.0", date(1998, 12, 8)),
        ("date", "19981208", date(1998, 12, 8)),
        ("date", "", None),
        ("dateTime", "1998-12-08 13:05:00.0", datetime(1998, 12, 8, 13, 5)),
        ("dateTime", "1998-12-08 13:05:00.1234567", datetime(1998, 12, 8, 13, 5, 0, 123456)),
        ("dateTime", "1998-12-08T13:05:00", datetime(1998, 12, 8, 13, 5)),
        ("time", "13:05:00.5", time(13, 5, 0, 500000)),
        ("time", "130500.25", time(13, 5, 0, 250000)),
        ("time", "130500.1234567", time(13, 5, 0, 123456)),
        ("time", "130500 ", time(13, 5)),
        ("time", "1305", time(13, 5)),
        ("uid", "1.2.840.10008", UID("1.2.840.10008")),
        ("uid", "", None),
    ],
)
def test_converters_return_python_values(kind: Kind, wire: Any, value: Any) -> None:
    found = CONVERTERS[kind](wire)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("kind", "wire"),
    [
        ("string", 7),
        ("string", ["a"]),
        ("integer", "12.5"),
        ("integer", True),
        ("integer", Decimal("12.5")),
        ("integer", Decimal("1e999999")),
        ("integer", "9" * 5000),
        ("integer", "two"),
        ("decimal", "NaN"),
        ("decimal", "1,5"),
        ("decimal", True),
        ("boolean", 2),
        ("boolean", "yes"),
        ("date", "08-12-1998"),
        ("date", "1998-13-08"),
        ("date", "1998-12-08 13:05:00.0"),
        ("dateTime", "yesterday"),
        ("time", "25:00:00"),
        ("date", "19981308"),
        ("date", "199812"),
        ("time", "13"),
        ("time", "256000"),
        ("time", "1305.5"),
        ("uid", "1..2"),
        ("uid", 12),
    ],
)
def test_converters_raise_with_a_description_of_valid_values(kind: Kind, wire: Any) -> None:
    with pytest.raises(InvalidValue, match=r"text|integer|number|true|date|time|UID"):
        CONVERTERS[kind](wire)


@pytest.mark.parametrize(
    "text", ["", ".", "1.", ".1", "1..2", "1.2a", "1.2\n", "1 2", "٣.1", "1" * 65]
)
def test_is_uid_follows_ps3_5_section_9_1(text: str) -> None:
    assert not is_uid(text)
    assert not are_uids(["1.2.3", text])


@pytest.mark.parametrize("text", ["1.02", "01", "1.2.840.0"])
def test_is_uid_accepts_leading_zeros(text: str) -> None:
    assert is_uid(text)
    assert are_uids(["1.2.3", text])


def test_uid_is_a_string() -> None:
    assert type(UID("1.2.840.0.1")) is str


@given(st.lists(st.text("0123.", min_size=1, max_size=8), min_size=1, max_size=6))
def test_are_uids_agrees_with_is_uid(texts: list[str]) -> None:
    assert are_uids(texts) == all(is_uid(text) for text in texts)
