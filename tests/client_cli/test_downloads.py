"""Downloads of one file, a pipe, a table or a manifest, with progress and exit status."""

import csv
import os
import signal
import subprocess
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from tcia_client import Client
from tciagen.archive.demo import DemoArchive
from tciagen.archive.running import running_archive

if TYPE_CHECKING:
    from tests.conftest import WaitFor


@pytest.fixture
def series(tcia: Any) -> list[str]:
    """Series of a small collection."""
    text: str = tcia(
        "get-series", "--collection=PYDICOM-CT-MR", "--columns=series_instance_uid"
    ).text
    return text.split()[1:4]


def test_series_is_unpacked_and_its_path_printed(tcia: Any, series: list[str]) -> None:
    done = tcia("download-image", "--series-instance-uid", series[0], "--to", "images")
    folder = tcia.home / "images" / series[0]
    assert (done.status, done.text) == (0, f"images/{series[0]}\n")
    assert done.err.startswith("1 of 1 done: ")
    assert all(path.read_bytes()[128:132] == b"DICM" for path in folder.rglob("*.dcm"))
    assert any(path.is_file() for path in folder.rglob("*"))
    assert not list(tcia.home.rglob("*.part"))


def test_target_in_use_is_status_1(tcia: Any, archive: Any, series: list[str]) -> None:
    tried: list[Any] = []

    def meanwhile(_done: int, _total: int | None) -> None:
        if not tried:
            tried.append(tcia("download-image", "--series-instance-uid", series[0], "--to", "x"))

    with Client(base_url=archive.base_url) as client:
        client.download_image(tcia.home / "x", series_instance_uid=series[0], progress=meanwhile)
    assert (tried[0].status, tried[0].text) == (1, "")
    assert "is in progress" in tried[0].err


def test_series_is_saved_packed(tcia: Any, series: list[str]) -> None:
    done = tcia("download-image", "--series-instance-uid", series[0], "--to", "one.zip")
    assert (done.status, done.text) == (0, "one.zip\n")
    assert (tcia.home / "one.zip").read_bytes()[:2] == b"PK"
    tcia("download-image", "--series-instance-uid", series[0], "--keep-zip", "--to", ".")
    assert (tcia.home / f"{series[0]}.zip").is_file()


def test_rows_of_a_pipe_are_downloaded_and_existing_files_retained(
    tcia: Any, series: list[str]
) -> None:
    rows = "\n".join(["modality,series_instance_uid", *(f"CT,{uid}" for uid in series)])
    command = ["download-image", "--from", "-", "--to", "images", "--names", "sop-instance-uid"]
    done = tcia(*command, given=rows)
    assert done.status == 0
    assert done.text.split() == [f"images/{uid}" for uid in series]
    assert done.err.startswith("3 of 3 done: ")
    assert tcia(*command, given=rows).err.startswith("3 of 3 done (3 existing): ")


def test_manifest_is_downloaded(tcia: Any, series: list[str]) -> None:
    manifest = tcia.home / "cart.tcia"
    manifest.write_text("\n".join(["downloadServerUrl=x", "ListOfSeriesToDownload=", *series]))
    done = tcia("download-image", "--from", "cart.tcia", "--to", "images", "--at-once", 2)
    assert done.status == 0
    assert {path.name for path in (tcia.home / "images").iterdir()} == set(series)


def test_rows_of_the_server_and_json_lines_are_downloaded_from_a_pipe(
    tcia: Any, series: list[str]
) -> None:
    for text in (
        tcia("get-series", "--collection=PYDICOM-CT-MR", "--format=raw", "--wire=csv").text,
        tcia("get-series", "--collection=PYDICOM-CT-MR", "--format=jsonl").text,
    ):
        done = tcia("download-image", "--from", "-", "--to", "images", given=text)
        assert done.status == 0
        assert {f"images/{uid}" for uid in series} <= set(done.text.split())


def test_options_apply_to_every_row(tcia: Any, series: list[str]) -> None:
    listed = tcia("get-sop-instance-uids", "--series-instance-uid", series[0]).text
    (tcia.home / "objects.csv").write_text(listed)
    done = tcia(
        "download-single-image", "--series-instance-uid", series[0], "--from", "objects.csv",
        "--to", "objects",
    )  # fmt: skip
    assert done.status == 0
    files = [tcia.home / line for line in done.text.split()]
    assert len(files) == len(listed.split()) - 1
    assert all(path.read_bytes()[128:132] == b"DICM" for path in files)


def test_failed_download_is_reported_and_others_complete(tcia: Any, series: list[str]) -> None:
    rows = "\n".join(["series_instance_uid", series[0], "1.2.3.4.5", series[1]])
    done = tcia("download-image", "--from", "-", "--to", "images", given=rows)
    assert done.status == 1
    assert done.text.split() == [f"images/{uid}" for uid in series[:2]]
    assert "tcia: error: 1.2.3.4.5: " in done.err
    assert "2 of 3 done" in done.err


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.csv", "modality\nCT\n", "x.csv, line 1: 'modality' is neither a column of series_"),
        ("x.csv", "series_instance_uid\n1.2\nno uid\n", "x.csv, line 3, column 'series_instance_"),
        ("x.tcia", "hello", "ListOfSeriesToDownload"),
        ("y.csv", "", "does not exist"),
    ],
)
def test_list_that_cannot_be_read_is_status_2(
    tcia: Any, name: str, content: str, message: str
) -> None:
    (tcia.home / ("x.csv" if name == "y.csv" else name)).write_text(content)
    done = tcia("download-image", "--from", name, "--to", "images")
    assert (done.status, done.out) == (2, b"")
    assert message in done.err
    assert done.err.count("\n") == 1
    assert not (tcia.home / "images").exists()


