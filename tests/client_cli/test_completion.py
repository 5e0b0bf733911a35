"""Completion by click's protocol and by a real shell, with values that the server lists."""

import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.client_cli.conftest import Terminal

if TYPE_CHECKING:
    from tests.conftest import WaitFor


def completed(tcia: Any, line: str, *, shell: str = "zsh", **env: str) -> list[str]:
    """Return the values offered at the end of a line, by the protocol of a shell."""
    words = line.split(" ")
    done = tcia(
        env={
            "_TCIA_COMPLETE": f"{shell}_complete",
            "COMP_WORDS": line.replace(" ", "\n") if shell == "bash" else line,
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


def test_values_are_those_of_the_endpoint_that_lists_them(tcia: Any) -> None:
    listed = tcia("get-collection-values").text.split("\n")[1:-1]
    listed = [value for value in listed if "<" not in value]
    assert len(listed) > 3
    assert completed(tcia, "tcia get-series --collection ") == listed
    assert completed(tcia, "tcia get-patient --collection DEMO-P") == ["DEMO-PET-CT"]
    assert "CT" in completed(tcia, "tcia patients-by-modality --modality ")


def test_values_depend_on_the_options_already_passed(tcia: Any) -> None:
    line = "tcia get-series --collection DEMO-PET-CT --modality "
    expected = tcia("get-modality-values", "--collection=DEMO-PET-CT").text.split()[1:]
    assert completed(tcia, line) == expected
    assert len(expected) < len(completed(tcia, "tcia get-series --modality "))


def test_values_are_cached(tcia: Any, wire: Any) -> None:
    wire.rows(b'[{"Modality":"CT"},{"Modality":"MR"}]')
    line = "tcia get-series --modality "
    for _ in range(3):
        assert completed(tcia, line, TCIA_BASE_URL=wire.base_url) == ["CT", "MR"]
    assert len(wire.requests) == 1
    (kept,) = (tcia.home / "cache").rglob("*.json")
    assert kept.parent.stat().st_mode & 0o777 == 0o700


def test_cache_is_bounded(tcia: Any, wire: Any) -> None:
    wire.rows(b'[{"Modality":"CT"}]')
    line = "tcia get-series --modality "
    assert completed(tcia, line, TCIA_BASE_URL=wire.base_url) == ["CT"]
    (newest,) = (tcia.home / "cache").rglob("*.json")
    newest.unlink()
    for number in range(120):
        (newest.parent / f"{number}.json").write_text("[]")
    assert completed(tcia, line, TCIA_BASE_URL=wire.base_url) == ["CT"]
    assert newest.is_file()
    assert len(list(newest.parent.iterdir())) == 100


def test_failed_write_to_the_cache_leaves_no_file(tcia: Any, wire: Any) -> None:
    wire.rows(b'[{"Modality":"CT"}]')
    line = "tcia get-series --modality "
    assert completed(tcia, line, TCIA_BASE_URL=wire.base_url) == ["CT"]
    (values,) = (tcia.home / "cache").rglob("*.json")
    values.unlink()
    values.mkdir()
    assert completed(tcia, line, TCIA_BASE_URL=wire.base_url) == ["CT"]
    assert list(values.parent.iterdir()) == [values]


def test_unreachable_server_offers_no_values(tcia: Any, wire: Any) -> None:
    line = "tcia get-series --modality "
    assert completed(tcia, line, TCIA_BASE_URL="http://127.0.0.1:9/v3") == []
    assert completed(tcia, line, TCIA_BASE_URL="nonsense") == []
    tcia("config", "set", "api-key", given="s3cr3t")  # for another server
    wire.silent(b'[{"Modality":"CT"},')
    assert completed(tcia, line, TCIA_BASE_URL=wire.base_url) == []
    wire.rows(b"<html>no</html>")
    assert completed(tcia, line, TCIA_BASE_URL=wire.base_url) == []


@pytest.mark.parametrize("broken", ["", "[", "{}"])
def test_unreadable_cache_is_fetched_again(tcia: Any, wire: Any, broken: str) -> None:
    wire.rows(b'[{"Modality":"CT"}]')
    line = "tcia get-series --modality "
    assert completed(tcia, line, TCIA_BASE_URL=wire.base_url) == ["CT"]
    (kept,) = (tcia.home / "cache").rglob("*.json")
    kept.write_text(broken)
    assert completed(tcia, line, TCIA_BASE_URL=wire.base_url) == ["CT"]
    assert len(wire.requests) == 2


def test_values_that_cannot_be_cached_are_offered(tcia: Any, wire: Any) -> None:
    wire.rows(b'[{"Modality":"CT"}]')
    line = "tcia get-series --modality "
    env = {"TCIA_BASE_URL": wire.base_url, "XDG_CACHE_HOME": "/dev/null/x"}
    assert completed(tcia, line, **env) == ["CT"]


def test_values_cached_for_one_key_are_not_offered_to_another(tcia: Any, wire: Any) -> None:
    wire.rows(b'[{"Modality":"CT"}]')
    line = "tcia get-series --modality "
    for key in ("one", "two", "one"):
        completed(tcia, line, TCIA_BASE_URL=wire.base_url, TCIA_API_KEY=key)
    assert [headers["api_key"] for _, headers in wire.requests] == ["one", "two"]


VALUES = ["GE MEDICAL", "$(touch owned)", "`id`", "a;b", "a\nb", "\x1b[2J", "-x", "~", "*", "a|b"]


@pytest.mark.parametrize(
    ("shell", "offered"),
    [("bash", ["GE\\ MEDICAL"]), ("zsh", ["GE MEDICAL"]), ("fish", ["GE MEDICAL"])],
)
def test_value_with_a_special_character_of_the_shell_is_not_offered(
    tcia: Any, wire: Any, shell: str, offered: list[str]
) -> None:
    wire.rows(json.dumps([{"Modality": value} for value in VALUES]).encode())
    line = "tcia get-series --modality "
    found = completed(tcia, line, shell=shell, TCIA_BASE_URL=wire.base_url)
    assert found == offered


MANUFACTURERS = ["GE MEDICAL SYSTEMS", "Philips Medical Systems", "Siemens, Inc. (R&D)", "X:Y"]
SHELLS: dict[str, tuple[list[str], str]] = {
    "bash": (["--norc", "--noprofile", "-i"], 'eval "$(_TCIA_COMPLETE=bash_source tcia)"'),
    "zsh": (
        ["-f", "-i"],
        'autoload -U compinit; compinit -D; eval "$(_TCIA_COMPLETE=zsh_source tcia)"',
    ),
    "fish": (["--no-config", "-i"], "_TCIA_COMPLETE=fish_source tcia | source"),
}
TYPED = {
    "--manufacturer G": "GE MEDICAL SYSTEMS",
    "--manufacturer=G": "GE MEDICAL SYSTEMS",
    '--manufacturer "Phil': "Philips Medical Systems",
    "--manufacturer 'Phil": "Philips Medical Systems",
    '--manufacturer="Phil': "Philips Medical Systems",
    "--manufacturer Philips\\ Med": "Philips Medical Systems",
    "--manufacturer Siem": "Siemens, Inc. (R&D)",
    '--manufacturer "Siemens, I': "Siemens, Inc. (R&D)",
    "--manufacturer X:": "X:Y",
}


@pytest.mark.parametrize("shell", SHELLS)
def test_shell_sends_the_completed_value(
    tcia: Any, wire: Any, tmp_path: Path, wait_for: "WaitFor", shell: str
) -> None:
    program = shutil.which(shell)
    if program is None or shutil.which("setsid") is None:
        pytest.skip(f"there is no {shell}, or no setsid")
    wire.rows(json.dumps([{"Manufacturer": value} for value in MANUFACTURERS]).encode())
    tool = tmp_path / "tcia"
    tool.write_text("#!/bin/sh\nexec " + " ".join(f"'{part}'" for part in tcia.line) + ' "$@"\n')
    tool.chmod(0o755)
    arguments, setup = SHELLS[shell]
    path = f"{tmp_path}:{os.environ['PATH']}"
    env = {"TCIA_BASE_URL": wire.base_url, "PATH": path, "TERM": "dumb", "HISTFILE": ""}
    sent: dict[str, list[str]] = {}
    with Terminal([program, *arguments], tcia.environment(env), tcia.home) as terminal:
        terminal.type(f"{setup}\n")
        for typed in TYPED:
            terminal.type("echo rea''dy\n")
            wait_for(lambda: terminal.seen.count("ready") > len(sent))
            shutil.rmtree(tcia.home / "cache", ignore_errors=True)
            terminal.type(f"tcia get-series {typed}\t")
            wait_for(lambda: wire.requests)
            wire.requests.clear()
            terminal.type("\n")
            wait_for(lambda: wire.requests)
            sent[typed] = parse_qs(urlsplit(wire.requests[0][0]).query)["Manufacturer"]
            wire.requests.clear()
    assert sent == {typed: [meant] for typed, meant in TYPED.items()}, terminal.seen
