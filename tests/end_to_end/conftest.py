"""Real servers, and packages generated from their documents."""

import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from tciagen.archive.demo import DemoArchive
from tciagen.archive.running import RunningArchive, running_archive


@pytest.fixture(scope="session")
def archive(demo: DemoArchive) -> Iterator[RunningArchive]:
    with running_archive(demo.catalog) as server:
        yield server


@pytest.fixture(scope="session")
def bare_archive(demo: DemoArchive) -> Iterator[RunningArchive]:
    with running_archive(demo.catalog, options=["--bare"]) as server:
        yield server


@pytest.fixture(scope="session")
def fleet_server(fleet_folder: Path) -> Iterator[str]:
    script = Path(__file__).with_name("fleet_server.py")
    process = subprocess.Popen(
        [sys.executable, str(script), str(fleet_folder / "documents")],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    yield process.stdout.readline().strip()
    process.terminate()
    process.wait(20)
    process.stdout.close()


@pytest.fixture(scope="session")
def fleet_client(
    fleet_folder: Path, fleet_server: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ModuleType]:
    """The invented API's package: crawled from its server, generated, imported."""
    folder = tmp_path_factory.mktemp("fleet")
    config = ["--config", str(fleet_folder / "tciagen.toml"), "--documents", str(folder / "docs")]
    command = [sys.executable, "-m", "tciagen"]
    subprocess.run([*command, "crawl", *config, "--base-url", fleet_server], check=True)
    subprocess.run([*command, "generate", *config, "--out", str(folder / "out")], check=True)
    sys.path.insert(0, str(folder / "out" / "src"))
    yield importlib.import_module("fleet_client")
    sys.path.remove(str(folder / "out" / "src"))
