"""Detection of a changed server by its metadata header."""

import asyncio
import json
import logging
import pickle
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

import tcia_client
from tcia_client import Client, ContractDriftError, ContractDriftWarning, Drift
from tcia_client._endpoints import GET_MODALITY_VALUES
from tcia_client._runtime.drift import detector
from tcia_client.testing import assert_no_drift
from tciagen.archive.demo import DemoArchive
from tciagen.archive.running import RunningArchive, running_archive

Serve = Callable[..., AbstractContextManager[RunningArchive]]
ADDRESS = "TCIA/query/getModalityValues"


@pytest.fixture(scope="module")
def changed(
    demo: DemoArchive, root: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A server with one more optional parameter and one attribute fewer."""
    folder = tmp_path_factory.mktemp("changed") / "documents"
    shutil.copytree(root / "generator/contracts/tcia-v3/documents", folder)
    path = folder / "TCIA/getModalityValues.json"
    document = json.loads(path.read_text())
    document["Parameters"].append({"Name": "StationName", "DICOM": "0008 1010"})
    path.write_text(json.dumps(document))
    path = folder / "TCIA/getPatient.json"
    document = json.loads(path.read_text())
    document["Result"]["Attributes"] = document["Result"]["Attributes"][:4]
    path.write_text(json.dumps(document))
    with running_archive(demo.catalog, options=["--contract", str(folder)]) as server:
        yield server.base_url


@pytest.fixture(autouse=True)
def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reset the warnings of the process for each test."""
    monkeypatch.setattr(detector, "_WARNED", set())


@pytest.fixture
def serve(demo: DemoArchive) -> Serve:
    return lambda *options: running_archive(demo.catalog, options=options)


def test_unchanged_server_causes_no_warning(serve: Serve) -> None:
    with serve() as server, Client(base_url=server.base_url) as client:
        assert client.get_modality_values()
        assert client.get_series()
        assert_no_drift(server.base_url)


def test_difference_causes_one_warning_for_many_responses(changed: str) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(2):
            with Client(base_url=changed) as client:
                for _ in range(20):
                    client.get_modality_values()
    (warning,) = caught
    assert isinstance(warning.message, ContractDriftWarning)
    assert warning.filename == __file__
    drift = warning.message.drift
    assert (drift.endpoint, drift.rules) == (ADDRESS, ("param-added-optional",))
    assert "param-added-optional at /Parameters/StationName" in str(drift)
    assert "Update or regenerate the package" in str(drift)


def test_async_client_detects_drift(changed: str) -> None:
    async def run_client() -> None:
        async with tcia_client.AsyncClient(base_url=changed) as client:
            await client.get_modality_values()
            await client.get_modality_values()

    with pytest.warns(ContractDriftWarning) as caught:
        asyncio.run(run_client())
    assert len(caught) == 1


@pytest.mark.filterwarnings("ignore::tcia_client.MismatchWarning")
def test_on_drift_function_is_called_once_for_each_endpoint(changed: str) -> None:
    drifts: list[Drift] = []
    with Client(base_url=changed, on_drift=drifts.append, on_mismatch="warn") as client:
        for _ in range(3):
            client.get_modality_values()
            client.get_patient()
    assert [(d.endpoint, d.rules) for d in drifts] == [
        (ADDRESS, ("param-added-optional",)),
        ("TCIA/query/getPatient", ("attr-removed",)),
    ]


def test_on_drift_raise_raises_each_time(changed: str) -> None:
    with Client(base_url=changed, on_drift="raise") as client:
        for _ in range(2):
            with pytest.raises(ContractDriftError, match="param-added-optional") as caught:
                client.get_modality_values()
    again = pickle.loads(pickle.dumps(caught.value))
    assert again.drift == caught.value.drift


def test_drift_off_reports_nothing(changed: str) -> None:
    with Client(base_url=changed, on_drift="off") as client:
        assert client.get_modality_values()


@pytest.mark.parametrize("value", ["on", "", None, 3])
def test_on_drift_of_another_value_raises_parameter_error(value: Any) -> None:
    with pytest.raises(tcia_client.ParameterError, match="on_drift"):
        Client(on_drift=value)


@pytest.mark.parametrize(
    "fault",
    ["metadata-absent", "metadata-malformed", "metadata-huge@30000", "metadata-huge@90000"],
)
def test_unreadable_header_is_logged_at_debug_level_only(
    serve: Serve, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "tcia_client")
    with (
        serve("--fault", f"getModalityValues:{fault}") as server,
        Client(base_url=server.base_url, on_drift="raise") as client,
    ):
        assert client.get_modality_values()
        assert client.get_modality_values()
    logged = [r for r in caplog.records if "(wire-metadata-unreadable)" in r.getMessage()]
    assert [r.levelno for r in logged] == [logging.DEBUG]


@pytest.mark.parametrize(
    "header",
    ["", "{}", "[]", "null", "3", '"x"', '{"Result": 3}', '{"Parameters": {}}', "{", "[" * 10_000,
     '{"QueryName":"x","Description":"","Parameters":[3],"Result":{"Name":"","Attributes":[]}}',
     '{"Parameters":[{"Name":["x"]}],"Result":{"Name":"x","Attributes":[{}]}}'],
)  # fmt: skip
def test_check_headers_accepts_any_header(header: str) -> None:
    with Client(on_drift="raise") as client:
        client._detector.check_headers(GET_MODALITY_VALUES, {"metadata": header})


def test_assert_no_drift_lists_changed_endpoints(changed: str) -> None:
    with pytest.raises(AssertionError) as caught:
        assert_no_drift(changed)
    lines = str(caught.value).splitlines()
    assert [line.split()[0] for line in lines] == [ADDRESS, "TCIA/query/getPatient"]


def test_assert_no_drift_reports_an_unreachable_server_once() -> None:
    with pytest.raises(AssertionError, match="/metadata") as caught:
        assert_no_drift("http://127.0.0.1:9")
    assert len(str(caught.value).splitlines()) == 1


def test_pytest_plugin_registers_the_marker(changed: str, tmp_path: Path, root: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "import pytest\n"
        "from tcia_client.testing import assert_no_drift\n"
        "@pytest.mark.drift\n"
        f"def test_drift(): assert_no_drift({changed!r})\n"
        "def test_other(): pass\n"
    )
    source = root / "generated/tcia-client/src"
    command = [sys.executable, "-m", "pytest", "-q", "--strict-markers"]
    command += ["-p", "tcia_client.pytest_plugin", "-o", f"pythonpath={source}"]
    both = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "1 failed, 1 passed" in both.stdout
    without = subprocess.run(
        [*command, "-m", "not drift"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert "1 passed, 1 deselected" in without.stdout
