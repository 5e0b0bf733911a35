"""The advice of a download's error: following it helps."""

import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from files_client import names

from _runtime.downloads.public import (
    CorruptDownloadError,
    DownloadsError,
    LimitError,
    Limits,
    NoFileError,
    NotAFileError,
    UncheckedWarning,
    UnsafeArchiveError,
    VerificationError,
)
from _runtime.errors import ParameterError

CLIENTS = ("sync", "async")
SERIES = "1.2.3.4"
RunClient = Callable[..., Any]


def link(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, 0o120777 << 16
    return info


def with_name(make: SimpleNamespace, *further: Any) -> bytes:
    archive: bytes = make.zipped([("0.dcm", make.dicom()), *further])
    return archive


def encrypted(data: bytes) -> bytes:
    """Return an archive whose first member is declared as encrypted."""
    changed = bytearray(data)
    for signature, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        start = data.index(signature) + at
        (flags,) = struct.unpack_from("<H", changed, start)
        struct.pack_into("<H", changed, start, flags | 1)
    return bytes(changed)


UNSAFE: dict[str, Callable[[Any], bytes]] = {
    "parent": lambda m: with_name(m, ("../x.dcm", m.dicom(number=2))),
    "absolute": lambda m: with_name(m, ("/x.dcm", m.dicom(number=2))),
    "backslash": lambda m: with_name(m, ("a\\x.dcm", m.dicom(number=2))),
    "device": lambda m: with_name(m, ("NUL.dcm", m.dicom(number=2))),
    "blank": lambda m: with_name(m, ("x.dcm ", m.dicom(number=2))),
    "long": lambda m: with_name(m, (f"{'x' * 300}.dcm", m.dicom(number=2))),
    "deep": lambda m: with_name(m, ("a/" * 40 + "x.dcm", m.dicom(number=2))),
    "case": lambda m: with_name(m, ("0.DCM", m.dicom(number=2))),
    "folder and file": lambda m: with_name(m, ("0.dcm/x.dcm", m.dicom(number=2))),
    "link": lambda m: with_name(m, (link("link.txt"), b"0.dcm")),
    "folder with data": lambda m: with_name(m, ("folder/", b"data")),
    "no UTF-8": lambda m: with_name(m, ("\u00e9.txt", b"x")).replace(b"\xc3\xa9", b"\xff\xff"),
}
UNREADABLE: dict[str, Callable[[Any], bytes]] = {
    "encrypted": lambda m: encrypted(with_name(m)),
    "method": lambda m: m.zipped([("0.dcm", m.dicom())], method=zipfile.ZIP_BZIP2),
}


@pytest.mark.parametrize("case", UNSAFE)
def test_keep_zip_saves_archive_that_cannot_be_unpacked_safely(
    run_client: RunClient, make: SimpleNamespace, server: Any, tmp_path: Path, case: str
) -> None:
    archive = UNSAFE[case](make)
    server.replies(archive)
    with pytest.raises(UnsafeArchiveError, match="keep it packed with keep_zip=True"):
        run_client(
            server.base_url, lambda c: c.download_image(tmp_path, series_instance_uid=SERIES)
        )
    assert names(tmp_path) == []
    done = run_client(
        server.base_url,
        lambda c: c.download_image(tmp_path, series_instance_uid=SERIES, keep_zip=True),
    )
    assert done.path.read_bytes() == archive
    assert {"crc32", "directory", "DICOM", "SeriesInstanceUID"} <= set(done.checks)
    assert names(tmp_path) == [f"{SERIES}.zip"]


@pytest.mark.parametrize("case", UNREADABLE)
def test_keep_zip_saves_unreadable_archive_with_a_warning(
    run_client: RunClient, make: SimpleNamespace, server: Any, tmp_path: Path, case: str
) -> None:
    archive = UNREADABLE[case](make)
    server.replies(make.Reply(archive, headers={"imageCount": "1"}))
    with pytest.raises(UnsafeArchiveError, match="keep it packed with keep_zip=True"):
        run_client(
            server.base_url, lambda c: c.download_image(tmp_path, series_instance_uid=SERIES)
        )

    def keep(client: Any) -> Any:
        return client.download_images(tmp_path, [SERIES], keep_zip=True)

    for state in ("complete", "existing"):
        with pytest.warns(UncheckedWarning, match="could not check crc32, directory, DICOM"):
            (done,) = run_client(server.base_url, keep)
        assert done.state == state
        assert done.path.read_bytes() == archive
        assert done.checks in (("length",), ())
        assert "completeness" in {one.check for one in done.unchecked}


@pytest.mark.parametrize("case", UNREADABLE)
def test_keep_zip_refuses_truncated_unreadable_archive(
    run_client: RunClient, make: SimpleNamespace, server: Any, tmp_path: Path, case: str
) -> None:
    server.replies(UNREADABLE[case](make)[:-30])
    with pytest.raises(CorruptDownloadError, match="cut short"):
        run_client(
            server.base_url,
            lambda c: c.download_image(tmp_path, series_instance_uid=SERIES, keep_zip=True),
        )
    assert names(tmp_path) == []


LIMITS = {
    "members": (Limits(members=2), {"members": 3}),
    "member_bytes": (Limits(member_bytes=1000), {"member_bytes": 10_000}),
    "total_bytes": (Limits(total_bytes=5000), {"total_bytes": 100_000}),
    "free_bytes": (Limits(free_bytes=2**62), {"free_bytes": 0}),
}


@pytest.mark.parametrize("limit", LIMITS)
def test_limit_error_names_the_limit_to_raise(
    run_client: RunClient, make: SimpleNamespace, server: Any, tmp_path: Path, limit: str
) -> None:
    server.replies(make.zipped([(f"{n}.dcm", make.dicom(number=n)) for n in range(3)]))
    low, raised = LIMITS[limit]

    def fetch(limits: Limits, **options: Any) -> Any:
        return run_client(
            server.base_url,
            lambda c: c.download_image(
                tmp_path, series_instance_uid=SERIES, limits=limits, **options
            ),
        )

    with pytest.raises(LimitError, match=rf"limits=Limits\({limit}=…\)") as caught:
        fetch(low)
    assert caught.value.limit == limit
    assert names(tmp_path) == []
    assert len(fetch(Limits(**raised)).files) == 3


@pytest.mark.parametrize("limit", ["members", "member_bytes", "total_bytes"])
def test_keep_zip_ignores_limits_of_members(
    run_client: RunClient, make: SimpleNamespace, server: Any, tmp_path: Path, limit: str
) -> None:
    listed = make.md5(make.dicom(number=0))
    members = [(f"{n}.dcm", make.dicom(number=n)) for n in range(3)]
    server.replies(make.zipped([*members, ("md5hashes.csv", f"0.dcm,{listed}".encode())]))
    done = run_client(
        server.base_url,
        lambda c: c.download_image(
            tmp_path, series_instance_uid=SERIES, keep_zip=True, limits=LIMITS[limit][0]
        ),
    )
    assert "crc32" in done.checks


def test_on_difference_keep_saves_the_received_files(
    run_client: RunClient, make: SimpleNamespace, server: Any, tmp_path: Path
) -> None:
    server.replies(make.Reply(make.series_zip(2), headers={"imageCount": "3"}))

    def fetch(**options: Any) -> Any:
        return run_client(
            server.base_url,
            lambda c: c.download_image(tmp_path, series_instance_uid=SERIES, **options),
        )

    with pytest.raises(VerificationError, match='on_difference="keep" saves the received'):
        fetch()
    done = fetch(on_difference="keep")
    assert (done.state, len(done.files)) == ("incomplete", 2)
    server.replies(make.Reply(make.series_zip(3), headers={"imageCount": "3"}))
    assert fetch().state == "complete"  # "Retry later"


@pytest.mark.parametrize(
    ("wrong", "kind"),
    [
        (lambda m: m.Reply(m.zipped([("./", b"")])), NoFileError),
        (lambda m: m.Reply(b"<html>login</html>"), NotAFileError),
        (lambda m: m.Reply(m.series_zip()[:-30]), CorruptDownloadError),
    ],
)
def test_call_that_follows_the_advice_succeeds(
    run_client: RunClient, make: SimpleNamespace, server: Any, tmp_path: Path, wrong: Any, kind: Any
) -> None:
    server.replies(wrong(make))
    with pytest.raises(kind) as caught:
        run_client(
            server.base_url, lambda c: c.download_image(tmp_path, series_instance_uid=SERIES)
        )
    assert caught.value.advice
    server.replies(make.series_zip())
    done = run_client(
        server.base_url, lambda c: c.download_image(tmp_path, series_instance_uid=SERIES)
    )
    assert len(done.files) == 3


def test_second_call_downloads_missing_items(
    run_client: RunClient, make: SimpleNamespace, server: Any, tmp_path: Path
) -> None:
    server.replies(make.Reply(status=404))
    server.by_uid["1.2.1"] = make.Reply(make.zipped([("0.dcm", make.dicom(series="1.2.1"))]))

    def fetch(items: Any) -> Any:
        return run_client(server.base_url, lambda c: c.download_images(tmp_path, items))

    with pytest.raises(DownloadsError, match="a second call fetches what is missing") as caught:
        fetch(["1.2.1", "1.2.2"])
    server.by_uid["1.2.2"] = make.Reply(make.zipped([("0.dcm", make.dicom(series="1.2.2"))]))
    assert [one.state for one in fetch(["1.2.1", "1.2.2"])] == ["existing", "complete"]
    assert [one.item for one in caught.value.failed] == ["1.2.2"]


def test_downloads_of_one_name_succeed_in_separate_folders(
    run_client: RunClient, make: SimpleNamespace, server: Any, tmp_path: Path
) -> None:
    server.replies(make.dicom("1.2.9", series="1.2.1"))
    items = [
        {"series_instance_uid": uid, "sop_instance_uid": "1.2.9"} for uid in ("1.2.1", "1.2.2")
    ]
    with pytest.raises(ParameterError, match="Download them into separate folders"):
        run_client(server.base_url, lambda c: c.download_single_images(tmp_path, items))
    for item in items[:1]:
        done = run_client(
            server.base_url,
            lambda c, i=item: c.download_single_images(tmp_path / i["series_instance_uid"], [i]),
        )
        assert done[0].state == "complete"
