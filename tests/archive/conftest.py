"""A served demo archive, and the values of its files, read without the catalog."""

import json
import sqlite3
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Protocol

import attrs
import httpx
import pydicom
import pytest
from filelock import FileLock
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from tciagen.archive.__main__ import main
from tciagen.archive.catalog import open_for_writing
from tciagen.archive.demo import DemoArchive
from tciagen.archive.running import RunningArchive, running_archive
from tciagen.archive.testing.synthetic import synthesize

Row = dict[str, object]
WriteDocuments = Callable[[Mapping[str, Mapping[str, object]]], Path]


@pytest.fixture(scope="session")
def large(shared_folder: Path) -> Path:
    """A synthetic catalog of 50,000 series, 22 MB as JSON; tests must not change it."""
    catalog = shared_folder / "large.sqlite"
    with FileLock(shared_folder / "large.lock"):
        if not catalog.exists():
            with closing(open_for_writing(catalog)) as connection:
                synthesize(connection, 50_000, seed=1)
    return catalog


@pytest.fixture(scope="session")
def served(demo: DemoArchive) -> Iterator[RunningArchive]:
    with running_archive(demo.catalog) as server:
        yield server


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(open_for_writing(tmp_path / "catalog.sqlite")) as connection:
        yield connection


@attrs.frozen
class Caller:
    """Sends queries to a server; ``name`` is a QueryName of TCIA or another path."""

    http: httpx.Client
    base_url: str
    pid: int | None = None

    def query(self, name: str, /, **values: str) -> httpx.Response:
        path = name if "/" in name else f"TCIA/query/{name}"
        return self.http.get(f"{self.base_url}/{path}", params=values)

    def rows(self, name: str, /, **values: str) -> list[Row]:
        response = self.query(name, **values)
        assert response.status_code == 200, response.text
        rows = response.json()
        assert isinstance(rows, list)
        return rows


@pytest.fixture(scope="session")
def http() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=30) as client:
        yield client


@pytest.fixture(scope="session")
def call(served: RunningArchive, http: httpx.Client) -> Caller:
    return Caller(http, served.base_url)


@attrs.frozen
class Output:
    """The output of a command."""

    stdout: str
    stderr: str


class Run(Protocol):
    """Runs a command and checks its exit status."""

    def __call__(self, *arguments: object, status: int = 0) -> Output: ...


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command of ``python -m tciagen.archive`` in this process."""

    def run_command(*arguments: object, status: int = 0) -> Output:
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", ["tciagen.archive", *map(str, arguments)])
        assert main() == status
        return Output(*capsys.readouterr())

    return run_command


@attrs.frozen
class Image:
    """One file of the demo with the values that the tests compare."""

    path: Path
    collection: str
    header: Dataset

    def text(self, keyword: str) -> str | None:
        """Return the value that the archive should return."""
        value = self.header.get(keyword)
        if value is None or value == "":
            return None
        if keyword.endswith("Date"):
            digits = value.replace(".", "")  # the form of ACR-NEMA
            return f"{digits[:4]}-{digits[4:6]}-{digits[6:]}"
        if isinstance(value, MultiValue):
            return "\\".join(map(str, value)) or None
        if keyword == "BodyPartExamined":
            return str(value)[:15]
        if keyword == "SeriesNumber":
            return f"{int(value)}.000000"
        return str(value)


@pytest.fixture(scope="session")
def images(demo: DemoArchive) -> list[Image]:
    """Every file of the demo, read by pydicom, in the order of their paths."""
    images = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for path in sorted((demo.folder / "images").rglob("*.dcm")):
            header = pydicom.dcmread(path, stop_before_pixels=True)
            shipped = path.parent.name.startswith("PYDICOM")
            collection = path.parent.name if shipped else header[0x0013, 0x1010].value
            if not header.get("PatientID"):
                header.PatientID = "UNKNOWN"
            images.append(Image(path, collection, header))
    return images


@pytest.fixture
def write_documents(tmp_path: Path) -> WriteDocuments:
    """Return a function that writes documents by address below a folder."""

    def write(documents: Mapping[str, Mapping[str, object]]) -> Path:
        folder = tmp_path / "contract"
        for address, document in documents.items():
            resource, _, name = address.split("/")
            path = folder / resource / f"{name}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(document), encoding="utf-8")
        return folder

    return write


@pytest.fixture(scope="session")
def today() -> date:
    return date(2020, 2, 29)
