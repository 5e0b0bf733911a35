"""Downloads: the streamed ZIP of a series and single DICOM files."""

import io
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import date
from pathlib import Path
from typing import Protocol

import httpx
import pydicom
import pytest
from tests.archive.conftest import Caller, Image

from tciagen.archive.catalog import open_for_writing
from tciagen.archive.demo import DemoArchive
from tciagen.archive.rules import CollectionRule
from tciagen.archive.running import running_archive
from tciagen.archive.scan import index

Series = tuple[str, list[Path]]
Change = Callable[[list[Path]], object]
JAVA = """
import java.net.URL;
import java.util.zip.*;

class Entries {
    public static void main(String[] arguments) throws Exception {
        try (var zip = new ZipInputStream(new URL(arguments[0]).openStream())) {
            for (ZipEntry entry; (entry = zip.getNextEntry()) != null; )
                System.out.println(entry.getName() + " " + zip.readAllBytes().length);
        }
    }
}
"""


@pytest.fixture
def series(images: list[Image]) -> Series:
    uid = images[-1].header.SeriesInstanceUID
    return uid, [i.path for i in images if i.header.SeriesInstanceUID == uid]


def test_zip_contains_every_file_of_the_series(call: Caller, series: Series) -> None:
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


def local_headers(content: bytes) -> list[tuple[str, int, int]]:
    """Name, flags and method in the local header of each entry."""
    found = []
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for entry in archive.infolist():
            flags, method = struct.unpack_from("<HH", content, entry.header_offset + 6)
            found.append((entry.filename, flags, method))
    return found


@pytest.mark.parametrize("level", ["0", "1"])
@pytest.mark.parametrize("layout", ["blob", "image"])
def test_zip_has_no_stored_entry_with_a_data_descriptor(
    demo: DemoArchive, series: Series, layout: str, level: str
) -> None:
    options = ["--files", layout, "--zip-level", level]
    with running_archive(demo.catalog, options=options) as server:
        url = f"{server.base_url}/TCIA/query/getImage"
        content = httpx.get(url, params={"SeriesInstanceUID": series[0]}).content
    entries = local_headers(content)
    assert len(entries) > len(series[1])
    for _, flags, method in entries:
        assert flags & 0x08
        assert method == zipfile.ZIP_DEFLATED


@pytest.mark.skipif(shutil.which("java") is None, reason="no Java")
@pytest.mark.parametrize("layout", ["blob", "image"])
def test_zip_is_read_by_javas_zip_input_stream(
    demo: DemoArchive, series: Series, layout: str, tmp_path: Path
) -> None:
    source = tmp_path / "Entries.java"
    source.write_text(JAVA)
    with running_archive(demo.catalog, options=["--files", layout]) as server:
        url = f"{server.base_url}/TCIA/query/getImage?SeriesInstanceUID={series[0]}"
        done = subprocess.run(
            ["java", source, url], capture_output=True, text=True, check=False, timeout=120
        )
    assert (done.returncode, done.stderr) == (0, "")
    read = {name: int(size) for name, size in map(str.split, done.stdout.splitlines())}
    for number, path in enumerate(series[1]):
        name = f"./{number + 1}-{path.name}" if layout == "blob" else f"images/{number}.dcm"
        assert read[name] == path.stat().st_size


@pytest.fixture(scope="module")
def blob(demo: DemoArchive, http: httpx.Client) -> Iterator[Caller]:
    """A server whose files have the layout of the blob plugin."""
    with running_archive(demo.catalog, options=["--files", "blob"]) as running:
        yield Caller(http, running.base_url)


def test_blob_zip_has_the_names_of_the_files_and_neither_count_nor_list(
    blob: Caller, series: Series
) -> None:
    uid, paths = series
    response = blob.query("getImage", SeriesInstanceUID=uid)
    assert response.headers["content-type"] == "application/zip"
    disposition = response.headers["content-disposition"]
    assert disposition == 'attachment;filename="bindaas-blob-download.zip"'
    assert "imagecount" not in response.headers
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        first, *names = archive.namelist()
        assert first == "./"
        assert names == [f"./{n}-{path.name}" for n, path in enumerate(paths, 1)]
        assert [archive.read(name) for name in names] == [p.read_bytes() for p in paths]


def test_blob_zip_of_an_unknown_series_has_only_the_directory(blob: Caller) -> None:
    response = blob.query("getImage", SeriesInstanceUID="1.2.3")
    assert response.status_code == 200
    assert [name for name, _, _ in local_headers(response.content)] == ["./"]


