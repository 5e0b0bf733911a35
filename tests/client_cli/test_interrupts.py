"""Interrupts, signals, and closed standard streams."""

import os
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.conftest import WaitFor

HOSTILE = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202egnp.exe\r\nfake"
VALUES = "get-modality-values"
ROW = b'{"Modality":"CT"},'


def is_waiting(pid: int) -> bool:
    """Return whether a process sleeps in a system call; True where Linux's /proc is absent.

    CPython runs a signal's handler between instructions. A signal that arrives after the last
    check and before a blocking call waits until that call returns.
    """
    status = Path(f"/proc/{pid}/stat")
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] == "S"


def test_ctrl_c_is_status_130_and_leaves_nothing(tcia: Any, wire: Any, wait_for: "WaitFor") -> None:
    wire.silent(b"[" + ROW * 200)
    process = tcia.start(VALUES, "-o", "rows.csv", env={"TCIA_BASE_URL": wire.base_url})
    wait_for(lambda: list(tcia.home.glob("rows.csv.*.part")) and is_waiting(process.pid))
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (130, b"")
    assert err.strip() == b"tcia: error: interrupted"
    assert not list(tcia.home.glob("*"))


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_signal_that_terminates_it_leaves_nothing(
    tcia: Any, wire: Any, wait_for: "WaitFor", number: signal.Signals, status: int
) -> None:
    wire.silent(b"[" + ROW * 200)
    process = tcia.start(VALUES, "-o", "rows.csv", env={"TCIA_BASE_URL": wire.base_url})
    wait_for(lambda: list(tcia.home.glob("rows.csv.*.part")) and is_waiting(process.pid))
    process.send_signal(number)
    _, err = process.communicate(timeout=20)
    assert process.returncode == status
    assert err.decode() == f"tcia: error: terminated by {number.name}\n"
    assert not list(tcia.home.glob("*"))


@pytest.mark.parametrize(
    ("arguments", "status"), [(["--help"], 0), ([VALUES], 0), (["get-serie"], 2)]
)
def test_closed_standard_output_causes_no_traceback(
    tcia: Any, arguments: list[str], status: int
) -> None:
    done = subprocess.run(
        ["sh", "-c", '"$@" >&-', "sh", *tcia.line, *arguments],
        env=tcia.environment({}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == status
    assert "Traceback" not in done.stderr


def test_message_that_cannot_be_written_does_not_change_the_status(tcia: Any) -> None:
    script = '"$@" 2>/dev/full'
    done = subprocess.run(
        ["sh", "-c", script, "sh", *tcia.line, "get-series-size"],
        env=tcia.environment({}),
        timeout=60,
        check=False,
    )
    assert done.returncode == 2


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], [VALUES]])
def test_reader_that_exits_early_is_status_0(tcia: Any, arguments: list[str]) -> None:
    read, write = os.pipe()
    os.close(read)
    process = subprocess.Popen(
        [*tcia.line, *arguments],
        env=tcia.environment({}),
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(write)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
