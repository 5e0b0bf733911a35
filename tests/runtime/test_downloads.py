"""Files on disk: whole, or not at all."""

import asyncio
import threading

import pytest

from _runtime.errors import ApiError, BrokenStreamError, NotFoundError
from _runtime.options import Timeouts

BODY = bytes(range(256)) * 4000


def test_a_file_comes_whole_with_progress(ask, rt, server, tmp_path):
    server.answers(rt.Reply(BODY, pieces=7))
    seen = []
    target = tmp_path / "new" / "plans.zip"
    done = ask(
        lambda c: c.download_plans(
            target, ship_uid="1.2.3", progress=lambda got, of: seen.append((got, of))
        )
    )
    assert (done.path, done.bytes) == (target, len(BODY))
    assert done.seconds > 0
    assert target.read_bytes() == BODY
    assert seen[-1] == (len(BODY), len(BODY))
    assert seen == sorted(seen)
    assert server.asked[0][0] == "/v3/Fleet/query/getPlans?ShipUID=1.2.3"


def test_in_a_folder_the_file_is_named_by_what_was_asked_for(ask, server, tmp_path):
    server.answers(BODY)
    assert ask(lambda c: c.download_plans(tmp_path, ship_uid="1.2.3")).path.name == "1.2.3.zip"
    new = f"{tmp_path}/sub/"
    assert ask(lambda c: c.download_plans(new, ship_uid="1.2.3")).path.parent.name == "sub"


def test_chunks_and_raw_give_the_same_bytes(ask, server):
    server.answers(BODY)
    assert b"".join(ask(lambda c: c.download_plans.iter(ship_uid="1.2.3"))) == BODY
    assert ask(lambda c: c.download_plans.raw(ship_uid="1.2.3")).content == BODY


def test_a_broken_download_begins_again(ask, rt, server, tmp_path):
    server.answers(rt.Reply(BODY[:500], cut=True), BODY)
    ask(lambda c: c.download_plans(tmp_path / "a", ship_uid="1.2.3"))
    assert (tmp_path / "a").read_bytes() == BODY


@pytest.mark.parametrize(
    ("reply", "kind"),
    [({"body": BODY[:500], "cut": True}, BrokenStreamError), ({"status": 404}, NotFoundError)],
)
def test_a_failed_download_leaves_what_was_there(ask, rt, server, tmp_path, reply, kind):
    server.answers(rt.Reply(**reply))
    target = tmp_path / "plans.zip"
    target.write_bytes(b"old")
    with pytest.raises(kind):
        ask(lambda c: c.download_plans(target, ship_uid="1.2.3"))
    assert [path.name for path in tmp_path.iterdir()] == ["plans.zip"]
    assert target.read_bytes() == b"old"


def test_silence_in_a_download_is_bounded(ask, rt, server, tmp_path):
    server.answers(rt.Reply(BODY, pieces=2, hold=(hold := threading.Event())))
    with pytest.raises(ApiError, match="silence"):
        ask(lambda c: c.download_plans(tmp_path, ship_uid="1.2.3"), timeout=Timeouts(read=0.2))
    hold.set()
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_download_leaves_nothing(rt, server, tmp_path):
    server.answers(rt.Reply(BODY, pieces=4))

    def interrupt(got: int, of: int | None) -> None:
        raise KeyboardInterrupt

    with rt.Client(base_url=server.base_url) as client:
        with pytest.raises(KeyboardInterrupt):
            client.download_plans(tmp_path / "a", ship_uid="1.2.3", progress=interrupt)
        assert len(client.download_plans.raw(ship_uid="1.2.3").content) == len(BODY)
    assert list(tmp_path.iterdir()) == []


def test_a_cancelled_download_leaves_nothing(rt, server, tmp_path):
    server.answers(rt.Reply(BODY, pieces=2, hold=(hold := threading.Event())))

    async def run() -> None:
        started = asyncio.Event()
        async with rt.AsyncClient(base_url=server.base_url) as client:
            task = asyncio.create_task(
                client.download_plans(
                    tmp_path / "a", ship_uid="1.2.3", progress=lambda *_: started.set()
                )
            )
            await started.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        hold.set()

    asyncio.run(run())
    assert list(tmp_path.iterdir()) == []
