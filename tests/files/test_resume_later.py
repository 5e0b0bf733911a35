"""Downloads that a later process goes on with: after a kill, Ctrl-C, or a broken connection."""

import io
import json
import os
import signal
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from files_client import names

from _runtime.downloads.public import Limits
from _runtime.errors import IncompleteResponseError
from _runtime.http.retry import Retry

if TYPE_CHECKING:
    from tests.conftest import WaitFor

SERIES = "1.2.3.4"
ASKED_BY = ("sync", "async")
MB = 1_000_000


def is_far(folder: Path) -> bool:
    """Whether the journal in a folder tells nearly all that the server has sent by now."""
    told = notes(folder)
    if not told:
        return False
    # The length of a file is told after each MiB, and pieces of it may have half of one.
    return len(told) == 5 if "end" in told[-1] else int(told[-1]["bytes"]) > 2.4 * MB


def notes(folder: Path) -> list[Any]:
    """What the journal in a folder says behind its first line."""
    text = "".join(path.read_text() for path in folder.glob("*.journal.part"))
    return [json.loads(line) for line in text.splitlines()[1:]]


def identity(path: Path) -> tuple[int, int]:
    """Of a file; another one when it has been written again."""
    status = path.stat()
    return status.st_ino, status.st_mtime_ns


@pytest.fixture
def big(make: SimpleNamespace, server: Any) -> Iterator[Any]:
    """A server that keeps its files, and stops in the middle of one of about 6 MB."""
    noise = os.urandom(10_000)
    images = [
        (f"images/{n}.dcm", make.dicom(number=n, size=MB, fill=noise + bytes([n])))
        for n in range(6)
    ]
    members = [("images/", b""), *images, ("LICENSE", b"CC BY"), ("results.json", b"[]")]
    hold = threading.Event()
    body = make.zipped(members, method=0)
    headers = {"imageCount": "6"}
    server.script = [make.Reply(body, headers=headers, sent=4 * MB + 77_777, hold=hold, tag="v1")]
    yield server
    hold.set()


def wanted(server: Any) -> list[bytes]:
    """The images of the archive."""
    with zipfile.ZipFile(io.BytesIO(server.script[0].body)) as archive:
        return [archive.read(name) for name in archive.namelist() if name.endswith(".dcm")]


CALLS = {
    "folder": 'client.download_image(target, series_instance_uid="1.2.3.4")',
    "numbered": "client.download_image("
    'target, series_instance_uid="1.2.3.4", names="instance-number")',
    "zip": 'client.download_image(target + "/a.zip", series_instance_uid="1.2.3.4")',
    "file": 'client.download_plan(target + "/a.pdf", vessel_id="1")',
    "many": f'client.download_image.many(target, ["{SERIES}"])[0]',
}


@pytest.mark.parametrize("call", CALLS)
def test_after_a_kill_the_next_process_goes_on(
    big: Any, start: Callable[..., Any], wait_for: "WaitFor", tmp_path: Path, call: str
) -> None:
    reply = big.script[0]
    killed = start(CALLS[call], tmp_path, big.base_url)
    is_stream = call in ("zip", "file")
    wait_for(lambda: is_far(tmp_path))
    killed.kill()
    killed.communicate(timeout=30)
    last = notes(tmp_path)[-1]
    assert {path.suffix for path in tmp_path.iterdir()} == {".part"}
    before = set(map(identity, tmp_path.glob("*.part/**/*.dcm")))
    reply.sent = reply.hold = None
    said, errors = start(
        f"done = {CALLS[call]}; print(done.path, len(done.files), *done.checks)",
        tmp_path,
        big.base_url,
    ).communicate(timeout=30)
    assert not errors
    assert big.ranges[0] is None
    assert big.ranges[1] == f"bytes={last['bytes' if is_stream else 'end']}-"
    assert big.asked[1][1]["if-range"] == '"v1"'
    path, count, *checks = said.split()
    assert Path(path).suffix != ".part"
    assert [str(one) for one in tmp_path.iterdir()] == [path]
    if is_stream:
        assert Path(path).read_bytes() == reply.body
        assert "length" in checks
        return
    assert int(count) == 7
    assert {"length", "crc32", "directory", "imageCount", "DICOM"} < set(checks)
    found = sorted(Path(path).rglob("*.dcm"))
    assert [one.read_bytes() for one in found] == wanted(big)
    assert len(before.intersection(map(identity, found))) == 4  # they were not written again


