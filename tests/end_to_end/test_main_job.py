"""The README's first command, in a copy of the repository."""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tciagen.archive.demo import DemoArchive

Job = Callable[[], subprocess.CompletedProcess[str]]

_DIFFERS_EACH_TIME = re.compile(r"127\.0\.0\.1:\d+| +\d+\.\d\d s$|\d+(?= unchanged)")
"""Port, durations, and the number of generated files, which may differ from the README."""


@pytest.fixture
def copy(root: Path, demo: DemoArchive, tmp_path: Path) -> Path:
    """A copy of the files that the job reads and writes, with existing DICOM files."""
    shutil.copy(root / "pyproject.toml", tmp_path)
    for part in ("generator/contracts", "generated"):
        shutil.copytree(
            root / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__", "build")
        )
    for folder in sorted((tmp_path / "generated").rglob("*/"), reverse=True):
        if not any(folder.iterdir()):  # only compiled modules of a deleted package remain in it
            folder.rmdir()
    (tmp_path / ".work/archive").mkdir(parents=True)
    (tmp_path / ".work/archive/images").symlink_to(demo.folder / "images")
    return tmp_path


@pytest.fixture
def job(root: Path, copy: Path) -> Job:
    command = [sys.executable, str(root / "generator/demo")]
    return lambda: subprocess.run(
        command, cwd=copy, capture_output=True, text=True, timeout=120, check=False
    )


def content(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not {".work", "__pycache__"} & set(path.parts)
    }


def comparable(text: str) -> list[str]:
    return [_DIFFERS_EACH_TIME.sub("", line) for line in text.splitlines()]


def test_main_job_prints_the_readme_output_and_changes_nothing(
    root: Path, copy: Path, job: Job
) -> None:
    before = content(copy)
    done = job()
    assert (done.returncode, done.stderr) == (0, "")
    shown = next(
        block
        for block in re.findall(r"```text\n(.*?)```", (root / "README.md").read_text(), re.DOTALL)
        if block.startswith("archive")
    )
    rest = iter(comparable(done.stdout))
    assert [line for line in comparable(shown) if line.strip() != "…" and line not in rest] == []
    assert content(copy) == before


def test_main_job_fixes_and_reports_differences_from_the_server(copy: Path, job: Job) -> None:
    before = content(copy)
    document = copy / "generator/contracts/tcia-v3/documents/TCIA/getSeries.json"
    document.write_text(document.read_text().replace("series", "serious"))
    (copy / "generated/tcia-client/src/tcia_client/client.py").unlink()
    done = job()
    assert (done.returncode, done.stderr) == (0, "")
    output = "\n".join(comparable(done.stdout))
    assert "valid against the schema; 1 changed" in output
    assert "1 files written" in output
    assert output.endswith("something changed; look at it with `git diff`")
    assert content(copy) == before


def test_main_job_refuses_a_manual_edit(copy: Path, job: Job) -> None:
    edited = copy / "generated/tcia-client/src/tcia_client/client.py"
    edited.write_text("# mine")
    done = job()
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "client.py" in done.stderr
    assert edited.read_text() == "# mine"


def test_main_job_reports_a_failing_client_in_one_error(copy: Path, job: Job) -> None:
    config = copy / "pyproject.toml"
    config.write_text(
        config.read_text().replace('package = "tcia_client"', 'package = "another_client"')
    )
    done = job()
    assert done.returncode == 4
    assert done.stderr.count("\n") == 1
    assert "No module named 'tcia_client'" in done.stderr
