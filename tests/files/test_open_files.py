"""Open files: none is left by a download that failed, and no more than a few are open at once."""

import asyncio
import fcntl
import gc
import resource
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from files_client import AsyncClient, Client

from _runtime.downloads.part import Lock
from _runtime.errors import ApiError
from _runtime.http.retry import Retry

UID = "1.2.3"


def open_below(folder: Path) -> list[str]:
    """Return the names of this process's open files below a folder."""
    links: list[str] = []
    for entry in Path("/proc/self/fd").iterdir():
        try:
            links.append(str(entry.readlink()))
        except FileNotFoundError:  # that of the list itself
            continue
    return [link for link in links if link.startswith(f"{folder}/")]


@pytest.fixture
def few_descriptors() -> Iterator[int]:
    """Let this process open 60 files more than it has, and return that number."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    used = {int(entry.name) for entry in Path("/proc/self/fd").iterdir()}
    free = [number for number in range(soft) if number not in used]
    resource.setrlimit(resource.RLIMIT_NOFILE, (free[60], hard))
    yield 60
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("keep_zip", [False, True])
def test_download_that_fails_leaves_no_open_file(
    make: SimpleNamespace, server: Any, tmp_path: Path, *, keep_zip: bool
) -> None:
    body = make.zipped([("1.dcm", make.dicom(series=UID) + bytes(200_000))])
    server.replies(make.Reply(body, sent=len(body) - 300))
    with Client(base_url=server.base_url, retry=Retry(attempts=1)) as client:
        with pytest.raises(ApiError) as caught:
            client.download_image(tmp_path, series_instance_uid=UID, keep_zip=keep_zip)
        assert open_below(tmp_path) == []
        assert caught.value.endpoint == "TCIA/query/getImage"


def test_download_of_many_files_has_few_open(
    make: SimpleNamespace, server: Any, tmp_path: Path, few_descriptors: int
) -> None:
    images = [(f"{n}.dcm", make.dicom(series=UID, number=n)) for n in range(1, few_descriptors * 2)]
    server.replies(make.zipped(images))
    with Client(base_url=server.base_url) as client:
        done = client.download_image(tmp_path, series_instance_uid=UID)
    assert len(done.files) == len(images)
    assert open_below(tmp_path) == []


def test_async_download_that_fails_closes_the_generator_of_its_chunks(
    make: SimpleNamespace, server: Any, tmp_path: Path
) -> None:
    # asyncio would close it later, and warn if its loop has ended by then.
    server.replies(make.series_zip())
    begun: list[Any] = []

    def refuse(_received: int, _total: int | None) -> None:
        raise LookupError

    async def run() -> None:
        sys.set_asyncgen_hooks(firstiter=begun.append)
        async with AsyncClient(base_url=server.base_url) as client:
            with pytest.raises(LookupError):
                await client.download_image(tmp_path, series_instance_uid=UID, progress=refuse)
            ours = [one for one in begun if "_runtime" in one.ag_code.co_filename]
            assert len(ours) == 1
            assert ours[0].ag_frame is None

    asyncio.run(run())


def test_lock_file_that_its_holder_removes_meanwhile_is_closed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    holder, other = Lock(tmp_path / "series"), Lock(tmp_path / "series")
    holder.acquire()
    flock = fcntl.flock

    def released(descriptor: int, operation: int) -> None:
        holder.release()
        flock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", released)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        other.acquire()
        assert other.held
        gc.collect()
    assert caught == []
    assert open_below(tmp_path) == [str(tmp_path / "series.lock.part")]
    other.release()
    assert list(tmp_path.iterdir()) == []
