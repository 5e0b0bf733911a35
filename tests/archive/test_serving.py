"""The server as a process: start, stop, log, memory, and the commands around it."""

import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx
import pytest
from tests.archive.conftest import Run

from tciagen.archive.catalog import open_for_writing, save_shared_list
from tciagen.archive.demo import DemoArchive
from tciagen.archive.running import running_archive
from tciagen.archive.serve_cli import DEFAULT_PORT
from tciagen.errors import ServerProblem

if TYPE_CHECKING:
    from tests.conftest import WaitFor

COMMAND = [sys.executable, "-m", "tciagen.archive"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_start_line_and_graceful_stop(demo: DemoArchive, number: int) -> None:
    process = subprocess.Popen(
        [*COMMAND, "serve", "--catalog", demo.catalog, "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline().strip()
    endings, _, base_url = line.rpartition(" at ")
    assert endings == "Serving 9 collections, 61 series, 1,500 images"
    assert base_url.startswith("http://127.0.0.1:")
    assert base_url.endswith("/services/v3")
    assert httpx.get(f"{base_url}/TCIA/query/getCollectionValues").status_code == 200
    process.send_signal(number)
    output, errors = process.communicate(timeout=20)
    assert (process.returncode, output) == (0, "")
    assert errors.count("\n") == 1


def peak_memory(pid: int) -> int:
    """Return the peak resident set of a process in kB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc")
def test_large_responses_need_constant_memory(large: Path, http: httpx.Client) -> None:
    with running_archive(large) as server:
        url = f"{server.base_url}/TCIA/query/getSeries"
        http.get(url, params={"SeriesInstanceUID": "1.2"})
        before = peak_memory(server.pid)
        size = 0
        with http.stream("GET", url, headers={"Accept-Encoding": "identity"}) as response:
            rows = 0
            for chunk in response.iter_raw():
                size += len(chunk)
                rows += chunk.count(b'"SeriesInstanceUID"')
        assert size > 20_000_000
        assert rows > 49_000  # some names are cut by the chunks
        assert peak_memory(server.pid) - before < 10_000


def test_missing_catalog_prints_one_error(run: Run, tmp_path: Path) -> None:
    result = run("serve", "--catalog", tmp_path / "none.sqlite", "--port", "0", status=2)
    assert result.stderr.startswith("tciagen: error: there is no catalog at ")
    assert result.stderr.count("\n") == 1


def test_locked_catalog_prints_one_error(run: Run, tmp_path: Path) -> None:
    catalog = tmp_path / "catalog.sqlite"
    connection = open_for_writing(catalog)
    connection.execute("BEGIN IMMEDIATE")
    result = run("list", "n", "--series", "1.2", "--catalog", catalog, status=2)
    connection.close()
    assert result.stderr.endswith("database is locked\n")
    assert result.stderr.count("\n") == 1


def test_query_of_a_removed_catalog_is_573(tmp_path: Path, http: httpx.Client) -> None:
    catalog = tmp_path / "catalog.sqlite"
    open_for_writing(catalog).close()
    with running_archive(catalog) as server:
        catalog.unlink()
        response = http.get(f"{server.base_url}/TCIA/query/getPatient")
    assert response.status_code == 573
    assert "errorDescription" in response.json()


def test_running_archive_raises_with_the_output_of_a_failed_start(tmp_path: Path) -> None:
    with (
        pytest.raises(ServerProblem, match="there is no catalog"),
        running_archive(tmp_path / "none.sqlite"),
    ):
        pass


def test_port_in_use_prints_one_error(run: Run, demo: DemoArchive) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = run("serve", "--catalog", demo.catalog, "--port", port, status=2)
    assert f"cannot listen on 127.0.0.1 port {port}" in result.stderr
    assert result.stderr.count("\n") == 1


def test_shared_lists_from_a_manifest_or_from_uids(
    run: Run, tmp_path: Path, http: httpx.Client
) -> None:
    catalog = tmp_path / "catalog.sqlite"
    open_for_writing(catalog).close()
    manifest = tmp_path / "my.tcia"
    manifest.write_text(
        "downloadServerUrl=https://example.org/x\nincludeAnnotation=true\n"
        "ListOfSeriesToDownload=\n1.2.3\n1.2.4\n\n1.2.3\n"
    )
    listed = run("list", "from manifest", "--manifest", manifest, "--catalog", catalog)
    assert listed.stdout == "from manifest: 2 series, 2 of them not in the catalog\n"
    run("list", "two", "--series", "1.5", "--series", "1.4", "--catalog", catalog)
    run("list", "two", "--series", "1.6", "--series", "1.4", "--catalog", catalog)
    with running_archive(catalog) as server:
        url = f"{server.base_url}/SharedList/query/ContentsByName"
        assert http.get(url, params={"name": "two"}).json() == [
            {"SERIES_INSTANCE_UID": "1.6"},
            {"SERIES_INSTANCE_UID": "1.4"},
        ]
        assert len(http.get(url, params={"name": "from manifest"}).json()) == 2


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("nothing here\n", "is not a .tcia manifest"),
        ("ListOfSeriesToDownload=\n1.2\nx y\n", "line 3 is not a series UID"),
        ("ListOfSeriesToDownload=\n", "contains no series"),
        ("\udcff", "cannot read the manifest"),
    ],
)
def test_invalid_manifest_prints_one_error(
    run: Run, demo: DemoArchive, tmp_path: Path, text: str, sentence: str
) -> None:
    manifest = tmp_path / "x.tcia"
    manifest.write_bytes(text.encode("utf-8", "surrogateescape"))
    result = run("list", "n", "--manifest", manifest, "--catalog", demo.catalog, status=3)
    assert sentence in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("words", [[], ["my-list"], ["--series", "1.2"], [" ", "--series", "1.2"]])
def test_list_without_name_or_series_prints_usage_and_existing_lists(
    run: Run, demo: DemoArchive, words: list[str]
) -> None:
    result = run("list", *words, "--catalog", demo.catalog, status=2)
    assert "`tciagen archive list NAME --series UID`" in result.stderr
    assert "'demo-first-look' (4 series)" in result.stderr
    assert result.stderr.count("\n") == 1


def test_list_without_series_reports_a_catalog_without_lists(run: Run, tmp_path: Path) -> None:
    catalog = tmp_path / "catalog.sqlite"
    open_for_writing(catalog).close()
    result = run("list", "--catalog", catalog, status=2)
    assert "has no lists yet" in result.stderr


@pytest.mark.parametrize("uid", ["", "x", "1.2 ", "1." + "2" * 70])
def test_list_of_an_invalid_series_uid_prints_one_error(
    run: Run, demo: DemoArchive, uid: str
) -> None:
    result = run("list", "n", "--series", uid, "--catalog", demo.catalog, status=2)
    assert f"--series {uid!r} is not a series UID" in result.stderr
    assert result.stderr.count("\n") == 1


def test_serve_with_an_empty_host_prints_one_error(run: Run, demo: DemoArchive) -> None:
    result = run("serve", "--host", "", "--catalog", demo.catalog, status=2)
    assert "--host is empty" in result.stderr


def test_default_port_is_the_same_everywhere(run: Run, root: Path) -> None:
    assert f"[default: {DEFAULT_PORT};" in " ".join(run("serve", "--help").stdout.split())
    pages = [root / "README.md", root / "Makefile", *(root / "docs").glob("*.md")]
    texts = {page.name: page.read_text(encoding="utf-8") for page in pages}
    texts["client"] = (root / "templates/client/package/testing.py.jinja").read_text("utf-8")
    # Four digits: the demo's output shows a free port, and examples of errors port 9.
    port = re.compile(r"(?:127\.0\.0\.1:|localhost:|--port |PORT \?= )([0-9]{4})\b")
    ports = {(name, found) for name, text in texts.items() for found in port.findall(text)}
    assert {found for _, found in ports} == {str(DEFAULT_PORT)}
    assert {"README.md", "Makefile", "archive.md", "client"} <= {name for name, _ in ports}


def test_synth_refuses_a_catalog_with_rows(run: Run, tmp_path: Path) -> None:
    catalog = tmp_path / "s.sqlite"
    made = run("synth", "--series", 500, "--catalog", catalog)
    assert "500 series" in made.stdout
    again = run("synth", "--series", 500, "--catalog", catalog, status=2)
    assert "is not empty" in again.stderr


def test_index_command_prints_its_numbers_and_findings(
    run: Run, tmp_path: Path, demo: DemoArchive
) -> None:
    folder = tmp_path / "files"
    for name in ("PYDICOM-CT-MR", "PYDICOM-DICOMDIR", "PYDICOM-TINY", "PYDICOM-OTHER"):
        shutil.copytree(demo.folder / "images" / name, folder / name)
    shutil.copy(demo.folder / "images" / "manifest.json", folder)
    result = run(
        "index",
        folder,
        "--catalog",
        tmp_path / "c.sqlite",
        "--collection-from-folder",
        1,
    )
    assert result.stdout.startswith(
        "101 files read, 0 unchanged, 0 gone, 1 left out, 1 contradiction; 4 collections"
    )
    assert result.stderr.startswith("left out '")
    few = ("--catalog", tmp_path / "few.sqlite", "--collection", "ONE")
    result = run("index", folder / "PYDICOM-TINY", *few)
    assert "; 1 collection, " in result.stdout


FORM = "Host: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
LEFT = {
    "GET": ("GET {} HTTP/1.1\r\nHost: x\r\n\r\n", 300_000, "200 "),
    "GET gzip": ("GET {} HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n", 100_000, "200 "),
    "POST": (f"POST {{}} HTTP/1.1\r\n{FORM}Content-Length: 2\r\n\r\na=", 300_000, "200 "),
    "POST, in its form": (f"POST {{}} HTTP/1.1\r\n{FORM}Content-Length: 9\r\n\r\na=", 0, "400 "),
}


def leave(base_url: str, request: str, *, read: int, reset: bool) -> None:
    """Send a request, read some bytes of the response and close, with RST or FIN."""
    url = urlsplit(base_url)
    with socket.create_connection((url.hostname, url.port), timeout=30) as connection:
        connection.sendall(request.format(f"{url.path}/TCIA/query/getSeries").encode())
        while read > 0:
            received = connection.recv(read)
            assert received
            read -= len(received)
        if reset:
            linger = struct.pack("ii", 1, 0)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)


@pytest.mark.parametrize("reset", [False, True])
def test_disconnected_client_is_one_line_in_the_log(
    large: Path, wait_for: "WaitFor", reset: bool
) -> None:
    with running_archive(large) as server:
        for request, read, _ in LEFT.values():
            leave(server.base_url, request, read=read, reset=reset)
        wait_for(lambda: len(server.log.read_text().splitlines()) >= len(LEFT))
        lines = server.log.read_text().splitlines()
        response = httpx.get(f"{server.base_url}/TCIA/query/getModalityValues")
        assert len(response.json()) == 10
        log = server.log.read_text().splitlines()
    assert log[: len(LEFT)] == lines
    assert len(log) <= len(LEFT) + 1
    endings = sorted(line.partition('getSeries" ')[2] for line in lines)
    assert [line[:4] for line in endings] == sorted(status for _, _, status in LEFT.values())
    assert [line.endswith(", broken off") for line in endings] == [True, True, True, False]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="no /proc")
def test_successive_requests_open_the_catalog_once(demo: DemoArchive, http: httpx.Client) -> None:
    with running_archive(demo.catalog) as server:
        for _ in range(20):
            for name in ("getSeries", "getSeriesSize", "getPatient?Collection=none"):
                http.get(f"{server.base_url}/TCIA/query/{name}")
        assert opened(server.pid, demo.catalog) == 1


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="no /proc")
def test_disconnected_client_releases_its_connection_to_the_catalog(
    large: Path, tmp_path: Path, wait_for: "WaitFor"
) -> None:
    catalog = Path(shutil.copy(large, tmp_path))
    with running_archive(catalog) as server:
        for request, read, _ in LEFT.values():
            leave(server.base_url, request, read=read, reset=False)
        catalog.unlink()
        response = httpx.get(f"{server.base_url}/TCIA/query/getModalityValues")
        assert response.status_code == 573
        wait_for(lambda: opened(server.pid, catalog) == 0)


def test_replaced_catalog_is_served_at_once(
    tmp_path: Path, http: httpx.Client, demo: DemoArchive
) -> None:
    catalog = tmp_path / "catalog.sqlite"
    open_for_writing(catalog).close()
    with running_archive(catalog) as server:
        url = f"{server.base_url}/TCIA/query/getCollectionValues"
        assert http.get(url).json() == []
        catalog.unlink()
        shutil.copy(demo.catalog, catalog)
        assert len(http.get(url).json()) == 9
        with closing(open_for_writing(tmp_path / "other.sqlite")):
            pass
        (tmp_path / "other.sqlite").replace(catalog)
        assert http.get(url).json() == []


def test_rows_added_while_serving_are_in_the_next_response(
    tmp_path: Path, http: httpx.Client
) -> None:
    catalog = tmp_path / "catalog.sqlite"
    with closing(open_for_writing(catalog)) as connection, running_archive(catalog) as server:
        url = f"{server.base_url}/SharedList/query/ContentsByName?name=mine"
        for count in range(4):
            save_shared_list(connection, "mine", [f"1.{n}" for n in range(count)])
            assert len(http.get(url).json()) == count


def opened(pid: int, path: Path) -> int:
    """Return the number of a process's open descriptors of a file, also of a deleted one."""
    count = 0
    names = {str(path.resolve()), f"{path.resolve()} (deleted)"}
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            count += str(link.readlink()) in names
    return count