@pytest.mark.parametrize("call", ["folder", "zip"])
def test_ctrl_c_leaves_nothing_under_the_final_name_and_a_part_to_go_on_with(
    big: Any, start: Callable[..., Any], wait_for: "WaitFor", tmp_path: Path, call: str
) -> None:
    process = start(CALLS[call], tmp_path, big.base_url)
    wait_for(lambda: is_far(tmp_path))
    process.send_signal(signal.SIGINT)
    big.script[0].hold.set()
    _, said = process.communicate(timeout=30)
    assert "KeyboardInterrupt" in said
    assert {path.suffix for path in tmp_path.iterdir()} == {".part"}
    big.script[0].sent = None
    _, said = start(CALLS[call], tmp_path, big.base_url).communicate(timeout=30)
    assert not said
    assert big.ranges[1] is not None
    assert len(list(tmp_path.iterdir())) == 1


def test_two_processes_do_not_write_one_part(
    big: Any, start: Callable[..., Any], wait_for: "WaitFor", tmp_path: Path
) -> None:
    first = start(CALLS["folder"], tmp_path, big.base_url)
    wait_for(lambda: is_far(tmp_path))
    _, said = start(CALLS["folder"], tmp_path, big.base_url).communicate(timeout=30)
    assert f"another download to {tmp_path / SERIES} is under way" in said
    assert len(big.asked) == 1
    big.script[0].hold.set()
    _, said = first.communicate(timeout=30)
    assert not said
    assert len(list((tmp_path / SERIES / "images").iterdir())) == 6
    assert [path.name for path in tmp_path.iterdir()] == [SERIES]


# What follows ends a download in this process: a broken connection, or an exception.


@pytest.mark.parametrize("call", ["folder", "zip", "plan"])
def test_after_a_broken_connection_a_later_call_goes_on(
    ask: Callable[..., Any], big: Any, tmp_path: Path, call: str
) -> None:
    reply = big.script[0]
    reply.hold = None

    def download(client: Any) -> Any:
        if call == "plan":
            return client.download_plan(tmp_path / "a.pdf", vessel_id="1")
        target = tmp_path if call == "folder" else tmp_path / "a.zip"
        return client.download_image(target, series_instance_uid=SERIES)

    with pytest.raises(IncompleteResponseError):
        ask(big.base_url, download, retry=Retry(attempts=1))
    assert {path.suffix for path in tmp_path.iterdir()} == {".part"}
    reply.sent = None
    seen = ask(big.base_url, download)
    assert seen.path.exists()
    assert big.ranges[1] is not None
    assert len(list(tmp_path.iterdir())) == 1


def test_progress_counts_what_was_there(ask: Callable[..., Any], big: Any, tmp_path: Path) -> None:
    reply = big.script[0]
    seen: list[tuple[int, int | None]] = []

    def download(client: Any) -> Any:
        return client.download_image(
            tmp_path, series_instance_uid=SERIES, progress=lambda *told: seen.append(told)
        )

    reply.hold = None
    with pytest.raises(IncompleteResponseError):
        ask(big.base_url, download, retry=Retry(attempts=1))
    reply.sent = None
    seen.clear()
    ask(big.base_url, download)
    assert seen[0][0] > 4 * MB
    assert seen[-1] == (len(reply.body), len(reply.body))


def edit(path: Path, change: Callable[[bytes], bytes]) -> None:
    path.write_bytes(change(path.read_bytes()))


def journal(folder: Path) -> Path:
    (found,) = folder.glob("*.journal.part")
    return found


def with_head(folder: Path, **changed: object) -> None:
    first, *rest = journal(folder).read_text().splitlines(keepends=True)
    head = json.dumps({**json.loads(first), **changed})
    journal(folder).write_text("".join([head, "\n", *rest]))


def first_note(folder: Path, **changed: object) -> None:
    head, first, *rest = journal(folder).read_text().splitlines(keepends=True)
    note = json.dumps({**json.loads(first), **changed})
    journal(folder).write_text("".join([head, note, "\n", *rest]))


