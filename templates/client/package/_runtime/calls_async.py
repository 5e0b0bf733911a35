"""The calls of a client for asyncio; :mod:`.calls_sync` explains them."""

import os
import time
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, TypeVar

from .calls import Calls, OnMismatch, Values
from .decoding.decoder import BATCH_BYTES
from .downloads.count import Counter
from .downloads.options import DownloadOptions, ManyDownloadOptions, Progress, StrPath
from .downloads.result import Download
from .drift.detector import DriftDetector
from .endpoint import Endpoint, FileEndpoint, RecordEndpoint
from .errors import IncompleteResponseError
from .http.options import Options
from .http.request import Request
from .http.response import RawResponse
from .http.retry import Attempts
from .tables import Rows

if TYPE_CHECKING:
    import httpx

    from .http.transport_async import AsyncTransport

R = TypeVar("R")


class AsyncCalls(Calls):
    """The calls of a client for asyncio; see :class:`.calls_sync.SyncCalls`."""

    def __init__(
        self,
        options: Options,
        on_mismatch: OnMismatch,
        detector: DriftDetector,
        client: "httpx.AsyncClient | None",
    ) -> None:
        super().__init__(options, on_mismatch, detector)
        self._client = client
        self._transport: AsyncTransport | None = None
        if client is not None:
            self.transport  # noqa: B018 - reports a client of the wrong kind at once

    @property
    def transport(self) -> "AsyncTransport":
        """The transport; it is made for the first request of each process."""
        if self._process != os.getpid():
            self._leave_to_parent(self._transport, self._client)
            self._transport = None
        if self._transport is None:
            from .http.transport_async import AsyncTransport  # noqa: PLC0415 - imports httpx

            self._check_open()
            self._transport = AsyncTransport(self._options, self._client)
        return self._transport

    async def close(self) -> None:
        """Close the connections of this process."""
        self._closed = True
        if self._transport is not None and self._process == os.getpid():
            await self._transport.close()

    async def rows(
        self,
        endpoint: RecordEndpoint[R],
        values: Values,
        response_format: str | None = None,
    ) -> Rows[R]:
        """Return all rows of a response; see :meth:`.SyncCalls.rows`."""
        request = self._request(endpoint, values, response_format)
        transport = self.transport
        attempts = transport.options.attempts()
        while True:
            rows: list[R] = []
            try:
                async for batch in self._batches(request, attempts, BATCH_BYTES):
                    rows += batch
            except IncompleteResponseError as error:
                await transport.sleep(attempts.after(error))
            else:
                return Rows(rows, endpoint.attributes)

    def iter_rows(
        self,
        endpoint: RecordEndpoint[R],
        values: Values,
        response_format: str | None = None,
    ) -> AsyncGenerator[R, None]:
        """Yield the rows of a response as they arrive; see :meth:`.SyncCalls.iter_rows`.

        To end early, close it: ``async with contextlib.aclosing(...) as rows``.
        """
        return self._iter_rows(self._request(endpoint, values, response_format))

    async def raw(
        self,
        endpoint: Endpoint,
        values: Values,
        response_format: str | None = None,
    ) -> RawResponse:
        """Return a response with its body as the server sent it; see :meth:`.SyncCalls.raw`."""
        request = self._request(endpoint, values, response_format)
        transport = self.transport
        attempts = transport.options.attempts()
        while True:
            started = time.perf_counter()
            try:
                async with await transport.open(request, attempts=attempts) as response:
                    self._detector.check_headers(endpoint, response.headers)
                    content = b"".join([chunk async for chunk in response.chunks()])
            except IncompleteResponseError as error:
                await transport.sleep(attempts.after(error))
            else:
                break
        if isinstance(endpoint, RecordEndpoint):
            self._detector.check_raw(request, content)
        return RawResponse.of(request, response, content, time.perf_counter() - started)

    async def download(
        self, endpoint: FileEndpoint, target: StrPath, values: Values, options: DownloadOptions
    ) -> Download:
        """Download a file, or the contents of an archive; see :meth:`.SyncCalls.download`."""
        from .downloads.download import async_download  # noqa: PLC0415 - as above

        request = self._file_request(endpoint, values, options)
        counter = Counter(endpoint, self)
        done = await async_download(
            self.transport, request, target, self._observe(endpoint), counter.async_query
        )
        counter.warn([done])
        return done

    async def download_many(
        self,
        endpoint: FileEndpoint,
        target: StrPath,
        items: Iterable[Any],
        values: Values,
        *,
        workers: int | None,
        options: ManyDownloadOptions,
    ) -> list[Download]:
        """Download many files into a folder; see :meth:`.SyncCalls.download_many`.

        They run as tasks, which end if the task that awaits this is cancelled.
        """
        from .downloads.download import async_download_many  # noqa: PLC0415 - as above

        requests = self._items(endpoint, items, values, options)
        counter = Counter(endpoint, self)
        done = await async_download_many(
            self.transport,
            requests,
            target,
            self._observe(endpoint),
            counter.async_query,
            workers=workers,
            progress=options.get("progress"),
        )
        counter.warn(done)
        return done

    def iter_bytes(
        self, endpoint: FileEndpoint, values: Values, progress: Progress | None = None
    ) -> AsyncGenerator[bytes, None]:
        """Yield the chunks of a file as they arrive; see :meth:`.SyncCalls.iter_bytes`."""
        from .downloads.download import async_chunks  # noqa: PLC0415 - as above

        options: DownloadOptions = {} if progress is None else {"progress": progress}
        request = self._file_request(endpoint, values, options)
        return async_chunks(self.transport, request, self._observe(endpoint))

    async def _iter_rows(self, request: Request) -> AsyncGenerator[Any, None]:
        transport = self.transport
        attempts = transport.options.attempts()
        while True:
            delivered = False
            try:
                async with aclosing(self._batches(request, attempts, 0)) as batches:
                    async for batch in batches:
                        delivered = True
                        for row in batch:
                            yield row
            except IncompleteResponseError as error:
                if delivered:
                    raise
                await transport.sleep(attempts.after(error))
            else:
                return

    async def _batches(
        self, request: Request, attempts: Attempts, min_bytes: int
    ) -> AsyncGenerator[list[Any], None]:
        async with await self.transport.open(request, attempts=attempts) as response:
            reading = self._reading(request, response.headers, min_bytes)
            async for chunk in response.chunks():
                if batch := reading.feed(chunk):
                    yield batch
            if batch := reading.finish():
                yield batch
            reading.check()
        reading.compare()
