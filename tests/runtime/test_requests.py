"""Parameters, base URLs and keys before a request is sent."""

import pickle
from datetime import date, time
from typing import TYPE_CHECKING, Any

import pytest

from _runtime.errors import ApiError, ParameterError, ParameterWarning
from _runtime.http.options import Timeouts

if TYPE_CHECKING:
    from tests.runtime.conftest import RunClient, Runtime, Server


def test_values_are_encoded_in_the_query(run_client: "RunClient", server: "Server") -> None:
    server.respond_with(b"[]")
    with pytest.warns(ParameterWarning, match=r"port='a&b/ü'.*Kiel, Oslo"):
        run_client(
            lambda c: c.list_ships(port="a&b/ü", ship_uid="1.02.3", since=date(2010, 8, 16), crew=3)
        )
    assert server.requests[0][0] == (
        "/v3/Fleet/query/listShips?Port=a%26b%2F%C3%BC&ShipUID=1.02.3&Since=2010-08-16&Crew=3&format=json"
    )


def test_none_is_omitted_and_iso_dates_are_accepted(
    run_client: "RunClient", server: "Server"
) -> None:
    server.respond_with(b"")
    run_client(lambda c: c.list_ships(since="2010-08-16", format="csv"))
    assert server.requests[0][0] == "/v3/Fleet/query/listShips?Since=2010-08-16&format=csv"


@pytest.mark.parametrize(
    ("arguments", "parameter", "words"),
    [
        ({"port": "  "}, "port", "is blank"),
        ({"port": 3}, "port", "Pass a string"),
        ({"port": "\ud800"}, "port", "UTF-8"),
        ({"ship_uid": "1.2.x"}, "ship_uid", "Pass a UID"),
        ({"ship_uid": "1." + "2" * 64}, "ship_uid", "64"),
        ({"ship_uid": "1.2.3 "}, "ship_uid", "no blanks"),
        ({"since": "16.8.2010"}, "since", "2010-08-16"),
        ({"since": time(12)}, "since", "datetime.date"),
        ({"crew": True}, "crew", "integer"),
        ({"format": "zip"}, "format", "csv, html, xml, json"),
    ],
)
@pytest.mark.parametrize("way", ["", "streaming", "with_raw_response"])
def test_invalid_parameters_are_refused_before_any_request(
    rt: "Runtime", server: "Server", arguments: dict[str, Any], parameter: str, words: str, way: str
) -> None:
    with rt.Client(base_url=server.base_url) as client:
        view = getattr(client, way) if way else client
        with pytest.raises(ParameterError, match="list_ships") as caught:
            view.list_ships(**arguments)
    assert isinstance(caught.value, ValueError)
    assert (caught.value.method, caught.value.parameter) == ("list_ships", parameter)
    assert words in str(caught.value)
    assert (caught.value.fault, caught.value.retryable) == ("caller", False)
    assert server.requests == []


def test_deprecation_warnings_point_to_the_code_outside_the_package(
    rt: "Runtime", server: "Server"
) -> None:
    server.respond_with(b"[]")
    with rt.Client(base_url=server.base_url) as client:
        with pytest.warns(
            DeprecationWarning, match="list_boats is deprecated; use listShips"
        ) as one:
            client.list_boats()
        with pytest.warns(DeprecationWarning, match="old_name") as two:
            client.list_ships(old_name="x")
    assert [w.filename for w in (*one, *two)] == [__file__, __file__]


@pytest.mark.parametrize(
    "base_url",
    [
        "ftp://x/y",
        "x/y",
        "https://",
        "https://h/v3?a=b",
        "https://h/#x",
        "https://h:99999/",
        " http://h",
    ],
)
def test_invalid_base_url_is_refused(rt: "Runtime", base_url: str) -> None:
    with pytest.raises(ParameterError, match="base_url"):
        rt.Client(base_url=base_url)


def test_base_url_with_credentials_is_refused_without_showing_them(rt: "Runtime") -> None:
    with pytest.raises(ParameterError, match="user name") as caught:
        rt.Client(base_url="https://me:hunter2@h/v3")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("key", ["a\nb", "schlüssel", "a b"])
def test_key_invalid_in_a_header_is_refused_without_showing_it(rt: "Runtime", key: str) -> None:
    with pytest.raises(ParameterError, match="api_key") as caught:
        rt.Client(api_key=key)
    assert key not in str(caught.value)


def test_base_url_and_key_come_from_the_environment(
    rt: "Runtime", server: "Server", monkeypatch: pytest.MonkeyPatch
) -> None:
    server.respond_with(b"[]")
    monkeypatch.setenv("FLEET_BASE_URL", server.base_url)
    monkeypatch.setenv("FLEET_API_KEY", " from-environment\n")
    with rt.Client() as client:
        client.list_ships()
    with rt.Client(api_key="given") as client:
        client.list_ships()
    assert [headers["api_key"] for _, headers in server.requests] == ["from-environment", "given"]
    assert all("from-environment" not in path for path, _ in server.requests)


@pytest.mark.parametrize(
    "arguments",
    [
        {"timeout": 0},
        {"max_connections": 0},
        {"requests_per_second": 0},
        {"on_mismatch": "ignore"},
        {"http_client": "x"},
    ],
)
def test_client_arguments_are_checked(rt: "Runtime", arguments: dict[str, Any]) -> None:
    for kind in (rt.Client, rt.AsyncClient):
        with pytest.raises(ParameterError, match=next(iter(arguments))):
            kind(**arguments)


def test_default_timeouts_are_explicit() -> None:
    assert Timeouts() == Timeouts(connect=10, read=60, write=60, pool=60)


def test_repr_hides_the_key_and_client_cannot_be_pickled(rt: "Runtime") -> None:
    client = rt.Client(api_key="s3cret")
    assert "s3cret" not in repr(client) + repr(vars(client)) + repr(client.list_ships)
    with pytest.raises(TypeError, match="make one in each process"):
        pickle.dumps(client)


def test_root_of_the_tree_is_api_error() -> None:
    assert issubclass(ParameterError, ApiError)


@pytest.mark.parametrize(
    ("keyword", "sentence"),
    [
        ("ShipUID", "download_plans() got an unexpected keyword argument 'ShipUID'; did you mean "
                    "ship_uid?"),
        ("keepzip", "'keepzip'; did you mean keep_zip?"),
        ("colour", "download_plans() got an unexpected keyword argument 'colour'"),
    ],
)  # fmt: skip
def test_download_with_a_wrong_option_names_the_right_one(
    run_client: "RunClient", server: "Server", keyword: str, sentence: str
) -> None:
    with pytest.raises(TypeError) as caught:
        run_client(lambda c: c.download_plans("x", ship_uid="1.2", **{keyword: "1"}))
    assert str(caught.value).endswith(sentence)
    assert server.requests == []


def test_attribute_that_a_client_lacks_names_the_method(rt: "Runtime") -> None:
    with rt.Client() as client, pytest.raises(AttributeError) as caught:
        client.listShips  # noqa: B018
    assert str(caught.value) == "Client has no attribute 'listShips'; did you mean list_ships?"
