"""Run the code blocks of Markdown pages against a demo archive.

The blocks of one page run in order, in one folder and one Python namespace. The fixtures
replace two names of the pages: the address ``http://127.0.0.1:8042/services/v3`` by that of a
demo archive, and ``/data/dicom`` by a folder with DICOM files of the demo. A comment directly
above a block states an exception::

    <!-- not run: the reason -->
    <!-- exit status 1 -->

A block with a title is a file, which the next blocks can use. A ``text`` block directly below a
Python or shell block is its output. ``…`` stands for any text in a line, a line with ``…`` alone
for any number of lines. ``pytest tests/docs --accept-outputs`` writes the actual outputs into the
pages.
"""

import contextlib
import io
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

import attrs
import pydicom
import pytest
from pydicom.data import get_testdata_file

from tcia_client import Client
from tciagen.archive.demo import DemoArchive
from tciagen.archive.running import running_archive

ROOT = Path(__file__).parents[2]
CLIENT = ROOT / "generated" / "tcia-client"
ADDRESS = "http://127.0.0.1:8042/services/v3"
FILES = "/data/dicom"

_FENCE = re.compile(r"^(?P<fence>`{3,})(?P<info>[^`]*)$")
_MARK = re.compile(r"<!-- (?:not run: (?P<reason>\S.*)|exit status (?P<status>\d+)) -->")
_TITLE = re.compile(r'title="([^"]+)"')
_SERVING = re.compile(r"^Serving .* at (http\S+)$")


@attrs.frozen
class Block:
    """One fenced block.

    Attributes:
        line: Number of its first line of code, counted from 1.
        under: Whether only blank lines separate it from the block above.
    """

    line: int
    under: bool
    language: str
    title: str | None
    code: str
    reason: str | None
    status: int


def blocks(text: str) -> Iterator[Block]:
    """Yield the fenced blocks of a page."""
    lines = text.split("\n")
    above = ""
    number = 0
    while number < len(lines):
        opening = _FENCE.match(lines[number])
        if opening is None:
            above = lines[number].strip() or above
            number += 1
            continue
        end = lines.index(opening["fence"], number + 1)
        mark = _MARK.fullmatch(above)
        title = _TITLE.search(opening["info"])
        yield Block(
            line=number + 2,
            under=not above,
            language=opening["info"].partition(" ")[0].strip(),
            title=title[1] if title else None,
            code="\n".join(lines[number + 1 : end]) + "\n",
            reason=mark["reason"] if mark else None,
            status=int(mark["status"] or 0) if mark else 0,
        )
        above = ""
        number = end + 1


@attrs.frozen
class Served:
    """A served archive: its BaseURL, and a folder of DICOM files."""

    base_url: str
    files: Path


def output_matches(shown: str, actual: str) -> bool:
    """Return whether an output is the shown one, in which ``…`` stands for any text."""
    pattern = "".join(
        "(?:.*\n)*" if line.strip() == "…" else ".*".join(map(re.escape, line.split("…"))) + "\n"
        for line in shown.splitlines()
    )
    return re.fullmatch(pattern, actual) is not None


