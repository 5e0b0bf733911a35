"""Many downloads in parallel: each series complete or absent, completed by the same call."""

import asyncio
import pickle
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import attrs
import pytest
from files_client import AsyncClient, names

from _runtime.downloads.download import _in_thread
from _runtime.downloads.public import DownloadsError, ManyProgress, VerificationError
from _runtime.errors import ParameterError, ServerError

UIDS = [f"1.2.{n}" for n in range(12)]


@pytest.fixture
def many(make: SimpleNamespace, server: Any) -> Any:
    """A server of twelve series."""
    for uid in UIDS:
        images = [(f"{n}.dcm", make.dicom(series=uid, number=n + 1)) for n in range(2)]
        server.by_uid[uid] = make.Reply(make.zipped(images), headers={"imageCount": "2"})
    return server


Fetch = Callable[..., Any]


@pytest.fixture
def fetch(run_client: Callable[..., Any], many: Any) -> Fetch:
    """``download_image.many`` of either client."""

    def run(folder: Path, items: Any, **options: Any) -> Any:
        return run_client(many.base_url, lambda c: c.download_images(folder, items, **options))

    return run


@attrs.frozen
class Row:
    series_instance_uid: str
    other: int = 1


@pytest.mark.parametrize(
    "items",
    [
        lambda: UIDS,
        lambda: [{"series_instance_uid": uid} for uid in UIDS],
        lambda: [Row(uid) for uid in UIDS],
        lambda: iter(UIDS),
    ],
    ids=["uids", "keywords", "rows", "iterator"],
)
def test_many_returns_results_in_the_order_of_the_items(
    fetch: Fetch, many: Any, tmp_path: Path, items: Any
) -> None:
    seen: list[ManyProgress] = []
    done = fetch(tmp_path / "all", items(), progress=seen.append)
    assert [one.path for one in done] == [tmp_path / "all" / uid for uid in UIDS]
    assert all(len(one.files) == 2 and "SeriesInstanceUID" in one.checks for one in done)
    assert many.most_open <= 4
    last = seen[-1]
    assert (last.finished, last.count, last.done) == (12, 12, True)
    assert last.all_bytes == sum(len(reply.body) for reply in many.by_uid.values())
    assert {one.index for one in seen} == set(range(12))
    assert [one.all_bytes for one in seen] == sorted(one.all_bytes for one in seen)


def test_many_downloads_four_at_a_time(fetch: Fetch, many: Any, tmp_path: Path) -> None:
    four = threading.Barrier(4)
    for reply in many.by_uid.values():
        reply.sent, reply.hold = 10, four
    assert len(fetch(tmp_path, UIDS)) == 12
    assert many.most_open == 4


def test_many_retains_complete_items_and_downloads_the_others(
    fetch: Fetch, many: Any, tmp_path: Path
) -> None:
    fetch(tmp_path, UIDS[:5])
    (tmp_path / UIDS[1] / "0.dcm").write_bytes(b"spoiled")
    many.requests.clear()
    done = fetch(tmp_path, UIDS)
    assert [one.existed for one in done] == [True, False, True, True, True] + [False] * 7
    assert len(many.requests) == 8
    again = fetch(tmp_path, UIDS[:2], existing="replace")
    assert [one.existed for one in again] == [False, False]


def test_many_sends_equal_requests_once(fetch: Fetch, many: Any, tmp_path: Path) -> None:
    first, _, again = fetch(tmp_path, [UIDS[0], UIDS[1], UIDS[0]])
    assert again == attrs.evolve(first, index=2)
    assert len(many.requests) == 2


