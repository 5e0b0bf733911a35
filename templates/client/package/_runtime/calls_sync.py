"""The calls of a client that blocks."""

import os
import time
from collections.abc import Generator, Iterable
from contextlib import closing
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

    from .http.transport_sync import SyncTransport

R = TypeVar("R")


class SyncCalls(Calls):
    """The calls of a client that blocks."""

    def __init__(
        self,
        options: Options,
        on_mismatch: OnMismatch,
        detector: DriftDetector,
        client: "httpx.Client | None",
    ) -> None:
        super().__init__(options, on_mismatch, detector)
        self._client = client
        self._transport: SyncTransport | None = None
        if client is not None:
            self.transport  # noqa: B018 - reports a client of the wrong kind at once

    @property
    def transport(self) -> "SyncTransport":
        """The transport; it is made for the first request of each process."""
        if self._process != os.getpid():
            self._leave_to_parent(self._transport, self._client)
            self._transport = None
        if self._transport is None:
            from .http.transport_sync import SyncTransport  # noqa: PLC0415 - imports httpx

            with self._lock:
                self._check_open()
                if self._transport is None:
                    self._transport = SyncTransport(self._options, self._client)
        return self._transport

    def close(self) -> None:
        """Close the connections of this process."""
        with self._lock:
            self._closed = True
            if self._transport is not None and self._process == os.getpid():
                self._transport.close()

    def rows(
        self,
        endpoint: RecordEndpoint[R],
        values: Values,
        response_format: str | None = None,
    ) -> Rows[R]:
        """Return all rows of a response.

        Args:
            endpoint: The endpoint to query.
            values: A value for each query key; None is not sent.
            response_format: Format of the response, by default that of the endpoint.

        Raises:
            ApiError: See :mod:`.errors`.
        """
        request = self._request(endpoint, values, response_format)
        transport = self.transport
        attempts = transport.options.attempts()
        while True:
            rows: list[R] = []
            try:
                for batch in self._batches(request, attempts, BATCH_BYTES):
                    rows += batch
            except IncompleteResponseError as error:
                transport.sleep(attempts.after(error))
            else:
                return Rows(rows, endpoint.attributes)

    def iter_rows(
        self,
        endpoint: RecordEndpoint[R],
        values: Values,
        response_format: str | None = None,
    ) -> Generator[R, None, None]:
        """Yield the rows of a response as they arrive; to close it closes the response.

        Raises:
            ApiError: See :mod:`.errors`. A parameter's error is raised by this call, an error
                of the response at its position.
        """
        return self._iter_rows(self._request(endpoint, values, response_format))

    def raw(
        self,
        endpoint: Endpoint,
        values: Values,
        response_format: str | None = None,
    ) -> RawResponse:
        """Return a response with its body as the server sent it.

        Raises:
            ApiError: See :mod:`.errors`.
        """
        request = self._request(endpoint, values, response_format)
        transport = self.transport
        attempts = transport.options.attempts()
        while True:
            started = time.perf_counter()
            try:
                with transport.open(request, attempts=attempts) as response:
                    self._detector.check_headers(endpoint, response.headers)
                    content = b"".join(response.chunks())
            except IncompleteResponseError as error:
                transport.sleep(attempts.after(error))
            else:
                break
        if isinstance(endpoint, RecordEndpoint):
            self._detector.check_raw(request, content)
        return RawResponse.of(request, response, content, time.perf_counter() - started)

    def download(
        self, endpoint: FileEndpoint, target: StrPath, values: Values, options: DownloadOptions
    ) -> Download:
        """Download a file, or the contents of an archive; see ``DownloadOptions``.

        Raises:
            ApiError: See :mod:`.errors`; no partial file remains.
            OSError: A file cannot be written; no partial file remains.
        """
        from .downloads.download import download  # noqa: PLC0415 - imports what queries need not

        request = self._file_request(endpoint, values, options)
        counter = Counter(endpoint, self)
        done = download(self.transport, request, target, self._observe(endpoint), counter.query)
        counter.warn([done])
        return done

    def download_many(
        self,
        endpoint: FileEndpoint,
        target: StrPath,
        items: Iterable[Any],
        values: Values,
        *,
        workers: int | None,
        options: ManyDownloadOptions,
    ) -> list[Download]:
        """Download many files into a folder, several in parallel; each is complete or absent.

        Args:
            endpoint: The endpoint of the files.
            target: The folder, which is created if missing.
            items: Mappings or rows with values for the parameters, or single values of the one
                required parameter.
            values: Values for all downloads, by query key.
            workers: Number of parallel downloads, by default 4.
            options: Options of each download; ``existing`` is ``"keep"`` by default.

        Returns:
            The downloads in the order of the items.

        Raises:
            ParameterError: An item is invalid; nothing was downloaded.
            DownloadsError: Some downloads failed, the others are complete; it has all results.
            OSError: A file cannot be written. Downloads in progress are cancelled; complete ones
                remain, and the same call keeps them.
        """
        from .downloads.download import download_many  # noqa: PLC0415 - as above

        requests = self._items(endpoint, items, values, options)
        counter = Counter(endpoint, self)
        done = download_many(
            self.transport,
            requests,
            target,
            self._observe(endpoint),
            counter.query,
            workers=workers,
            progress=options.get("progress"),
        )
        counter.warn(done)
        return done

    def iter_bytes(
        self, endpoint: FileEndpoint, values: Values, progress: Progress | None = None
    ) -> Generator[bytes, None, None]:
        """Yield the chunks of a file as they arrive; to close it closes the response.

        Raises:
            ApiError: See :mod:`.errors`.
        """
        from .downloads.download import chunks  # noqa: PLC0415 - as above

        options: DownloadOptions = {} if progress is None else {"progress": progress}
        request = self._file_request(endpoint, values, options)
        return chunks(self.transport, request, self._observe(endpoint))

    def _iter_rows(self, request: Request) -> Generator[Any, None, None]:
        transport = self.transport
        attempts = transport.options.attempts()
        while True:
            delivered = False
            try:
                with closing(self._batches(request, attempts, 0)) as batches:
                    for batch in batches:
                        delivered = True
                        yield from batch
            except IncompleteResponseError as error:
                if delivered:
                    raise
                transport.sleep(attempts.after(error))
            else:
                return

    def _batches(
        self, request: Request, attempts: Attempts, min_bytes: int
    ) -> Generator[list[Any], None, None]:
        with self.transport.open(request, attempts=attempts) as response:
            reading = self._reading(request, response.headers, min_bytes)
            for chunk in response.chunks():
                if batch := reading.feed(chunk):
                    yield batch
            if batch := reading.finish():
                yield batch
            reading.check()
        reading.compare()
