"""`tciagen watch` as a process: its output after each change, and its end."""

import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

Until = Callable[[str], list[str]]


@pytest.fixture
def folder(generated: Path, tmp_path: Path) -> Path:
    copied = tmp_path / "project"
    shutil.copytree(generated, copied)
    return copied


@pytest.fixture
def process(folder: Path) -> Iterator["subprocess.Popen[str]"]:
    started = subprocess.Popen(
        [sys.executable, "-u", "-m", "tciagen", "watch"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    yield started
    started.kill()
    started.communicate()


@pytest.fixture
def until(process: "subprocess.Popen[str]") -> Until:
    """Read lines up to and with the first that has a text in it."""

    def read(text: str) -> list[str]:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if text in line:
                return lines
        raise AssertionError(f"it ended without {text!r}: {lines}")

    return read


def replace(path: Path, before: str, after: str) -> None:
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


def test_watch_each_change_of_an_input_generates(
    folder: Path, process: "subprocess.Popen[str]", until: Until
) -> None:
    until("unchanged")
    replace(folder / "documents/Fleet/listVessels.json", "Lists the vessels", "Reports the vessels")
    until("written out/src/fleet_client")

    replace(folder / "overlay.toml", "rank_on_board", "rank_at_sea")
    until("written out/src/fleet_client/client.py")
    assert "rank_at_sea" in "".join(p.read_text() for p in folder.glob("out/src/*/*.py"))

    replace(folder / "tciagen.toml", '"2.3.4"', '"2.4.0"')
    until("written out/pyproject.toml")
    assert 'version = "2.4.0"' in (folder / "out/pyproject.toml").read_text()

    (folder / "CHANGELOG.md").write_text("# Changelog\n")
    until("written out/CHANGELOG.md")
    assert (folder / "out/CHANGELOG.md").is_file()

    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 130


def test_watch_error_is_printed_and_watching_continues(folder: Path, until: Until) -> None:
    until("unchanged")
    document = folder / "documents/Fleet/listVessels.json"
    good = document.read_text()
    document.write_text(good[:-20])
    assert "listVessels.json cannot be read" in until("tciagen: error:")[-1]
    document.write_text(good)
    until("unchanged")

    replace(folder / "tciagen.toml", "[fleet]\n", "[fleet\n")
    until("is not TOML")
    replace(folder / "tciagen.toml", "[fleet\n", '[fleet]\nschema = "none/schema.json"\n')
    until("none/schema.json is not a readable JSON Schema")
    replace(folder / "tciagen.toml", 'schema = "none/schema.json"\n', "")
    until("fleet: 0 written")


def test_watch_without_configuration_is_reported_in_one_sentence(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tciagen", "watch"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
