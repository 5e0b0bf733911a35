"""Completeness: each series has the stated number of files, or the client reports it."""

import json
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import attrs
import httpx
import pytest
from files_client import names

from _runtime.downloads.public import (
    CompletenessWarning,
    DownloadsError,
    Expected,
    NoFileError,
    VerificationError,
)
from _runtime.errors import ParameterError
from tciagen.archive.demo import DemoArchive
from tciagen.archive.running import RunningArchive, running_archive

CLIENTS = ("sync", "async")
UNCHECKED = "completeness not checked"
UIDS = ["1.2.1", "1.2.2", "1.2.3", "1.2.4", "1.2.5"]
RunClient = Callable[..., Any]


@pytest.fixture(scope="module", params=["blob", "image"])
def short(request: pytest.FixtureRequest, demo: DemoArchive) -> Iterator[RunningArchive]:
    """The archive in either layout, which leaves the second file out of each series."""
    options = ["--files", request.param, "--fault", "getImage:zip-left-out@1"]
    with running_archive(demo.catalog, options=options) as running:
        yield running


@pytest.fixture(scope="module")
def series(blob_archive: RunningArchive) -> tuple[str, int]:
    """A series of the demo with several files, and their number."""
    rows = httpx.get(f"{blob_archive.base_url}/TCIA/query/getSeries?format=json").json()
    row = next(row for row in rows if 3 <= row["ImageCount"] <= 30)
    return row["SeriesInstanceUID"], row["ImageCount"]


@pytest.mark.parametrize("options", [{}, {"keep_zip": True}], ids=["unpacked", "packed"])
def test_short_series_fails_in_either_layout(
    run_client: RunClient,
    short: RunningArchive,
    series: tuple[str, int],
    tmp_path: Path,
    options: Any,
) -> None:
    uid, count = series
    with pytest.raises(VerificationError, match=f"{count - 1} DICOM files are there") as caught:
        run_client(
            short.base_url,
            lambda c: c.download_counted(tmp_path, series_instance_uid=uid, **options),
        )
    assert any(str(count) in one.message for one in caught.value.differences)
    assert names(tmp_path) == []


def test_short_series_fails_by_the_count_of_its_row(
    run_client: RunClient, short: RunningArchive, series: tuple[str, int], tmp_path: Path
) -> None:
    uid, count = series
    rows = [{"series_instance_uid": uid, "ImageCount": count}]
    with pytest.raises(DownloadsError, match=f"ImageCount of the item states {count}") as caught:
        run_client(short.base_url, lambda c: c.download_counteds(tmp_path, rows))
    assert "stated count" in caught.value.results[0].checks
    assert names(tmp_path) == []


def test_complete_series_is_checked_by_the_count_endpoint(
    run_client: RunClient, blob_archive: RunningArchive, series: tuple[str, int], tmp_path: Path
) -> None:
    uid, count = series
    done = run_client(
        blob_archive.base_url, lambda c: c.download_counted(tmp_path, series_instance_uid=uid)
    )
    assert (len(done.files), done.state) == (count, "complete")
    assert "stated count" in done.checks
    assert UNCHECKED not in done.checks


@pytest.mark.parametrize("options", [{}, {"keep_zip": True}], ids=["unpacked", "packed"])
@pytest.mark.parametrize("method", ["download_image", "download_counted"])
def test_unknown_series_in_the_blob_layout_raises_no_file_error(
    run_client: RunClient, blob_archive: RunningArchive, tmp_path: Path, method: str, options: Any
) -> None:
    with pytest.raises(NoFileError, match="the archive is empty"):
        run_client(
            blob_archive.base_url,
            lambda c: getattr(c, method)(tmp_path, series_instance_uid="1.2.3", **options),
        )
    assert names(tmp_path) == []


@pytest.fixture
def plain(make: SimpleNamespace, server: Any) -> Any:
    """A server of five series of two files, in the blob layout; its script has the counts."""
    for uid in UIDS:
        images = [(f"./{n}-{n}.dcm", make.dicom(series=uid, number=n)) for n in (1, 2)]
        server.by_uid[uid] = make.Reply(make.zipped([("./", b""), *images]))
    server.replies(counts(make, 2))
    return server


def counts(make: SimpleNamespace, *values: object) -> Any:
    body = json.dumps([{} if one is None else {"ObjectCount": one} for one in values])
    return make.Reply(body.encode(), headers={"Content-Type": "application/json"})


def queried(server: Any) -> int:
    return sum("getSeriesSize" in path for path, _ in server.requests)


@attrs.frozen
class Row:
    series_instance_uid: str
    image_count: Any


@pytest.mark.parametrize("stated", [2, "2", "2.000000", 2.0])
@pytest.mark.parametrize(
    "item",
    [
        Row,
        lambda uid, n: {"series_instance_uid": uid, "image_count": n},
        lambda uid, n: {"SeriesInstanceUID": uid, "Object Count": n},
    ],
    ids=["row", "mapping", "columns"],
)
def test_count_of_the_item_is_checked_without_a_query(
    run_client: RunClient, plain: Any, tmp_path: Path, item: Any, stated: Any
) -> None:
    items = [item(uid, stated) for uid in UIDS]
    done = run_client(plain.base_url, lambda c: c.download_counteds(tmp_path, items))
    assert all("stated count" in one.checks for one in done)
    assert queried(plain) == 0


