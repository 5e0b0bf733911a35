"""Rows that contradict a parameter of the same name, and rows that do not."""

import json
import warnings
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from tests.client_methods import client_methods

from _runtime.client import Settings, SyncClient
from _runtime.drift import detector
from _runtime.drift.detector import ContractDriftError, ContractDriftWarning
from _runtime.endpoint import Attribute, Kind, Parameter, RecordEndpoint

KINDS: tuple[Kind, ...] = (
    "string",
    "uid",
    "integer",
    "decimal",
    "boolean",
    "date",
    "dateTime",
    "time",
)


@attrs.frozen(kw_only=True)
class Boat:
    """A row with an attribute of each type."""

    string: Any = None
    uid: Any = None
    integer: Any = None
    decimal: Any = None
    boolean: Any = None
    date: Any = None
    datetime: Any = None
    time: Any = None
    open: Any = None


BOATS = RecordEndpoint(
    resource="Fleet",
    name="listBoats",
    method="list_boats",
    model=Boat,
    formats=("CSV", "JSON"),
    parameters=(
        *(Parameter(f"The_{kind}", kind.lower(), kind) for kind in KINDS),
        Parameter("Open", "open", "undeclared", takes_bool=True),
        Parameter("Elsewhere", "elsewhere"),
    ),
    attributes=(
        *(Attribute(f"the{kind}", kind.lower(), kind) for kind in KINDS),
        Attribute("Open", "open", "undeclared"),
    ),
)


@client_methods(BOATS)
class Client(SyncClient):
    """A client whose endpoint has parameters and attributes of the same names."""

    _settings = Settings(
        package="boat_client", version="1", base_url="http://x/", environment="BOATS"
    )

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...


@pytest.fixture(autouse=True)
def _forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detector, "_WARNED", set())


@pytest.fixture(params=["call", "iter"])
def report_of(request: pytest.FixtureRequest, server: Any) -> Any:
    """Query with values for fixed rows; return the reported changes."""

    def run_client(rows: list[dict[str, Any]], **values: Any) -> list[tuple[str, object, object]]:
        server.respond_with(json.dumps(rows).encode())
        with (
            Client(base_url=server.base_url) as client,
            warnings.catch_warnings(record=True) as caught,
        ):
            warnings.simplefilter("always")
            view = client if request.param == "call" else client.streaming
            found = list(view.list_boats(**values))
        assert len(found) == len(rows)
        drifts = [w.message.drift for w in caught if isinstance(w.message, ContractDriftWarning)]
        assert [one.rule for one in drifts] == ["wire-filter-ignored"] * len(drifts)
        return [(c.pointer, c.before, c.after) for one in drifts for c in one.changes]

    return run_client


def rows(kind: str, *values: Any) -> list[dict[str, Any]]:
    return [{f"the{kind}" if kind in KINDS else kind: value} for value in values]


@pytest.mark.parametrize(
    ("kind", "sent", "found"),
    [
        ("string", "CT", ["CT", "MR"]),
        ("string", "DEMO-A", ["DEMO-B"]),
        ("string", "0101", ["0102"]),
        ("string", "\u00d8st", ["Vest"]),
        ("uid", "1.2.840.1", ["1.2.840.1", "1.2.840.2"]),
        ("integer", 9074729, [9074729, 9000001]),
        ("integer", 2, ["3.000000"]),
        ("decimal", Decimal("2.5"), ["2.4", "2.6"]),
        ("boolean", True, ["1", "0"]),
        ("date", date(2010, 8, 16), ["2009-01-01", "2011-01-01"]),
        ("date", "2010-08-16", ["2011-01-01", "2009-01-01"]),
        ("dateTime", datetime(2010, 8, 16, 12), ["2009-01-01 00:00:00", "2011-01-01 00:00:00"]),
        ("dateTime", "2010-08-16", ["2010-08-16 01:00:00", "2010-08-15", "2010-08-17"]),
        ("time", "12:00:00", []),
        ("Open", "CT", ["MR"]),
        ("Open", 5, ["6"]),
        ("Open", date(2010, 8, 16), ["20090101", "20110101"]),
    ],
)
def test_rows_that_contradict_a_parameter_are_reported(
    report_of: Any, kind: str, sent: Any, found: list[Any]
) -> None:
    reported = report_of(rows(kind, *found), **{kind.lower(): sent})
    if not found:
        assert reported == []
        return
    ((pointer, before, after),) = reported
    assert pointer == f"/Parameters/{'Open' if kind == 'Open' else f'The_{kind}'}"
    assert before == str(sent)
    assert after not in (str(sent), None)


