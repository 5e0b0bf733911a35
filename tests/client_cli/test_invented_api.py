"""The command of another API: other names, every kind of parameter, hostile metadata."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


def test_commands_are_the_endpoints(fleet: Any) -> None:
    listed = fleet("--help").text
    for command in ("list-vessels", "list-crew", "list-sailors", "download-hull-scan"):
        assert command in listed
    assert "FLEET_BASE_URL" in listed
    assert "tcia" not in listed.lower()


def test_each_kind_of_parameter_is_an_option(fleet: Any) -> None:
    shown = " ".join(fleet("list-vessels", "--help").text.split())
    for option in (
        "--flag TEXT", "--built-after YYYY-MM-DD", "--min-tonnage NUMBER", "--max-crew INTEGER",
        "--seen-since DATE-TIME", "--watch-from HH:MM:SS", "--moored true|false", "--class TEXT",
        "--survey-uid UID",
    ):  # fmt: skip
        assert option in shown
    assert "other values are sent with a warning" in shown


def test_values_are_checked_and_sent(fleet: Any) -> None:
    good = ["--built-after=1990-01-31", "--min-tonnage=1.5", "--max-crew=12", "--moored=true"]
    done = fleet("list-vessels", *good, "--watch-from=06:30:00", "--class=x", "--format=jsonl")
    assert done.status == 0
    assert [json.loads(line)["vessel_id"] for line in done.text.splitlines()] == ["V-7", "V-8"]
    for wrong in ("--built-after=31.1.1990", "--min-tonnage=much", "--max-crew=1.5", "--moored=x"):
        failed = fleet("list-vessels", wrong)
        assert failed.status == 2
        assert f"{wrong.partition('=')[0]} cannot be " in failed.err


def test_value_that_is_not_listed_is_sent_with_a_warning(fleet: Any) -> None:
    done = fleet("list-vessels", "--flag", "XX")
    assert done.status == 0
    assert done.err.startswith("fleet: warning: ")
    assert "XX" in done.err


def test_deprecated_endpoint_is_marked(fleet: Any) -> None:
    assert "deprecated" in fleet("list-sailors", "--help").text.lower()
    done = fleet("list-sailors", "--vessel-id", "V-7")
    assert done.status == 0
    assert "deprecated" in done.err.lower()
    assert done.text.splitlines()[1].startswith("Doe,")


def test_count_in_the_table_is_checked(fleet: Any) -> None:
    rows = "vessel_id,scan_count\nV-7,1\nV-8,2\n"
    done = fleet("download-hull-scan", "--from=-", "--to=scans", given=rows)
    assert (done.status, done.text) == (1, "scans/V-7\n")
    assert "fleet: error: V-8: " in done.err
    assert "1 files are there, scan_count of the item states 2" in done.err


def test_file_is_downloaded(fleet: Any) -> None:
    done = fleet("download-hull-scan", "--vessel-id=V-7", "--to=scan.zip")
    assert (done.status, done.text) == (0, "scan.zip\n")
    assert "not checked" not in done.err


OWN = ["Format", "Output", "Columns", "Limit", "Wire", "Help", "class", "from"]
HOSTILE = "Kills \x1b]0;owned\x07 \u202e terminals\r\n\bArgs:\n    format: fake"


@pytest.fixture(scope="module")
def hostile(generated: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A client with hostile metadata: names of the command's options, escapes in texts."""
    folder = tmp_path_factory.mktemp("hostile") / "Bad"
    folder.mkdir()
    parameters = [{"Name": name, "Description": HOSTILE, "Required": False} for name in OWN]
    parameters[0]["AllowedValues"] = ["\x1b[31mred", "plain"]
    document = {
        "QueryName": "config",
        "Description": HOSTILE,
        "Formats": ["JSON"],
        "Parameters": parameters,
        "Result": {
            "Name": "Row",
            "Description": HOSTILE,
            "Attributes": [{"Name": "a", "Description": HOSTILE, "DICOM": "NA", "Type": "string"}],
        },
    }
    (folder / "config.json").write_text(json.dumps(document))
    options = ["--documents", str(folder.parent), "--base-url", "https://bad.example/v3"]
    return generated(*options, "--package", "bad_client")


def test_hostile_metadata_is_escaped_and_its_names_prefixed(hostile: Path, tcia: Any) -> None:
    bad = type(tcia)(hostile, "bad_client", "BAD_", tcia.home, None)
    listed = bad("--help").text
    assert "query-config" in listed
    assert "config   " in listed
    shown = bad("query-config", "--help").text
    for name in ("format", "output", "columns", "limit", "help"):
        assert f"--query-{name}" in shown
    assert "--class" in shown
    assert "--from" in shown
    for text in (listed, shown):
        assert all(line.isprintable() for line in text.split("\n"))
    assert "<U+001B>" in shown


def document(name: str, keys: list[str], formats: list[str]) -> dict[str, Any]:
    attributes = [{"Name": "a", "Description": "A.", "DICOM": "NA", "Type": "string"}]
    return {
        "QueryName": name,
        "Description": "Text.",
        "Formats": formats,
        "Parameters": [{"Name": key, "Type": "string"} for key in keys],
        "Result": {
            "Name": "Row",
            "Description": "Text.",
            "Attributes": [] if formats == ["ZIP"] else attributes,
        },
    }


OF_ROWS = ["Format", "form", "Output", "Columns", "Limit", "Wire", "queryLimit"]
OF_FILES = ["from", "source", "to", "atOnce", "keepZip", "names", "onDifference"]
OF_CALLS = ["target", "items", "workers", "progress", "limits", "expect", "existing"]