def test_wrong_count_of_the_item_fails_only_its_download(
    run_client: RunClient, plain: Any, tmp_path: Path
) -> None:
    items = [Row(uid, 3 if uid == UIDS[1] else 2) for uid in UIDS]
    with pytest.raises(DownloadsError) as caught:
        run_client(plain.base_url, lambda c: c.download_counteds(tmp_path, items))
    (failed,) = caught.value.failed
    assert (failed.index, failed.differences[0].message) == (
        1,
        "2 DICOM files are there, image_count of the item states 3",
    )
    kept = run_client(
        plain.base_url,
        lambda c: c.download_counteds(tmp_path, items, on_difference="keep"),
    )
    assert [one.state for one in kept].count("existing") == 4
    assert kept[1].state == "incomplete"


@pytest.mark.parametrize("stated", [None, "", 0, float("nan"), "0.000000"])
def test_missing_count_of_the_item_is_queried(
    run_client: RunClient, plain: Any, tmp_path: Path, stated: Any
) -> None:
    (done,) = run_client(
        plain.base_url, lambda c: c.download_counteds(tmp_path, [Row(UIDS[0], stated)])
    )
    assert "stated count" in done.checks
    assert queried(plain) == 1


@pytest.mark.parametrize("stated", ["many", 1.5, -1, True])
def test_invalid_count_of_the_item_is_refused_before_any_request(
    run_client: RunClient, plain: Any, tmp_path: Path, stated: Any
) -> None:
    items = [Row(UIDS[0], 2), Row(UIDS[1], stated)]
    with pytest.raises(ParameterError, match=r"image_count of item 2 is .*, which is no number"):
        run_client(plain.base_url, lambda c: c.download_counteds(tmp_path, items))
    assert plain.requests == []
    for right in (2, None):
        items[1] = Row(UIDS[1], right)
        done = run_client(plain.base_url, lambda c: c.download_counteds(tmp_path, items))
        assert len(done) == 2


def test_items_that_contradict_each_other_are_refused(
    run_client: RunClient, plain: Any, tmp_path: Path
) -> None:
    items = [Row(UIDS[0], 2), Row(UIDS[1], 2), Row(UIDS[0], 3)]
    with pytest.raises(ParameterError, match=r"items 1 and 3 .* state 2 and 3 files"):
        run_client(plain.base_url, lambda c: c.download_counteds(tmp_path, items))
    assert plain.requests == []
    assert len(run_client(plain.base_url, lambda c: c.download_counteds(tmp_path, items[:2]))) == 2


def test_item_that_states_two_counts_is_refused(
    run_client: RunClient, plain: Any, tmp_path: Path
) -> None:
    item = {"SeriesInstanceUID": UIDS[0], "image_count": 2, "Object Count": "3"}
    sentence = "Object Count of item 1 is '3', where image_count of the item states 2"
    with pytest.raises(ParameterError, match=sentence):
        run_client(plain.base_url, lambda c: c.download_counteds(tmp_path, [item]))
    assert plain.requests == []
    item["Object Count"] = None
    (done,) = run_client(plain.base_url, lambda c: c.download_counteds(tmp_path, [item]))
    assert "stated count" in done.checks


def test_count_endpoint_is_queried_once_for_each_download(
    run_client: RunClient, plain: Any, tmp_path: Path
) -> None:
    done = run_client(plain.base_url, lambda c: c.download_counteds(tmp_path, UIDS))
    assert all("stated count" in one.checks for one in done)
    assert queried(plain) == len(UIDS)
    again = run_client(plain.base_url, lambda c: c.download_counteds(tmp_path, UIDS))
    assert [one.state for one in again] == ["existing"] * len(UIDS)
    assert queried(plain) == len(UIDS)


