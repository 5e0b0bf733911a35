"""Completion by click's protocol and by a real shell, with values that the server lists."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

BASH = shutil.which("bash")


def completed(tcia: Any, line: str, *, shell: str = "zsh", **env: str) -> list[str]:
    """The values offered at the end of a line, by the protocol of a shell."""
    words = line.split(" ")
    done = tcia(
        env={
            "_TCIA_COMPLETE": f"{shell}_complete",
            "COMP_WORDS": line,
            "COMP_CWORD": words[-1] if shell == "fish" else str(len(words) - 1),
            **env,
        }
    )
    assert done.err == ""
    text: str = done.text
    if shell == "zsh":  # type, value and help on three lines
        return text.strip("\n").split("\n")[1::3]
    return [item.partition(",")[2].partition("\t")[0] for item in text.splitlines()]


def test_commands_and_options_are_completed(tcia: Any) -> None:
    assert completed(tcia, "tcia get-s") == [
        "get-series",
        "get-series-size",
        "get-sop-instance-uids",
    ]
    assert completed(tcia, "tcia get-series --coll") == ["--collection"]
    assert completed(tcia, "tcia get-series --format js") == ["json", "jsonl"]
    assert completed(tcia, "tcia get-patient --columns patient_id,ethn") == [
        "patient_id,ethnic_group"
    ]
    assert completed(tcia, "tcia config s") == ["set"]


def test_values_come_from_the_endpoint_that_lists_them(tcia: Any) -> None:
    listed = tcia("get-collection-values").text.split("\n")[1:-1]
    listed = [value for value in listed if "<" not in value]
    assert len(listed) > 3
    assert completed(tcia, "tcia get-series --collection ") == listed
    assert completed(tcia, "tcia get-patient --collection DEMO-P") == ["DEMO-PET-CT"]
    assert "CT" in completed(tcia, "tcia patients-by-modality --modality ")


def test_values_are_those_within_what_is_given_already(tcia: Any) -> None:
    line = "tcia get-series --collection DEMO-PET-CT --modality "
    expected = tcia("get-modality-values", "--collection=DEMO-PET-CT").text.split()[1:]
    assert completed(tcia, line) == expected
    assert len(expected) < len(completed(tcia, "tcia get-series --modality "))


def test_values_are_kept_for_a_while(tcia: Any, wire: Any) -> None:
    wire.rows(b'[{"Modality":"CT"},{"Modality":"MR"}]')
    line = "tcia get-series --modality "
    for _ in range(3):
        assert completed(tcia, line, TCIA_BASE_URL=wire.base_url) == ["CT", "MR"]
    assert len(wire.asked) == 1
    (kept,) = (tcia.home / "cache").rglob("*.json")
    assert kept.parent.stat().st_mode & 0o777 == 0o700


def test_no_answer_is_silence(tcia: Any, wire: Any) -> None:
    line = "tcia get-series --modality "
    assert completed(tcia, line, TCIA_BASE_URL="http://127.0.0.1:9/v3") == []
    assert completed(tcia, line, TCIA_BASE_URL="nonsense") == []
    tcia("config", "set", "api-key", given="s3cr3t")  # for another server
    wire.silent(b'[{"Modality":"CT"},')
    assert completed(tcia, line, TCIA_BASE_URL=wire.base_url) == []
    wire.rows(b"<html>no</html>")
    assert completed(tcia, line, TCIA_BASE_URL=wire.base_url) == []


VALUES = ["GE MEDICAL", "$(touch owned)", "`id`", "a;b", "a\nb", "\x1b[2J", "-x", "~", "*", "a|b"]


@pytest.mark.parametrize(
    ("shell", "offered"),
    [("bash", ["GE\\\\ MEDICAL"]), ("zsh", ["GE MEDICAL"]), ("fish", ["GE MEDICAL"])],
)
def test_no_value_that_a_shell_would_act_upon_is_offered(
    tcia: Any, wire: Any, shell: str, offered: list[str]
) -> None:
    wire.rows(json.dumps([{"Modality": value} for value in VALUES]).encode())
    line = "tcia get-series --modality "
    found = completed(tcia, line, shell=shell, TCIA_BASE_URL=wire.base_url)
    assert found == offered


@pytest.mark.skipif(BASH is None, reason="there is no bash")
def test_bash_completes_a_value_with_a_blank(tcia: Any, wire: Any, tmp_path: Path) -> None:
    wire.rows(b'[{"Manufacturer":"GE MEDICAL SYSTEMS"},{"Manufacturer":"SIEMENS"}]')
    tool = tmp_path / "tcia"
    tool.write_text("#!/bin/sh\nexec " + " ".join(f"'{part}'" for part in tcia.line) + ' "$@"\n')
    tool.chmod(0o755)
    script = f"""
        PATH={tmp_path}:$PATH
        eval "$(_TCIA_COMPLETE=bash_source tcia)"
        COMP_WORDS=(tcia get-series --manufacturer G) COMP_CWORD=3
        _tcia_completion tcia
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(
        [str(BASH), "--norc", "-c", script],
        env=tcia.environment({"TCIA_BASE_URL": wire.base_url}),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout == "GE\\ MEDICAL\\ SYSTEMS\n"


def test_values_of_the_contract_are_offered(fleet: Any) -> None:
    env = {"_FLEET_COMPLETE": "zsh_complete", "COMP_WORDS": "fleet list-vessels --flag "}
    offered = fleet(env={**env, "COMP_CWORD": "3"}).text.split("\n")[1::3]
    assert "NL" in offered