def test_blob_single_image_is_a_stream_of_bytes_under_the_name_of_the_file(
    blob: Caller, images: list[Image]
) -> None:
    image = images[-1]
    response = blob.query(
        "getSingleImage",
        SeriesInstanceUID=image.header.SeriesInstanceUID,
        SOPInstanceUID=image.header.SOPInstanceUID,
    )
    assert response.headers["content-type"] == "application/octet-stream"
    disposition = response.headers["content-disposition"]
    assert disposition == f'attachment;filename="{image.path.name}"'
    assert response.content == image.path.read_bytes()


def test_zip_has_the_specified_compression_level(demo: DemoArchive, series: Series) -> None:
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


class Changing(Protocol):
    """Serves three files, changes their folder, and yields a caller of the server."""

    def __call__(self, change: Change, *options: str) -> AbstractContextManager[Caller]: ...


@pytest.fixture
def changing(tmp_path: Path, series: Series, today: date, http: httpx.Client) -> Changing:
    @contextmanager
    def serve(change: Change, *options: str) -> Iterator[Caller]:
        folder = tmp_path / "files"
        folder.mkdir()
        paths = [Path(shutil.copy(path, folder)) for path in series[1][:3]]
        with closing(open_for_writing(tmp_path / "catalog.sqlite")) as connection:
            index(connection, [folder], rule=CollectionRule(), today=today)
        with running_archive(tmp_path / "catalog.sqlite", options=options) as server:
            change(paths)
            yield Caller(http, server.base_url, server.pid)

    return serve


def test_absent_file_is_an_error_in_the_list_of_the_image_zip(
    changing: Changing, series: Series
) -> None:
    with changing(lambda paths: paths[1].unlink()) as caller:
        response = caller.query("getImage", SeriesInstanceUID=series[0])
    assert response.status_code == 200
    assert response.headers["imagecount"] == "3"
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        assert archive.namelist() == ["images/", "images/0.dcm", "images/2.dcm", "results.json"]
        results = json.loads(archive.read("results.json"))
    assert [result.get("error") for result in results] == [None, "error retrieving file", None]


def test_absent_file_leaves_no_trace_in_the_blob_zip(changing: Changing, series: Series) -> None:
    names = [path.name for path in series[1]]
    with changing(lambda paths: paths[1].unlink(), "--files", "blob") as caller:
        response = caller.query("getImage", SeriesInstanceUID=series[0])
    assert response.status_code == 200
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        assert archive.namelist() == ["./", f"./1-{names[0]}", f"./2-{names[2]}"]


@pytest.mark.parametrize("layout", ["blob", "image"])
def test_single_image_of_an_absent_file_is_500(
    changing: Changing, series: Series, layout: str
) -> None:
    uid, paths = series
    sop_uid = str(pydicom.dcmread(paths[1]).SOPInstanceUID)
    with changing(lambda paths: paths[1].unlink(), "--files", layout) as caller:
        response = caller.query("getSingleImage", SeriesInstanceUID=uid, SOPInstanceUID=sop_uid)
    assert response.status_code == 500
    assert response.json() == {"errorMessage": "error retrieving file"}


def make_fifo(paths: list[Path]) -> None:
    paths[1].unlink()
    os.mkfifo(paths[1])


def make_socket(paths: list[Path]) -> None:
    paths[1].unlink()
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind(str(paths[1]))


def make_folder(paths: list[Path]) -> None:
    paths[1].unlink()
    paths[1].mkdir()


def link_to(target: Path) -> Change:
    def change(paths: list[Path]) -> None:
        paths[1].unlink()
        paths[1].symlink_to(target)

    return change


def link_to_itself_elsewhere(paths: list[Path]) -> None:
    paths[1].rename(paths[1].parent.parent / "moved.dcm")
    paths[1].symlink_to(paths[1].parent.parent / "moved.dcm")


def put_other_object(paths: list[Path]) -> None:
    """Replace a file by another object of the same size and time."""
    before = paths[1].stat()
    shutil.copy(paths[0], paths[1])
    assert paths[1].stat().st_size == before.st_size
    os.utime(paths[1], ns=(before.st_atime_ns, before.st_mtime_ns))


def put_other_text(paths: list[Path]) -> None:
    """Replace a file by other bytes of the same size and time."""
    before = paths[1].stat()
    paths[1].write_bytes(b"secret".ljust(before.st_size))
    os.utime(paths[1], ns=(before.st_atime_ns, before.st_mtime_ns))


def append(paths: list[Path]) -> None:
    before = paths[1].stat()
    with paths[1].open("ab") as file:
        file.write(b"more")
    os.utime(paths[1], ns=(before.st_atime_ns, before.st_mtime_ns))