@pytest.mark.parametrize("listed", ["header", "results", "md5", "expected"])
def test_stated_count_is_not_queried(
    run_client: RunClient, make: SimpleNamespace, plain: Any, tmp_path: Path, listed: str
) -> None:
    image = ("0.dcm", make.dicom(series=UIDS[0]))
    further = {
        "results": ("results.json", b'[{"file": "0.dcm"}]'),
        "md5": ("md5hashes.csv", f"0.dcm,{make.md5(image[1])}".encode()),
    }
    members = [image, *filter(None, [further.get(listed)])]
    headers = {"imageCount": "1"} if listed == "header" else {}
    plain.by_uid[UIDS[0]] = make.Reply(make.zipped(members), headers=headers)
    options = {"expect": Expected(count=1)} if listed == "expected" else {}
    done = run_client(
        plain.base_url,
        lambda c: c.download_counted(tmp_path, series_instance_uid=UIDS[0], **options),
    )
    assert queried(plain) == 0
    assert UNCHECKED not in done.checks


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (lambda make: counts(make, None), "TCIA/query/getSeriesSize states none"),
        (lambda make: counts(make, 0), "TCIA/query/getSeriesSize states none"),
        (counts, "TCIA/query/getSeriesSize states none"),
        (lambda make: counts(make, 2, 2), "TCIA/query/getSeriesSize states none"),
        (lambda make: make.Reply(status=404), "getSeriesSize failed: status 404"),
        (lambda make: make.Reply(b"<html>"), "getSeriesSize failed"),
    ],
    ids=["null", "zero", "no row", "two rows", "error", "page"],
)
def test_unchecked_completeness_is_a_warning_and_among_the_checks(
    run_client: RunClient,
    make: SimpleNamespace,
    plain: Any,
    tmp_path: Path,
    reply: Any,
    reason: str,
) -> None:
    plain.replies(reply(make))
    with pytest.warns(CompletenessWarning, match=f"the download is complete: .*{reason}"):
        done = run_client(
            plain.base_url,
            lambda c: c.download_counted(tmp_path, series_instance_uid=UIDS[0]),
        )
    assert done.state == "complete"
    assert UNCHECKED in done.checks
    assert [one.check for one in done.unchecked] == ["completeness"]


def test_api_without_a_declared_count_warns_once_per_call(
    run_client: RunClient, plain: Any, make: SimpleNamespace, tmp_path: Path
) -> None:
    plain.by_uid[UIDS[0]].headers["imageCount"] = "2"
    with pytest.warns(CompletenessWarning) as caught:
        done = run_client(plain.base_url, lambda c: c.download_images(tmp_path, UIDS))
    assert [str(one.message) for one in caught] == [
        "TCIA/query/getImage: the client could not check that 4 of 5 downloads are complete: no "
        "response states the number of files, and no other endpoint that states it is declared. "
        "Pass the number with expect=Expected(count=…) to check it."
    ]
    assert [UNCHECKED in one.checks for one in done] == [False, True, True, True, True]


def test_advice_of_the_completeness_warning_prevents_it(
    run_client: RunClient, plain: Any, tmp_path: Path
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        done = run_client(
            plain.base_url,
            lambda c: c.download_image(
                tmp_path, series_instance_uid=UIDS[0], expect=Expected(count=2)
            ),
        )
    assert "expected count" in done.checks


def test_count_endpoint_that_keeps_failing_is_not_queried_again(
    run_client: RunClient, make: SimpleNamespace, plain: Any, tmp_path: Path
) -> None:
    plain.replies(make.Reply(status=404))
    with pytest.warns(CompletenessWarning, match="5 of 5 downloads"):
        run_client(plain.base_url, lambda c: c.download_counteds(tmp_path, UIDS, workers=1))
    assert queried(plain) == 3


def test_existing_folder_without_a_check_is_checked_once_a_count_is_stated(
    run_client: RunClient, make: SimpleNamespace, plain: Any, tmp_path: Path
) -> None:
    def fetch(items: Any) -> Any:
        return run_client(plain.base_url, lambda c: c.download_counteds(tmp_path, items))

    plain.replies(make.Reply(status=404))
    with pytest.warns(CompletenessWarning):
        (first,) = fetch(UIDS[:1])
    with pytest.warns(CompletenessWarning):
        (second,) = fetch(UIDS[:1])
    assert [one.state for one in (first, second)] == ["complete", "existing"]
    assert all(UNCHECKED in one.checks for one in (first, second))
    plain.replies(counts(make, 2))
    (third,) = fetch(UIDS[:1])
    assert (third.state, "stated count" in third.checks) == ("existing", True)
    plain.replies(counts(make, 3))
    with pytest.raises(DownloadsError, match="states 3"):
        fetch(UIDS[:1])
    with pytest.raises(DownloadsError, match="states 4"):
        fetch([Row(UIDS[0], 4)])


@pytest.mark.parametrize(
    ("members", "headers", "kind"),
    [
        ([("./", b"")], {}, NoFileError),
        ([("images/", b"")], {"imageCount": "0"}, NoFileError),
        ([], {}, NoFileError),
        ([("./", b"")], {"imageCount": "3"}, VerificationError),
        ([("LICENSE.txt", b"CC BY")], {}, VerificationError),
        (
            [("results.json", b'[{"a": "1.2.3", "b": "error retrieving file"}]')],
            {},
            VerificationError,
        ),
    ],
    ids=["blob", "image", "bare", "announced", "licence", "failed"],
)
def test_archive_without_images_raises_no_file_error_unless_some_are_announced(
    run_client: RunClient,
    make: SimpleNamespace,
    plain: Any,
    tmp_path: Path,
    members: Any,
    headers: Any,
    kind: Any,
) -> None:
    plain.by_uid[UIDS[0]] = make.Reply(make.zipped(members), headers=headers)
    for item in (UIDS[0], Row(UIDS[0], 3)):
        with pytest.raises(DownloadsError) as caught:
            run_client(plain.base_url, lambda c, i=item: c.download_counteds(tmp_path, [i]))
        assert type(caught.value.results[0].error) is kind
    assert names(tmp_path) == []