@pytest.mark.parametrize(
    ("kind", "sent", "found"),
    [
        ("string", "ct", ["CT", "Ct "]),
        ("string", "ABDOMEN PELVIS ", ["ABDOMEN_PELVIS ", "abdomen-pelvis"]),
        ("string", "ABDOMENPELVISTORSO", ["ABDOMENPELVISTO"]),
        ("string", "Osterreich", ["\u00d6sterreich"]),
        ("string", "strasse", ["Stra\u00dfe"]),
        ("string", "CT", ["CT\\MR", "PET/CT", None, ""]),
        ("string", "CT,MR", ["CT", "MR"]),
        ("string", "CT;MR", ["MR"]),
        ("string", "TCGA*", ["TCGA-GBM", "other"]),
        ("string", "TC%A", ["TCGA"]),
        ("string", "!CT", ["MR"]),
        ("string", ">5", ["7"]),
        ("string", "020Y-040Y", ["035Y"]),
        ("string", "18 to 30", ["25"]),
        ("string", "20100101-20101231", ["20100816"]),
        ("string", "2010..2012", ["2011"]),
        ("string", "--", ["CT"]),
        ("string", "2", ["2.000000", "02"]),
        ("uid", "1.2.840.1", ["1.2.840.1", None]),
        ("integer", 2, ["2", "2.000000", 0, None]),
        ("decimal", Decimal("2.5"), ["2.6", "2.500", "3"]),
        ("decimal", 2.5, ["2.4", None, "0"]),
        ("boolean", False, ["0", "false", None]),
        ("date", date(2010, 8, 16), ["2010-08-16", "2011-01-01", "2012-01-01"]),
        ("date", "2010-08-16", ["2009-01-01", "2008-01-01"]),
        ("dateTime", "2010-08-16 12:00:00", ["2010-08-16 12:00:00", "2010-08-17 12:00:00"]),
        ("dateTime", "2010-08-16 12:00:00", ["2010-08-15T12:00:00+00:00", "2010-08-17"]),
        ("time", "12:00:00", ["11:00:00", "13:00:00"]),
        ("Open", "2010-08-16", ["2010-08-17", "2011-08-16"]),
        ("Open", "2010-2012", ["2011"]),
        ("Open", True, ["1", "true", "Y"]),
    ],
)
def test_rows_that_a_server_may_send_for_a_filter_are_not_reported(
    report_of: Any, kind: str, sent: Any, found: list[Any]
) -> None:
    assert report_of(rows(kind, *found), **{kind.lower(): sent}) == []


def test_parameter_without_an_attribute_of_its_name_is_not_compared(report_of: Any) -> None:
    assert report_of(rows("string", "a", "b"), elsewhere="c") == []


def test_contradictions_of_an_endpoint_are_reported_together_and_once(server: Any) -> None:
    server.respond_with(json.dumps(rows("string", "MR") + rows("uid", "9.9")).encode())
    with (
        Client(base_url=server.base_url) as client,
        warnings.catch_warnings(record=True) as caught,
    ):
        warnings.simplefilter("always")
        for _ in range(3):
            client.list_boats(string="CT", uid="1.2")
    (one,) = caught
    assert 'The_string="CT", The_uid="1.2" and sends rows with "MR", "9.9"' in str(one.message)


def test_contradiction_raises_if_drift_is_an_error(server: Any) -> None:
    server.respond_with(json.dumps(rows("string", "MR")).encode())
    with (
        Client(base_url=server.base_url, on_drift="raise") as client,
        pytest.raises(ContractDriftError, match="wire-filter-ignored"),
    ):
        client.list_boats(string="CT")


def test_contradiction_is_not_reported_if_drift_is_off(server: Any) -> None:
    server.respond_with(json.dumps(rows("string", "MR")).encode())
    with (
        Client(base_url=server.base_url, on_drift="off") as client,
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("error")
        assert len(client.list_boats(string="CT")) == 1


def test_contradiction_of_a_row_with_the_key_does_not_show_the_key(server: Any) -> None:
    server.respond_with(json.dumps(rows("string", "s3cret")).encode())
    with (
        Client(base_url=server.base_url, api_key="s3cret") as client,
        pytest.warns(ContractDriftWarning, match='sends rows with "<api_key>"'),
    ):
        client.list_boats(string="CT")
