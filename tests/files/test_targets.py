"""Targets of downloads: earlier content, existing files, and cancelled downloads."""

import asyncio
import io
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from files_client import AsyncClient, names

from _runtime.downloads.public import (
    CorruptDownloadError,
    Download,
    DownloadError,
    Expected,
    NotAFileError,
)
from _runtime.errors import NotFoundError, ParameterError
from _runtime.http.retry import Retry

SERIES = "1.2.3.4"


def test_existing_files_are_replaced_only_by_a_complete_download(
    run_client: Callable[..., Any], make: SimpleNamespace, server: Any, tmp_path: Path
) -> None:
    old = tmp_path / SERIES
    old.mkdir()
    (old / "old.dcm").write_bytes(b"old")
    server.replies(make.series_zip()[:-10])
    with pytest.raises(CorruptDownloadError):
        run_client(
            server.base_url, lambda c: c.download_image(tmp_path, series_instance_uid=SERIES)
        )
    assert names(tmp_path) == [SERIES, f"{SERIES}/old.dcm"]
    server.replies(make.series_zip(1))
    run_client(server.base_url, lambda c: c.download_image(tmp_path, series_instance_uid=SERIES))
    assert names(tmp_path / SERIES) == ["images", "images/0.dcm", "old.dcm"]


def test_leftovers_of_a_killed_download_are_removed(
    run_client: Callable[..., Any], make: SimpleNamespace, server: Any, tmp_path: Path
) -> None:
    (tmp_path / f"{SERIES}.part").mkdir()
    (tmp_path / f"{SERIES}.part" / "half.dcm").write_bytes(b"half")
    server.replies(make.series_zip(1))
    run_client(server.base_url, lambda c: c.download_image(tmp_path, series_instance_uid=SERIES))
    assert names(tmp_path) == [SERIES, f"{SERIES}/images", f"{SERIES}/images/0.dcm"]


def test_file_at_the_destination_of_a_folder_fails_before_any_request(
    run_client: Callable[..., Any], server: Any, tmp_path: Path
) -> None:
    (tmp_path / SERIES).write_bytes(b"mine")
    with pytest.raises(NotADirectoryError):
        run_client(
            server.base_url, lambda c: c.download_image(tmp_path, series_instance_uid=SERIES)
        )
    assert (server.requests, (tmp_path / SERIES).read_bytes()) == ([], b"mine")


def test_unknown_options_are_refused(
    run_client: Callable[..., Any], server: Any, tmp_path: Path
) -> None:
    with pytest.raises(ParameterError, match="cannot be 'uid'"):
        run_client(
            server.base_url,
            lambda c: c.download_image(tmp_path, series_instance_uid=SERIES, names="uid"),
        )
    with pytest.raises(TypeError, match="nmes"):
        run_client(
            server.base_url,
            lambda c: c.download_image(tmp_path, series_instance_uid=SERIES, nmes="server"),
        )
    assert server.requests == []


def test_existing_files_that_pass_the_checks_are_retained(
    run_client: Callable[..., Any], make: SimpleNamespace, server: Any, tmp_path: Path
) -> None:
    server.replies(make.series_zip(3))

    def fetch(target: Path, **options: object) -> Download:
        done: Download = run_client(
            server.base_url,
            lambda c: c.download_image(
                target, series_instance_uid=SERIES, existing="keep", **options
            ),
        )
        return done

    for target in (tmp_path, tmp_path / "a.zip"):
        first, again = fetch(target), fetch(target)
        assert (first.existed, again.existed) == (False, True)
        assert (again.path, set(again.files), again.bytes) == (
            first.path,
            set(first.files),
            first.bytes,
        )
    spoiled = fetch(tmp_path).files[1]
    spoiled.write_bytes(b"spoiled")
    assert not fetch(tmp_path).existed
    assert spoiled.read_bytes()[128:132] == b"DICM"
    assert fetch(tmp_path, expect=Expected(count=3)).existed
    spoiled.unlink()
    assert not fetch(tmp_path, expect=Expected(count=3)).existed
    zip_body = bytearray((tmp_path / "a.zip").read_bytes())
    zip_body[80] ^= 1
    (tmp_path / "a.zip").write_bytes(zip_body)
    assert not fetch(tmp_path / "a.zip").existed


