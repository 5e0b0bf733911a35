"""Downloads: the streamed ZIP of a series and single DICOM files."""

import io
import json
import shutil
import struct
import zipfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import httpx
import pydicom
import pytest
from tests.archive.conftest import Caller, Image

from tciagen.archive.catalog import open_for_writing
from tciagen.archive.demo import DemoArchive
from tciagen.archive.running import running_archive
from tciagen.archive.scan import CollectionRule, index

Series = tuple[str, list[Path]]
Gone = tuple[Caller, str, str]


@pytest.fixture
def series(images: list[Image]) -> Series:
    uid = images[-1].header.SeriesInstanceUID
    return uid, [i.path for i in images if i.header.SeriesInstanceUID == uid]


def test_zip_holds_every_file_of_the_series(call: Caller, series: Series) -> None:
    uid, paths = series
    response = call.query("getImage", SeriesInstanceUID=uid)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/zip"
    assert response.headers["imagecount"] == str(len(paths))
    assert (
        response.headers["content-disposition"] == f'attachment;filename="images-{len(paths)}.zip"'
    )
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        names = archive.namelist()
        assert names[0] == "images/"
        assert names[-1] == "results.json"
        assert names[1:-1] == [f"images/{number}.dcm" for number in range(len(paths))]
        assert [archive.read(name) for name in names[1:-1]] == [p.read_bytes() for p in paths]
        results = json.loads(archive.read("results.json"))
    assert len(results) == len(paths)
    assert all("error" not in result for result in results)


def test_zip_is_written_as_a_stream(call: Caller, series: Series) -> None:
    response = call.query("getImage", SeriesInstanceUID=series[0])
    assert response.headers["transfer-encoding"] == "chunked"
    assert "content-length" not in response.headers
    place = response.content.index(b"PK\x03\x04", 10)
    flags, method = struct.unpack_from("<HH", response.content, place + 6)
    crc, packed, size = struct.unpack_from("<III", response.content, place + 14)
    assert flags & 0x08
    assert method == zipfile.ZIP_DEFLATED
    assert (crc, packed, size) == (0, 0, 0)
    assert b"PK\x07\x08" in response.content


def test_zip_is_compressed_as_hard_as_asked(demo: DemoArchive, series: Series) -> None:
    uid, paths = series
    sizes = []
    for level in ("0", "1", "9"):
        with running_archive(demo.catalog, options=["--zip-level", level]) as server:
            url = f"{server.base_url}/TCIA/query/getImage"
            content = httpx.get(url, params={"SeriesInstanceUID": uid}).content
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            assert archive.read("images/0.dcm") == paths[0].read_bytes()
        sizes.append(len(content))
    assert sizes[0] > sum(path.stat().st_size for path in paths) > sizes[1] > sizes[2]


def test_zip_of_an_unknown_series_is_empty(call: Caller) -> None:
    response = call.query("getImage", SeriesInstanceUID="1.2.3")
    assert response.headers["imagecount"] == "0"
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        assert archive.namelist() == ["images/", "results.json"]


def test_single_image_is_the_part_10_file(call: Caller, images: list[Image]) -> None:
    for image in images[::250]:
        response = call.query(
            "getSingleImage",
            SeriesInstanceUID=image.header.SeriesInstanceUID,
            SOPInstanceUID=image.header.SOPInstanceUID,
        )
        assert response.headers["content-type"] == "application/dicom"
        assert response.content == image.path.read_bytes()
        assert response.content[128:132] == b"DICM"


def test_written_files_are_valid_and_have_pixels(images: list[Image]) -> None:
    written = [image.path for image in images if "PYDICOM" not in str(image.path)]
    for path in written[::100]:
        dataset = pydicom.dcmread(path)
        assert len(dataset.PixelData) == 2 * dataset.Rows * dataset.Columns
        assert len(set(dataset.PixelData)) > 4


