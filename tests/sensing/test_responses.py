"""Drift that the rows and the media type of a response show beyond its header."""

import pickle
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.sensing.conftest import Collect, RunClient

FORMATS = ("json", "csv", "xml", "html")
PLACE = "/Result/Attributes"

# Per rule, the method that shows it and its only change.
SHOWN: dict[str, tuple[str, str, object, object]] = {
    "wire-attr-undeclared": (
        "get_manufacturer_values",
        f"{PLACE}/StationName",
        None,
        "StationName",
    ),
    "wire-value-undeclared": (
        "get_patient_study",
        f"{PLACE}/PatientSex/AllowedValues",
        None,
        "U",
    ),
    "wire-media-type-mismatch": ("get_collection_values", "/Formats", "json", "text/plain"),
}
every_rule = pytest.mark.parametrize("rule", SHOWN)


def called(method: str, /, **query: Any) -> Callable[[Any], Any]:
    return lambda client: getattr(client, method)(**query)


def iterated(name: str) -> Callable[[Any], Any]:
    return lambda client: getattr(client.streaming, name)()


@every_rule
@pytest.mark.parametrize("way", [called, iterated])
def test_changed_server_returns_rows_with_one_warning(
    run_client: "RunClient", collect: "Collect", moved: str, rule: str, way: Callable[[str], Any]
) -> None:
    name, *change = SHOWN[rule]
    rows: list[Any] = []

    def several() -> None:
        for _ in range(3):
            rows.extend(run_client(way(name), base_url=moved))

    reported = [one for one in collect(several) if one.kind != "DEBUG"]
    assert [one.kind for one in reported] == ["ContractDriftWarning"]
    drift = reported[0].source.drift
    (found,) = drift.changes
    assert (drift.rule, drift.rules, drift.endpoint) == (rule, (rule,), found_endpoint(name))
    assert [found.pointer, found.before, found.after] == change
    assert len(rows) > 3
    if rule == "wire-value-undeclared":
        assert "U" in {row.patient_sex for row in rows}


def found_endpoint(method: str) -> str:
    words = method.split("_")
    return f"TCIA/query/{words[0]}{''.join(map(str.capitalize, words[1:]))}"


@every_rule
def test_on_drift_raise_raises_after_the_response(
    run_client: "RunClient", client_package: ModuleType, moved: str, rule: str
) -> None:
    name = SHOWN[rule][0]
    for _ in range(2):
        with pytest.raises(client_package.ContractDriftError) as caught:
            run_client(called(name), base_url=moved, on_drift="raise")
    assert caught.value.rule == caught.value.drift.rule == rule
    assert pickle.loads(pickle.dumps(caught.value)).drift == caught.value.drift


def test_iterator_returns_all_rows_before_its_error(client_package: ModuleType, moved: str) -> None:
    with client_package.Client(base_url=moved, on_drift="off") as client:
        rows = client.get_patient_study()
    with client_package.Client(base_url=moved, on_drift="raise") as client:
        iterator = client.streaming.get_patient_study()
        assert [next(iterator) for _ in rows] == list(rows)
        with pytest.raises(client_package.ContractDriftError):
            next(iterator)


@every_rule
def test_drift_off_reports_nothing(
    run_client: "RunClient", collect: "Collect", moved: str, rule: str
) -> None:
    assert collect(lambda: run_client(called(SHOWN[rule][0]), base_url=moved, on_drift="off")) == []


@every_rule
def test_on_drift_function_is_called_once_for_each_client(
    run_client: "RunClient", client_package: ModuleType, moved: str, rule: str
) -> None:
    drifts: list[Any] = []
    name = SHOWN[rule][0]
    for _ in range(2):
        run_client(called(name), base_url=moved, on_drift=drifts.append)
    with client_package.Client(base_url=moved, on_drift=drifts.append) as client:
        for _ in range(3):
            called(name)(client)
    assert [drift.rule for drift in drifts] == [rule] * 3


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("rule", list(SHOWN)[:2])
def test_drift_is_reported_in_every_format(
    run_client: "RunClient", collect: "Collect", moved: str, rule: str, form: str
) -> None:
    reported = collect(lambda: run_client(called(SHOWN[rule][0], format=form), base_url=moved))
    assert [one.source.drift.rule for one in reported if one.kind != "DEBUG"] == [rule]


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("rule", list(SHOWN)[:2])
def test_drift_of_the_header_is_not_reported_again(
    run_client: "RunClient", collect: "Collect", described: str, rule: str, form: str
) -> None:
    reported = collect(lambda: run_client(called(SHOWN[rule][0], format=form), base_url=described))
    (one,) = reported
    assert one.source.drift.rule == "wire-metadata-differs"
    assert one.source.drift.rules[0] in ("attr-added-required", "attr-enum-value-added")


