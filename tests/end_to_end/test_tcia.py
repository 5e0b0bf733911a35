"""The v3 API from the embedded archive to the import: crawl, generate, query, download."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

import tcia_client
from tcia_client import models
from tciagen.archive.demo import DemoArchive
from tciagen.archive.running import RunningArchive, running_archive
from tciagen.config import read_config
from tciagen.crawl import crawl
from tciagen.documents.parsing import JsonObject

Run = Callable[..., subprocess.CompletedProcess[str]]
Call = Callable[..., Any]


@pytest.fixture(params=["sync", "async"])
def call(request: pytest.FixtureRequest, archive: RunningArchive) -> Call:
    """Call a method of the checked-in client by name, on either client."""
    if request.param == "sync":

        def call_sync(method: str, *args: object, **kwargs: object) -> Any:
            with tcia_client.Client(base_url=archive.base_url) as client:
                return getattr(client, method)(*args, **kwargs)

        return call_sync

    async def awaited(method: str, *args: object, **kwargs: object) -> Any:
        async with tcia_client.AsyncClient(base_url=archive.base_url) as client:
            return await getattr(client, method)(*args, **kwargs)

    return lambda method, *args, **kwargs: asyncio.run(awaited(method, *args, **kwargs))


@pytest.fixture(scope="module")
def one(archive: RunningArchive) -> Mapping[str, str]:
    """Return parameter values of the series with most images."""
    with tcia_client.Client(base_url=archive.base_url) as client:
        series = max(client.get_series(), key=lambda row: row.image_count)
        (study,) = client.get_patient_study(study_instance_uid=series.study_instance_uid)
        images = client.get_sop_instance_uids(series_instance_uid=series.series_instance_uid)
    return {
        "collection": series.collection,
        "modality": series.modality,
        "patient_id": study.patient_id,
        "series_instance_uid": series.series_instance_uid,
        "study_instance_uid": series.study_instance_uid,
        "sop_instance_uid": images[0].sop_instance_uid,
        "date": "2000-01-01",
        "name": "demo-ct",
    }


QUERIES = [
    ("get_collection_values", [], models.CollectionValue),
    ("get_modality_values", ["collection"], models.ModalityValue),
    ("get_body_part_values", ["modality"], models.BodyPartValue),
    ("get_manufacturer_values", ["collection"], models.ManufacturerValue),
    ("get_patient", ["collection"], models.Patient),
    ("patients_by_modality", ["collection", "modality"], models.PatientByModality),
    ("get_patient_study", ["collection", "patient_id"], models.PatientStudy),
    ("get_series", ["study_instance_uid"], models.Series),
    ("get_series_size", ["series_instance_uid"], models.SeriesSize),
    ("new_patients_in_collection", ["date", "collection"], models.NewPatient),
    ("new_studies_in_patient_collection", ["date", "collection", "patient_id"], models.NewStudy),
    ("get_sop_instance_uids", ["series_instance_uid"], models.SOPInstance),
]


@pytest.mark.parametrize(("method", "keys", "record"), QUERIES, ids=[q[0] for q in QUERIES])
def test_every_record_endpoint_returns_typed_rows(
    call: Call, one: Mapping[str, str], method: str, keys: list[str], record: type
) -> None:
    rows = call(method, **{key: one[key] for key in keys})
    assert rows
    assert all(type(row) is record for row in rows)


def test_shared_list_is_read_under_its_wire_name(
    call: Call, demo: DemoArchive, one: Mapping[str, str]
) -> None:
    uid = one["series_instance_uid"]
    subprocess.run(
        [sys.executable, "-m", "tciagen", "archive", "list", "my list", "--series", uid,
         "--catalog", demo.catalog],
        check=True,
    )  # fmt: skip
    (row,) = call("contents_by_name", name="my list")
    assert row == models.SharedListItem(series_instance_uid=tcia_client.UID(uid))


def test_series_and_single_image_are_downloaded(
    call: Call, one: Mapping[str, str], tmp_path: Path
) -> None:
    uid = one["series_instance_uid"]
    done = call("download_image", tmp_path / "series.zip", series_instance_uid=uid)
    assert (tmp_path / "series.zip").read_bytes()[:2] == b"PK"
    assert done.bytes == (tmp_path / "series.zip").stat().st_size
    image = call(
        "download_single_image",
        tmp_path / "image.dcm",
        series_instance_uid=uid,
        sop_instance_uid=one["sop_instance_uid"],
    )
    assert (tmp_path / "image.dcm").read_bytes()[128:132] == b"DICM"
    assert image.bytes == (tmp_path / "image.dcm").stat().st_size


def test_archive_serves_the_committed_documents(
    archive: RunningArchive, tcia_documents: Mapping[str, JsonObject], root: Path
) -> None:
    api = read_config(root / "pyproject.toml")["tcia-v3"]
    result = crawl(archive.base_url, api.addresses)
    result.require_complete()
    assert result.documents == tcia_documents


def test_bare_documents_with_an_overlay_generate_the_same_client(
    bare_archive: RunningArchive, root: Path, tmp_path: Path, tciagen: Run
) -> None:
    config = ["--config", root / "pyproject.toml", "--documents", tmp_path / "docs"]
    crawled = tciagen("crawl", *config, "--base-url", bare_archive.base_url)
    assert crawled.returncode == 0, crawled.stderr
    overlay = root / "generator/contracts/tcia-v3/overlay-bare.toml"
    done = tciagen("generate", *config, "--overlay", overlay, "--out", tmp_path / "out")
    assert (done.returncode, done.stderr) == (0, "")
    committed = root / "generated/tcia-client"
    for path in sorted(p for p in (tmp_path / "out").rglob("*") if p.is_file()):
        relative = path.relative_to(tmp_path / "out")
        if relative.name != ".tciagen.json":
            assert path.read_bytes() == (committed / relative).read_bytes(), relative


def accepts_connections(base_url: str) -> bool:
    address = urlsplit(base_url)
    try:
        with socket.create_connection((address.hostname or "", address.port or 80), timeout=5):
            return True
    except OSError:
        return False


def test_crawl_of_a_killed_archive_prints_one_error(
    demo: DemoArchive, root: Path, tmp_path: Path, tciagen: Run, wait_for: Callable[..., None]
) -> None:
    with running_archive(demo.catalog) as server:
        os.kill(server.pid, signal.SIGKILL)
        wait_for(lambda: not accepts_connections(server.base_url))
        arguments = ["--config", root / "pyproject.toml", "--documents", tmp_path / "docs"]
        done = tciagen("crawl", *arguments, "--base-url", server.base_url)
    assert done.returncode == 4
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith("tciagen: error: 0 of 15 documents are valid")
    assert not list(tmp_path.rglob("*.json"))


TYPED_WRONGLY = """
from tcia_client import AsyncClient, Client

def sync(client: Client) -> None:
    client.get_series_size()
    client.get_series(colection="x")
    client.get_series(collection=3)
    client.get_series(format="zip")
    client.new_patients_in_collection(date=20200101, collection="x")
    for row in client.get_series():
        row.image_count = 3
        row.series_number.lower()

async def asynchronous(client: AsyncClient) -> None:
    len(client.get_series())
    (await client.get_series())[0].nothing
"""


def test_type_checker_reports_wrong_calls(root: Path, tmp_path: Path) -> None:
    (tmp_path / "wrong.py").write_text(TYPED_WRONGLY)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file", os.devnull, "wrong.py"],
        cwd=tmp_path,
        env={**os.environ, "MYPYPATH": str(root / "generated/tcia-client/src")},
        capture_output=True,
        text=True,
        check=False,
    )
    output = [line.split(":")[1] for line in done.stdout.splitlines() if ": error:" in line]
    assert sorted(set(map(int, output))) == [5, 6, 7, 8, 9, 11, 12, 15, 16]
