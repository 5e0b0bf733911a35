"""Download over a transport, synchronous and asynchronous; :mod:`.job` has the rest."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

import attrs

from ..errors import ApiError, HTTPStatusError, IncompleteResponseError, ParameterError
from ..http.request import Request
from ..http.retry import Attempts, Retry
from ..redaction import redacting
from .body import Body
from .count import Count
from .items import Item
from .job import Job
from .many import WORKERS, AsyncMany, Many, Plan
from .options import DownloadOptions, ManyProgress, Progress, StrPath
from .receipt import Inventory, inventory_path
from .result import Download
from .stop import Stop
from .target import choose_target, other_names

if TYPE_CHECKING:
    from ..http.transport_async import AsyncTransport
    from ..http.transport_sync import SyncTransport

R = TypeVar("R")
Observe = Callable[[Mapping[str, str]], None]
Query = Callable[[Request], Count | None]
AsyncQuery = Callable[[Request], Awaitable[Count | None]]


def chunks(
    transport: "SyncTransport", request: Request, observe: Observe
) -> Generator[bytes, None, None]:
    """Yield the chunks of a file as they are received, without checks or retries.

    Raises:
        ApiError: The request failed, or the file is incomplete.
    """
    body = Body(_options(request).get("progress"))
    with transport.open(request, body.request_headers()) as answer:
        observe(answer.headers)
        body.begin(answer.status, answer.headers)
        for chunk in answer.chunks():
            body.add(len(chunk))
            yield chunk
        body.finish()


async def async_chunks(
    transport: "AsyncTransport", request: Request, observe: Observe
) -> AsyncGenerator[bytes, None]:
    """Yield the chunks of a file as they are received; see :func:`chunks`."""
    body = Body(_options(request).get("progress"))
    async with await transport.open(request, body.request_headers()) as answer:
        observe(answer.headers)
        body.begin(answer.status, answer.headers)
        async for chunk in answer.chunks():
            body.add(len(chunk))
            yield chunk
        body.finish()


def download(
    transport: "SyncTransport",
    request: Request,
    target: StrPath,
    observe: Observe,
    query: Query,
    *,
    in_folder: bool = False,
    stop: Stop | None = None,
    stated: Count | None = None,
) -> Download:
    """Download and check a file or an archive.

    Args:
        transport: The transport of the client.
        request: The request.
        target: The caller's target.
        observe: Called with the headers of each response.
        query: Queries the number of files where nothing else states it.
        in_folder: Whether the target is a folder in any case.
        stop: Cancels the download.
        stated: The number of files that the caller's item states.

    Raises:
        Stopped: ``stop`` cancelled the download.
        ApiError: The download failed; no partial file remains.
        OSError: A file cannot be written; no partial file remains.
    """
    attempts = transport.options.attempts()
    # The transport makes single attempts, so that all waits are here and can be cancelled.
    single = Attempts(Retry(attempts=1), transport.options.clock)
    pause = transport.sleep if stop is None else stop.wait
    with (
        redacting(transport.options.redactor),
        Job(request, target, _options(request), in_folder=in_folder, stated=stated) as job,
    ):
        if stop is not None:
            stop.watch(job)
        existing = _existing(job)
        if existing is job:
            existing = job.existing(query(request))
        if isinstance(existing, Download):
            return existing
        while True:
            try:
                with transport.open(request, job.request_headers(), single) as answer:
                    observe(answer.headers)
                    job.begin(answer.status, answer.headers)
                    for chunk in answer.chunks():
                        job.write(chunk)
                        attempts.progress()
                return _received(job) or job.finish(query(request))
            except ApiError as error:
                wait = _wait(job, error, attempts, transport)
            pause(wait)


async def async_download(
    transport: "AsyncTransport",
    request: Request,
    target: StrPath,
    observe: Observe,
    query: AsyncQuery,
    *,
    in_folder: bool = False,
    stated: Count | None = None,
) -> Download:
    """Download and check a file or an archive; see :func:`download`."""
    attempts = transport.options.attempts()
    with (
        redacting(transport.options.redactor),
        Job(request, target, _options(request), in_folder=in_folder, stated=stated) as job,
    ):
        existing = await _in_thread(partial(_existing, job))
        if existing is job:
            existing = await _in_thread(partial(job.existing, await query(request)))
        if isinstance(existing, Download):
            return existing
        while True:
            try:
                async with await transport.open(request, job.request_headers(), attempts) as answer:
                    observe(answer.headers)
                    await _in_thread(partial(job.begin, answer.status, answer.headers))
                    body = cast("AsyncGenerator[bytes, None]", answer.chunks())
                    async with aclosing(body) as body_chunks:
                        async for chunk in body_chunks:
                            job.write(chunk)
                            attempts.progress()
                done = await _in_thread(partial(_received, job))
                if done is not None:
                    return done
                return await _in_thread(partial(job.finish, await query(request)))
            except ApiError as error:
                wait = _wait(job, error, attempts, transport)
            await transport.sleep(wait)


def _existing(job: Job) -> Download | Job | None:
    """Return an earlier download that is complete, or the job if its count is to be queried."""
    return job if job.found() and job.lacks_count else job.existing(None)


def _received(job: Job) -> Download | None:
    """Return the complete download, None if its count is to be queried before it is finished."""
    job.received()
    return None if job.lacks_count else job.finish(None)


def download_many(
    transport: "SyncTransport",
    items: Sequence[Item],
    target: StrPath,
    observe: Observe,
    query: Query,
    *,
    workers: int | None,
    progress: Callable[[ManyProgress], None] | None,
) -> list[Download]:
    """Download many items into a folder in parallel; equal requests are sent once.

    Raises:
        ParameterError: Two would have the same name, or there are no workers.
        DownloadsError: Some downloads failed; the others are complete.
        OSError: A file could not be written. Downloads in progress are cancelled, and complete
            ones remain.
    """
    workers = _workers(transport, workers)
    plan = _planned(items, target)
    many = Many(plan, progress)

    def job(index: int) -> Callable[[Progress], Download]:
        return lambda progress: download(
            transport,
            _with_progress(items[index].request, progress),
            target,
            observe,
            query,
            in_folder=True,
            stop=many.stop,
            stated=plan.counts.get(index),
        )

    return many.run({index: job(index) for index in plan.paths}, workers)


async def async_download_many(
    transport: "AsyncTransport",
    items: Sequence[Item],
    target: StrPath,
    observe: Observe,
    query: AsyncQuery,
    *,
    workers: int | None,
    progress: Callable[[ManyProgress], None] | None,
) -> list[Download]:
    """Download many items into a folder in parallel; see :func:`download_many`."""
    workers = _workers(transport, workers)
    plan = _planned(items, target)

    def job(index: int) -> Callable[[Progress], Awaitable[Download]]:
        return lambda progress: async_download(
            transport,
            _with_progress(items[index].request, progress),
            target,
            observe,
            query,
            in_folder=True,
            stated=plan.counts.get(index),
        )

    return await AsyncMany(plan, progress).run({index: job(index) for index in plan.paths}, workers)


def _workers(transport: "SyncTransport | AsyncTransport", workers: int | None) -> int:
    """Return the number of workers, for which the transport has connections then.

    Raises:
        ParameterError: There are no workers, or more than the caller's maximum of connections.
    """
    if workers is None:
        workers = min(WORKERS, transport.connections)
    if workers < 1:
        raise ParameterError("workers must be at least 1", parameter="workers")
    transport.reserve(workers)
    return workers


def _planned(items: Sequence[Item], target: StrPath) -> Plan:
    """Return which of the items are downloaded, and where to; the folder is made.

    Raises:
        ParameterError: Two would have the same name, or there are no workers.
        OSError: The folder cannot be made.
    """
    by_path: dict[Path, int] = {}
    firsts: list[int] = []
    counts: dict[int, Count] = {}
    for index, request in enumerate(item.request for item in items):
        path = choose_target(target, request, _options(request), in_folder=True).path
        first = by_path.setdefault(path, index)
        if items[first].request.url != request.url:
            raise ParameterError(
                f"two downloads would have the name {path.name}",
                method=request.endpoint.method,
                parameter="items",
                endpoint=request.endpoint.address,
                advice="Download them into separate folders.",
            )
        firsts.append(first)
        count = items[index].count
        if count is not None and counts.setdefault(first, count).files != count.files:
            raise ParameterError(
                f"items {first + 1} and {index + 1} are the same download, and state "
                f"{counts[first].files} and {count.files} files",
                method=request.endpoint.method,
                parameter="items",
                endpoint=request.endpoint.address,
                advice="Remove the outdated one.",
            )
    _refuse_other_names(items, by_path)
    # Made here: a download that fails would remove it while another one needs it.
    if items:
        Path(target).mkdir(parents=True, exist_ok=True)
    return Plan(items, firsts, {index: path for path, index in by_path.items()}, counts)


def _refuse_other_names(items: Sequence[Item], by_path: Mapping[Path, int]) -> None:
    """Refuse a wrong ``names`` at once, by the first existing download."""
    for path, index in by_path.items():
        request = items[index].request
        options = _options(request)
        inventory = Inventory.read(inventory_path(path, folder=True))
        if inventory is None or options.get("existing", "keep") != "keep":
            continue
        if inventory.is_whole(request) and inventory.names != options.get("names", "server"):
            raise other_names(request, inventory.names, path)
        return


def _with_progress(request: Request, progress: Progress) -> Request:
    """Return the request of one of many downloads, with their default options."""
    options: DownloadOptions = {"existing": "keep", **_options(request), "progress": progress}
    return attrs.evolve(request, arguments=attrs.evolve(request.arguments, options=options))


async def _in_thread(look: Callable[[], R]) -> R:
    """Read files without blocking the event loop; a cancelled task waits for the thread."""
    task = asyncio.create_task(asyncio.to_thread(look))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


def _options(request: Request) -> DownloadOptions:
    return cast("DownloadOptions", request.arguments.options)


def _wait(
    job: Job, error: ApiError, attempts: Attempts, transport: "SyncTransport | AsyncTransport"
) -> float:
    """Return the seconds until the next attempt.

    Raises:
        ApiError: There is no further attempt.
    """
    if isinstance(error, HTTPStatusError) and error.status == 416 and job.range_refused():
        error = IncompleteResponseError("the server refuses to resume the file")
    error = job.failed(error)
    try:
        wait = attempts.after(IncompleteResponseError(error.reason) if job.broke(error) else error)
    except ApiError:
        raise error from error.__cause__
    transport.options.logger.info("%s: %s; retrying in %.1f s", error.endpoint, error.reason, wait)
    return wait