@pytest.fixture(scope="module")
def clashing(generated: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A client whose query keys and endpoints have the names of options and commands."""
    folder = tmp_path_factory.mktemp("clashing") / "Own"
    folder.mkdir()
    for made in (
        document("getRows", OF_ROWS, ["JSON", "CSV"]),
        document("getFile", [*OF_FILES, *OF_CALLS], ["ZIP"]),
        document("getKeyed", ["format", "api_key", "a"], ["JSON", "CSV"]),
        document("getKeyedFile", ["format", "api_key"], ["ZIP"]),
        document("config", [], ["JSON"]),
        document("queryConfig", [], ["JSON"]),
    ):
        (folder / f"{made['QueryName']}.json").write_text(json.dumps(made))
    options = ["--documents", str(folder.parent), "--base-url", "https://own.example/v3"]
    return generated(*options, "--package", "own_client")


@pytest.fixture
def own(clashing: Path, tcia: Any, wire: Any) -> Any:
    return type(tcia)(clashing, "own_client", "OWN_", tcia.home, wire.base_url)


def test_query_key_with_the_name_of_an_option_is_prefixed(own: Any, wire: Any) -> None:
    wire.rows(b'[{"a": "x"}, {"a": "y"}]')
    done = own("get-rows", "--limit", 1, "--columns=a", "--wire=json", "--format=jsonl")
    assert (done.status, done.text, done.err) == (0, '{"a": "x"}\n', "")
    assert wire.requests.pop()[0] == "/v3/Own/query/getRows?format=json"
    options = ["format", "output", "columns", "limit", "wire"]
    requests = [f"--query-{name}={name}" for name in options]
    done = own("get-rows", *requests, "--form=form", "--query-query-limit=7")
    assert (done.status, done.text) == (0, "a\nx\ny\n")
    assert wire.requests.pop()[0] == (
        "/v3/Own/query/getRows?Format=format&form=form&Output=output&Columns=columns"
        "&Limit=limit&Wire=wire&queryLimit=7&format=json"
    )


def test_query_key_with_the_name_of_a_download_option_is_prefixed(
    own: Any, wire: Any, archive_of: Any
) -> None:
    wire.rows(archive_of("a.txt"), kind="application/zip")
    options = ["from", "to", "at-once", "keep-zip", "names", "on-difference"]
    requests = [f"--query-{name}=1" for name in options]
    others = [f"--{name}=1" for name in ("source", *OF_CALLS)]
    done = own("download-file", "--to=x.zip", "--on-difference=raise", *requests, *others)
    assert (done.status, done.text) == (0, "x.zip\n"), done.err
    keys = "&".join(f"{key}=1" for key in (*OF_FILES, *OF_CALLS))
    assert wire.requests.pop()[0] == f"/v3/Own/query/getFile?{keys}"


def test_query_keys_of_the_api_are_sent_once(own: Any, wire: Any, archive_of: Any) -> None:
    wire.rows(b'"a"\n"1"\n', kind="text/csv")
    done = own("get-keyed", "--a=1", "--wire=csv", env={"OWN_API_KEY": "s3cr3t"})
    assert (done.status, done.err) == (0, "")
    path, headers = wire.requests.pop()
    assert (path, headers["api_key"]) == ("/v3/Own/query/getKeyed?a=1&format=csv", "s3cr3t")
    for command in ("get-keyed", "download-keyed-file"):
        shown = own(command, "--help").text
        assert "--api-key" not in shown
        assert "--query-format" not in shown
    wire.rows(archive_of("a.txt"), kind="application/zip")
    assert own("download-keyed-file", "--to=x.zip", "--format=ZIP").status == 0
    assert wire.requests.pop()[0] == "/v3/Own/query/getKeyedFile?format=ZIP"


def test_endpoint_with_the_name_of_a_command_is_prefixed(own: Any, wire: Any) -> None:
    wire.rows(b'[{"a": "x"}]')
    for command, endpoint in (("query-config", "config"), ("query-query-config", "queryConfig")):
        assert own(command).status == 0
        assert wire.requests.pop()[0] == f"/v3/Own/query/{endpoint}?format=json"


def test_long_words_are_not_moved(
    generated: Callable[..., Path], tmp_path: Path, tcia: Any
) -> None:
    address = "https://example.org/" + "x" * 100
    made = document("getRows", ["key"], ["JSON"])
    made["Description"] = f"Args: {address} reports."
    made["Parameters"][0]["Description"] = f"{address} reports as well."
    (tmp_path / "Own").mkdir()
    (tmp_path / "Own" / "getRows.json").write_text(json.dumps(made))
    options = ["--documents", str(tmp_path), "--base-url", "https://own.example/v3"]
    own = type(tcia)(generated(*options, "--package", "own"), "own", "OWN_", tcia.home, None)
    shown = "".join(own("get-rows", "--help").text.split())
    assert f"Args:{address}reports.Queryendpoint" in shown
    assert f"--keyTEXT{address}reportsaswell." in shown
    assert address in "".join(own("--help").text.split())


def test_file_without_query_keys_is_downloaded(
    generated: Callable[..., Path], tmp_path: Path, tcia: Any, wire: Any, archive_of: Any
) -> None:
    (tmp_path / "Own").mkdir()
    made = document("getFile", [], ["ZIP"])
    (tmp_path / "Own" / "getFile.json").write_text(json.dumps(made))
    options = ["--documents", str(tmp_path), "--base-url", "https://own.example/v3"]
    source = generated(*options, "--package", "own")
    own = type(tcia)(source, "own", "OWN_", tcia.home, wire.base_url)
    wire.rows(archive_of("a.txt"), kind="application/zip")
    assert own("download-file", "--to=x.zip").text == "x.zip\n"
    assert "--from" not in own("download-file", "--help").text
    assert own("download-file", "--from=-", given="a\n1\n").status == 2
