"""Fixtures that all tests share: paths, demo data, and the command line."""

import io
import os
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from filelock import FileLock

from tciagen.cli.application import main
from tciagen.config import read_config
from tciagen.contract.overlay import read_overlay
from tciagen.contract.resolve import Resolution, resolve
from tciagen.documents.folder import read_folder
from tciagen.documents.parsing import JsonObject

if TYPE_CHECKING:
    from tciagen.archive.demo import DemoArchive

ROOT = Path(__file__).parents[1]
DATA = Path(__file__).parent / "data"
CONTRACT = ROOT / "generator" / "contracts" / "tcia-v3"

os.environ.pop(
    "PYTHONDONTWRITEBYTECODE", None
)  # a thousand processes would compile every module again

# All runs of the tests share the cache of formatting, separate from the user's.
os.environ["XDG_CACHE_HOME"] = str(ROOT / ".work" / "cache")

Run = Callable[..., subprocess.CompletedProcess[str]]
WaitFor = Callable[[Callable[[], object]], None]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--accept-golden", action="store_true", help="write the golden files instead of comparing"
    )
    parser.addoption(
        "--accept-outputs", action="store_true", help="write the outputs of blocks into the pages"
    )


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def tcia_documents() -> Mapping[str, JsonObject]:
    return read_folder(CONTRACT / "documents")


@pytest.fixture(scope="session")
def tcia(tcia_documents: Mapping[str, JsonObject]) -> Resolution:
    roles = read_config(ROOT / "pyproject.toml")["tcia-v3"].roles
    return resolve(tcia_documents, read_overlay(CONTRACT / "overlay.toml"), roles=roles)


@pytest.fixture(scope="session")
def fleet_folder() -> Path:
    return DATA / "fleet"


@pytest.fixture(scope="session")
def fleet_documents(fleet_folder: Path) -> Mapping[str, JsonObject]:
    return read_folder(fleet_folder / "documents")


@pytest.fixture(scope="session")
def fleet(fleet_folder: Path) -> Resolution:
    documents = read_folder(fleet_folder / "documents")
    roles = read_config(fleet_folder / "tciagen.toml")["fleet"].roles
    return resolve(documents, read_overlay(fleet_folder / "overlay.toml"), roles=roles)


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of this run that all of pytest-xdist's workers share."""
    folder = tmp_path_factory.getbasetemp()
    return folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder


@pytest.fixture(scope="session")
def demo(shared_folder: Path) -> "DemoArchive":
    """The demo data set, which the first worker builds; tests must not change it."""
    from tciagen.archive.demo import build_demo  # noqa: PLC0415 - loads pydicom

    with FileLock(shared_folder / "demo.lock"):
        return build_demo(shared_folder / "demo")


@pytest.fixture(scope="session")
def wait_for() -> WaitFor:
    """Wait until a condition holds, for at most 30 seconds."""

    def wait(condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + 30
        while not condition():
            assert time.monotonic() < deadline
            time.sleep(0.02)

    return wait


@pytest.fixture
def tciagen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command line in an empty folder; the result has stdout, stderr, returncode.

    It runs in this process, because starting an interpreter for each call would take most
    of the time. The wheels' tests start the installed command.
    """

    def run(
        *arguments: str | Path, cwd: Path = tmp_path, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        words = list(map(str, arguments))
        out, err = io.StringIO(), io.StringIO()
        with monkeypatch.context() as patch:
            patch.chdir(cwd)
            for name, value in (env or {}).items():
                patch.setenv(name, value)
            with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as ended:
                main(words)
        code = ended.value.code
        assert isinstance(code, int)
        return subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue())

    return run
