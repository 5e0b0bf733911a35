"""Downloads of DICOM files with odd headers: identified, or reported as not checked."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from files_client import names
from tests import dicom_corpus as corpus

from _runtime.downloads.public import Download, Expected, UncheckedWarning, VerificationError

CLIENTS = ("sync",)
SMALL = {name: data for name, data in corpus.READABLE.items() if len(data) < 100_000}
UNREADABLE = corpus.UNREADABLE["something other than an item"]


@pytest.fixture
def fetch(
    run_client: Callable[..., Any], make: SimpleNamespace, server: Any, tmp_path: Path
) -> Any:
    """Download a series with these members."""

    def fetched(members: Mapping[str, bytes], count: int | None = None, **options: Any) -> Download:
        headers = {} if count is None else {"imageCount": str(count)}
        server.replies(make.Reply(make.zipped(members.items()), headers=headers))
        done: Download = run_client(
            server.base_url,
            lambda c: c.download_image(tmp_path, series_instance_uid="1.2.3.4", **options),
        )
        return done

    return fetched


def listed(*entries: Mapping[str, str]) -> bytes:
    return json.dumps(entries).encode()


def test_download_accepts_every_odd_file_that_pydicom_reads(
    run_client: Callable[..., Any], make: SimpleNamespace, server: Any, tmp_path: Path
) -> None:
    for number, (name, data) in enumerate(SMALL.items()):
        server.replies(make.Reply(make.zipped([("1-1.dcm", data)]), headers={"imageCount": "1"}))
        done = run_client(
            server.base_url,
            lambda c, n=number: c.download_image(
                tmp_path / str(n), series_instance_uid=corpus.SERIES, names="sop-instance-uid"
            ),
        )
        assert [path.name for path in done.files] == [f"{corpus.SOP}.dcm"], name
        assert {"DICOM", "SeriesInstanceUID"} <= set(done.checks), name
        assert done.unchecked == ()


def test_download_refuses_every_odd_file_of_another_series(fetch: Any, tmp_path: Path) -> None:
    for data in SMALL.values():
        with pytest.raises(VerificationError, match=f"is {corpus.SERIES}, not 1.2.3.4"):
            fetch({"1.dcm": data})
    assert names(tmp_path) == []


@pytest.mark.parametrize("name", corpus.UNREADABLE)
def test_download_reports_unreadable_header_as_unchecked(
    fetch: Any, make: SimpleNamespace, name: str
) -> None:
    files = {"a.dcm": make.dicom(), "b.dcm": corpus.UNREADABLE[name]}
    with pytest.warns(UncheckedWarning, match="could not check DICOM, SeriesInstanceUID: b.dcm: "):
        done = fetch(files, 2)
    assert done.checks == ("length", "crc32", "directory", "imageCount")
    assert {(one.check, one.subject) for one in done.unchecked} == {
        ("DICOM", "b.dcm"),
        ("SeriesInstanceUID", "b.dcm"),
    }
    assert [path.read_bytes() for path in done.files] == list(files.values())


def test_download_counts_unreadable_files(fetch: Any, make: SimpleNamespace) -> None:
    with pytest.raises(VerificationError, match="2 DICOM files are there, the server announced 3"):
        fetch({"a.dcm": make.dicom(), "b.dcm": UNREADABLE}, 3)


def test_download_finds_other_series_beside_unreadable_file(
    fetch: Any, make: SimpleNamespace
) -> None:
    with pytest.raises(VerificationError, match=r"9\.9, not 1\.2\.3\.4") as caught:
        fetch({"a.dcm": make.dicom(series="9.9"), "b.dcm": UNREADABLE}, 2)
    assert "SeriesInstanceUID" in caught.value.checks


BY_UID, BY_NAME = {"sop_instance_uid": "1.2.3.4.2"}, {"file": "images/b.dcm"}


@pytest.mark.parametrize("entry", [BY_UID, BY_NAME, BY_UID | BY_NAME], ids=["uid", "name", "both"])
def test_unreadable_file_is_not_reported_as_missing(
    fetch: Any, make: SimpleNamespace, entry: Mapping[str, str]
) -> None:
    files = {"images/a.dcm": make.dicom(), "images/b.dcm": UNREADABLE}
    report = listed({"sop_instance_uid": "1.2.3.4.1"}, entry)
    with pytest.warns(UncheckedWarning) as warned:
        done = fetch(files | {"results.json": report}, 2)
    assert "not there" not in str(warned[0].message)
    assert ("results.json" in done.checks) == ("file" in entry)


def test_more_missing_objects_than_unreadable_files_is_a_difference(
    fetch: Any, make: SimpleNamespace
) -> None:
    files = {"a.dcm": make.dicom(), "b.dcm": UNREADABLE}
    report = listed(*({"sop_instance_uid": f"1.2.3.4.{n}"} for n in (1, 2, 3)))
    words = "2 objects are not found, and 1 files unreadable"
    with pytest.raises(VerificationError, match=words):
        fetch(files | {"results.json": report})
    expect = Expected(sop_instance_uids=["1.2.3.4.1", "1.2.3.4.2", "1.2.3.4.3"])
    with pytest.raises(VerificationError, match=words):
        fetch(files, expect=expect)


def test_expected_object_in_unreadable_file_is_unchecked(fetch: Any, make: SimpleNamespace) -> None:
    expect = Expected(sop_instance_uids=["1.2.3.4.1", "1.2.3.4.2"], count=2)
    with pytest.warns(UncheckedWarning):
        done = fetch({"a.dcm": make.dicom(), "b.dcm": UNREADABLE}, expect=expect)
    assert ("expected UIDs", "1.2.3.4.2") in {(one.check, one.subject) for one in done.unchecked}
    assert "expected UIDs" not in done.checks
    assert "expected count" in done.checks


def test_listed_file_with_another_object_is_reported_as_that(
    fetch: Any, make: SimpleNamespace
) -> None:
    report = listed({"sop_instance_uid": "1.2.3.4.2", "file": "a.dcm"})
    with pytest.raises(VerificationError, match=r"1.2.3.4.2: its file a.dcm holds 1.2.3.4.1"):
        fetch({"a.dcm": make.dicom(), "results.json": report})


def test_existing_folder_with_unreadable_file_is_retained(
    fetch: Any, make: SimpleNamespace, server: Any
) -> None:
    for existing in (False, True):
        with pytest.warns(UncheckedWarning, match=r"b\.dcm"):
            done = fetch({"a.dcm": make.dicom(), "b.dcm": UNREADABLE}, existing="keep")
        assert done.existed == existing
    assert len(server.requests) == 1


def test_missing_identifier_of_irregular_header_is_unchecked(fetch: Any) -> None:
    tag = corpus.PRIVATE
    odd = {tag: corpus.element(tag, "", b"12")}
    with pytest.warns(UncheckedWarning, match="no SeriesInstanceUID is found in its irregular"):
        done = fetch({"a.dcm": corpus.with_elements(odd, [corpus.SOP_TAG, tag, 0x00280010])})
    assert [one.check for one in done.unchecked] == ["SeriesInstanceUID", "completeness"]
    assert "DICOM" in done.checks


COMPANIONS = [
    ".DS_Store",
    "images/.DS_Store",
    "__MACOSX/images/._0.dcm",
    "__MACOSX/1.dcm",
    "images/._0.dcm",
    "Thumbs.db",
    "images/thumbs.DB",
    "desktop.ini",
    "DICOMDIR",
    "annotations/069.xml",
    "aim.json",
    "readers.csv",
    "mask.nii.gz",
    "preview.PNG",
    "roi.tsv",
]


def test_companions_of_every_kind_are_unpacked_and_not_counted(
    fetch: Any, make: SimpleNamespace
) -> None:
    files = {"images/0.dcm": make.dicom(), **dict.fromkeys(COMPANIONS, b"something else")}
    del files["images/thumbs.DB"]
    files["more/thumbs.DB"] = b"something else"
    for renamed in ("server", "instance-number"):
        done = fetch(files, 1, names=renamed)
        assert len(done.files) == len(files)
        assert "imageCount" in done.checks
        assert done.unchecked == ()


def test_file_that_looks_like_a_companion_only_in_part_is_checked(
    fetch: Any, make: SimpleNamespace
) -> None:
    for name in ("DICOMDIR.dcm", "xml", "MACOSX/1", "thumbs.db.dcm", "1.2.3.4.5"):
        with pytest.raises(VerificationError, match="not a DICOM Part 10 file"):
            fetch({"0.dcm": make.dicom(), name: b"<html>" * 99})
