"""A package that lists the values of an attribute, and servers that have changed since."""

import asyncio
import copy
import importlib
import json
import logging
import sys
import warnings
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import attrs
import pytest
from click.testing import CliRunner

from tciagen.archive.demo import DemoArchive
from tciagen.archive.running import running_archive
from tciagen.cli.application import cli
from tciagen.documents.parsing import JsonObject

RunClient = Callable[..., Any]
HERE = Path(__file__).parent


@attrs.frozen
class Report:
    """A report of a client: the class or level, the message, and its source."""

    kind: str
    message: str
    source: Any


Collect = Callable[[Callable[[], Any]], list[Report]]
SEX = ["F", "M", "O"]
SILENT = (
    "getBodyPartValues",
    "getManufacturerValues",
    "getPatient",
    "getSeries",
    "getPatientStudy",
    "PatientsByModality",
    "NewPatientsInCollection",
    "NewStudiesInPatientCollection",
    "ContentsByName",
)
FAULTS = [
    *(f"{name}:metadata-absent" for name in SILENT),
    "getCollectionValues:media-type",
    "getImage:zip-left-out@1",
    "getSeriesSize:server-version@3",
    "*:server-version@2",
]


def written(documents: Mapping[str, JsonObject], folder: Path) -> Path:
    for address, document in documents.items():
        resource, _, name = address.split("/")
        path = folder / resource / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document))
    return folder


def attributes(documents: Mapping[str, JsonObject], name: str) -> dict[str, JsonObject]:
    listed = documents[f"TCIA/query/{name}"]["Result"]["Attributes"]
    return {attribute["Name"]: attribute for attribute in listed}


@pytest.fixture(scope="session")
def known(tcia_documents: Mapping[str, JsonObject]) -> dict[str, JsonObject]:
    """The documents that the package is generated from."""
    documents = copy.deepcopy(dict(tcia_documents))
    attributes(documents, "getPatientStudy")["PatientSex"]["AllowedValues"] = SEX
    return documents


@pytest.fixture(scope="session")
def client_package(
    known: dict[str, JsonObject], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ModuleType]:
    folder = tmp_path_factory.mktemp("wire")
    written(known, folder / "documents")
    (folder / "tciagen.toml").write_text(
        '[wire]\nbase-url = "http://127.0.0.1:9/services/v3"\ndocuments = "documents"\n'
        'output = "client"\npackage = "wire_client"\n'
        "[wire.resources]\n"
        + "".join(f"{r} = {json.dumps(names)}\n" for r, names in _resources(known).items())
    )
    made = CliRunner().invoke(cli, ["generate", "--config", str(folder / "tciagen.toml")])
    assert made.exit_code == 0, made.output
    sys.path.insert(0, str(folder / "client" / "src"))
    yield importlib.import_module("wire_client")
    sys.path.remove(str(folder / "client" / "src"))


