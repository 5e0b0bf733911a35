"""A directory listing that fails at its second read.

A seccomp listener decides on the reads, which needs Linux and no privilege; neither the scan nor
the standard library is replaced.
"""

import platform
import subprocess
import sys
from pathlib import Path

import pytest
from tests.archive.dicom_files import put_object

SYSCALLS = {"x86_64": (317, 217), "aarch64": (277, 61)}
"""Numbers of seccomp and getdents64."""

BREAKING_OFF = """\
import ctypes, errno, os, runpy, struct, sys, threading
from fcntl import ioctl

seccomp, getdents, directory = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
libc = ctypes.CDLL(None, use_errno=True)
# Load the number of the call; notify the listener of getdents64, allow the others.
steps = [(0x20, 0, 0, 0), (0x15, 0, 1, getdents), (6, 0, 0, 0x7FC00000), (6, 0, 0, 0x7FFF0000)]
code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(steps), ctypes.addressof(code)))
ready, reads = threading.Event(), []

def decide():
    ready.wait()
    while True:
        call = bytearray(80)
        ioctl(listener, 0xC0502100, call)
        identity, pid, fd = struct.unpack_from("QI20xQ", call)[:3]
        failure, flags = 0, 1  # continue
        if os.readlink(f"/proc/{pid}/fd/{fd}") == directory:
            reads.append(fd)
            if len(reads) == 2:
                failure, flags = -errno.EIO, 0
        ioctl(listener, 0xC0182101, struct.pack("QqiI", identity, 0, failure, flags))

threading.Thread(target=decide, daemon=True).start()
assert libc.prctl(38, 1, 0, 0, 0) == 0  # no new privileges
listener = libc.syscall(seccomp, 1, 8, program)
assert listener >= 0, os.strerror(ctypes.get_errno())
ready.set()
sys.argv[1:4] = []
try:
    runpy.run_module("tciagen.archive", run_name="__main__", alter_sys=True)
finally:
    assert len(reads) >= 2, reads
"""


def indexed(root: Path, *before: str, status: int = 0) -> subprocess.CompletedProcess[str]:
    catalog = root.parent / "catalog.sqlite"
    command = [sys.executable, *(before or ("-m", "tciagen.archive"))]
    done = subprocess.run(
        [*command, "index", str(root), "--catalog", str(catalog), "--workers", "1"],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == status, done.stderr
    return done


@pytest.mark.skipif(platform.machine() not in SYSCALLS, reason="numbers of its calls are unknown")
@pytest.mark.skipif(sys.platform != "linux", reason="seccomp is a call of Linux")
def test_index_removes_nothing_below_directory_whose_listing_breaks_off(tmp_path: Path) -> None:
    root = tmp_path / "root"
    for number in range(4):
        put_object(root, f"{number}/x{number}.dcm", SeriesInstanceUID=f"1.2.{number}")
    long = root / "0"
    for number in range(600):  # several reads of the directory
        (long / f"{number:03}{'x' * 200}").mkdir()
    assert "4 series" in indexed(root).stdout
    (long / "x0.dcm").unlink()
    (root / "3" / "x3.dcm").unlink()
    numbers = map(str, SYSCALLS[platform.machine()])
    done = indexed(root, "-c", BREAKING_OFF, *numbers, str(long), status=1)
    assert done.stderr == (
        f"unreadable {str(long)!r}: Input/output error. The catalog retains its rows there.\n"
    )
    assert "1 gone" in done.stdout
    assert "1 unreadable; 1 collection, 3 series" in done.stdout
    assert "1 gone, 0 left out; 1 collection, 2 series" in indexed(root).stdout