@pytest.mark.parametrize("wrong", ["SeriesInstanceUID", "SOPInstanceUID"])
def test_unknown_single_image_is_500(call: Caller, images: list[Image], wrong: str) -> None:
    header = images[0].header
    values = {
        "SeriesInstanceUID": header.SeriesInstanceUID,
        "SOPInstanceUID": header.SOPInstanceUID,
        wrong: "1.2.3",
    }
    response = call.query("getSingleImage", **values)
    assert response.status_code == 500
    assert set(response.json()) == {"errorMessage"}


@pytest.fixture
def gone(tmp_path: Path, series: Series, today: date, http: httpx.Client) -> Iterator[Gone]:
    """Ask a server of three files, of which the second was deleted after the scan."""
    uid, paths = series
    folder = tmp_path / "files"
    folder.mkdir()
    for path in paths[:3]:
        shutil.copy(path, folder)
    connection = open_for_writing(tmp_path / "catalog.sqlite")
    index(connection, [folder], rule=CollectionRule(), today=today)
    connection.close()
    lost = folder / paths[1].name
    sop_uid = str(pydicom.dcmread(lost).SOPInstanceUID)
    with running_archive(tmp_path / "catalog.sqlite") as server:
        lost.unlink()
        yield Caller(http, server.base_url), uid, sop_uid


def test_file_that_is_gone_is_told_in_the_zip_and_is_500_alone(gone: Gone) -> None:
    caller, uid, sop_uid = gone
    response = caller.query("getImage", SeriesInstanceUID=uid)
    assert response.status_code == 200
    assert response.headers["imagecount"] == "3"
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        assert archive.namelist() == ["images/", "images/0.dcm", "images/2.dcm", "results.json"]
        results = json.loads(archive.read("results.json"))
    assert [result.get("error") for result in results] == [None, "error retrieving file", None]
    response = caller.query("getSingleImage", SeriesInstanceUID=uid, SOPInstanceUID=sop_uid)
    assert (response.status_code, response.json()) == (
        500,
        {"errorMessage": "error retrieving file"},
    )


@pytest.fixture(scope="module")
def kept(demo: DemoArchive, http: httpx.Client) -> Iterator[Caller]:
    """An archive that answers files as a proxy that keeps them."""
    with running_archive(demo.catalog, options=["--ranges"]) as running:
        yield Caller(http, running.base_url)


def test_with_ranges_a_file_has_a_length_and_a_tag_and_its_parts_can_be_had(
    kept: Caller, call: Caller, series: Series
) -> None:
    whole = kept.query("getImage", SeriesInstanceUID=series[0])
    plain = call.query("getImage", SeriesInstanceUID=series[0])
    assert whole.content == plain.content
    assert whole.headers["imagecount"] == plain.headers["imagecount"]
    assert whole.headers["accept-ranges"] == "bytes"
    total, tag = len(whole.content), whole.headers["etag"]
    assert int(whole.headers["content-length"]) == total

    def ask(**headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return kept.http.get(whole.url, headers=named)

    rest = ask(range="bytes=1000-", if_range=tag)
    assert (rest.status_code, rest.content) == (206, whole.content[1000:])
    assert rest.headers["content-range"] == f"bytes 1000-{total - 1}/{total}"
    assert rest.headers["etag"] == tag
    middle = ask(range=f"bytes=5-{total * 2}")
    assert (middle.status_code, middle.content) == (206, whole.content[5:])
    assert ask(range="bytes=10-19").content == whole.content[10:20]
    beyond = ask(range=f"bytes={total}-")
    assert (beyond.status_code, beyond.content) == (416, b"")
    assert beyond.headers["content-range"] == f"bytes */{total}"
    for headers in ({"range": "bytes=9-", "if_range": '"other"'}, {"range": "pages=1-2"}):
        assert (ask(**headers).status_code, ask(**headers).content) == (200, whole.content)


def test_with_ranges_what_is_no_file_is_answered_as_without(kept: Caller, call: Caller) -> None:
    for name in ("getModalityValues", "getImage", "nothing"):
        one, other = kept.query(name), call.query(name)
        assert (one.status_code, one.content) == (other.status_code, other.content)
        assert "etag" not in one.headers
