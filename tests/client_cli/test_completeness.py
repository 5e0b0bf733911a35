"""Completeness in the command: short series fail, and what is not checked is in the summary."""

from collections.abc import Iterator
from typing import Any

import attrs
import pytest

from tciagen.archive.demo import DemoArchive
from tciagen.archive.running import running_archive

SHORT = ["--fault", "getImage:zip-left-out@1"]


@pytest.fixture(params=["blob", "image"])
def short(request: pytest.FixtureRequest, tcia: Any, demo: DemoArchive) -> Iterator[Any]:
    """The command, with an archive in either layout that leaves a file out of each series."""
    with running_archive(demo.catalog, options=["--files", request.param, *SHORT]) as server:
        yield attrs.evolve(tcia, base_url=server.base_url)


@pytest.fixture
def blob(tcia: Any, demo: DemoArchive) -> Iterator[Any]:
    """The command, with an archive whose responses state no number of files, and which has no
    endpoint that does."""
    faults = ["--fault", "getSeriesSize:status-503@100"]
    with running_archive(demo.catalog, options=["--files", "blob", *faults]) as server:
        yield attrs.evolve(tcia, base_url=server.base_url)


def rows_of(tcia: Any, columns: str) -> list[list[str]]:
    listed = tcia("get-series", "--collection=DEMO-BRAIN-MR", "--columns", columns).text
    rows = [line.split(",") for line in listed.splitlines()]
    count = rows[0].index("image_count")
    found = [row for row in rows[1:] if int(row[count]) > 1][:3]
    assert len(found) == 3
    return [rows[0], *found]


@pytest.mark.parametrize("columns", ["series_instance_uid,image_count", "uids"])
def test_each_incomplete_series_of_a_pipe_fails(short: Any, columns: str) -> None:
    rows = rows_of(short, "series_instance_uid,image_count")
    width = 2 if columns != "uids" else 1
    table = "\n".join(",".join(row[:width]) for row in rows)
    count = len(rows) - 1
    done = short("download-image", "--from=-", "--to=images", given=table)
    assert (done.status, done.out) == (1, b"")
    assert done.err.count("tcia: error: ") == count
    assert done.err.count(" DICOM files are there") >= count
    assert f"0 of {count} done" in done.err
    assert not list(short.home.rglob("*.dcm"))


def test_invalid_count_is_status_2(tcia: Any) -> None:
    table = "series_instance_uid,image_count\n1.2.3,several\n"
    done = tcia("download-image", "--from=-", "--to=images", given=table)
    assert (done.status, done.out) == (2, b"")
    assert "line 2: image_count of the row is 'several', which is no number of files" in done.err


@pytest.mark.parametrize("header", ["Image Count", "Number of Images", "ImageCount"])
def test_count_in_a_column_of_another_tool_is_checked(tcia: Any, header: str) -> None:
    uid, count = rows_of(tcia, "series_instance_uid,image_count")[1]
    command = ["download-image", "--from=-", "--to=images"]
    table = f"Series UID,{header},File Size\n{uid},{{}},26.27 MB\n"
    done = tcia(*command, given=table.format(int(count) + 1))
    assert (done.status, done.out) == (1, b"")
    assert f"{header} of the item states {int(count) + 1}" in done.err
    assert tcia(*command, given=table.format(count)).status == 0


def test_summary_reports_checks_that_were_not_made(blob: Any) -> None:
    rows = rows_of(blob, "series_instance_uid,image_count")
    table = "\n".join(row[0] for row in rows)
    done = blob("--retries=0", "download-image", "--from=-", "--to=images", given=table)
    count = len(rows) - 1
    assert done.status == 0
    assert f"; completeness of {count} not checked" in done.err
    assert done.err.count("tcia: warning: TCIA/query/getImage: the client could not check") == 1


def test_on_difference_keep_saves_the_received_files(short: Any) -> None:
    uid = rows_of(short, "series_instance_uid,image_count")[1][0]
    command = ["download-image", f"--series-instance-uid={uid}", "--to=images"]
    assert "--on-difference keep saves the received files" in short(*command).err
    done = short(*command, "--on-difference=keep")
    assert (done.status, done.text) == (1, f"images/{uid}.incomplete\n")
    assert (short.home / "images" / f"{uid}.incomplete").is_dir()


def test_unknown_series_fails_in_either_layout(short: Any) -> None:
    done = short("download-image", "--series-instance-uid=1.2.3", "--to=images")
    assert (done.status, done.out) == (3, b"")
    assert "the archive is empty" in done.err


def test_keep_zip_saves_archive_that_cannot_be_unpacked(
    tcia: Any, wire: Any, archive_of: Any
) -> None:
    hostile = attrs.evolve(tcia, base_url=wire.base_url)
    wire.rows(archive_of("../evil.txt"), kind="application/zip")
    command = ["download-image", "--series-instance-uid=1.2.3", "--to=images"]
    refused = hostile(*command)
    assert refused.status == 3
    assert "keep it packed with --keep-zip, without --names." in refused.err
    kept = hostile(*command, "--keep-zip", "--on-difference=keep")
    assert kept.text == "images/1.2.3.zip.incomplete\n"
