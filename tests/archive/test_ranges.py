"""``serve --ranges``: files with a length, an ETag, preconditions and ranges."""

from collections.abc import Iterator
from pathlib import Path

import attrs
import httpx
import pytest
from tests.archive.conftest import Caller, Image

from tciagen.archive.demo import DemoArchive
from tciagen.archive.running import running_archive


@pytest.fixture(scope="module")
def stored(demo: DemoArchive, http: httpx.Client) -> Iterator[Caller]:
    """A server that sends files as a proxy does that stores them."""
    with running_archive(demo.catalog, options=["--ranges"]) as running:
        yield Caller(http, running.base_url)


@attrs.frozen
class File:
    """A ZIP of the server: its address, its bytes and its ETag."""

    http: httpx.Client
    url: httpx.URL
    content: bytes
    tag: str

    def get(self, **headers: str) -> httpx.Response:
        return self.request("GET", **headers)

    def request(self, method: str, **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.http.request(method, self.url, headers=named)


@pytest.fixture(scope="module")
def file(stored: Caller, images: list[Image]) -> File:
    response = stored.query("getImage", SeriesInstanceUID=images[-1].header.SeriesInstanceUID)
    return File(stored.http, response.url, response.content, response.headers["etag"])


def test_file_with_ranges_has_the_same_bytes_a_length_and_a_tag(
    stored: Caller, call: Caller, images: list[Image], file: File
) -> None:
    plain = call.query("getImage", SeriesInstanceUID=images[-1].header.SeriesInstanceUID)
    response = file.get()
    assert response.content == plain.content
    assert response.headers["imagecount"] == plain.headers["imagecount"]
    assert response.headers["accept-ranges"] == "bytes"
    assert int(response.headers["content-length"]) == len(plain.content)
    assert response.headers["etag"] == file.tag


def test_response_of_rows_is_unchanged_by_ranges(stored: Caller, call: Caller) -> None:
    for name in ("getModalityValues", "getImage", "nothing"):
        for method in ("GET", "HEAD"):
            path = f"TCIA/query/{name}"
            one = stored.http.request(method, f"{stored.base_url}/{path}")
            other = call.http.request(method, f"{call.base_url}/{path}")
            assert (one.status_code, one.content) == (other.status_code, other.content)
            assert "etag" not in one.headers


def test_head_states_length_and_tag_of_the_file(file: File) -> None:
    response = file.request("HEAD")
    assert (response.status_code, response.content) == (200, b"")
    assert int(response.headers["content-length"]) == len(file.content)
    assert response.headers["etag"] == file.tag
    assert response.headers["content-type"] == "application/zip"
    ranged = file.request("HEAD", range="bytes=0-9")
    assert ranged.status_code == 200
    assert int(ranged.headers["content-length"]) == len(file.content)


@pytest.mark.parametrize(
    ("header", "first", "end"),
    [
        ("bytes=1000-", 1000, None),
        ("bytes=10-19", 10, 20),
        ("Bytes=0-0", 0, 1),
        ("bytes=5-99999999999999999999999", 5, None),
        ("bytes=5-" + "9" * 5000, 5, None),
        ("bytes=-7", -7, None),
        ("bytes=-99999999999", 0, None),
        ("bytes=,3-4,", 3, 5),
        ("bytes=, 3-4", 3, 5),
    ],
)
def test_range_returns_the_requested_part(
    file: File, header: str, first: int, end: int | None
) -> None:
    response = file.get(range=header)
    assert (response.status_code, response.content) == (206, file.content[first:end])
    start, total = first % len(file.content), len(file.content)
    stop = start + len(response.content) - 1
    assert response.headers["content-range"] == f"bytes {start}-{stop}/{total}"
    assert response.headers["etag"] == file.tag


INVALID = """pages=1-2|bytes|bytes=|bytes=5-2|bytes=a-b|bytes=-|bytes=1-2-3|bytes=+1-2|bytes 1-2
bytes=1-2,x|bytes=0-1,5-6""".replace("\n", "|").split("|")


@pytest.mark.parametrize("header", INVALID)
def test_range_that_is_invalid_or_not_one_part_is_ignored(file: File, header: str) -> None:
    response = file.get(range=header)
    assert (response.status_code, response.content) == (200, file.content)
    assert "content-range" not in response.headers


@pytest.mark.parametrize("header", ["bytes={}-", "bytes={}-{}", "bytes=-0", "bytes={}-,-0"])
def test_range_after_the_end_is_416(file: File, header: str) -> None:
    total = len(file.content)
    response = file.get(range=header.format(total, total))
    assert (response.status_code, response.content) == (416, b"")
    assert response.headers["content-range"] == f"bytes */{total}"


def test_range_counts_only_while_if_range_names_the_file(file: File) -> None:
    assert file.get(range="bytes=9-", if_range=file.tag).status_code == 206
    for other in ('"other"', f"W/{file.tag}", "Sat, 29 Feb 2020 00:00:00 GMT"):
        response = file.get(range="bytes=9-", if_range=other)
        assert (response.status_code, response.content) == (200, file.content)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("header", ["{}", "W/{}", '"other", {}', '"a,b" ,W/{}', "*"])
def test_if_none_match_of_the_same_file_is_304(file: File, method: str, header: str) -> None:
    response = file.request(method, if_none_match=header.format(file.tag), range="bytes=0-9")
    assert (response.status_code, response.content) == (304, b"")
    assert response.headers["etag"] == file.tag
    assert "content-length" not in response.headers


@pytest.mark.parametrize("header", ['"other"', "", "other", "{0}x", "{0},x"])
def test_if_none_match_of_another_file_or_invalid_sends_the_file(file: File, header: str) -> None:
    response = file.get(if_none_match=header.format(file.tag))
    assert (response.status_code, response.content) == (200, file.content)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    ("header", "status"),
    [("{}", 200), ('"other",{}', 200), ("*", 200), ('"other"', 412), ("W/{}", 412), ("other", 412)],
)
def test_if_match_fails_with_412_unless_it_names_the_file(
    file: File, method: str, header: str, status: int
) -> None:
    response = file.request(method, if_match=header.format(file.tag))
    assert response.status_code == status
    assert status == 200 or response.content == b""