def test_failed_download_does_not_cancel_the_others(
    fetch: Fetch, make: SimpleNamespace, many: Any, tmp_path: Path
) -> None:
    many.by_uid[UIDS[3]] = make.Reply(many.by_uid[UIDS[4]].body)
    many.by_uid[UIDS[6]] = make.Reply(b"", status=500)
    with pytest.raises(DownloadsError, match="2 of 12 downloads failed; number 4") as caught:
        fetch(tmp_path, UIDS)
    failed = {one.index: type(one.error) for one in caught.value.failed}
    assert failed == {3: VerificationError, 6: ServerError}
    assert [one.state for one in caught.value.results].count("complete") == 10
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        set(UIDS) - {UIDS[3], UIDS[6]}
    )


def test_results_of_a_partly_failed_call_pair_with_their_items(
    fetch: Fetch, make: SimpleNamespace, many: Any, tmp_path: Path
) -> None:
    many.by_uid[UIDS[1]] = make.Reply(b"", status=404)
    many.by_uid[UIDS[2]] = make.Reply(many.by_uid[UIDS[3]].body)
    rows = [Row(uid, other) for other, uid in enumerate(UIDS[:5])]
    with pytest.raises(DownloadsError) as caught:
        fetch(tmp_path, rows)
    results = pickle.loads(pickle.dumps(caught.value)).results
    assert [one.item for one in results] == rows
    assert [one.index for one in results] == [0, 1, 2, 3, 4]
    assert [one.arguments for one in results] == [{"series_instance_uid": u} for u in UIDS[:5]]
    assert [one.path for one in results] == [tmp_path / uid for uid in UIDS[:5]]
    states = ["complete", "failed", "failed", "complete", "complete"]
    assert [one.state for one in results] == states
    assert [one.error is None for one in results] == [state == "complete" for state in states]
    assert results[2].differences[0].check == "SeriesInstanceUID"
    many.by_uid[UIDS[1]] = many.by_uid[UIDS[2]] = make.Reply(b"", status=500)
    again = fetch(tmp_path, [one.item for one in results if one.error is None])
    assert [one.state for one in again] == ["existing"] * 3


def test_single_result_states_the_requested_arguments(
    run_client: Callable[..., Any], many: Any, tmp_path: Path
) -> None:
    done = run_client(
        many.base_url, lambda c: c.download_image(tmp_path / "x", series_instance_uid=UIDS[0])
    )
    assert (done.state, done.arguments) == ("complete", {"series_instance_uid": UIDS[0]})
    assert (done.index, done.item, done.error) == (0, None, None)


def test_failed_download_is_reported_for_each_item_that_requested_it(
    fetch: Fetch, make: SimpleNamespace, many: Any, tmp_path: Path
) -> None:
    many.by_uid[UIDS[1]] = make.Reply(b"", status=404)
    with pytest.raises(DownloadsError, match="2 of 3 downloads failed; number 2") as caught:
        fetch(tmp_path, [UIDS[0], UIDS[1], UIDS[1]])
    assert [one.index for one in caught.value.failed] == [1, 2]
    assert [one.state for one in caught.value.results] == ["complete", "failed", "failed"]


def test_invalid_response_fails_one_download_only(
    fetch: Fetch, make: SimpleNamespace, many: Any, tmp_path: Path
) -> None:
    odd = [("0.dcm", make.dicom("1." + "2" * 400, series=UIDS[2]))]
    many.by_uid[UIDS[2]] = make.Reply(make.zipped(odd))
    many.by_uid[UIDS[4]].headers["Last-Modified"] = "Mon, 01 Jan 2024 00:00:00 +" + "9" * 20
    with pytest.raises(DownloadsError) as caught:
        fetch(tmp_path, UIDS, names="sop-instance-uid")
    assert [(one.index, type(one.error)) for one in caught.value.failed] == [(2, VerificationError)]


def test_each_worker_has_a_connection(
    run_client: Callable[..., Any], make: SimpleNamespace, server: Any, tmp_path: Path
) -> None:
    uids = [f"1.3.{n}" for n in range(24)]
    all_at_once = threading.Barrier(12)
    for uid in uids:
        body = make.zipped([("0.dcm", make.dicom(series=uid))])
        server.by_uid[uid] = make.Reply(body, sent=10, hold=all_at_once)

    def action(client: Any) -> Any:
        return client.download_images(tmp_path, uids, workers=12)

    assert len(run_client(server.base_url, action)) == 24
    assert server.most_open == 12


