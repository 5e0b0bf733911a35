"""Rows of every endpoint in every format, in pipes, files and on a terminal."""

import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

import tcia_client
from tciagen.archive.running import RunningArchive

ENDPOINTS: list[tuple[str, list[str]]] = [
    ("get_collection_values", []),
    ("get_modality_values", ["collection"]),
    ("get_body_part_values", ["modality"]),
    ("get_manufacturer_values", []),
    ("get_patient", []),
    ("patients_by_modality", ["collection", "modality"]),
    ("get_patient_study", []),
    ("get_series", []),
    ("get_series_size", ["series_instance_uid"]),
    ("get_sop_instance_uids", ["series_instance_uid"]),
    ("new_patients_in_collection", ["date", "collection"]),
    ("new_studies_in_patient_collection", ["date", "collection"]),
    ("contents_by_name", ["name"]),
]


@pytest.fixture(scope="module")
def client(archive: RunningArchive) -> Any:
    with tcia_client.Client(base_url=archive.base_url) as client:
        yield client


@pytest.fixture(scope="module")
def one(client: Any) -> Mapping[str, str]:
    """Values for parameters."""
    series = client.get_series()[0]
    return {
        "collection": series.collection,
        "modality": series.modality,
        "series_instance_uid": series.series_instance_uid,
        "date": "1990-01-01",
        "name": "demo-first-look",
    }


def options_of(values: Mapping[str, str]) -> list[str]:
    return [f"--{name.replace('_', '-')}={value}" for name, value in values.items()]


def written(value: Any) -> Any:
    """Return a value as JSON has it."""
    return value.isoformat() if hasattr(value, "isoformat") else value


@pytest.mark.parametrize(("method", "keys"), ENDPOINTS, ids=[e[0] for e in ENDPOINTS])
def test_each_format_has_the_rows_of_the_client(
    tcia: Any, client: Any, one: Mapping[str, str], method: str, keys: list[str], tmp_path: Path
) -> None:
    values = {key: one[key] for key in keys}
    rows = getattr(client, method)(**values)
    expected = [{k: written(v) for k, v in attrs.asdict(row).items()} for row in rows]
    command = [method.replace("_", "-"), *options_of(values)]
    assert expected

    piped = tcia(*command)
    assert (piped.status, piped.err) == (0, "")
    lines = tcia(*command, "--format", "jsonl").text.splitlines()
    assert [json.loads(line) for line in lines] == expected
    if method in ("get_series", "get_patient"):
        parquet = tcia(*command, "--format", "parquet").out
        assert pq.read_table(io.BytesIO(parquet)).to_pylist() == [*map(attrs.asdict, rows)]
    assert list(csv.DictReader(io.StringIO(piped.text, newline=""))) == [
        {k: "" if v is None else str(v) for k, v in row.items()} for row in expected
    ]


@pytest.mark.parametrize("wire", ["csv", "xml", "html", "json"])
def test_raw_is_the_body_and_rows_do_not_depend_on_the_format(
    tcia: Any, client: Any, wire: Any
) -> None:
    assert tcia("get-patient", "--wire", wire, "--format", "raw").out == (
        client.with_raw_response.get_patient(format=wire).content
    )
    columns = "--columns=collection,patient_id"  # names of subjects may be empty texts
    assert tcia("get-patient", "--wire", wire, columns).out == tcia("get-patient", columns).out


@pytest.mark.parametrize("suffix", ["csv", "json", "jsonl", "parquet"])
def test_format_follows_the_ending_of_the_file(tcia: Any, suffix: str) -> None:
    done = tcia("get-series", "--output", f"series.{suffix}")
    assert (done.status, done.out, done.err) == (0, b"", "")
    assert [path.name for path in tcia.home.iterdir() if path.is_file()] == [f"series.{suffix}"]
    piped = tcia("get-series", "--format", suffix).out
    content = (tcia.home / f"series.{suffix}").read_bytes()
    assert content == piped
    assert len(content) > 1000


def test_columns_are_selected_in_order(tcia: Any) -> None:
    done = tcia("get-series", "--columns", "modality,collection", "--limit", 2)
    assert done.text.splitlines()[0] == "modality,collection"
    assert len(done.text.splitlines()) == 3


def test_json_is_an_array_of_the_rows_of_json_lines(tcia: Any) -> None:
    lines = tcia("get-series", "--format=jsonl").text.splitlines()
    assert json.loads(tcia("get-series", "--format=json").out) == [*map(json.loads, lines)]


