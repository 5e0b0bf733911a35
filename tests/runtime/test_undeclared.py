"""Parameters and attributes without a declared type."""

import math
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import parse_qs, urlsplit

import attrs
import numpy as np
import pandas as pd  # type: ignore[import-untyped]
import pytest

from _runtime.client import Settings, SyncClient
from _runtime.endpoint import Attribute, Parameter, RecordEndpoint
from _runtime.errors import InvalidResponseError, ParameterError
from _runtime.tables import Rows

if TYPE_CHECKING:
    from tests.runtime.conftest import Server


@attrs.frozen(kw_only=True)
class Position:
    """A row of the tests."""

    imo: str | None = None
    moored: str | None = None
    size: str | None = None


POSITIONS = RecordEndpoint(
    resource="Fleet",
    name="positions",
    method="positions",
    model=Position,
    formats=("CSV", "HTML", "XML", "JSON"),
    default_format="JSON",
    parameters=(
        Parameter("imo", "imo", "undeclared"),
        Parameter("moored", "moored", "undeclared", takes_bool=True),
        Parameter("day", "day", "date"),
        Parameter("at", "at", "dateTime"),
    ),
    attributes=(
        Attribute("imo", "imo", "undeclared"),
        Attribute("moored", "moored", "undeclared"),
        Attribute("size", "size", "undeclared"),
    ),
)


class Client(SyncClient):
    """A client with one endpoint that states no type."""

    _settings = Settings(
        package="ship_client",
        version="1.2.3",
        base_url="https://fleet.invalid/v3",
        environment="FLEET",
        endpoints=(POSITIONS,),
    )

    def positions(
        self,
        *,
        imo: Any = None,
        moored: Any = None,
        day: date | str | None = None,
        at: datetime | str | None = None,
        format: Literal["csv", "html", "xml", "json"] = "json",  # noqa: A002
    ) -> Rows[Position]:
        """List the positions."""
        values = {"imo": imo, "moored": moored, "day": day, "at": at}
        return self._calls.rows(POSITIONS, values, format)


def sent(server: "Server", **arguments: Any) -> dict[str, str]:
    """Return the query that a call sends, but for the format."""
    server.respond_with(b"[]")
    with Client(base_url=server.base_url, on_drift="off") as client:
        client.positions(**arguments)
    query = parse_qs(urlsplit(server.requests[-1][0]).query)
    return {name: value for name, (value,) in query.items() if name != "format"}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("  as it is", "  as it is"),
        (9074729, "9074729"),
        (np.int64(9074729), "9074729"),
        (Decimal("1.50"), "1.50"),
        (2.5, "2.5"),
        (date(2010, 8, 16), "2010-08-16"),
        (datetime(2010, 8, 16, 13, 5), "2010-08-16 13:05:00"),
        (pd.Timestamp("2010-08-16 13:05"), "2010-08-16 13:05:00"),
        (time(13, 5), "13:05:00"),
    ],
    ids=repr,
)
def test_undeclared_parameter_writes_each_value_as_its_own_type(
    server: "Server", value: Any, text: str
) -> None:
    assert sent(server, imo=value) == {"imo": text}


@pytest.mark.parametrize(
    "value", [True, np.True_, b"9074729", ["9074729"], math.nan, Decimal("inf"), pd.NaT], ids=repr
)
def test_undeclared_parameter_refuses_other_types(server: "Server", value: Any) -> None:
    with pytest.raises(ParameterError, match=r"positions\(imo=…\) cannot be"):
        sent(server, imo=value)
    assert server.requests == []


@pytest.mark.parametrize(("value", "text"), [(True, "true"), (False, "false"), (1, "1")])
def test_undeclared_parameter_with_a_boolean_namesake_takes_booleans(
    server: "Server", value: Any, text: str
) -> None:
    assert sent(server, moored=value) == {"moored": text}


@pytest.mark.parametrize(
    "value",
    [
        datetime(2010, 8, 16, 13, 5),
        datetime(2010, 8, 16, 23, 5, tzinfo=UTC),
        pd.Timestamp("2010-08-16 13:05"),
        pd.Timestamp("2010-08-16"),
    ],
    ids=repr,
)
def test_date_parameter_takes_a_datetime(server: "Server", value: datetime) -> None:
    assert sent(server, day=value) == {"day": "2010-08-16"}


@pytest.mark.parametrize("name", ["day", "at"])
def test_missing_time_of_pandas_is_refused(server: "Server", name: str) -> None:
    with pytest.raises(ParameterError, match=r"Pass a datetime\.date"):
        sent(server, **{name: pd.NaT})
    assert server.requests == []


NUMBERS = [
    ('"text"', "text"),
    ('""', ""),
    ("1", "1"),
    ("0", "0"),
    ("-7", "-7"),
    ("1.50", "1.50"),
    ("1.0", "1.0"),
    ("1e-8", "1e-8"),
    ("0.00000001", "0.00000001"),
    ("1E+5", "1E+5"),
    ("123456789012345678901234567890", "123456789012345678901234567890"),
    ("1e99999999999999999999", "1e99999999999999999999"),
    ("true", "true"),
    ("false", "false"),
    ("null", None),
]


@pytest.mark.parametrize("rows", [1, 600])
@pytest.mark.parametrize("mismatch", ["raise", "warn"])
def test_undeclared_attribute_returns_the_spelling_of_json(
    server: "Server", rows: int, mismatch: Literal["raise", "warn"]
) -> None:
    """Equal numbers with different spellings, and true and 1, remain distinct."""
    one = ",".join(f'{{"imo":{wire},"moored":true,"size":5}}' for wire, _ in NUMBERS)
    server.respond_with(f"[{','.join([one] * rows)}]".encode())
    with Client(base_url=server.base_url, on_drift="off", on_mismatch=mismatch) as client:
        found = client.positions()
    assert [row.imo for row in found] == [text for _, text in NUMBERS] * rows
    assert {(row.moored, row.size) for row in found} == {("true", "5")}


@pytest.mark.parametrize("order", [("5", "5.0"), ("5.0", "5"), ("true", "1"), ("1", "true")])
def test_undeclared_values_that_are_equal_in_python_keep_their_spelling(
    server: "Server", order: tuple[str, str]
) -> None:
    body = ",".join(f'{{"size":{wire}}}' for wire in order * 50)
    server.respond_with(f"[{body}]".encode())
    with Client(base_url=server.base_url, on_drift="off") as client:
        assert [row.size for row in client.positions()] == list(order) * 50


def test_undeclared_attribute_refuses_lists_and_objects(server: "Server") -> None:
    server.respond_with(b'[{"imo": [1]}]')
    client = Client(base_url=server.base_url, on_drift="off")
    with (
        client,
        pytest.raises(InvalidResponseError, match=r"must be text, a number, true or false"),
    ):
        client.positions()


def test_undeclared_attribute_is_a_column_of_text(server: "Server") -> None:
    server.respond_with(b'[{"imo": 1}, {"imo": "2"}, {}]')
    with Client(base_url=server.base_url, on_drift="off") as client:
        table = client.positions().to_pandas()
    assert table["imo"].tolist()[:2] == ["1", "2"]