def images(folder: Path) -> list[Path]:
    return sorted((folder / f"{SERIES}.part" / "images").iterdir())


def escape(folder: Path) -> None:
    """A note of a file outside of the part."""
    (folder.parent / "outside.dcm").write_bytes(images(folder)[0].read_bytes())
    lines = journal(folder).read_text().splitlines(keepends=True)
    changed = [line.replace("images/0.dcm", "../../outside.dcm", 2) for line in lines]
    journal(folder).write_text("".join(changed))


def link(folder: Path) -> None:
    image = images(folder)[0]
    image.rename(folder.parent / "elsewhere.dcm")
    image.symlink_to(folder.parent / "elsewhere.dcm")


BEGUN_ANEW: dict[str, Callable[[Path], object]] = {
    "no journal": lambda f: journal(f).unlink(),
    "empty journal": lambda f: journal(f).write_bytes(b""),
    "garbage": lambda f: journal(f).write_bytes(b"\xff\n\n{}"),
    "deep garbage": lambda f: journal(f).write_bytes(b"[" * 100_000 + b"\n"),
    "another format": lambda f: with_head(f, format=2),
    "another address": lambda f: with_head(f, url="http://127.0.0.1/"),
    "another kind": lambda f: with_head(f, kind="zip"),
    "no validator": lambda f: with_head(f, validator=None),
    "empty validator": lambda f: with_head(f, validator=""),
    "total that is none": lambda f: with_head(f, total="7"),
    "note that is none": lambda f: first_note(f, crc="x"),
    "a path that leads out": escape,
    "no part": lambda f: (f / f"{SERIES}.part").rename(f.parent / "away"),
}


def interrupted(ask: Callable[..., Any], server: Any, folder: Path, **options: object) -> Any:
    """Download a series that breaks off, and give what downloads it."""

    def download(client: Any) -> Any:
        return client.download_image(folder, series_instance_uid=SERIES, **options)

    folder.mkdir()
    server.script[0].hold = None
    with pytest.raises(IncompleteResponseError):
        ask(server.base_url, download, retry=Retry(attempts=1))
    server.script[0].sent = None
    assert len(images(folder)) == 5
    return download


@pytest.mark.parametrize("case", BEGUN_ANEW)
def test_what_does_not_fit_is_begun_anew(
    ask: Callable[..., Any], big: Any, tmp_path: Path, case: str
) -> None:
    folder = tmp_path / "in"
    download = interrupted(ask, big, folder)
    BEGUN_ANEW[case](folder)
    done = ask(big.base_url, download)
    assert big.ranges[1:] == [None]
    found = [path.read_bytes() for path in done.files if path.suffix == ".dcm"]
    assert found == wanted(big)
    assert [path.name for path in folder.iterdir()] == [SERIES]


TAKEN: dict[str, tuple[Callable[[Path], object], int]] = {
    "a torn note": (lambda f: edit(journal(f), lambda text: text[:-5]), 3),
    "a changed member": (lambda f: edit(images(f)[2], lambda data: data[:-1] + b"!"), 2),
    "a shorter member": (lambda f: edit(images(f)[1], lambda data: data[:-2]), 1),
    "a removed member": (lambda f: images(f)[3].unlink(), 3),
    "a link": (link, 0),
    "another file": (lambda f: images(f)[0].with_name("other").write_bytes(b"x"), 4),
}


@pytest.mark.parametrize("case", TAKEN)
def test_of_a_folder_what_is_as_it_was_is_taken(
    ask: Callable[..., Any], big: Any, tmp_path: Path, case: str
) -> None:
    folder = tmp_path / "in"
    download = interrupted(ask, big, folder)
    before = set(map(identity, images(folder)))
    change, count = TAKEN[case]
    change(folder)
    done = ask(big.base_url, download)
    assert big.ranges[1] is not None
    assert len(before.intersection(map(identity, done.files))) == count
    assert not [path for path in done.files if path.is_symlink()]
    found = [path.read_bytes() for path in done.files if path.suffix == ".dcm"]
    assert found == wanted(big)
    assert names(folder / SERIES) == ["LICENSE", "images", *(f"images/{n}.dcm" for n in range(6))]