def test_progress_reports_bytes_and_its_exception_cancels_the_download(
    run_client: Callable[..., Any], make: SimpleNamespace, server: Any, tmp_path: Path
) -> None:
    body = make.series_zip(2)
    server.replies(body)
    seen: list[tuple[int, int | None]] = []
    run_client(
        server.base_url,
        lambda c: c.download_image(
            tmp_path / "a", series_instance_uid=SERIES, progress=lambda *counts: seen.append(counts)
        ),
    )
    assert seen[-1] == (len(body), len(body))
    assert seen == sorted(seen)

    def enough(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_client(
            server.base_url,
            lambda c: c.download_image(
                tmp_path / "b" / "c", series_instance_uid=SERIES, progress=enough
            ),
        )
    assert names(tmp_path / "a")
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize("target", ["x", "x.zip"])
def test_cancelled_task_leaves_no_file(
    make: SimpleNamespace, server: Any, tmp_path: Path, target: str
) -> None:
    hold = threading.Event()
    server.replies(make.Reply(make.series_zip(), sent=2000, hold=hold))

    async def run() -> None:
        started = asyncio.Event()
        async with AsyncClient(base_url=server.base_url) as client:
            task = asyncio.create_task(
                client.download_image(
                    tmp_path / target, series_instance_uid=SERIES, progress=lambda *_: started.set()
                )
            )
            await started.wait()
            assert [path.name for path in tmp_path.rglob("*.part")]
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        hold.set()

    asyncio.run(run())
    assert names(tmp_path) == []


def test_closed_iterator_closes_the_response(
    client: Any, make: SimpleNamespace, server: Any
) -> None:
    server.replies(make.series_zip())
    for _ in range(20):
        chunks = client.streaming.download_image(series_instance_uid=SERIES)
        assert next(chunks)[:2] == b"PK"
        chunks.close()
    raw = client.with_raw_response.download_image(series_instance_uid=SERIES).content
    assert zipfile.ZipFile(io.BytesIO(raw)).namelist()


def test_second_download_to_the_same_destination_fails(
    client: Any, make: SimpleNamespace, server: Any, tmp_path: Path
) -> None:
    server.replies(make.series_zip())
    seen: list[Any] = []

    def second(*_: object) -> None:
        if not seen:
            seen.append(1)
            with pytest.raises(
                DownloadError, match=f"another download to .*{SERIES} is in progress"
            ):
                client.download_image(tmp_path, series_instance_uid=SERIES)

    assert client.download_image(tmp_path, series_instance_uid=SERIES, progress=second).files
    assert seen
    assert [path.name for path in tmp_path.iterdir()] == [SERIES]
    assert len(names(tmp_path / SERIES)) == 4
    assert client.download_image(tmp_path, series_instance_uid=SERIES).files


def test_error_status_is_no_file(
    run_client: Callable[..., Any], make: SimpleNamespace, server: Any, tmp_path: Path
) -> None:
    server.replies(make.Reply(b"no", status=404))
    with pytest.raises(NotFoundError):
        run_client(server.base_url, lambda c: c.download_plan(tmp_path / "a.pdf", vessel_id="1"))
    assert names(tmp_path) == []


def test_api_key_is_in_no_download_error(
    run_client: Callable[..., Any], make: SimpleNamespace, server: Any, tmp_path: Path
) -> None:
    server.replies(b"your key sesame-7 is not valid")
    with pytest.raises(NotAFileError) as caught:
        run_client(
            server.base_url,
            lambda c: c.download_image(tmp_path, series_instance_uid=SERIES),
            api_key="sesame-7",
            retry=Retry(attempts=1),
        )
    assert "sesame-7" not in f"{caught.value} {caught.value!r} {vars(caught.value)}"


def test_api_key_in_names_of_an_archive_is_redacted_in_errors(
    run_client: Callable[..., Any], make: SimpleNamespace, server: Any, tmp_path: Path
) -> None:
    def message(body: bytes, key: str) -> str:
        server.replies(body)
        with pytest.raises(DownloadError) as caught:
            run_client(
                server.base_url,
                lambda c: c.download_image(tmp_path / "x", series_instance_uid=SERIES),
                api_key=key,
                retry=Retry(attempts=1),
            )
        return str(caught.value)

    unsafe = make.zipped([("../member", b"")])
    assert "member '../<api_key>' of the ZIP archive leads out" in message(unsafe, "member")
    another = make.zipped([("SeriesInstanceUID.dcm", make.dicom(series="9.9"))])
    words = message(another, "SeriesInstanceUID")
    assert "<api_key>.dcm: its SeriesInstanceUID is 9.9, not 1.2.3.4" in words
    assert "its SeriesInstanceUID is <api_key>, not 1.2.3.4" in message(another, "9.9")
