"""What all tests share: where things are, and the command line as a user has it."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tciagen.documents import JsonObject, read_folder
from tciagen.overlay import read_overlay
from tciagen.resolve import Resolution, resolve

ROOT = Path(__file__).parents[1]
DATA = Path(__file__).parent / "data"
CONTRACT = ROOT / "generator" / "contracts" / "tcia-v3"

Run = Callable[..., subprocess.CompletedProcess[str]]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--accept-golden", action="store_true", help="write the golden files instead of comparing"
    )


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def tcia_documents() -> Mapping[str, JsonObject]:
    return read_folder(CONTRACT / "documents")


@pytest.fixture(scope="session")
def tcia(tcia_documents: Mapping[str, JsonObject]) -> Resolution:
    return resolve(tcia_documents, read_overlay(CONTRACT / "overlay.toml"))


@pytest.fixture(scope="session")
def fleet_folder() -> Path:
    return DATA / "fleet"


@pytest.fixture(scope="session")
def fleet(fleet_folder: Path) -> Resolution:
    documents = read_folder(fleet_folder / "documents")
    return resolve(documents, read_overlay(fleet_folder / "overlay.toml"))


@pytest.fixture
def tciagen(tmp_path: Path) -> Run:
    """Run the command line in an empty folder; the outcome has stdout, stderr, returncode."""

    def run(
        *arguments: str | Path, cwd: Path = tmp_path, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "tciagen", *map(str, arguments)],
            cwd=cwd,
            env={**os.environ, **(env or {})},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run
