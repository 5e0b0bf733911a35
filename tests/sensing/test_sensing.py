"""The client senses over HTTP that a server has moved on, and says so once."""

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
from tcia_client._runtime.drift import detector as sensing
from tcia_client.testing import assert_no_drift
from tciagen.archive.demo import DemoArchive
from tciagen.archive.running import RunningArchive, running_archive

Serve = Callable[..., AbstractContextManager[RunningArchive]]
ADDRESS = "TCIA/query/getModalityValues"


@pytest.fixture(scope="module")
def changed(
    demo: DemoArchive, root: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A server with one optional parameter more, and one attribute less."""
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
    """Each test is a process of its own as to what was warned of."""
    monkeypatch.setattr(sensing, "_WARNED", set())


@pytest.fixture
def serve(demo: DemoArchive) -> Serve:
    return lambda *options: running_archive(demo.catalog, options=options)


def test_an_unchanged_server_gives_no_warning(serve: Serve) -> None:
    with serve() as server, Client(base_url=server.base_url) as client:
        assert client.get_modality_values()
        assert client.get_series()
        assert_no_drift(server.base_url)


def test_one_difference_is_one_warning_however_many_answers(changed: str) -> None:
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


def test_the_async_client_senses_as_well(changed: str) -> None:
    async def ask() -> None:
        async with tcia_client.AsyncClient(base_url=changed) as client:
            await client.get_modality_values()
            await client.get_modality_values()

    with pytest.warns(ContractDriftWarning) as caught:
        asyncio.run(ask())
    assert len(caught) == 1


@pytest.mark.filterwarnings("ignore::tcia_client.MismatchWarning")
def test_a_function_is_given_the_drift_once_for_each_endpoint(changed: str) -> None:
    given: list[Drift] = []
    with Client(base_url=changed, on_drift=given.append, on_mismatch="warn") as client:
        for _ in range(3):
            client.get_modality_values()
            client.get_patient()
    assert [(d.endpoint, d.rules) for d in given] == [
        (ADDRESS, ("param-added-optional",)),
        ("TCIA/query/getPatient", ("attr-removed",)),
    ]


def test_raise_is_an_error_each_time(changed: str) -> None:
    with Client(base_url=changed, on_drift="raise") as client:
        for _ in range(2):
            with pytest.raises(ContractDriftError, match="param-added-optional") as caught:
                client.get_modality_values()
    again = pickle.loads(pickle.dumps(caught.value))
    assert again.drift == caught.value.drift


def test_off_is_off(changed: str) -> None:
    with Client(base_url=changed, on_drift="off") as client:
        assert client.get_modality_values()


@pytest.mark.parametrize("value", ["on", "", None, 3])
def test_another_mode_is_refused(value: Any) -> None:
    with pytest.raises(tcia_client.ParameterError, match="on_drift"):
        Client(on_drift=value)


@pytest.mark.parametrize(
    "fault",
    ["metadata-absent", "metadata-malformed", "metadata-huge@30000", "metadata-huge@90000"],
)
def test_a_header_that_says_nothing_is_told_at_debug_level_only(
    serve: Serve, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "tcia_client")
    with (
        serve("--fault", f"getModalityValues:{fault}") as server,
        Client(base_url=server.base_url, on_drift="raise") as client,
    ):
        assert client.get_modality_values()
        assert client.get_modality_values()
    told = [r for r in caplog.records if "(wire-metadata-unreadable)" in r.getMessage()]
    assert [r.levelno for r in told] == [logging.DEBUG]


@pytest.mark.parametrize(
    "header",
    ["", "{}", "[]", "null", "3", '"x"', '{"Result": 3}', '{"Parameters": {}}', "{", "[" * 10_000,
     '{"QueryName":"x","Description":"","Parameters":[3],"Result":{"Name":"","Attributes":[]}}',
     '{"Parameters":[{"Name":["x"]}],"Result":{"Name":"x","Attributes":[{}]}}'],
)  # fmt: skip
def test_no_header_makes_sensing_itself_fail(header: str) -> None:
    with Client(on_drift="raise") as client:
        client._detector.check_headers(GET_MODALITY_VALUES, {"metadata": header})


def test_a_whole_suite_can_assert_that_nothing_has_drifted(changed: str) -> None:
    with pytest.raises(AssertionError) as caught:
        assert_no_drift(changed)
    lines = str(caught.value).splitlines()
    assert [line.split()[0] for line in lines] == [ADDRESS, "TCIA/query/getPatient"]


def test_a_server_out_of_reach_is_told_once() -> None:
    with pytest.raises(AssertionError, match="/metadata") as caught:
        assert_no_drift("http://127.0.0.1:9")
    assert len(str(caught.value).splitlines()) == 1


def test_the_marker_is_known_to_pytest(changed: str, tmp_path: Path, root: Path) -> None:
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
