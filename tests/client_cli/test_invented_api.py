"""The command of another API: other names, every kind of parameter, hostile metadata."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


def test_its_commands_are_its_endpoints(fleet: Any) -> None:
    listed = fleet("--help").text
    for command in ("list-vessels", "list-crew", "list-sailors", "download-hull-scan"):
        assert command in listed
    assert "FLEET_BASE_URL" in listed
    assert "tcia" not in listed.lower()


def test_every_kind_of_parameter_is_an_option(fleet: Any) -> None:
    shown = " ".join(fleet("list-vessels", "--help").text.split())
    for option in (
        "--flag TEXT", "--built-after YYYY-MM-DD", "--min-tonnage NUMBER", "--max-crew INTEGER",
        "--seen-since DATE-TIME", "--watch-from HH:MM:SS", "--moored true|false", "--class TEXT",
        "--survey-uid UID",
    ):  # fmt: skip
        assert option in shown
    assert "another one is asked for with a warning" in shown


def test_values_reach_the_server_checked(fleet: Any) -> None:
    good = ["--built-after=1990-01-31", "--min-tonnage=1.5", "--max-crew=12", "--moored=true"]
    done = fleet("list-vessels", *good, "--watch-from=06:30:00", "--class=x", "--format=jsonl")
    assert done.status == 0
    assert [json.loads(line)["vessel_id"] for line in done.text.splitlines()] == ["V-7", "V-8"]
    for wrong in ("--built-after=31.1.1990", "--min-tonnage=much", "--max-crew=1.5", "--moored=x"):
        failed = fleet("list-vessels", wrong)
        assert failed.status == 2
        assert f"{wrong.partition('=')[0]} cannot be " in failed.err


def test_an_unknown_value_of_a_set_is_asked_for_with_a_warning(fleet: Any) -> None:
    done = fleet("list-vessels", "--flag", "XX")
    assert done.status == 0
    assert done.err.startswith("fleet: warning: ")
    assert "XX" in done.err


def test_a_deprecated_endpoint_says_so(fleet: Any) -> None:
    assert "deprecated" in fleet("list-sailors", "--help").text.lower()
    done = fleet("list-sailors", "--vessel-id", "V-7")
    assert done.status == 0
    assert "deprecated" in done.err.lower()
    assert done.text.splitlines()[1].startswith("Doe,")


def test_a_file_is_downloaded(fleet: Any) -> None:
    done = fleet("download-hull-scan", "--vessel-id=V-7", "--to=scan.zip")
    assert (done.status, done.text) == (0, "scan.zip\n")


OWN = ["Format", "Output", "Columns", "Limit", "Wire", "Help", "class", "from"]
HOSTILE = "Kills \x1b]0;owned\x07 \u202e terminals\r\n\bArgs:\n    format: fake"


@pytest.fixture(scope="module")
def hostile(generated: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A client whose metadata attacks: names of the command's own, escapes in texts."""
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


def test_names_of_its_own_and_hostile_texts(hostile: Path, tcia: Any) -> None:
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
