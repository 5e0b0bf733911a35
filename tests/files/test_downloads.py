"""Downloads from the embedded archive and a scripted server: whole, checked, in their place."""

import asyncio
import filecmp
import io
import json
import pickle
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pydicom
import pytest
from files_client import AsyncClient

from _runtime.download import (
    DamagedError,
    Download,
    DownloadError,
    Expected,
    LimitError,
    Limits,
    NoFileError,
    NotAFileError,
    UnsafeArchiveError,
    VerificationError,
)
from _runtime.errors import BrokenStreamError, NotFoundError, ParameterError
from _runtime.retry import Retry
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


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_a_series_is_unpacked_with_the_bytes_of_the_archive(
    ask: Callable[..., Any], archive: RunningArchive, one: Any, tmp_path: Path
) -> None:
    uid, files = one
    done = ask(
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
    assert (done.differences, done.kept) == ((), False)
    assert names(tmp_path / "new" / "place") == [
        uid,
        *(f"{uid}/{p.name}" for p in sorted(done.files)),
    ]


def test_files_are_named_as_the_caller_chooses(
    ask: Callable[..., Any], archive: RunningArchive, one: Any, tmp_path: Path
) -> None:
    uid, files = one
    server = ask(
        archive.base_url, lambda c: c.download_image(tmp_path / "a", series_instance_uid=uid)
    )
    assert {p.relative_to(server.path).as_posix() for p in server.files} == {
        f"images/{n}.dcm" for n in range(len(files))
    }
    numbered = ask(
        archive.base_url,
        lambda c: c.download_image(
            tmp_path / "b", series_instance_uid=uid, names="instance-number"
        ),
    )
    assert [p.name for p in numbered.files] == [f"{n + 1:05}.dcm" for n in range(len(files))]


def test_a_series_is_kept_as_a_zip(
    ask: Callable[..., Any], archive: RunningArchive, one: Any, tmp_path: Path
) -> None:
    uid, files = one
    named = ask(
        archive.base_url,
        lambda c: c.download_image(tmp_path / "x" / "series.ZIP", series_instance_uid=uid),
    )
    kept = ask(
        archive.base_url,
        lambda c: c.download_image(tmp_path, series_instance_uid=uid, keep_zip=True),
    )
    assert (named.path, kept.path) == (tmp_path / "x" / "series.ZIP", tmp_path / f"{uid}.zip")
    assert named.files == (named.path,)
    assert named.bytes == named.path.stat().st_size
    assert {"crc32", "imageCount", "SeriesInstanceUID"} < set(named.checks)
    with zipfile.ZipFile(kept.path) as archive_file:
        assert len(archive_file.namelist()) == len(files) + 2


def test_one_object_is_one_file(
    ask: Callable[..., Any], archive: RunningArchive, one: Any, tmp_path: Path
) -> None:
    uid, files = one
    sop, original = next(iter(files.items()))
    keys = {"series_instance_uid": uid, "sop_instance_uid": sop}
    done = ask(archive.base_url, lambda c: c.download_single_image(tmp_path / "a.dcm", **keys))
    assert filecmp.cmp(done.path, original, shallow=False)
    assert set(done.checks) >= {"DICOM", "SeriesInstanceUID", "SOPInstanceUID"}
    inside = ask(archive.base_url, lambda c: c.download_single_image(f"{tmp_path}/new/", **keys))
    assert inside.path == tmp_path / "new" / f"{sop}.dcm"


def test_an_unknown_series_is_an_error_that_says_so(
    ask: Callable[..., Any], archive: RunningArchive, tmp_path: Path
) -> None:
    with pytest.raises(NoFileError, match="archive is empty"):
        ask(archive.base_url, lambda c: c.download_image(tmp_path, series_instance_uid="1.2.3"))
    assert names(tmp_path) == []


FAULTS = {
    "zip-left-out@1": (VerificationError, "error retrieving file"),
    "zip-cut-short@1": (VerificationError, "error retrieving file"),
    "zip-no-directory": (DamagedError, "cut short"),
    "truncate@3000": (BrokenStreamError, "connection broke"),
    "html": (NotAFileError, "HTML page"),
    "sentence": (NotAFileError, "closed for maintenance"),
    "empty": (NoFileError, "empty"),
    "no-content": (NoFileError, "204"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_answer_fails_and_leaves_nothing(
    ask: Callable[..., Any], demo: DemoArchive, one: Any, tmp_path: Path, fault: str
) -> None:
    kind, words = FAULTS[fault]
    with running_archive(demo.catalog, options=["--fault", f"getImage:{fault}"]) as faulty:
        for target in (tmp_path / "x", tmp_path / "x.zip"):
            with pytest.raises(kind, match=words) as caught:
                ask(
                    faulty.base_url,
                    lambda c, t=target: c.download_image(t, series_instance_uid=one[0]),
                )
            assert names(tmp_path) == []
    if isinstance(caught.value, VerificationError):
        missing = list(one[1])[1]
        assert missing in {difference.subject for difference in caught.value.differences}
        assert missing in str(caught.value)
        assert caught.value.seconds > 0
        assert caught.value.checks


def test_refusals_of_the_server_are_waited_out(
    ask: Callable[..., Any], demo: DemoArchive, one: Any, tmp_path: Path
) -> None:
    with running_archive(demo.catalog, options=["--fault", "getImage:status-503@2"]) as faulty:
        done = ask(
            faulty.base_url, lambda c: c.download_image(tmp_path, series_instance_uid=one[0])
        )
    assert len(done.files) == len(one[1])


def zipped_series(make: SimpleNamespace, *images: bytes, **members: bytes) -> bytes:
    files = [(f"{n}.dcm", image) for n, image in enumerate(images)]
    archive: bytes = make.zipped(
        [*files, *((name.replace("_", "."), body) for name, body in members.items())]
    )
    return archive


def report(*failed: str) -> bytes:
    told = [
        {"file": "images/1.dcm", "SOPInstanceUID": uid, "error": "error retrieving file"}
        for uid in failed
    ]
    return json.dumps(told).encode()


DIFFERENT: dict[str, Any] = {
    "another series": (
        lambda m: zipped_series(m, m.dicom(series="9.9")),
        {},
        {},
        "SeriesInstanceUID",
        "9.9, not 1.2.3.4",
    ),
    "no DICOM": (
        lambda m: m.zipped([("0.dcm", b"<html>" * 99)]),
        {},
        {},
        "DICOM",
        "no DICOM Part 10",
    ),
    "cut DICOM": (
        lambda m: zipped_series(m, m.dicom()[:180]),
        {},
        {},
        "DICOM",
        "identifies no object",
    ),
    "fewer than announced": (
        lambda m: zipped_series(m, m.dicom()),
        {"imageCount": "2"},
        {},
        "imageCount",
        "1 DICOM files are there, the server announced 2",
    ),
    "reported": (
        lambda m: zipped_series(m, m.dicom(), results_json=report("1.2.3.4.2")),
        {},
        {},
        "results.json",
        "1.2.3.4.2: the server reports",
    ),
    "a missing object": (
        lambda m: zipped_series(m, m.dicom()),
        {},
        {"expect": Expected(sop_instance_uids=["1.2.3.4.1", "1.2.3.4.7"])},
        "expected UIDs",
        "1.2.3.4.7: is missing",
    ),
    "an object too many": (
        lambda m: zipped_series(m, m.dicom(), m.dicom(number=2)),
        {},
        {"expect": Expected(sop_instance_uids=["1.2.3.4.1"])},
        "expected UIDs",
        "1.2.3.4.2: is not expected",
    ),
    "another count": (
        lambda m: zipped_series(m, m.dicom()),
        {},
        {"expect": Expected(count=3)},
        "expected count",
        "1 DICOM files are there, expected are 3",
    ),
    "another size": (
        lambda m: zipped_series(m, m.dicom()),
        {},
        {"expect": Expected(bytes=3)},
        "expected bytes",
        "expected are 3",
    ),
    "an object twice": (
        lambda m: zipped_series(m, m.dicom(), m.dicom()),
        {},
        {},
        "DICOM",
        "is there twice",
    ),
}


@pytest.mark.parametrize("case", DIFFERENT)
def test_a_valid_archive_of_something_else_fails_or_is_kept_apart(
    ask: Callable[..., Any], make: SimpleNamespace, server: Any, tmp_path: Path, case: str
) -> None:
    body, headers, options, check, words = DIFFERENT[case]
    server.answers(make.Reply(body(make), headers=headers))
    with pytest.raises(VerificationError) as caught:
        ask(
            server.base_url,
            lambda c: c.download_image(tmp_path, series_instance_uid=SERIES, **options),
        )
    assert words in str(caught.value)
    assert check in {difference.check for difference in caught.value.differences}
    assert check in caught.value.checks
    assert pickle.loads(pickle.dumps(caught.value)).differences == caught.value.differences
    assert len(server.asked) == 1
    assert names(tmp_path) == []
    done = ask(
        server.base_url,
        lambda c: c.download_image(
            tmp_path, series_instance_uid=SERIES, on_difference="keep", **options
        ),
    )
    assert done.path == tmp_path / f"{SERIES}.incomplete"
    assert all(path.is_file() for path in done.files)
    assert check in {difference.check for difference in done.differences}


def test_companions_of_dicom_files_are_taken(
    ask: Callable[..., Any], make: SimpleNamespace, server: Any, tmp_path: Path
) -> None:
    body = zipped_series(make, make.dicom(), LICENSE=b"CC BY", md5hashes_csv=b"a,b")
    server.answers(make.Reply(body, headers={"imageCount": "1"}))
    done = ask(
        server.base_url,
        lambda c: c.download_image(tmp_path, series_instance_uid=SERIES, names="instance-number"),
    )
    assert [path.name for path in done.files] == ["00001.dcm", "LICENSE", "md5hashes.csv"]


def test_files_of_one_name_get_numbers(
    ask: Callable[..., Any], make: SimpleNamespace, server: Any, tmp_path: Path
) -> None:
    images = [make.dicom(f"1.2.{n}", number=7) for n in range(3)] + [
        make.dicom("1.2.9", number=None)
    ]
    server.answers(zipped_series(make, *images))
    done = ask(
        server.base_url,
        lambda c: c.download_image(tmp_path, series_instance_uid=SERIES, names="instance-number"),
    )
    assert [path.name for path in done.files] == [
        "00007.dcm",
        "00007-2.dcm",
        "00007-3.dcm",
        "1.2.9.dcm",
    ]
    for path, image in zip(done.files, images, strict=True):
        assert path.read_bytes() == image


HOSTILE = ["../x.dcm", "/tmp/x.dcm", "C:\\x.dcm", "a\\..\\x", "NUL", "a/../../x", "x" * 300]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_write_nothing_anywhere(
    ask: Callable[..., Any], make: SimpleNamespace, server: Any, tmp_path: Path, name: str
) -> None:
    server.answers(make.zipped([("0.dcm", make.dicom()), (name, make.dicom(number=2))]))
    target = tmp_path / "in"
    target.mkdir()
    for choice in ("server", "sop-instance-uid"):
        with pytest.raises(UnsafeArchiveError):
            ask(
                server.base_url,
                lambda c, n=choice: c.download_image(target, series_instance_uid=SERIES, names=n),
            )
    assert names(tmp_path) == ["in"]


def test_a_hostile_uid_is_no_path(
    ask: Callable[..., Any], make: SimpleNamespace, server: Any, tmp_path: Path
) -> None:
    server.answers(zipped_series(make, make.dicom("../../evil")))
    done = ask(
        server.base_url,
        lambda c: c.download_image(
            tmp_path / "in", series_instance_uid=SERIES, names="sop-instance-uid"
        ),
    )
    assert [path.name for path in done.files] == ["file-00000.dcm"]
    assert names(tmp_path) == ["in", f"in/{SERIES}", f"in/{SERIES}/file-00000.dcm"]


def test_a_bomb_is_stopped_by_limits(
    ask: Callable[..., Any], make: SimpleNamespace, server: Any, tmp_path: Path
) -> None:
    server.answers(zipped_series(make, make.dicom(size=3_000_000, fill=b"\0")))
    limits = Limits(total_bytes=1_000_000)
    with pytest.raises(LimitError, match="1000000"):
        ask(
            server.base_url,
            lambda c: c.download_image(tmp_path, series_instance_uid=SERIES, limits=limits),
        )
    assert names(tmp_path) == []
    assert (
        ask(server.base_url, lambda c: c.download_image(tmp_path, series_instance_uid=SERIES)).bytes
        > 3_000_000
    )


def test_an_archive_without_dicom_is_unpacked_as_it_is(
    ask: Callable[..., Any], make: SimpleNamespace, server: Any, tmp_path: Path
) -> None:
    server.answers(make.zipped([("a/scan.txt", b"a hull"), ("results.json", b"{}")]))
    done = ask(server.base_url, lambda c: c.download_hull_scan(tmp_path, vessel_id="V/7"))
    assert names(tmp_path) == ["V_7", "V_7/a", "V_7/a/scan.txt", "V_7/results.json"]
    assert done.checks == ("length", "crc32", "directory")


def test_what_stood_there_is_replaced_by_what_is_whole_alone(
    ask: Callable[..., Any], make: SimpleNamespace, server: Any, tmp_path: Path
) -> None:
    old = tmp_path / SERIES
    old.mkdir()
    (old / "old.dcm").write_bytes(b"old")
    server.answers(make.series_zip()[:-10])
    with pytest.raises(DamagedError):
        ask(server.base_url, lambda c: c.download_image(tmp_path, series_instance_uid=SERIES))
    assert names(tmp_path) == [SERIES, f"{SERIES}/old.dcm"]
    server.answers(make.series_zip(1))
    ask(server.base_url, lambda c: c.download_image(tmp_path, series_instance_uid=SERIES))
    assert names(tmp_path) == [SERIES, f"{SERIES}/images", f"{SERIES}/images/0.dcm"]


def test_what_a_killed_download_left_is_cleared(
    ask: Callable[..., Any], make: SimpleNamespace, server: Any, tmp_path: Path
) -> None:
    (tmp_path / f"{SERIES}.part").mkdir()
    (tmp_path / f"{SERIES}.part" / "half.dcm").write_bytes(b"half")
    server.answers(make.series_zip(1))
    ask(server.base_url, lambda c: c.download_image(tmp_path, series_instance_uid=SERIES))
    assert names(tmp_path) == [SERIES, f"{SERIES}/images", f"{SERIES}/images/0.dcm"]


def test_a_file_where_a_folder_should_go_is_an_error_before_any_request(
    ask: Callable[..., Any], server: Any, tmp_path: Path
) -> None:
    (tmp_path / SERIES).write_bytes(b"mine")
    with pytest.raises(NotADirectoryError):
        ask(server.base_url, lambda c: c.download_image(tmp_path, series_instance_uid=SERIES))
    assert (server.asked, (tmp_path / SERIES).read_bytes()) == ([], b"mine")


def test_options_that_there_are_not_are_refused(
    ask: Callable[..., Any], server: Any, tmp_path: Path
) -> None:
    with pytest.raises(ParameterError, match="names='uid'"):
        ask(
            server.base_url,
            lambda c: c.download_image(tmp_path, series_instance_uid=SERIES, names="uid"),
        )
    with pytest.raises(TypeError, match="nmes"):
        ask(
            server.base_url,
            lambda c: c.download_image(tmp_path, series_instance_uid=SERIES, nmes="server"),
        )
    assert server.asked == []


def test_existing_files_are_kept_if_they_pass_the_checks(
    ask: Callable[..., Any], make: SimpleNamespace, server: Any, tmp_path: Path
) -> None:
    server.answers(make.series_zip(3))

    def fetch(target: Path, **options: object) -> Download:
        done: Download = ask(
            server.base_url,
            lambda c: c.download_image(
                target, series_instance_uid=SERIES, existing="keep", **options
            ),
        )
        return done

    for target in (tmp_path, tmp_path / "a.zip"):
        first, again = fetch(target), fetch(target)
        assert (first.kept, again.kept) == (False, True)
        assert (again.path, set(again.files), again.bytes) == (
            first.path,
            set(first.files),
            first.bytes,
        )
    spoiled = fetch(tmp_path).files[1]
    spoiled.write_bytes(b"spoiled")
    assert not fetch(tmp_path).kept
    assert spoiled.read_bytes()[128:132] == b"DICM"
    assert fetch(tmp_path, expect=Expected(count=3)).kept
    spoiled.unlink()
    assert not fetch(tmp_path, expect=Expected(count=3)).kept
    zip_body = bytearray((tmp_path / "a.zip").read_bytes())
    zip_body[80] ^= 1
    (tmp_path / "a.zip").write_bytes(zip_body)
    assert not fetch(tmp_path / "a.zip").kept


def test_progress_tells_bytes_and_what_it_raises_ends_the_download(
    ask: Callable[..., Any], make: SimpleNamespace, server: Any, tmp_path: Path
) -> None:
    body = make.series_zip(2)
    server.answers(body)
    seen: list[tuple[int, int | None]] = []
    ask(
        server.base_url,
        lambda c: c.download_image(
            tmp_path / "a", series_instance_uid=SERIES, progress=lambda *told: seen.append(told)
        ),
    )
    assert seen[-1] == (len(body), len(body))
    assert seen == sorted(seen)

    def enough(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ask(
            server.base_url,
            lambda c: c.download_image(
                tmp_path / "b" / "c", series_instance_uid=SERIES, progress=enough
            ),
        )
    assert names(tmp_path / "a")
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize("target", ["x", "x.zip"])
def test_a_cancelled_task_leaves_nothing(
    make: SimpleNamespace, server: Any, tmp_path: Path, target: str
) -> None:
    hold = threading.Event()
    server.answers(make.Reply(make.series_zip(), sent=2000, hold=hold))

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


def test_a_closed_iterator_closes_the_answer(
    client: Any, make: SimpleNamespace, server: Any
) -> None:
    server.answers(make.series_zip())
    for _ in range(20):
        chunks = client.download_image.iter(series_instance_uid=SERIES)
        assert next(chunks)[:2] == b"PK"
        chunks.close()
    raw = client.download_image.raw(series_instance_uid=SERIES).content
    assert zipfile.ZipFile(io.BytesIO(raw)).namelist()


def test_of_two_downloads_to_one_place_the_later_one_fails(
    client: Any, make: SimpleNamespace, server: Any, tmp_path: Path
) -> None:
    server.answers(make.series_zip())
    seen: list[Any] = []

    def second(*_: object) -> None:
        if not seen:
            seen.append(1)
            with pytest.raises(DownloadError, match=f"another download to .*{SERIES} is under way"):
                client.download_image(tmp_path, series_instance_uid=SERIES)

    assert client.download_image(tmp_path, series_instance_uid=SERIES, progress=second).files
    assert seen
    assert [path.name for path in tmp_path.iterdir()] == [SERIES]
    assert len(names(tmp_path / SERIES)) == 4


def test_an_error_status_is_not_a_file(
    ask: Callable[..., Any], make: SimpleNamespace, server: Any, tmp_path: Path
) -> None:
    server.answers(make.Reply(b"no", status=404))
    with pytest.raises(NotFoundError):
        ask(server.base_url, lambda c: c.download_plan(tmp_path / "a.pdf", vessel_id="1"))
    assert names(tmp_path) == []


def test_a_key_is_never_in_an_error(
    ask: Callable[..., Any], make: SimpleNamespace, server: Any, tmp_path: Path
) -> None:
    server.answers(b"your key sesame-7 is not valid")
    with pytest.raises(NotAFileError) as caught:
        ask(
            server.base_url,
            lambda c: c.download_image(tmp_path, series_instance_uid=SERIES),
            api_key="sesame-7",
            retry=Retry(attempts=1),
        )
    assert "sesame-7" not in f"{caught.value} {caught.value!r} {vars(caught.value)}"
