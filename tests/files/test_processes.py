"""Processes that are killed or interrupted during a download, and their memory."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from files_client import names

if TYPE_CHECKING:
    from tests.conftest import WaitFor

UIDS = [f"1.2.{n}" for n in range(6)]


@pytest.fixture
def half(make: SimpleNamespace, server: Any) -> Iterator[Any]:
    """A server that gives two series whole and stops in the middle of the others."""
    hold = threading.Event()
    for number, uid in enumerate(UIDS):
        body = make.zipped([(f"{n}.dcm", make.dicom(series=uid, number=n)) for n in range(5)])
        reply = make.Reply(body, sent=len(body) // 2, hold=hold) if number > 1 else make.Reply(body)
        server.by_uid[uid] = reply
    yield server
    hold.set()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=["kill", "ctrl-c"])
def test_process_that_ends_leaves_complete_series_only(
    half: Any, start: Callable[..., Any], wait_for: "WaitFor", tmp_path: Path, number: int
) -> None:
    process = start(f"client.download_images(target, {UIDS})", tmp_path, half.base_url)
    wait_for(lambda: len(half.requests) == 6 and len(list(tmp_path.glob("*.part/*"))) > 4)
    process.send_signal(number)
    if number == signal.SIGINT:
        # Downloads that wait for the server notice when it continues.
        for reply in half.by_uid.values():
            if reply.hold is not None:
                reply.hold.set()
    _, errors = process.communicate(timeout=30)
    whole = {path.name: len(names(path)) for path in tmp_path.iterdir() if path.suffix != ".part"}
    assert set(whole.values()) == {5}
    assert set(UIDS[:2]) <= set(whole)
    if number == signal.SIGINT:
        assert "KeyboardInterrupt" in errors
        assert not list(tmp_path.glob("*.part"))
    for reply in half.by_uid.values():
        reply.sent = reply.hold = None
    process = start(
        f"print(sum(d.existed for d in client.download_images(target, {UIDS})))",
        tmp_path,
        half.base_url,
    )
    kept, _ = process.communicate(timeout=30)
    assert int(kept) == len(whole)
    assert sorted(path.name for path in tmp_path.iterdir()) == UIDS


CALLS = {
    "folder": 'client.download_image(target, series_instance_uid="1.2.2")',
    "zip": 'client.download_image(target + "/a.zip", series_instance_uid="1.2.2")',
}


@pytest.mark.parametrize("call", CALLS)
def test_download_after_a_kill_fetches_all_and_removes_the_partial_file(
    half: Any, start: Callable[..., Any], wait_for: "WaitFor", tmp_path: Path, call: str
) -> None:
    reply = half.by_uid["1.2.2"]
    reply.tag = "v1"  # with it a resumed download would send a range
    killed = start(CALLS[call], tmp_path, half.base_url)
    wait_for(lambda: bool(list(tmp_path.glob("*.part/*")) or list(tmp_path.glob("a.zip.part"))))
    killed.kill()
    killed.communicate(timeout=30)
    left = list(tmp_path.iterdir())
    assert left
    assert {path.suffix for path in left} == {".part"}
    reply.sent = reply.hold = None
    body = f"print(len({CALLS[call]}.checks))"
    process = start(body, tmp_path, half.base_url)
    checks, errors = process.communicate(timeout=30)
    assert process.returncode == 0, errors
    assert int(checks) > 2
    assert half.ranges == [None, None]
    assert [path.name for path in tmp_path.iterdir()] == ["1.2.2" if call == "folder" else "a.zip"]


def test_second_process_fails_while_the_first_writes_the_same_folder(
    half: Any, start: Callable[..., Any], wait_for: "WaitFor", tmp_path: Path
) -> None:
    reply = half.by_uid["1.2.2"]
    first = start(CALLS["folder"], tmp_path, half.base_url)
    wait_for(lambda: bool(list(tmp_path.glob("*.part/*"))))
    _, errors = start(CALLS["folder"], tmp_path, half.base_url).communicate(timeout=30)
    assert f"another download to {tmp_path / '1.2.2'} is in progress" in errors
    assert len(half.requests) == 1
    reply.hold.set()
    _, errors = first.communicate(timeout=30)
    assert first.returncode == 0, errors
    assert [path.name for path in tmp_path.iterdir()] == ["1.2.2"]
    assert len(names(tmp_path / "1.2.2")) == 5


@pytest.mark.parametrize("tag", ["v1", None], ids=["ranges", "no ranges"])
def test_ctrl_c_cancels_downloads_while_the_server_is_silent(
    half: Any, start: Callable[..., Any], wait_for: "WaitFor", tmp_path: Path, tag: str | None
) -> None:
    for uid in UIDS[2:5]:
        half.by_uid[uid].tag = tag
    half.by_uid[UIDS[5]] = attrs.evolve(
        half.by_uid[UIDS[5]], body=b"", status=503, headers={"Retry-After": "100"}, hold=None
    )
    process = start(f"client.download_images(target, {UIDS})", tmp_path, half.base_url)
    wait_for(lambda: len(half.requests) == 6 and len(list(tmp_path.glob("*.part/*"))) > 3)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)  # the server holds them for longer
    assert "KeyboardInterrupt" in errors
    whole = {path.name for path in tmp_path.iterdir() if path.suffix != ".part"}
    assert whole == set(UIDS[:2])
    assert not list(tmp_path.glob("*.part"))


def test_exception_in_progress_cancels_waiting_threads(
    client: Any, half: Any, wait_for: "WaitFor", tmp_path: Path
) -> None:
    def enough(progress: Any) -> None:
        if progress.finished == 2:
            wait_for(lambda: len(half.requests) == 5)
            raise ValueError("enough")

    with pytest.raises(ValueError, match="enough"):
        client.download_images(tmp_path, UIDS, progress=enough)
    assert not half.by_uid[UIDS[2]].hold.is_set()
    assert not list(tmp_path.glob("*.part"))
    done = client.download_images(tmp_path, UIDS[:2])
    assert [one.existed for one in done] == [True, True]


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no peak memory is available")
@pytest.mark.parametrize("name", ["series", "series.zip"])
def test_memory_does_not_grow_with_the_series(
    make: SimpleNamespace, server: Any, start: Callable[..., Any], tmp_path: Path, name: str
) -> None:
    # Twenty images of 10 MB that hardly pack, and an archive of one small one.
    noise = os.urandom(1_000_000)
    images = [
        (f"{n}.dcm", make.dicom(series="1.2.3", number=n, size=10_000_000, fill=noise))
        for n in range(20)
    ]
    server.by_uid["1.2.3"] = make.Reply(make.zipped(images, method=0))
    server.by_uid["1.2.4"] = make.Reply(make.zipped([("0.dcm", make.dicom(series="1.2.4"))]))
    body = (
        'client.download_image(target + "/a", series_instance_uid="1.2.4"); before = peak(); '
        f'done = client.download_image(target + "/{name}", series_instance_uid="1.2.3"); '
        "print(done.bytes, before, peak())"
    )
    output, errors = start(body, tmp_path, server.base_url).communicate(timeout=60)
    assert output, errors
    size, before, after = map(int, output.split())
    assert size > 200_000_000
    assert 0 < before <= after < before + 20_000, f"{after - before} kB"