def test_if_match_is_evaluated_before_if_none_match(file: File) -> None:
    response = file.get(if_match='"other"', if_none_match=file.tag)
    assert response.status_code == 412


def test_single_image_of_the_blob_layout_has_ranges(demo: DemoArchive, images: list[Image]) -> None:
    header = images[-1].header
    values = {
        "SeriesInstanceUID": header.SeriesInstanceUID,
        "SOPInstanceUID": header.SOPInstanceUID,
    }
    with running_archive(demo.catalog, options=["--ranges", "--files", "blob"]) as running:
        url = f"{running.base_url}/TCIA/query/getSingleImage"
        response = httpx.get(url, params=values, headers={"Range": "bytes=128-131"})
    assert (response.status_code, response.content) == (206, b"DICM")


@pytest.mark.skipif(not Path("/proc/self/io").exists(), reason="no /proc/PID/io")
def test_head_of_a_server_without_ranges_reads_no_file(
    demo: DemoArchive, images: list[Image]
) -> None:
    uid = images[-1].header.SeriesInstanceUID
    size = sum(i.path.stat().st_size for i in images if i.header.SeriesInstanceUID == uid)

    def read(pid: int) -> int:
        return int(Path(f"/proc/{pid}/io").read_text().split()[1])

    for layout in ("image", "blob"):
        with running_archive(demo.catalog, options=["--files", layout]) as running:
            url = f"{running.base_url}/TCIA/query/getImage?SeriesInstanceUID={uid}"
            httpx.head(url)  # loads the modules
            before = read(running.pid)
            response = httpx.head(url)
            assert read(running.pid) - before < size / 10
            httpx.get(url)
            assert read(running.pid) - before >= size
        assert (response.status_code, response.content) == (200, b"")
        assert response.headers["content-type"] == "application/zip"
        assert ("imagecount" in response.headers) is (layout == "image")