def test_connections_are_added_to_a_client_in_use(
    make: SimpleNamespace, client: Any, many: Any, tmp_path: Path
) -> None:
    client.download_images(tmp_path / "few", UIDS[:2], workers=2)
    all_at_once = threading.Barrier(12)
    for reply in many.by_uid.values():
        reply.sent, reply.hold = 10, all_at_once
    assert len(client.download_images(tmp_path / "all", UIDS, workers=12)) == 12
    assert many.most_open == 12


def test_more_workers_than_the_maximum_of_connections_are_refused(
    run_client: Callable[..., Any], many: Any, tmp_path: Path
) -> None:
    with pytest.raises(
        ParameterError, match=r"workers=8 is more than .*max_connections=2"
    ) as caught:
        run_client(
            many.base_url,
            lambda c: c.download_images(tmp_path, UIDS, workers=8),
            max_connections=2,
        )
    assert "max_connections=8" in caught.value.advice
    assert many.requests == []
    run_client(many.base_url, lambda c: c.download_images(tmp_path, UIDS), max_connections=2)
    assert many.most_open <= 2
    eight = run_client(
        many.base_url,
        lambda c: c.download_images(tmp_path / "8", UIDS, workers=8),
        max_connections=8,
    )
    assert len(eight) == len(UIDS)


@pytest.mark.parametrize("kind", [KeyboardInterrupt, ValueError])
def test_exception_in_progress_cancels_all_downloads(
    fetch: Fetch, many: Any, tmp_path: Path, kind: type[BaseException]
) -> None:
    def enough(progress: ManyProgress) -> None:
        if progress.finished == 3:
            raise kind

    with pytest.raises(kind):
        fetch(tmp_path, UIDS, progress=enough)
    left = list(tmp_path.iterdir())
    assert len(left) < len(UIDS)
    assert all(len(names(path)) == 2 for path in left)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("download-")]


def test_full_disk_cancels_all_downloads(fetch: Fetch, many: Any, tmp_path: Path) -> None:
    (tmp_path / UIDS[2]).write_bytes(b"a file where a folder should go")
    with pytest.raises(NotADirectoryError):
        fetch(tmp_path, UIDS, workers=1)
    assert len(many.requests) == 2


@pytest.mark.parametrize(
    ("items", "words"),
    [
        ([7], "cannot be 7"),
        (["1.2.3", object()], "item 2 has no column, attribute or key: <object object"),
        ([Row("not a uid")], "series_instance_uid"),
    ],
)
def test_invalid_items_are_refused_before_any_request(
    run_client: Callable[..., Any], fetch: Fetch, many: Any, tmp_path: Path, items: Any, words: str
) -> None:
    with pytest.raises(ParameterError, match=words):
        fetch(tmp_path, items)
    with pytest.raises(ParameterError, match="series_instance_uid and sop_instance_uid"):
        run_client(many.base_url, lambda c: c.download_single_images(tmp_path, ["1.2.3"]))
    with pytest.raises(ParameterError, match=r"name 1\.2\.9\.dcm"):
        run_client(
            many.base_url,
            lambda c: c.download_single_images(
                tmp_path,
                [{"series_instance_uid": uid, "sop_instance_uid": "1.2.9"} for uid in UIDS[:2]],
            ),
        )
    with pytest.raises(ParameterError, match="workers"):
        fetch(tmp_path, UIDS, workers=0)
    assert many.requests == []


@pytest.fixture
def held(make: SimpleNamespace, many: Any) -> Iterator[Any]:
    """A server that gives three series whole and stops in the middle of the others."""
    hold = threading.Event()
    for uid in UIDS[3:]:
        reply = many.by_uid[uid]
        many.by_uid[uid] = make.Reply(reply.body, sent=len(reply.body) - 500, hold=hold, tag="v1")
    yield many
    hold.set()