@pytest.mark.parametrize(
    ("form", "body"),
    [
        ("csv", b"patient_id,collection\n"),
        ("json", b"[]\n"),
        ("jsonl", b""),
    ],
)
def test_empty_result_is_valid_in_each_format(tcia: Any, form: str, body: bytes) -> None:
    columns = "--columns=patient_id,collection"
    done = tcia("get-patient", "--collection", "none such", columns, "--format", form)
    assert (done.status, done.out) == (0, body)


def test_empty_result_retains_the_types_of_parquet(tcia: Any) -> None:
    whole = tcia("get-series", "--format=parquet").out
    empty = tcia("get-series", "--collection=none such", "--format=parquet").out
    tables = [pq.read_table(io.BytesIO(body)) for body in (whole, empty)]
    assert tables[0].schema == tables[1].schema
    assert [len(table) for table in tables] == [61, 0]


def test_dumb_terminal_gets_no_escape_codes(tcia: Any) -> None:
    status, seen = tcia.on_terminal("get-series", env={"COLUMNS": "100", "TERM": "dumb"})
    assert status == 0
    assert "series_instance_uid" in seen
    assert "\x1b" not in seen


def test_terminal_shows_a_table(tcia: Any) -> None:
    status, seen = tcia.on_terminal("get-series", env={"COLUMNS": "100"})
    lines = [line.replace("\x1b[1m", "").replace("\x1b[0m", "") for line in seen.splitlines()]
    assert status == 0
    assert lines[0].startswith("series_instance_uid")
    assert len(lines) > 61
    assert all(len(line) <= 100 for line in lines[:62])
    assert "hidden columns: " in seen
    assert "--columns chooses" in seen


def test_table_fits_its_width(tcia: Any) -> None:
    done = tcia("get-modality-values", "--format", "table")
    assert done.text.splitlines()[:3] == ["modality", "CR", "CT"]
    assert tcia("get-patient", "--collection=no", "--format=table").err == "no rows\n"


def test_long_table_is_cut_with_a_message(tcia: Any, wire: Any) -> None:
    wire.rows(json.dumps([{"Modality": f"M{n}"} for n in range(2000)]).encode())
    env = {"TCIA_BASE_URL": wire.base_url}
    done = tcia("get-modality-values", "--format=table", env=env)
    assert len(done.text.splitlines()) == 501
    assert done.err == "the first 500 rows; --limit N shows more, --format csv all\n"
    assert len(tcia("get-modality-values", "--format=table", "--limit=600", env=env).text) > 600 * 4


def test_limit_stops_reading(tcia: Any, wire: Any) -> None:
    wire.endless(b"[", b'{"Modality":"CT"},')
    done = tcia("get-modality-values", "--limit=3", env={"TCIA_BASE_URL": wire.base_url})
    assert (done.status, done.text.split()) == (0, ["modality", "CT", "CT", "CT"])


def test_reader_that_exits_early_is_no_error(tcia: Any, wire: Any) -> None:
    wire.endless(b"[", b'{"Modality":"CT"},')
    process = tcia.start("get-modality-values", env={"TCIA_BASE_URL": wire.base_url})
    assert process.stdout.readline() == b"modality\n"
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait(30) == 0
    process.stderr.close()


def test_decimals_retain_their_digits(fleet: Any) -> None:
    (first, second) = fleet("list-vessels", "--format=jsonl").text.splitlines()
    assert '"gross_tonnage": 1234.500000,' in first
    assert '"last_seen_at": "2020-01-31T12:00:00.500000"' in first
    assert '"is_moored": true' in first
    assert json.loads(second)["gross_tonnage"] is None


def test_invalid_value_is_an_error_or_a_warning(tcia: Any, wire: Any) -> None:
    wire.rows(b'[{"SeriesInstanceUID":"1.2","ObjectCount":"many"}]')
    env = {"TCIA_BASE_URL": wire.base_url}
    command = ["get-series-size", "--series-instance-uid=1.2", "--format=jsonl"]
    failed = tcia(*command, env=env)
    assert (failed.status, failed.out) == (3, b"")
    assert "row 1: object_count" in failed.err
    assert "--on-mismatch warn" in failed.err
    passed = tcia("--on-mismatch=warn", *command, env=env)
    assert passed.status == 0
    assert json.loads(passed.out)["object_count"] == "many"
    assert passed.err.startswith("tcia: warning: ")
    table = tcia("--on-mismatch=warn", *command[:2], "--format=parquet", env=env)
    assert table.status == 3
    assert "row 1: object_count is 'many', which does not fit" in table.err
