"""The memory of a client that downloads a series of 1 GB from the embedded archive."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom import Dataset, dcmread, dcmwrite
from pydicom.uid import generate_uid

from tciagen.archive.demo import DemoArchive
from tciagen.archive.running import running_archive

IMAGES, PIXEL_BYTES = 100, 10_000_000
SCRIPT = """
import asyncio, sys
import tcia_client

kind, base_url, small, large, folder = sys.argv[1:]

def peak():
    # Not ru_maxrss, which a process inherits from its parent.
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))

def report(before, done):
    print(done.bytes, len(done.files), (peak() - before) * 1024)

def blocking():
    with tcia_client.Client(base_url=base_url) as client:
        client.download_image(folder + "/small", series_instance_uid=small)
        before = peak()
        report(before, client.download_image(folder + "/large", series_instance_uid=large))

async def awaiting():
    async with tcia_client.AsyncClient(base_url=base_url) as client:
        await client.download_image(folder + "/small", series_instance_uid=small)
        before = peak()
        report(before, await client.download_image(folder + "/large", series_instance_uid=large))

blocking() if kind == "sync" else asyncio.run(awaiting())
"""


def image(template: Dataset, series_uid: str, number: int) -> Dataset:
    """Return an image of a series, with its identity and without pixels."""
    dataset = Dataset()
    dataset.file_meta = template.file_meta
    dataset.update({element.tag: element for element in template if element.tag < 0x7FE00000})
    dataset.SeriesInstanceUID = series_uid
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset.InstanceNumber = number
    return dataset


@pytest.fixture(scope="module")
def served(
    demo: DemoArchive, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, str, str]]:
    """A BaseURL and two series of its archive: one of a small image, and one of 1 GB."""
    folder = tmp_path_factory.mktemp("gigabyte")
    template = dcmread(next(demo.folder.rglob("*.dcm")))
    noise = os.urandom(1_000_000)
    uids = [generate_uid(), generate_uid()]
    for uid, count, size in ((uids[0], 1, 1000), (uids[1], IMAGES, PIXEL_BYTES)):
        for number in range(1, count + 1):
            dataset = image(template, uid, number)
            dataset.add_new("PixelData", "OW", noise * (size // len(noise)) or noise[:size])
            path = folder / f"{uid[-12:]}-{number}.dcm"
            dcmwrite(path, dataset, enforce_file_format=True)
    catalog = folder / "catalog.sqlite"
    command = [sys.executable, "-m", "tciagen.archive", "index", str(folder)]
    subprocess.run([*command, "--catalog", str(catalog)], check=True, capture_output=True)
    with running_archive(catalog, options=["--zip-level", "0"]) as server:
        yield server.base_url, uids[0], uids[1]
    shutil.rmtree(folder)


@pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="/proc does not report the peak memory"
)
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_download_of_a_gigabyte_needs_less_than_30_mb_of_memory(
    served: tuple[str, str, str], kind: str, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", SCRIPT, kind, *served, str(tmp_path)]
    path = [*sys.path, os.environ.get("PYTHONPATH", "")]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, path))},
    )
    assert done.returncode == 0, done.stderr
    size, files, grown = map(int, done.stdout.split())
    shutil.rmtree(tmp_path / "large")
    assert files == IMAGES
    assert size > 1_000_000_000
    assert grown < 30_000_000