def test_failed_download_is_reported_though_stdout_is_closed(tcia: Any, series: list[str]) -> None:
    (tcia.home / "x.csv").write_text("\n".join(["series_instance_uid", series[0], "1.2.3.4.5"]))
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [*tcia.line, "download-image", "--from", "x.csv", "--to", "images"],
        env=tcia.environment({}),
        cwd=tcia.home,
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    os.close(write)
    assert done.returncode == 1
    assert "tcia: error: 1.2.3.4.5: " in done.stderr
    assert "1 of 2 done" in done.stderr


def test_missing_file_is_status_3(tcia: Any) -> None:
    done = tcia("download-image", "--series-instance-uid=1.2.3", "--to", "images")
    assert (done.status, done.out) == (3, b"")
    assert not list(tcia.home.rglob("*.dcm"))


def test_terminal_shows_progress_of_each_and_all(tcia: Any, series: list[str]) -> None:
    manifest = tcia.home / "cart.tcia"
    manifest.write_text("\n".join(["ListOfSeriesToDownload=", *series]))
    status, seen = tcia.on_terminal("download-image", "--from", "cart.tcia", "--to", "images")
    assert status == 0
    assert "of 3, " in seen
    assert "3 of 3 done: " in seen
    status, seen = tcia.on_terminal("download-image", "--series-instance-uid", series[0])
    assert status == 0
    assert series[0][:30] in seen
    assert " MB" in seen


@pytest.mark.parametrize("many", [False, True])
def test_ctrl_c_is_status_130_and_leaves_nothing(
    tcia: Any, wire: Any, wait_for: "WaitFor", *, many: bool
) -> None:
    def trickle(handler: Any, _path: str) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "application/zip")
        handler.end_headers()
        handler.wfile.write(
            b"PK\x03\x04" + b"\x14\x00\x08\x00\x08\x00" + bytes(16) + b"\x05\x00\x00\x00a.dcm"
        )
        while not wire.released.is_set():
            handler.wfile.write(b"\x00\x00\x00\xff\xff")  # an empty block of deflate
            handler.wfile.flush()
            wire.released.wait(0.02)

    wire.respond = trickle
    (tcia.home / "x.csv").write_text("series_instance_uid\n1.2.3\n1.2.4\n")
    requests = ["--from=x.csv"] if many else ["--series-instance-uid=1.2.3"]
    env = {"TCIA_BASE_URL": wire.base_url}
    process = tcia.start(
        "--retries=0", "download-image", *requests, "--keep-zip", "--to=images", env=env
    )
    wait_for(lambda: [path for path in tcia.home.rglob("*.part") if path.stat().st_size])
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, b"")
    assert err.strip() == b"tcia: error: interrupted"
    assert not [path for path in tcia.home.rglob("images/*") if path.is_file()]


@pytest.fixture
def slow(tcia: Any, demo: DemoArchive) -> Iterator[Any]:
    """The command, with an archive that takes some seconds for a series."""
    options = ["--ranges", "--fault", "getImage:slow@60000"]
    with running_archive(demo.catalog, options=options) as server:
        yield attrs.evolve(tcia, base_url=server.base_url)


@pytest.mark.parametrize("packed", [False, True], ids=["folder", "zip"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=["kill", "ctrl-c"])
def test_download_completes_by_the_same_command_after_a_kill_and_after_ctrl_c(
    slow: Any, wait_for: "WaitFor", number: int, *, packed: bool
) -> None:
    listed = slow("get-series", "--columns", "series_instance_uid,image_count").text
    rows = [row for row in csv.reader(listed.splitlines()) if row[1].isdigit()]
    uid, count = max(rows, key=lambda row: int(row[1]))
    command = ["download-image", "--series-instance-uid", uid, "--to", "images"]
    command += ["--keep-zip"] * packed
    folder, name = slow.home / "images", f"{uid}{'.zip' * packed}"

    def has_begun() -> bool:
        part = folder / f"{name}.part"
        if not packed:
            return len(list(part.rglob("*.dcm"))) > 9
        return bool(part.is_file() and part.stat().st_size > 20_000)

    process = slow.start(*command)
    wait_for(has_begun)
    process.send_signal(number)
    process.communicate(timeout=30)
    assert process.returncode == (130 if number == signal.SIGINT else -number)
    left = {path.name for path in folder.iterdir()} if folder.exists() else set()
    assert left == (set() if number == signal.SIGINT else {f"{name}.part", f"{name}.lock.part"})
    done = slow(*command)
    assert (done.status, done.text) == (0, f"images/{name}\n")
    assert [path.name for path in folder.iterdir()] == [name]
    assert f"{1 if packed else count} files" in done.err