class UntilHeld:
    """Progress that is awaited until three series are complete and four others are held."""

    def __init__(self, held: Any) -> None:
        self.seen: list[ManyProgress] = []
        self._sent = [reply.sent for reply in map(held.by_uid.get, UIDS)]
        self._held: set[int] = set()
        self._all = asyncio.Event()

    def __call__(self, progress: ManyProgress) -> None:
        self.seen.append(progress)
        if progress.bytes == self._sent[progress.index]:
            self._held.add(progress.index)
        if progress.finished == 3 and len(self._held) == 4:
            self._all.set()

    async def wait(self) -> None:
        async with asyncio.timeout(20):
            await self._all.wait()


def test_error_in_one_task_cancels_the_others(held: Any, tmp_path: Path) -> None:
    def enough(progress: ManyProgress) -> None:
        if progress.finished == 3:
            raise LookupError

    async def run() -> None:
        async with AsyncClient(base_url=held.base_url) as client:
            with pytest.raises(LookupError):
                await client.download_images(tmp_path, UIDS, progress=enough)
            running = [repr(task.get_coro()) for task in asyncio.all_tasks()]
            assert not [one for one in running if "AsyncMany" in one]

    asyncio.run(run())
    assert len(held.requests) <= 7


def test_cancelled_task_cancels_all_its_downloads(held: Any, tmp_path: Path) -> None:
    progress = UntilHeld(held)

    async def run() -> int:
        async with AsyncClient(base_url=held.base_url) as client:
            task = asyncio.create_task(client.download_images(tmp_path, UIDS, progress=progress))
            await progress.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            count = len(progress.seen)
            assert asyncio.all_tasks() == {asyncio.current_task()}
            return count

    count = asyncio.run(run())
    assert len(progress.seen) == count, "nothing is reported once it has ended"
    assert len(held.requests) == 7
    whole = {path.name for path in tmp_path.iterdir()}
    assert whole == set(UIDS[:3])
    assert all(len(names(tmp_path / uid)) == 2 for uid in whole)
    for uid in UIDS[3:]:
        held.by_uid[uid].sent = held.by_uid[uid].hold = None
    held.requests.clear()

    async def again() -> list[bool]:
        async with AsyncClient(base_url=held.base_url) as client:
            return [one.existed for one in await client.download_images(tmp_path, UIDS)]

    assert asyncio.run(again()) == [True] * 3 + [False] * 9
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(UIDS)
    assert held.ranges == [None] * 9


def test_cancelled_task_leaves_no_partial_file_and_frees_its_connections(
    held: Any, tmp_path: Path
) -> None:

    async def run() -> None:
        async with AsyncClient(base_url=held.base_url, max_connections=4) as client:
            progress = UntilHeld(held)
            task = asyncio.create_task(client.download_images(tmp_path, UIDS, progress=progress))
            await progress.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert sorted(path.name for path in tmp_path.iterdir()) == sorted(UIDS[:3])
            done = await client.download_images(tmp_path / "more", UIDS[:3])
            assert len(done) == 3  # all connections are free again

    asyncio.run(run())


def test_many_without_items_returns_an_empty_list(fetch: Fetch, many: Any, tmp_path: Path) -> None:
    assert fetch(tmp_path, []) == []


def test_cancelled_task_waits_until_its_thread_has_ended() -> None:
    begun, release = threading.Event(), threading.Event()

    def look() -> None:
        begun.set()
        release.wait(20)

    async def main() -> None:
        task = asyncio.create_task(_in_thread(look))
        assert await asyncio.to_thread(begun.wait, 20)
        task.cancel()
        for _ in range(50):
            await asyncio.sleep(0)
        assert not task.done()
        release.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
