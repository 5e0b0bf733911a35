"""A served archive for the length of a ``with`` block, in a separate process."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import attrs

from tciagen.errors import ServerProblem

_STOP_SECONDS = 10.0


@attrs.frozen
class RunningArchive:
    """A running server: its BaseURL, its process and the file of its log (stderr)."""

    base_url: str
    pid: int
    log: Path


@contextmanager
def running_archive(catalog: Path, *, options: Sequence[str] = ()) -> Iterator[RunningArchive]:
    """Serve ``catalog`` on a free port of 127.0.0.1; stop the server at the end of the block.

    Args:
        catalog: SQLite catalog to serve.
        options: further options of ``tciagen archive serve``.

    Yields:
        The running server.

    Raises:
        ServerProblem: the server did not start; the message contains its output.
    """
    command = [sys.executable, "-m", "tciagen.archive", "serve"]
    command += ["--catalog", os.fspath(catalog), "--port", "0", *options]
    with tempfile.TemporaryDirectory(prefix="tciagen-archive-") as folder:
        log = Path(folder) / "server.log"
        with log.open("wb") as stderr:
            process = subprocess.Popen(  # noqa: S603 - our own module, no shell
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr, text=True
            )
        try:
            yield RunningArchive(_base_url(process, log), process.pid, log)
        finally:
            process.terminate()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout is not None:
                process.stdout.close()


def _base_url(process: subprocess.Popen[str], log: Path) -> str:
    line = process.stdout.readline() if process.stdout is not None else ""
    _, found, base_url = line.rstrip("\n").rpartition(" at ")
    if not found:
        process.wait()
        output = log.read_text(encoding="utf-8", errors="replace").strip()
        raise ServerProblem(f"the archive did not start: {output or 'it printed nothing'}")
    return base_url