@pytest.mark.parametrize(
    ("method", "query", "wanted", "sent"),
    [
        ("patients_by_modality", {"collection": "x", "modality": "CT"}, "csv", "json"),
        ("patients_by_modality", {"collection": "x", "modality": "CT"}, "xml", "json"),
        ("patients_by_modality", {"collection": "x", "modality": "CT"}, "html", "json"),
        ("new_patients_in_collection", {"collection": "x", "date": "2000-01-01"}, "json", "csv"),
        ("new_patients_in_collection", {"collection": "x", "date": "2000-01-01"}, "xml", "csv"),
        ("new_patients_in_collection", {"collection": "x", "date": "2000-01-01"}, "html", "csv"),
        (
            "new_studies_in_patient_collection",
            {"collection": "x", "date": "2000-01-01"},
            "csv",
            "xml",
        ),
        (
            "new_studies_in_patient_collection",
            {"collection": "x", "date": "2000-01-01"},
            "html",
            "xml",
        ),
        ("contents_by_name", {"name": "demo-first-look"}, "json", "html"),
    ],
)
def test_ignored_format_raises_for_rows_and_warns_for_raw_responses(
    run_client: "RunClient",
    collect: "Collect",
    client_package: ModuleType,
    moved: str,
    method: str,
    query: dict[str, str],
    wanted: str,
    sent: str,
) -> None:
    arguments = query if method == "contents_by_name" else {**query, "format": wanted}
    with pytest.raises(client_package.FormatIgnoredError) as caught:
        run_client(called(method, **arguments), base_url=moved)
    error = caught.value
    assert error.reason == f"the client requested {wanted}, and the server sent {sent}"
    assert (error.rule, error.retryable, error.fault) == ("wire-format-ignored", False, "server")
    with pytest.raises(client_package.FormatIgnoredError):
        run_client(lambda c: getattr(c.streaming, method)(**arguments), base_url=moved)
    raw: list[Any] = []
    reported = collect(
        lambda: raw.append(
            run_client(lambda c: getattr(c.with_raw_response, method)(**arguments), base_url=moved)
        )
    )
    assert raw[0].content
    assert raw[0].headers["content-type"].endswith(sent)
    (one,) = [one for one in reported if one.kind != "DEBUG"]
    assert one.source.drift.rule == "wire-format-ignored"
    assert f"instead of the requested {wanted}" in one.message


def test_count_mismatch_reports_the_number_of_missing_files(
    run_client: "RunClient", moved: str, series_uid: str, tmp_path: Path
) -> None:
    done = run_client(
        lambda c: c.download_image(
            tmp_path / "images", series_instance_uid=series_uid, on_difference="keep"
        ),
        base_url=moved,
    )
    rules = {difference.check: difference.rule for difference in done.differences}
    assert rules == {"imageCount": "wire-count-mismatch", "results.json": None}


def test_changed_version_is_logged_once_for_each_client(
    client_package: ModuleType, collect: "Collect", moved: str, series_uid: str
) -> None:
    def one_client() -> None:
        with client_package.Client(base_url=moved) as client:
            for _ in range(3):
                client.get_body_part_values()
                client.get_series_size(series_instance_uid=series_uid)

    def always_the_same() -> None:
        for _ in range(2):
            with client_package.Client(base_url=moved) as client:
                client.get_body_part_values()

    def levels(run: Callable[[], None]) -> list[str]:
        return [one.kind for one in collect(run) if one.kind != "DEBUG"]

    assert levels(one_client) == ["INFO"]
    assert levels(one_client) == ["INFO"]
    assert levels(always_the_same) == []


@pytest.mark.parametrize("key", ["Name", "Type", "Parameters", "StationName"])
def test_key_that_is_a_word_of_the_metadata_hides_no_drift(
    run_client: "RunClient", described: str, key: str
) -> None:
    drifts: list[Any] = []
    run_client(
        lambda c: c.get_modality_values(), base_url=described, api_key=key, on_drift=drifts.append
    )
    (drift,) = drifts
    assert drift.rules == ("param-added-optional",)
    name = "StationName".replace(key, "<api_key>")
    assert f'at /Parameters/{name}: "{name}"' in str(drift)