def test_a_changed_file_is_gone_on_with_at_the_last_place_that_is_right(
    ask: Callable[..., Any], big: Any, tmp_path: Path
) -> None:
    target = tmp_path / "a.pdf"
    big.script[0].hold = None
    with pytest.raises(IncompleteResponseError):
        ask(
            big.base_url,
            lambda c: c.download_plan(target, vessel_id="1"),
            retry=Retry(attempts=1),
        )
    big.script[0].sent = None
    part = tmp_path / "a.pdf.part"
    data = bytearray(part.read_bytes())
    data[int(2.5 * MB)] ^= 1
    part.write_bytes(data)
    right = max(note["bytes"] for note in notes(tmp_path) if note["bytes"] < 2.5 * MB)
    ask(big.base_url, lambda c: c.download_plan(target, vessel_id="1"))
    assert target.read_bytes() == big.script[0].body
    assert big.ranges[1] == f"bytes={right}-"


def test_another_choice_of_names_begins_anew(
    ask: Callable[..., Any], big: Any, tmp_path: Path
) -> None:
    interrupted(ask, big, tmp_path / "in")
    done = ask(
        big.base_url,
        lambda c: c.download_image(
            tmp_path / "in", series_instance_uid=SERIES, names="instance-number"
        ),
    )
    assert big.ranges[1] is None
    assert done.files[0].name == "00000.dcm"


def test_a_lower_limit_holds_for_what_was_there(
    ask: Callable[..., Any], big: Any, tmp_path: Path
) -> None:
    interrupted(ask, big, tmp_path / "in")
    with pytest.raises(Exception, match="more than 2 members"):
        ask(
            big.base_url,
            lambda c: c.download_image(
                tmp_path / "in", series_instance_uid=SERIES, limits=Limits(members=2)
            ),
        )
    assert names(tmp_path / "in") == []


def test_a_file_that_changed_on_the_server_is_taken_whole(
    ask: Callable[..., Any], make: SimpleNamespace, big: Any, tmp_path: Path
) -> None:
    download = interrupted(ask, big, tmp_path / "in")
    big.script[0] = make.Reply(make.series_zip(), tag="v2")
    done = ask(big.base_url, download)
    assert (big.ranges[1] is not None, big.asked[1][1]["if-range"]) == (True, '"v1"')
    assert len(done.files) == 3
    assert "imageCount" not in done.checks
    assert names(tmp_path / "in") == [
        SERIES,
        f"{SERIES}/images",
        *(f"{SERIES}/images/{n}.dcm" for n in range(3)),
    ]


def test_a_server_that_gives_another_part_is_asked_for_all(
    ask: Callable[..., Any], make: SimpleNamespace, big: Any, tmp_path: Path
) -> None:
    download = interrupted(ask, big, tmp_path / "in")
    body = big.script[0].body
    false = {"Content-Range": f"bytes 100-{len(body)}/{len(body) + 1}"}
    big.script = [make.Reply(body[100:] + b"x", status=206, headers=false), make.Reply(body)]
    done = ask(big.base_url, download)
    assert len(done.files) == 7
    assert [one is None for one in big.ranges] == [True, False, True]


def test_a_server_without_a_validator_is_asked_for_all_and_nothing_is_left(
    ask: Callable[..., Any], big: Any, tmp_path: Path
) -> None:
    big.script[0].tag = None
    big.script[0].hold = None

    def download(client: Any) -> Any:
        return client.download_image(tmp_path, series_instance_uid=SERIES)

    with pytest.raises(IncompleteResponseError):
        ask(big.base_url, download, retry=Retry(attempts=1))
    assert names(tmp_path) == []


def test_a_part_survives_a_server_that_is_down(
    ask: Callable[..., Any], make: SimpleNamespace, big: Any, tmp_path: Path
) -> None:
    download = interrupted(ask, big, tmp_path / "in")
    good = big.script[0]
    big.script = [make.Reply(b"", status=503)]
    with pytest.raises(Exception, match="503"):
        ask(big.base_url, download, retry=Retry(attempts=1))
    big.script = [good]
    assert len(ask(big.base_url, download).files) == 7
    assert big.ranges[2] is not None