def _resources(documents: Mapping[str, JsonObject]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for address in documents:
        resource, _, name = address.split("/")
        found.setdefault(resource, []).append(name)
    return found


@pytest.fixture(scope="session")
def same(
    demo: DemoArchive, known: dict[str, JsonObject], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A server whose metadata is that of the package."""
    documents = copy.deepcopy(known)
    folder = written(documents, tmp_path_factory.mktemp("same"))
    with running_archive(demo.catalog, options=["--contract", str(folder)]) as server:
        yield server.base_url


@pytest.fixture(scope="session")
def changed_documents(
    known: dict[str, JsonObject], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The documents of a changed server, in which each endpoint shows one rule."""
    documents = copy.deepcopy(known)
    query = {name.rpartition("/")[2]: document for name, document in documents.items()}
    query["getModalityValues"]["Parameters"].append({"Name": "StationName", "DICOM": "0008 1010"})
    query["getManufacturerValues"]["Result"]["Attributes"].append(
        {"Name": "StationName", "Description": "x", "DICOM": "0008 1010", "Optional": False}
    )
    query["getPatient"]["Result"]["Attributes"].remove(
        attributes(documents, "getPatient")["PatientID"]
    )
    attributes(documents, "getSeries")["ImageCount"]["Type"] = "uid"
    attributes(documents, "getPatientStudy")["PatientSex"]["AllowedValues"] = [*SEX, "U"]
    query["PatientsByModality"].update(Formats=["JSON"], DefaultFormat="JSON")
    query["NewPatientsInCollection"].update(Formats=["CSV"], DefaultFormat="CSV")
    query["NewStudiesInPatientCollection"].update(Formats=["XML"], DefaultFormat="XML")
    query["NewStudiesInPatientCollection"]["Parameters"] = [
        parameter
        for parameter in query["NewStudiesInPatientCollection"]["Parameters"]
        if not str(parameter).startswith("Collection") and parameter["Name"] != "Collection"
    ]
    query["ContentsByName"].update(Formats=["HTML"], DefaultFormat="HTML")
    query["getSOPInstanceUIDs"]["Parameters"].append(
        {"Name": "Site", "Description": "x", "DICOM": "NA", "Type": "string", "Required": True}
    )
    del documents["TCIA/query/getSingleImage"]
    return written(documents, tmp_path_factory.mktemp("moved"))


@pytest.fixture(scope="session")
def described(demo: DemoArchive, changed_documents: Path) -> Iterator[str]:
    """A changed server that states the changes in its headers."""
    options = ["--contract", str(changed_documents)]
    with running_archive(demo.catalog, options=options) as server:
        yield server.base_url


@pytest.fixture(scope="session")
def moved(demo: DemoArchive, changed_documents: Path) -> Iterator[str]:
    """The same server without the changes in the headers of responses that show them."""
    options = ["--contract", str(changed_documents)]
    options += [word for fault in FAULTS for word in ("--fault", fault)]
    with running_archive(demo.catalog, options=options) as server:
        yield server.base_url


@pytest.fixture(autouse=True)
def _forgetful(client_package: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reset the warnings of the process for each test."""
    sensing = importlib.import_module(f"{client_package.__name__}._runtime.drift.detector")
    monkeypatch.setattr(sensing, "_WARNED", set())


@pytest.fixture(params=["sync", "async"])
def run_client(request: pytest.FixtureRequest, client_package: ModuleType) -> RunClient:
    """Run ``action(client)`` on either client; await or iterate its result."""

    def run_sync(action: Callable[[Any], Any], **options: Any) -> Any:
        with client_package.Client(**options) as client:
            result = action(client)
            return list(result) if hasattr(result, "__next__") else result

    async def awaited(action: Callable[[Any], Any], options: dict[str, Any]) -> Any:
        async with client_package.AsyncClient(**options) as client:
            result = action(client)
            if isinstance(result, Awaitable):
                return await result
            return [item async for item in result] if hasattr(result, "__anext__") else result

    def run_async(action: Callable[[Any], Any], **options: Any) -> Any:
        return asyncio.run(awaited(action, options))

    return run_sync if request.param == "sync" else run_async


@pytest.fixture
def collect(client_package: ModuleType, caplog: pytest.LogCaptureFixture) -> Collect:
    """Run a function; return what it raises, warns of and logs with a rule."""

    def collected(run: Callable[[], Any]) -> list[Report]:
        caplog.set_level(logging.DEBUG, "wire_client")
        caplog.clear()
        reports = []
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                run()
            except client_package.ApiError as error:
                reports.append(Report(type(error).__name__, str(error), error))
        for warning in caught:
            assert Path(warning.filename).parent == HERE
            reports.append(Report(warning.category.__name__, str(warning.message), warning.message))
        logged = [(r.levelname, r.getMessage()) for r in caplog.records]
        return reports + [
            Report(level, message, None) for level, message in logged if "(wire-" in message
        ]

    return collected


@pytest.fixture(scope="session")
def series_uid(client_package: ModuleType, same: str) -> str:
    """A series of four images."""
    with client_package.Client(base_url=same) as client:
        return str(next(s for s in client.get_series() if s.image_count == 4).series_instance_uid)