class Reader:
    """Runs the blocks of a page in an empty folder.

    Attributes:
        outputs: Actual output for each shown one that differs, by its first line.
        printed: Standard output of all shell blocks.
    """

    def __init__(self, folder: Path, served: Served, bin_folder: Path) -> None:
        self.folder = folder
        self.served = served
        self.namespace: dict[str, Any] = {"__name__": "__page__"}
        self.printed = ""
        self.outputs: dict[int, str] = {}
        self._servers: list[subprocess.Popen[str]] = []
        self._environment = {
            **os.environ,
            "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(CLIENT / "src"),
            "XDG_CONFIG_HOME": str(folder / ".config"),
            "TCIA_BASE_URL": served.base_url,
        }
        (folder / ".venv").mkdir()
        (folder / ".venv" / "bin").symlink_to(bin_folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for server in self._servers:
            os.killpg(server.pid, signal.SIGINT)
            server.communicate(timeout=30)

    def follow(self, page: str, text: str) -> int:
        """Run all blocks of a page, and return how many were run."""
        run = 0
        output: str | None = None
        try:
            for block in blocks(text):
                code = block.code.replace(ADDRESS, self.served.base_url)
                code = code.replace(FILES, str(self.served.files))
                output_above, output = output, None
                if block.reason is not None:
                    continue
                if block.title is not None:
                    path = self.folder / block.title
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_text(code, encoding="utf-8")
                elif block.language == "python":
                    output = self._python(page, "\n" * (block.line - 1) + code)
                    run += 1
                elif block.language == "sh":
                    output = self._shell(f"{page}:{block.line}", code, block.status)
                    run += 1
                elif block.language == "text" and block.under and output_above is not None:
                    self._compare(block, output_above)
        finally:
            # A page may leave its client open for its reader; the test does not.
            for value in self.namespace.values():
                if isinstance(value, Client):
                    value.close()
        return run

    def _compare(self, block: Block, output: str) -> None:
        for actual, shown in ((self.served.base_url, ADDRESS), (str(self.served.files), FILES)):
            output = output.replace(actual, shown)
        output = "".join(f"{line.rstrip()}\n" for line in output.rstrip().splitlines())
        if not output_matches(block.code, output):
            self.outputs[block.line] = output

    def _python(self, page: str, code: str) -> str:
        stream = io.StringIO()
        with contextlib.redirect_stdout(stream):
            exec(compile(code, page, "exec"), self.namespace)
        print(stream.getvalue(), end="")
        return stream.getvalue()

    def _shell(self, where: str, code: str, status: int) -> str | None:
        """Run the commands of a block, and return their output; None for a server."""
        if "archive serve" in code:
            self._serve(where, code.replace("--port 8042", "--port 0"))
            return None
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", code],
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        self.printed += done.stdout
        assert done.returncode == status, f"{where}: {done.stdout}{done.stderr}"
        return done.stdout or done.stderr

    def _serve(self, where: str, code: str) -> None:
        server = subprocess.Popen(
            ["bash", "-euo", "pipefail", "-c", code],
            cwd=self.folder,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._servers.append(server)
        assert server.stdout is not None
        lines = []
        for line in server.stdout:
            lines.append(line)
            if found := _SERVING.match(line.rstrip("\n")):
                self.served = attrs.evolve(self.served, base_url=found[1])
                self._environment["TCIA_BASE_URL"] = found[1]
                return
        pytest.fail(f"{where}: the server did not start: {''.join(lines)}")


def write_outputs(path: Path, outputs: Mapping[int, str]) -> None:
    """Replace the outputs that a page shows, each given by its first line."""
    lines = path.read_text(encoding="utf-8").split("\n")
    for first, output in sorted(outputs.items(), reverse=True):
        end = lines.index("```", first - 1)
        lines[first - 1 : end] = output.rstrip("\n").split("\n")
    path.write_text("\n".join(lines), encoding="utf-8")


@pytest.fixture(scope="session")
def bin_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the commands that a reader has installed."""
    folder = tmp_path_factory.mktemp("bin")
    commands: Mapping[str, str] = {
        "python": "",
        "pytest": "-m pytest -p no:cacheprovider",
        "tciagen": "-m tciagen",
        "tcia": "-m tcia_client",
    }
    for name, module in commands.items():
        path = folder / name
        path.write_text(f'#!/bin/sh\nexec "{sys.executable}" {module} "$@"\n', encoding="utf-8")
        path.chmod(0o755)
    return folder


@pytest.fixture(scope="session")
def served(demo: DemoArchive) -> Iterator[Served]:
    """The demo archive, as ``make serve`` serves it."""
    with running_archive(demo.catalog) as server:
        yield Served(server.base_url, demo.folder / "images" / "chest")


@pytest.fixture
def reader(
    tmp_path: Path, served: Served, bin_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Reader]:
    """A reader of a page, whose Python finds the demo archive."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TCIA_BASE_URL", served.base_url)
    with Reader(tmp_path, served, bin_folder) as one:
        yield one


@pytest.fixture
def documented(
    tmp_path: Path, bin_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Reader]:
    """A reader whose archive holds what the documents' own examples name."""
    folder = tmp_path / "documented"
    dicom = folder / "dicom"
    dicom.mkdir(parents=True)
    dataset = pydicom.dcmread(str(get_testdata_file("MR_small.dcm")))
    dataset.SeriesInstanceUID = "1.3.6.1.4.1.9328.50.50.131638054339500252579667761647125855321"
    dataset.SOPInstanceUID = "1.3.6.1.4.1.14519.5.2.1.7695.4001.254637948180506182312529390348"
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.save_as(dicom / "1.dcm")
    catalog = folder / "catalog.sqlite"
    for arguments in (
        ["index", str(dicom), "--collection", "TCGA-GBM"],
        ["list", "value", "--series", str(dataset.SeriesInstanceUID)],
    ):
        subprocess.run(
            [sys.executable, "-m", "tciagen", "archive", *arguments, "--catalog", str(catalog)],
            check=True,
            capture_output=True,
            timeout=60,
        )
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    with running_archive(catalog) as server:
        monkeypatch.setenv("TCIA_BASE_URL", server.base_url)
        with Reader(work, Served(server.base_url, dicom), bin_folder) as one:
            yield one
    shutil.rmtree(folder)
