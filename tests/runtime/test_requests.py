"""Parameters, base URLs and keys, before anything is sent."""

import inspect
import pickle
from datetime import date, time
from typing import TYPE_CHECKING, Any, get_args

import pytest

from _runtime.errors import ApiError, ParameterError, ParameterWarning
from _runtime.options import Timeouts

if TYPE_CHECKING:
    from tests.runtime.conftest import Ask, Runtime, Server


def test_values_go_encoded_into_the_query(ask: "Ask", server: "Server") -> None:
    server.answers(b"[]")
    with pytest.warns(ParameterWarning, match=r"port='a&b/ü'.*Kiel, Oslo"):
        ask(
            lambda c: c.list_ships(port="a&b/ü", ship_uid="1.02.3", since=date(2010, 8, 16), crew=3)
        )
    assert server.asked[0][0] == (
        "/v3/Fleet/query/listShips?Port=a%26b%2F%C3%BC&ShipUID=1.02.3&Since=2010-08-16&Crew=3&format=json"
    )


def test_none_is_not_sent_and_iso_dates_are_taken(ask: "Ask", server: "Server") -> None:
    server.answers(b"")
    ask(lambda c: c.list_ships(since="2010-08-16", format="csv"))
    assert server.asked[0][0] == "/v3/Fleet/query/listShips?Since=2010-08-16&format=csv"


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
@pytest.mark.parametrize("way", ["call", "iter", "raw"])
def test_bad_parameters_are_refused_before_any_request(
    rt: "Runtime", server: "Server", arguments: dict[str, Any], parameter: str, words: str, way: str
) -> None:
    with rt.Client(base_url=server.base_url) as client:
        method = client.list_ships if way == "call" else getattr(client.list_ships, way)
        with pytest.raises(ParameterError, match="list_ships") as caught:
            method(**arguments)
    assert isinstance(caught.value, ValueError)
    assert (caught.value.method, caught.value.parameter) == ("list_ships", parameter)
    assert words in str(caught.value)
    assert (caught.value.fault, caught.value.retryable) == ("caller", False)
    assert server.asked == []


def test_deprecated_endpoints_and_parameters_warn_where_they_are_called(
    rt: "Runtime", server: "Server"
) -> None:
    server.answers(b"[]")
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
def test_base_urls_that_cannot_work_are_refused(rt: "Runtime", base_url: str) -> None:
    with pytest.raises(ParameterError, match="base_url"):
        rt.Client(base_url=base_url)


def test_credentials_in_a_base_url_are_refused_and_not_shown(rt: "Runtime") -> None:
    with pytest.raises(ParameterError, match="user name") as caught:
        rt.Client(base_url="https://me:hunter2@h/v3")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("key", ["a\nb", "schlüssel", "a b"])
def test_keys_that_no_header_takes_are_refused_and_not_shown(rt: "Runtime", key: str) -> None:
    with pytest.raises(ParameterError, match="api_key") as caught:
        rt.Client(api_key=key)
    assert key not in str(caught.value)


def test_base_url_and_key_come_from_the_environment(
    rt: "Runtime", server: "Server", monkeypatch: pytest.MonkeyPatch
) -> None:
    server.answers(b"[]")
    monkeypatch.setenv("FLEET_BASE_URL", server.base_url)
    monkeypatch.setenv("FLEET_API_KEY", " from-environment\n")
    with rt.Client() as client:
        client.list_ships()
    with rt.Client(api_key="given") as client:
        client.list_ships()
    assert [headers["api_key"] for _, headers in server.asked] == ["from-environment", "given"]
    assert all("from-environment" not in path for path, _ in server.asked)


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


def test_a_client_shows_no_key_and_is_not_pickled(rt: "Runtime") -> None:
    client = rt.Client(api_key="s3cret")
    assert "s3cret" not in repr(client) + repr(vars(client)) + repr(client.list_ships)
    with pytest.raises(TypeError, match="make one in each process"):
        pickle.dumps(client)


def test_methods_describe_themselves(rt: "Runtime") -> None:
    client = rt.Client()
    assert client.list_ships.__name__ == "list_ships"
    assert client.list_ships.__doc__ == "List the ships."
    answer = inspect.signature(client.list_ships).return_annotation
    assert get_args(answer) == (rt.Ship,)
    assert next(iter(inspect.signature(client.list_ships).parameters)) == "port"
    assert next(iter(inspect.signature(client.download_plans).parameters)) == "target"
    assert list(inspect.signature(rt.Client.download_plans).parameters)[:2] == ["self", "target"]
    method: object = rt.Client.list_ships
    assert inspect.isroutine(method)
    assert rt.Client.list_ships.endpoint is rt.ships


def test_the_root_of_the_tree_is_api_error() -> None:
    assert issubclass(ParameterError, ApiError)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda c: c.list_ships(Port="x"), "'Port'; did you mean port?"),
        (lambda c: c.list_ships(ShipUID="1"), "'ShipUID'; did you mean ship_uid?"),
        (lambda c: c.list_ships.iter(sinces="x"), "'sinces'; did you mean since?"),
        (lambda c: c.list_ships.raw(fromat="csv"), "'fromat'; did you mean format?"),
        (lambda c: c.list_ships(keep_zip=True), "no keyword argument 'keep_zip'"),
        (lambda c: c.list_ships("x"), "list_ships() takes its values by keyword, such as port=…"),
    ],
)
def test_call_with_a_wrong_keyword_names_the_right_one(
    ask: "Ask", server: "Server", call: Any, sentence: str
) -> None:
    with pytest.raises(TypeError) as caught:
        ask(call)
    assert str(caught.value).endswith(sentence)
    assert server.asked == []


def test_attribute_that_a_client_lacks_names_the_method(rt: "Runtime") -> None:
    with rt.Client() as client, pytest.raises(AttributeError) as caught:
        client.listShips  # type: ignore[attr-defined]  # noqa: B018
    assert str(caught.value) == "Client has no attribute 'listShips'; did you mean list_ships?"
