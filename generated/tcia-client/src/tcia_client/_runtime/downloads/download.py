"""Download over a transport, synchronous and asynchronous; :mod:`.job` has the rest."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, ParamSpec, TypeVar, cast

from ..errors import ApiError, ParameterError
from ..http.request import Request
from ..http.retry import Attempts, Retry
from ..redaction import redacting
from .body import Body
from .count import Count
from .items import Item
from .job import Job
from .many import WORKERS, Many
from .options import DownloadOptions, ManyProgress, Progress, StrPath
from .result import Download

if TYPE_CHECKING:
    from ..http.transport_async import AsyncTransport
    from ..http.transport_sync import SyncTransport

P = ParamSpec("P")
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
    with transport.open(request, body.request_headers()) as response:
        observe(response.headers)
        body.begin(response.status, response.headers)
        for chunk in response.chunks():
            body.add(len(chunk))
            yield chunk
        body.finish()


async def async_chunks(
    transport: "AsyncTransport", request: Request, observe: Observe
) -> AsyncGenerator[bytes, None]:
    """Yield the chunks of a file as they are received; see :func:`chunks`."""
    body = Body(_options(request).get("progress"))
    async with await transport.open(request, body.request_headers()) as response:
        observe(response.headers)
        body.begin(response.status, response.headers)
        async for chunk in response.chunks():
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
    many: Many | None = None,
    stated: Count | None = None,
) -> Download:
    """Download and check a file or an archive.

    Args:
        transport: The transport of the client.
        request: The request.
        target: The caller's target.
        observe: Called with the headers of each response.
        query: Queries the number of files where nothing else states it.
        many: The downloads that it is one of, which can cancel it.
        stated: The number of files that the caller's item states.

    Raises:
        Stopped: ``many`` cancelled the download.
        ApiError: The download failed; no partial file remains.
        OSError: A file cannot be written; no partial file remains.
    """
    attempts = transport.options.attempts()
    # The transport makes single attempts, so that all waits are here and can be cancelled.
    single = Attempts(Retry(attempts=1), transport.options.clock)
    in_folder = many is not None
    with (
        redacting(transport.options.redactor),
        Job(request, target, _options(request), in_folder=in_folder, stated=stated) as job,
    ):
        if many is not None:
            many.watch(job)
        existing = job.existing(query(request) if job.find_existing() else None)
        if existing is not None:
            return existing
        while True:
            try:
                with transport.open(request, job.request_headers(), single) as response:
                    observe(response.headers)
                    job.begin(response.status, response.headers)
                    for chunk in response.chunks():
                        job.write(chunk)
                        attempts.progress()
                return job.finish(query(request) if job.received() else None)
            except ApiError as error:
                wait = job.failed(error, attempts, transport.options.logger)
            (transport.sleep if many is None else many.wait)(wait)


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
        count = await query(request) if await _in_thread(job.find_existing) else None
        existing = await _in_thread(job.existing, count)
        if existing is not None:
            return existing
        while True:
            try:
                async with await transport.open(
                    request, job.request_headers(), attempts
                ) as response:
                    observe(response.headers)
                    await _in_thread(job.begin, response.status, response.headers)
                    body = cast("AsyncGenerator[bytes, None]", response.chunks())
                    async with aclosing(body) as body_chunks:
                        async for chunk in body_chunks:
                            job.write(chunk)
                            attempts.progress()
                count = await query(request) if await _in_thread(job.received) else None
                return await _in_thread(job.finish, count)
            except ApiError as error:
                wait = job.failed(error, attempts, transport.options.logger)
            await transport.sleep(wait)


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
    many = Many(items, target, progress)

    def one(index: int, progress: Progress) -> Download:
        request, stated = many.request(index, progress), many.counts.get(index)
        return download(transport, request, target, observe, query, many=many, stated=stated)

    return many.run(one, workers)


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
    many = Many(items, target, progress)

    def one(index: int, progress: Progress) -> Awaitable[Download]:
        request, stated = many.request(index, progress), many.counts.get(index)
        return async_download(
            transport, request, target, observe, query, in_folder=True, stated=stated
        )

    return await many.run_async(one, workers)


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


async def _in_thread(step: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Read files without blocking the event loop; a cancelled task waits for the thread."""
    import asyncio  # noqa: PLC0415 - slow to load, and the command does without it

    task = asyncio.create_task(asyncio.to_thread(step, *args, **kwargs))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


def _options(request: Request) -> DownloadOptions:
    return cast("DownloadOptions", request.arguments.options)
