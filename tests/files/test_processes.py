"""Processes that end in a download, and what one needs of memory."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

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
def test_a_process_that_ends_leaves_whole_series_alone(
    half: Any, start: Callable[..., Any], wait_for: "WaitFor", tmp_path: Path, number: int
) -> None:
    process = start(f"client.download_image.many(target, {UIDS})", tmp_path, half.base_url)
    wait_for(lambda: len(half.asked) == 6 and len(list(tmp_path.glob("*.part/*"))) > 4)
    process.send_signal(number)
    if number == signal.SIGINT:
        # Those that wait for the server notice when it goes on.
        for reply in half.by_uid.values():
            if reply.hold is not None:
                reply.hold.set()
    _, said = process.communicate(timeout=30)
    whole = {
        path.name: len(list(path.iterdir()))
        for path in tmp_path.iterdir()
        if path.suffix != ".part"
    }
    assert set(whole.values()) == {5}
    assert set(UIDS[:2]) <= set(whole)
    if number == signal.SIGINT:
        assert "KeyboardInterrupt" in said
        assert not list(tmp_path.glob("*.part"))
    for reply in half.by_uid.values():
        reply.sent = reply.hold = None
    process = start(
        f"print(sum(d.kept for d in client.download_image.many(target, {UIDS})))",
        tmp_path,
        half.base_url,
    )
    said, _ = process.communicate(timeout=30)
    assert int(said) == len(whole)
    assert sorted(path.name for path in tmp_path.iterdir()) == UIDS


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no peak memory is told here")
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
        "print(done.bytes, peak() - before)"
    )
    said, errors = start(body, tmp_path, server.base_url).communicate(timeout=60)
    assert said, errors
    size, grown = map(int, said.split())
    assert size > 200_000_000
    assert 0 < grown < 20_000, f"{grown} kB"