CHANGES: dict[str, Change] = {
    "gone": lambda paths: paths[1].unlink(),
    "folder": make_folder,
    "fifo": make_fifo,
    "socket": make_socket,
    "link to a readable file": link_to(Path("/etc/passwd")),
    "link to a device": link_to(Path("/dev/zero")),
    "link to another object": lambda paths: link_to(paths[0])(paths),
    "link to the file moved elsewhere": link_to_itself_elsewhere,
    "another object": put_other_object,
    "another text": put_other_text,
    "longer": append,
    "another time": lambda paths: os.utime(paths[1], ns=(0, 0)),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("layout", ["image", "blob"])
def test_file_that_changed_since_indexing_is_treated_as_missing(
    changing: Changing, series: Series, layout: str, change: Change
) -> None:
    uid, paths = series
    contents = [path.read_bytes() for path in paths[:3]]
    sop_uid = str(pydicom.dcmread(paths[1]).SOPInstanceUID)
    with changing(change, "--files", layout) as caller:
        single = caller.query("getSingleImage", SeriesInstanceUID=uid, SOPInstanceUID=sop_uid)
        response = caller.query("getImage", SeriesInstanceUID=uid)
    assert (single.status_code, single.json()) == (500, {"errorMessage": "error retrieving file"})
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        names = [name for name in archive.namelist() if name.endswith(".dcm")]
        assert [archive.read(name) for name in names] == [contents[0], contents[2]]
        if layout == "image":
            results = json.loads(archive.read("results.json"))
            assert [result.get("error") for result in results] == [
                None,
                "error retrieving file",
                None,
            ]


def test_blocking_files_delay_neither_other_requests_nor_sigterm(
    changing: Changing, series: Series
) -> None:
    uid, paths = series
    sop_uid = str(pydicom.dcmread(paths[1]).SOPInstanceUID)
    with changing(make_fifo) as caller:
        values = {"SeriesInstanceUID": uid, "SOPInstanceUID": sop_uid}
        with ThreadPoolExecutor(60) as pool:
            asked = [pool.submit(caller.query, "getSingleImage", **values) for _ in range(60)]
            assert len(caller.rows("getSeries")) == 1
            assert {one.result().status_code for one in asked} == {500}
        assert len(caller.rows("getSeries")) == 1
        assert caller.pid is not None
        os.kill(caller.pid, signal.SIGTERM)
        ended = os.waitid(os.P_PID, caller.pid, os.WEXITED | os.WNOWAIT)
        assert ended is not None
        assert (ended.si_code, ended.si_status) == (os.CLD_EXITED, 0)


def test_file_that_was_indexed_as_a_link_is_served(
    tmp_path: Path, series: Series, today: date, http: httpx.Client
) -> None:
    uid, paths = series
    annex, folder = tmp_path / "annex", tmp_path / "files"
    annex.mkdir()
    folder.mkdir()
    shutil.copy(paths[0], annex / "0a1b2c")
    (folder / "one.dcm").symlink_to(Path("..", "annex", "0a1b2c"))
    with closing(open_for_writing(tmp_path / "catalog.sqlite")) as connection:
        index(connection, [folder], rule=CollectionRule(), today=today)
    with running_archive(tmp_path / "catalog.sqlite", options=["--files", "blob"]) as server:
        response = Caller(http, server.base_url).query("getImage", SeriesInstanceUID=uid)
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        assert archive.read("./1-one.dcm") == paths[0].read_bytes()


def test_file_names_are_escaped_in_zips_and_headers(
    tmp_path: Path, series: Series, today: date, http: httpx.Client
) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    names = [b"..\\..\\evil.dcm", b'new\nline".dcm', "ü—片.dcm".encode(), b"no utf \xff.dcm"]
    for name, path in zip(names, series[1], strict=False):
        shutil.copy(os.fsencode(path), os.path.join(os.fsencode(folder), name))  # noqa: PTH118 - bytes
    with closing(open_for_writing(tmp_path / "catalog.sqlite")) as connection:
        index(connection, [folder], rule=CollectionRule(), today=today)
    with running_archive(tmp_path / "catalog.sqlite", options=["--files", "blob"]) as server:
        caller = Caller(http, server.base_url)
        response = caller.query("getImage", SeriesInstanceUID=series[0])
        dispositions = [
            caller.query(
                "getSingleImage",
                SeriesInstanceUID=series[0],
                SOPInstanceUID=str(pydicom.dcmread(path).SOPInstanceUID),
            ).headers["content-disposition"]
            for path in series[1][:4]
        ]
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        assert sorted(name.partition("-")[2] for name in archive.namelist() if "-" in name) == [
            ".._.._evil.dcm",
            "new_line_.dcm",
            "no utf �.dcm",
            "ü—片.dcm",
        ]
    assert dispositions[0] == 'attachment;filename=".._.._evil.dcm"'
    assert dispositions[1] == 'attachment;filename="new_line_.dcm"'
    assert dispositions[2].startswith("attachment;filename=\"___.dcm\"; filename*=UTF-8''%C3%BC")
