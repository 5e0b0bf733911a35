"""Downloads from the embedded archive: complete, checked, under the requested names."""

import filecmp
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pydicom
import pytest
from files_client import names

from _runtime.downloads.public import (
    CorruptDownloadError,
    Download,
    Expected,
    NoFileError,
    NotAFileError,
    VerificationError,
)
from _runtime.errors import IncompleteResponseError
from tciagen.archive.demo import DemoArchive
from tciagen.archive.running import RunningArchive, running_archive

SERIES = "1.2.3.4"


@pytest.fixture(scope="session")
def originals(demo: DemoArchive) -> dict[str, dict[str, Path]]:
    """The demo's files by series and object, of the series with more than one."""
    found: dict[str, dict[str, Path]] = {}
    for path in sorted((demo.folder / "images").glob("*/0*/*.dcm")):
        header = pydicom.dcmread(path, stop_before_pixels=True)
        found.setdefault(header.SeriesInstanceUID, {})[header.SOPInstanceUID] = path
    return {uid: files for uid, files in found.items() if len(files) > 1}


@pytest.fixture(scope="session")
def one(originals: dict[str, dict[str, Path]]) -> tuple[str, dict[str, Path]]:
    return next(iter(originals.items()))


def test_series_is_unpacked_with_the_bytes_of_the_archive(
    run_client: Callable[..., Any], archive: RunningArchive, one: Any, tmp_path: Path
) -> None:
    uid, files = one
    done = run_client(
        archive.base_url,
        lambda c: c.download_image(
            tmp_path / "new" / "place",
            series_instance_uid=uid,
            names="sop-instance-uid",
            expect=Expected(
                sop_instance_uids=files,
                count=len(files),
                bytes=sum(path.stat().st_size for path in files.values()),
            ),
        ),
    )
    assert isinstance(done, Download)
    assert done.path == tmp_path / "new" / "place" / uid
    assert len(done.files) == len(files)
    for path in done.files:
        assert filecmp.cmp(path, files[path.stem], shallow=False)
    assert done.bytes == sum(path.stat().st_size for path in done.files)
    assert set(done.checks) == {
        "crc32",
        "directory",
        "imageCount",
        "results.json",
        "DICOM",
        "SeriesInstanceUID",
        "expected UIDs",
        "expected count",
        "expected bytes",
    }
    assert (done.differences, done.existed) == ((), False)
    assert names(tmp_path / "new" / "place") == [
        uid,
        *(f"{uid}/{p.name}" for p in sorted(done.files)),
    ]


def test_names_option_determines_the_names_of_files(
    run_client: Callable[..., Any], archive: RunningArchive, one: Any, tmp_path: Path
) -> None:
    uid, files = one
    server = run_client(
        archive.base_url, lambda c: c.download_image(tmp_path / "a", series_instance_uid=uid)
    )
    assert {p.relative_to(server.path).as_posix() for p in server.files} == {
        f"images/{n}.dcm" for n in range(len(files))
    }
    numbered = run_client(
        archive.base_url,
        lambda c: c.download_image(
            tmp_path / "b", series_instance_uid=uid, names="instance-number"
        ),
    )
    assert [p.name for p in numbered.files] == [f"{n + 1:05}.dcm" for n in range(len(files))]


def test_keep_zip_saves_the_archive(
    run_client: Callable[..., Any], archive: RunningArchive, one: Any, tmp_path: Path
) -> None:
    uid, files = one
    named = run_client(
        archive.base_url,
        lambda c: c.download_image(tmp_path / "x" / "series.ZIP", series_instance_uid=uid),
    )
    kept = run_client(
        archive.base_url,
        lambda c: c.download_image(tmp_path, series_instance_uid=uid, keep_zip=True),
    )
    assert (named.path, kept.path) == (tmp_path / "x" / "series.ZIP", tmp_path / f"{uid}.zip")
    assert named.files == (named.path,)
    assert named.bytes == named.path.stat().st_size
    assert {"crc32", "imageCount", "SeriesInstanceUID"} < set(named.checks)
    with zipfile.ZipFile(kept.path) as archive_file:
        assert len(archive_file.namelist()) == len(files) + 2


def test_single_image_is_written_as_one_file(
    run_client: Callable[..., Any], archive: RunningArchive, one: Any, tmp_path: Path
) -> None:
    uid, files = one
    sop, original = next(iter(files.items()))
    keys = {"series_instance_uid": uid, "sop_instance_uid": sop}
    done = run_client(
        archive.base_url, lambda c: c.download_single_image(tmp_path / "a.dcm", **keys)
    )
    assert filecmp.cmp(done.path, original, shallow=False)
    assert set(done.checks) >= {"DICOM", "SeriesInstanceUID", "SOPInstanceUID"}
    inside = run_client(
        archive.base_url, lambda c: c.download_single_image(f"{tmp_path}/new/", **keys)
    )
    assert inside.path == tmp_path / "new" / f"{sop}.dcm"


def test_unknown_series_raises_no_file_error(
    run_client: Callable[..., Any], archive: RunningArchive, tmp_path: Path
) -> None:
    with pytest.raises(NoFileError, match="archive is empty"):
        run_client(
            archive.base_url, lambda c: c.download_image(tmp_path, series_instance_uid="1.2.3")
        )
    assert names(tmp_path) == []


FAULTS = {
    "zip-left-out@1": (VerificationError, r"error retrieving file|getSeriesSize states \d+"),
    "zip-cut-short@1": (VerificationError, r"error retrieving file|getSeriesSize states \d+"),
    "zip-no-directory": (CorruptDownloadError, "cut short"),
    "truncate@3000": (IncompleteResponseError, "connection broke"),
    "html": (NotAFileError, "HTML page"),
    "sentence": (NotAFileError, "closed for maintenance"),
    "empty": (NoFileError, "empty"),
    "no-content": (NoFileError, "204"),
}


@pytest.mark.parametrize("layout", ["blob", "image"])
@pytest.mark.parametrize("fault", FAULTS)
def test_download_of_a_faulty_response_fails_and_leaves_nothing(
    run_client: Callable[..., Any],
    demo: DemoArchive,
    one: Any,
    tmp_path: Path,
    fault: str,
    layout: str,
) -> None:
    kind, words = FAULTS[fault]
    options = ["--files", layout, "--fault", f"getImage:{fault}"]
    with running_archive(demo.catalog, options=options) as faulty:
        for target in (tmp_path / "x", tmp_path / "x.zip"):
            with pytest.raises(kind, match=words) as caught:
                run_client(
                    faulty.base_url,
                    lambda c, t=target: c.download_counted(t, series_instance_uid=one[0]),
                )
            assert names(tmp_path) == []
    if isinstance(caught.value, VerificationError):
        assert caught.value.seconds > 0
        assert caught.value.checks
        if layout == "image":  # the other layout does not state which file is missing
            missing = list(one[1])[1]
            assert missing in {difference.subject for difference in caught.value.differences}
            assert missing in str(caught.value)


def test_download_is_retried_after_rate_limit(
    run_client: Callable[..., Any], demo: DemoArchive, one: Any, tmp_path: Path
) -> None:
    with running_archive(demo.catalog, options=["--fault", "getImage:status-503@2"]) as faulty:
        done = run_client(
            faulty.base_url, lambda c: c.download_image(tmp_path, series_instance_uid=one[0])
        )
    assert len(done.files) == len(one[1])
