"""Limits of what a download writes."""

import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from files_client import names

from _runtime.downloads.public import LimitError, Limits

CLIENTS = ("sync",)
SERIES = "1.2.3.4"
MEGABYTE = 1_000_000


@pytest.fixture
def fetch(run_client: Callable[..., Any], server: Any, tmp_path: Path) -> Any:
    def fetched(target: str = "in", **options: Any) -> Any:
        return run_client(
            server.base_url,
            lambda c: c.download_image(tmp_path / target, series_instance_uid=SERIES, **options),
        )

    return fetched


def test_segmentation_packed_1000_to_1_is_unpacked(
    fetch: Any, make: SimpleNamespace, server: Any
) -> None:
    body = make.zipped([("1-1.dcm", make.dicom(size=80 * MEGABYTE, fill=bytes(256)))])
    assert len(body) * 900 < 80 * MEGABYTE
    server.replies(body)
    assert fetch().bytes > 80 * MEGABYTE


def test_no_compression_exceeds_the_ratio_of_deflate(make: SimpleNamespace) -> None:
    body = make.zipped([("zeros", bytes(64 * MEGABYTE))], method=zipfile.ZIP_DEFLATED)
    assert len(body) * 1032 > 64 * MEGABYTE


BEYOND = [
    ("members", 1, 3),
    ("member_bytes", MEGABYTE, 3 * MEGABYTE),
    ("total_bytes", 2 * MEGABYTE, 5 * MEGABYTE),
    ("free_bytes", 2**60, 0),
]


@pytest.mark.parametrize(("limit", "low", "enough"), BEYOND, ids=[limit for limit, *_ in BEYOND])
def test_advice_of_each_limit_error_raises_the_limit(
    fetch: Any,
    make: SimpleNamespace,
    server: Any,
    tmp_path: Path,
    *,
    limit: str,
    low: int,
    enough: int,
) -> None:
    images = [(f"{n}.dcm", make.dicom(number=n, size=2 * MEGABYTE, fill=b"\0")) for n in (1, 2)]
    server.replies(make.zipped(images))
    with pytest.raises(LimitError) as caught:
        fetch(limits=Limits(**{limit: low}))
    assert caught.value.limit == limit
    assert f"limits=Limits({limit}=…)" in (caught.value.advice or "")
    assert names(tmp_path) == []
    assert len(fetch(limits=Limits(**{limit: enough})).files) == 2


@pytest.mark.parametrize("target", ["in", "in.zip"])
def test_download_stops_before_the_disk_is_full(
    fetch: Any, make: SimpleNamespace, server: Any, tmp_path: Path, target: str
) -> None:
    server.replies(make.zipped([("1.dcm", make.dicom(size=90 * MEGABYTE, fill=bytes(256)))]))
    free = shutil.disk_usage(tmp_path).free
    with pytest.raises(LimitError, match="would stay free on the disk of"):
        fetch(
            target,
            limits=Limits(free_bytes=max(free - 20 * MEGABYTE, 1) if target == "in" else 2**60),
        )
    assert names(tmp_path) == []


def test_announced_length_beyond_free_space_fails_before_the_body_arrives(
    fetch: Any, make: SimpleNamespace, server: Any, tmp_path: Path
) -> None:
    body = make.series_zip()
    server.replies(make.Reply(body, sent=0))
    with pytest.raises(LimitError, match="would stay free"):
        fetch(limits=Limits(free_bytes=2**60))
    assert len(server.requests) == 1
    assert names(tmp_path) == []
