"""Scans that Ctrl-C interrupts, and later scans that complete them."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from tciagen.archive.catalog import open_for_reading
from tciagen.archive.demo import DemoArchive
from tciagen.errors import DocumentProblem, UsageProblem

if TYPE_CHECKING:
    from tests.conftest import WaitFor

BATCHES = ("brain", "chest")  # 1017 files: three commits
AT_A_FILE = """\
import os, signal, sys, time

def hook(event, arguments):
    if event == "open" and arguments[0] == {path!r}:
        {action}

sys.addaudithook(hook)
"""
HOLD = "time.sleep(600)"
SWALLOW_AN_INTERRUPT = """\
try:
            os.kill(os.getpid(), signal.SIGINT)
        except KeyboardInterrupt:
            pass"""


@attrs.frozen
class Scan:
    """The index command by one process, and an environment that acts at the 750th file."""

    catalog: Path
    command: list[str]
    environment: dict[str, str]


def scan_with(action: str, tmp_path: Path, demo: DemoArchive) -> Scan:
    folders = [demo.folder / "images" / name for name in BATCHES]
    files = sorted(os.fsencode(path) for folder in folders for path in folder.rglob("*.dcm"))
    hook = AT_A_FILE.format(path=os.fsdecode(files[750]), action=action)
    (tmp_path / "sitecustomize.py").write_text(hook)
    catalog = tmp_path / "catalog.sqlite"
    command = [sys.executable, "-m", "tciagen.archive", "index", "--catalog", str(catalog)]
    command += ["--workers", "1", *map(str, folders)]
    return Scan(catalog, command, {**os.environ, "PYTHONPATH": str(tmp_path)})


def test_interrupted_scan_is_consistent_and_the_next_completes_it(
    tmp_path: Path, demo: DemoArchive, wait_for: "WaitFor"
) -> None:
    scan = scan_with(HOLD, tmp_path, demo)
    process = subprocess.Popen(
        scan.command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=scan.environment,
    )
    wait_for(lambda: counted(scan.catalog)[0] > 0 or process.poll() is not None)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    assert counted(scan.catalog) == (500, 500)
    done = subprocess.run(scan.command, capture_output=True, text=True, check=True, timeout=60)
    assert "500 unchanged" in done.stdout
    assert counted(scan.catalog) == (1017, 1017)


def test_interrupt_during_reading_a_file_ends_the_scan(tmp_path: Path, demo: DemoArchive) -> None:
    scan = scan_with(SWALLOW_AN_INTERRUPT, tmp_path, demo)
    done = subprocess.run(
        scan.command,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env=scan.environment,
    )
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr.endswith("tciagen: interrupted\n")
    assert counted(scan.catalog) == (500, 500)


def counted(catalog: Path) -> tuple[int, int]:
    try:
        connection = open_for_reading(catalog)
    except (DocumentProblem, UsageProblem):
        return 0, 0  # not yet created
    try:
        files = connection.execute("SELECT count(*) FROM file WHERE problem IS NULL").fetchone()[0]
        return files, connection.execute(
            "SELECT ifnull(sum(image_count), 0) FROM series"
        ).fetchone()[0]
    finally:
        connection.close()
