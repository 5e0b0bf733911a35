"""Open files: none is left by a download that failed, and no more than a few are open at once."""

import resource
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from files_client import Client

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
