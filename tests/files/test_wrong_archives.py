"""Valid archives of something else, and hostile ones: nothing of them is left."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from files_client import names

from _runtime.downloads.public import (
    Expected,
    LimitError,
    Limits,
    UnsafeArchiveError,
    VerificationError,
)

SERIES = "1.2.3.4"


def zipped_series(make: SimpleNamespace, *images: bytes, **members: bytes) -> bytes:
    files = [(f"{n}.dcm", image) for n, image in enumerate(images)]
    archive: bytes = make.zipped(
        [*files, *((name.replace("_", "."), body) for name, body in members.items())]
    )
    return archive


def report(*failed: str) -> bytes:
    listed = [
        {"file": "images/1.dcm", "SOPInstanceUID": uid, "error": "error retrieving file"}
        for uid in failed
    ]
    return json.dumps(listed).encode()


def listed(*numbers: int) -> bytes:
    return json.dumps([{"sop_instance_uid": f"{SERIES}.{n}"} for n in numbers]).encode()


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
        "not a DICOM Part 10",
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
    "fewer than reported": (
        lambda m: zipped_series(m, m.dicom(), results_json=listed(1, 2, 3)),
        {},
        {},
        "results.json",
        "1.2.3.4.2: is listed in results.json, but not there; 1.2.3.4.3",
    ),
    "fewer than reported by name": (
        lambda m: zipped_series(m, m.dicom(), results_json=b'[{"f": "a/0.dcm"}, {"f": "1.dcm"}]'),
        {},
        {},
        "results.json",
        "1.dcm: is listed in results.json, but not there",
    ),
    "fewer than reported by count": (
        lambda m: zipped_series(m, m.dicom(), results_json=b'[{"status": "ok"}, {"size": 7}]'),
        {},
        {},
        "results.json",
        "1 DICOM files are there, results.json lists 2",
    ),
    "invalid count": (
        lambda m: zipped_series(m, m.dicom()),
        {"imageCount": "1;x"},
        {},
        "imageCount",
        "the server announced 1;x files",
    ),
    "two counts": (
        lambda m: zipped_series(m, m.dicom()),
        {"imageCount": "1, 2"},
        {},
        "imageCount",
        "the server announced 1, 2 files",
    ),
    "a UID that is too long": (
        lambda m: zipped_series(m, m.dicom("1." + "2" * 400)),
        {},
        {"names": "sop-instance-uid"},
        "DICOM",
        "its SOPInstanceUID has 402 characters",
    ),
    "a page named as an image": (
        lambda m: m.zipped([("0.dcm", m.dicom()), ("readme.dcm", b"<html>" * 99)]),
        {},
        {},
        "DICOM",
        "readme.dcm: it is not a DICOM Part 10",
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
def test_archive_of_another_object_fails_or_is_saved_as_incomplete(
    run_client: Callable[..., Any], make: SimpleNamespace, server: Any, tmp_path: Path, case: str
) -> None:
    body, headers, options, check, words = DIFFERENT[case]
    server.replies(make.Reply(body(make), headers=headers))
    with pytest.raises(VerificationError) as caught:
        run_client(
            server.base_url,
            lambda c: c.download_image(tmp_path, series_instance_uid=SERIES, **options),
        )
    assert words in str(caught.value)
    assert check in {difference.check for difference in caught.value.differences}
    assert check in caught.value.checks
    assert pickle.loads(pickle.dumps(caught.value)).differences == caught.value.differences
    assert len(server.requests) == 1
    assert names(tmp_path) == []
    done = run_client(
        server.base_url,
        lambda c: c.download_image(
            tmp_path, series_instance_uid=SERIES, on_difference="keep", **options
        ),
    )
    assert done.path == tmp_path / f"{SERIES}.incomplete"
    assert all(path.is_file() for path in done.files)
    assert check in {difference.check for difference in done.differences}


@pytest.mark.parametrize("count", ["2", "2, 2", "+2", "2.0"])
@pytest.mark.parametrize("report", [b"[]", b"{", None])
def test_passed_checks_are_named(
    run_client: Callable[..., Any],
    make: SimpleNamespace,
    server: Any,
    tmp_path: Path,
    count: str,
    report: bytes | None,
) -> None:
    body = zipped_series(
        make, make.dicom(), make.dicom(number=2), results_json=report or listed(1, 2)
    )
    server.replies(make.Reply(body, headers={"imageCount": count}))
    done = run_client(
        server.base_url, lambda c: c.download_image(tmp_path, series_instance_uid=SERIES)
    )
    assert ("imageCount" in done.checks, "results.json" in done.checks) == (True, report is None)


def test_companions_of_dicom_files_are_unpacked(
    run_client: Callable[..., Any], make: SimpleNamespace, server: Any, tmp_path: Path
) -> None:
    body = zipped_series(make, make.dicom(), LICENSE=b"CC BY", md5hashes_csv=b"a,b")
    server.replies(make.Reply(body, headers={"imageCount": "1"}))
    done = run_client(
        server.base_url,
        lambda c: c.download_image(tmp_path, series_instance_uid=SERIES, names="instance-number"),
    )
    assert [path.name for path in done.files] == ["00001.dcm", "LICENSE", "md5hashes.csv"]


def test_files_of_one_name_get_numbers(
    run_client: Callable[..., Any], make: SimpleNamespace, server: Any, tmp_path: Path
) -> None:
    images = [make.dicom(f"1.2.{n}", number=7) for n in range(3)] + [
        make.dicom("1.2.9", number=None)
    ]
    server.replies(zipped_series(make, *images))
    done = run_client(
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
    run_client: Callable[..., Any], make: SimpleNamespace, server: Any, tmp_path: Path, name: str
) -> None:
    server.replies(make.zipped([("0.dcm", make.dicom()), (name, make.dicom(number=2))]))
    target = tmp_path / "in"
    target.mkdir()
    for choice in ("server", "sop-instance-uid"):
        with pytest.raises(UnsafeArchiveError):
            run_client(
                server.base_url,
                lambda c, n=choice: c.download_image(target, series_instance_uid=SERIES, names=n),
            )
    assert names(tmp_path) == ["in"]


def test_hostile_uid_does_not_become_a_path(
    run_client: Callable[..., Any], make: SimpleNamespace, server: Any, tmp_path: Path
) -> None:
    server.replies(zipped_series(make, make.dicom("../../evil")))
    done = run_client(
        server.base_url,
        lambda c: c.download_image(
            tmp_path / "in", series_instance_uid=SERIES, names="sop-instance-uid"
        ),
    )
    assert [path.name for path in done.files] == ["file-00000.dcm"]
    assert names(tmp_path) == ["in", f"in/{SERIES}", f"in/{SERIES}/file-00000.dcm"]


def test_limits_stop_a_zip_bomb(
    run_client: Callable[..., Any], make: SimpleNamespace, server: Any, tmp_path: Path
) -> None:
    server.replies(zipped_series(make, make.dicom(size=3_000_000, fill=b"\0")))
    limits = Limits(total_bytes=1_000_000)
    with pytest.raises(LimitError, match="1000000"):
        run_client(
            server.base_url,
            lambda c: c.download_image(tmp_path, series_instance_uid=SERIES, limits=limits),
        )
    assert names(tmp_path) == []
    assert (
        run_client(
            server.base_url, lambda c: c.download_image(tmp_path, series_instance_uid=SERIES)
        ).bytes
        > 3_000_000
    )


def test_archive_without_dicom_files_is_unpacked_unchanged(
    run_client: Callable[..., Any], make: SimpleNamespace, server: Any, tmp_path: Path
) -> None:
    server.replies(make.zipped([("a/scan.txt", b"a hull"), ("results.json", b"{}")]))
    done = run_client(server.base_url, lambda c: c.download_hull_scan(tmp_path, vessel_id="V/7"))
    assert names(tmp_path) == ["V_7", "V_7/a", "V_7/a/scan.txt", "V_7/results.json"]
    assert done.checks == ("length", "crc32", "directory", "completeness not checked")
