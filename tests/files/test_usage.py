"""Targets and options that have no effect, or another one than they read."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from files_client import names

from _runtime.downloads.public import DownloadsError, Expected, Limits
from _runtime.errors import ParameterError

CLIENTS = ("sync",)
SERIES = "1.2.3.4"
UIDS = ["1.2.1", "1.2.2"]


@pytest.fixture
def working(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


Call = Callable[[Any], Any]


def series(target: Any, **options: Any) -> Call:
    return lambda c: c.download_image(target, series_instance_uid=SERIES, **options)


def many(target: Any, **options: Any) -> Call:
    return lambda c: c.download_images(target, UIDS, **options)


def single(target: Any, **options: Any) -> Call:
    return lambda c: c.download_single_image(
        target, series_instance_uid=SERIES, sop_instance_uid="1.2", **options
    )


def hull(target: Any, **options: Any) -> Call:
    return lambda c: c.download_hull_scan(target, vessel_id="7", **options)


REFUSED: dict[str, tuple[Call, str, str]] = {
    "S3 URL": (series("s3://bucket/x"), "target", "is not a local path: 's3://bucket/x'"),
    "S3 URL as a path": (series(Path("s3://bucket/x")), "target", "is not a local path"),
    "HTTP URL": (single("https://host/x.dcm"), "target", "is not a local path"),
    "file URL": (series("file:///tmp/x"), "target", "is not a local path"),
    "URL for many": (many("gs://bucket"), "target", "is not a local path"),
    "home": (series("~/dicom"), "target", "only a shell expands.*Did you mean '/.*/dicom'"),
    "another home": (series("~someone/dicom"), "target", "only a shell expands"),
    "empty": (series(""), "target", r"is empty\. Pass a path; '\.' is the current folder"),
    "NUL": (series("a\0b"), "target", "has a NUL character"),
    "archive for many": (many("dl.zip"), "target", "many downloads need a folder: 'dl.zip'"),
    "archive of capitals for many": (many("DL.ZIP"), "target", "need a folder"),
    "DICOM file for many": (
        lambda c: c.download_single_images(
            "x.dcm", [{"series_instance_uid": SERIES, "sop_instance_uid": "1.2"}]
        ),
        "target",
        "many downloads need a folder",
    ),
    "another archive": (series("dl.tar.gz"), "target", "not a ZIP archive.*ends in .zip"),
    "DICOM file for an archive": (series("x.dcm"), "target", "not a ZIP archive"),
    "keep_zip=False and an archive": (series("x.zip", keep_zip=False), "keep_zip", "is False"),
    "names of an archive": (series("x.zip", names="instance-number"), "names", "has no effect"),
    "names and keep_zip": (
        series("x", names="instance-number", keep_zip=True),
        "names",
        "has no effect: keep_zip keeps the archive packed. Leave it out",
    ),
    "names of one file": (single("x", names="instance-number"), "names", "has no effect"),
    "names of other files": (hull("x", names="instance-number"), "names", "no DICOM files"),
    "keep_zip of one file": (single("x", keep_zip=True), "keep_zip", "sends no ZIP archive"),
    "limits of one file": (single("x", limits=Limits(members=1)), "limits", "free_bytes alone"),
    "invalid limits": (series("x", limits=100), "limits", r"cannot be 100\. Pass limits="),
    "invalid expectation": (series("x", expect=72), "expect", "cannot be 72"),
    "keep_zip as text": (series("x", keep_zip="no"), "keep_zip", "Pass True or False"),
    "progress without a function": (series("x", progress=7), "progress", "Pass a function"),
    "invalid choice": (series("x", existing="no"), "existing", "Choose one of: replace, keep"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_input_without_its_effect_is_refused_before_any_request(
    run_client: Callable[..., Any], server: Any, working: Path, case: str
) -> None:
    call, parameter, words = REFUSED[case]
    with pytest.raises(ParameterError, match=words) as caught:
        run_client(server.base_url, call)
    assert caught.value.parameter == parameter
    assert caught.value.advice
    assert server.requests == []
    assert list(working.iterdir()) == []


ACCEPTED: dict[str, tuple[Call, str]] = {
    "folder with the name of an archive": (series("is.zip"), f"is.zip/{SERIES}/images/0.dcm"),
    "many into such a folder": (many("is.zip"), "is.zip/1.2.1/images/0.dcm"),
    "many into a new folder with a separator": (many("new.zip/"), "new.zip/1.2.1/images/0.dcm"),
    "names as by default": (series("x.zip", names="server"), "x.zip"),
    "path with a tilde inside": (series("a~b"), f"a~b/{SERIES}/images/0.dcm"),
    "keep_zip and an archive": (series("x.zip", keep_zip=True), "x.zip"),
}


@pytest.mark.parametrize("case", ACCEPTED)
def test_input_with_its_effect_is_accepted(
    run_client: Callable[..., Any], make: Any, server: Any, working: Path, case: str
) -> None:
    (working / "is.zip").mkdir()
    server.replies(make.series_zip(1))
    for uid in UIDS:
        archive = make.zipped([("images/0.dcm", make.dicom(series=uid))])
        server.by_uid[uid] = make.Reply(archive)
    call, path = ACCEPTED[case]
    run_client(server.base_url, call)
    assert (working / path).is_file()


@pytest.mark.parametrize("target", ["~/dicom", "~someone/dicom", "s3://bucket/x"])
def test_target_that_the_advice_suggests_is_accepted(
    run_client: Callable[..., Any],
    make: Any,
    server: Any,
    working: Path,
    monkeypatch: pytest.MonkeyPatch,
    target: str,
) -> None:
    monkeypatch.setenv("HOME", str(working))
    server.replies(make.series_zip(1))
    with pytest.raises(ParameterError) as caught:
        run_client(server.base_url, series(target))
    suggested = re.search("'(.*)'", caught.value.advice or "")
    path = Path(suggested[1]) if suggested else working / target
    assert run_client(server.base_url, series(path)).files[0].is_relative_to(working)


def test_other_names_for_many_are_refused_once_and_before_any_request(
    run_client: Callable[..., Any], make: Any, server: Any, working: Path
) -> None:
    for uid in UIDS:
        server.by_uid[uid] = make.Reply(make.zipped([("0.dcm", make.dicom(series=uid))]))
    run_client(server.base_url, many("in"))
    before = names(working)
    count = len(server.requests)
    with pytest.raises(ParameterError, match=r"would fetch .* again") as caught:
        run_client(server.base_url, many("in", names="instance-number"))
    assert not isinstance(caught.value, DownloadsError)
    assert caught.value.parameter == "names"
    assert (names(working), len(server.requests)) == (before, count)
    run_client(server.base_url, many("in", names="instance-number", existing="replace"))
    assert (working / "in" / "1.2.1" / "00001.dcm").is_file()


@pytest.mark.parametrize("value", ["72", 1.5, -1])
def test_expected_number_that_no_download_can_have_is_refused(value: Any) -> None:
    for name in ("count", "bytes"):
        with pytest.raises((TypeError, ValueError)):
            Expected(**{name: value})
