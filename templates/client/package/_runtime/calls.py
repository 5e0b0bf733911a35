"""What the methods of a client do: query rows, read raw responses, download files.

A generated method passes its endpoint and its values by query key; everything else is here,
once for the synchronous and once for the asynchronous client.
"""

import time
from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Mapping
from contextlib import aclosing, closing
from functools import partial
from typing import Any, Generic, TypeVar, cast

from .core import AsyncCore, SyncCore
from .decoding.decoder import BATCH_BYTES, Decoder
from .decoding.formats import decoder
from .decoding.rows import Blueprint
from .downloads.count import Counter, count_of_item
from .downloads.items import Item, ItemReader
from .downloads.options import (
    OPTION_NAMES,
    DownloadOptions,
    ManyDownloadOptions,
    Progress,
    StrPath,
)
from .downloads.result import Download
from .drift.detector import DriftDetector
from .endpoint import Arguments, Endpoint, FileEndpoint, RecordEndpoint, Value
from .errors import ApiError, IncompleteResponseError, InvalidResponseError
from .http.request import Request, prepare
from .http.response import RawResponse
from .http.retry import Attempts
from .naming import did_you_mean
from .tables import Rows

R = TypeVar("R")
Core = TypeVar("Core", bound=SyncCore | AsyncCore)
Values = Mapping[str, Value]

_BLUEPRINTS: dict[Endpoint, Blueprint[Any]] = {}
"""How the rows of an endpoint are built; made at the first response, for all clients."""


def _blueprint(endpoint: RecordEndpoint[R]) -> Blueprint[R]:
    blueprint = _BLUEPRINTS.get(endpoint)
    if blueprint is None:
        blueprint = _BLUEPRINTS[endpoint] = Blueprint(endpoint, endpoint.model)
    return blueprint


class _Calls(Generic[Core]):
    """What the calls of both clients share: arguments to requests, and chunks to rows."""

    def __init__(self, core: Core, detector: DriftDetector) -> None:
        self._core = core
        self._detector = detector

    def _request(
        self,
        endpoint: Endpoint,
        values: Values,
        response_format: str | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> Request:
        arguments = Arguments(values, format=response_format, options=options or {})
        return prepare(self._core.options.base_url, endpoint, arguments)

    def _file_request(
        self, endpoint: FileEndpoint, values: Values, options: DownloadOptions
    ) -> Request:
        _check_options(endpoint, endpoint.method, options)
        return self._request(endpoint, values, options=cast("Mapping[str, Any]", options))

    def _items(
        self,
        endpoint: FileEndpoint,
        sources: Iterable[Any],
        values: Values,
        options: ManyDownloadOptions,
    ) -> list[Item]:
        """Return the downloads that a caller's items request."""
        _check_options(endpoint, endpoint.many, options)
        parameters = endpoint.parameters
        fixed = {p.python_name: v for p in parameters if (v := values.get(p.name)) is not None}
        shared: dict[str, Any] = {n: v for n, v in options.items() if n != "progress"}
        shared |= fixed
        reader = ItemReader(endpoint, fixed)
        items: list[Item] = []
        for number, source in enumerate(reader.each(sources), 1):
            given: dict[str, Any] = {**shared, **reader.read(number, source)}
            wire = {
                parameter.name: given.pop(parameter.python_name, None) for parameter in parameters
            }
            request = self._request(endpoint, wire, options=given)
            count = count_of_item(endpoint, number, source)
            items.append(Item(source=source, request=request, count=count))
        return items

    def _observe(self, endpoint: Endpoint) -> Callable[[Mapping[str, str]], None]:
        return partial(self._detector.check_headers, endpoint)


class _Reading(Generic[R]):
    """The rows of one response, batch by batch, held against the contract."""

    def __init__(
        self,
        core: SyncCore | AsyncCore,
        detector: DriftDetector,
        request: Request,
        headers: Mapping[str, str],
        min_bytes: int,
    ) -> None:
        self._core = core
        self._detector = detector
        self._request = request
        self._headers = headers
        detector.check_headers(request.endpoint, headers)
        self._filters = detector.filters(request)
        blueprint = _blueprint(cast("RecordEndpoint[R]", request.endpoint))
        self._decoder: Decoder[R] = decoder(request.format or "json", core.rows(blueprint))
        self._decoder.min_bytes = min_bytes

    def feed(self, chunk: bytes) -> list[R]:
        """Return the rows that a chunk completes.

        Raises:
            InvalidResponseError: The body cannot be decoded.
        """
        try:
            rows = self._decoder.feed(chunk)
        except InvalidResponseError as error:
            raise self._located(error) from None
        if rows:
            self._filters.check(rows)
        return rows

    def finish(self) -> list[R]:
        """Return the last rows, once the body has ended.

        Raises:
            InvalidResponseError: The body cannot be decoded.
        """
        try:
            rows = self._decoder.finish()
        except InvalidResponseError as error:
            raise self._located(error) from None
        self._filters.check(rows)
        return rows

    def check(self) -> None:
        """Raise the error that the last rows were delivered before, if there is one.

        Raises:
            InvalidResponseError: The body cannot be decoded to its end.
        """
        try:
            self._decoder.check()
        except InvalidResponseError as error:
            raise self._located(error) from None

    def compare(self) -> None:
        """Compare the response with the contract.

        Raises:
            ContractDriftError: They differ, with ``on_drift="raise"``.
        """
        self._detector.check_rows(self._request, self._headers, self._decoder, self._filters)

    def _located(self, error: InvalidResponseError) -> ApiError:
        return self._core.placed(error, self._request, self._decoder)


class SyncCalls(_Calls[SyncCore]):
    """The calls of a client that blocks."""

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
        transport = self._core.transport
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
        transport = self._core.transport
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
        done = download(
            self._core.transport, request, target, self._observe(endpoint), counter.query
        )
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
            self._core.transport,
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
        return chunks(self._core.transport, request, self._observe(endpoint))

    def _iter_rows(self, request: Request) -> Generator[Any, None, None]:
        transport = self._core.transport
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
        with self._core.transport.open(request, attempts=attempts) as response:
            reading: _Reading[Any] = _Reading(
                self._core, self._detector, request, response.headers, min_bytes
            )
            for chunk in response.chunks():
                if batch := reading.feed(chunk):
                    yield batch
            if batch := reading.finish():
                yield batch
            reading.check()
        reading.compare()


class AsyncCalls(_Calls[AsyncCore]):
    """The calls of a client for asyncio; see :class:`SyncCalls`."""

    async def rows(
        self,
        endpoint: RecordEndpoint[R],
        values: Values,
        response_format: str | None = None,
    ) -> Rows[R]:
        """Return all rows of a response; see :meth:`SyncCalls.rows`."""
        request = self._request(endpoint, values, response_format)
        transport = self._core.transport
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
        """Yield the rows of a response as they arrive; see :meth:`SyncCalls.iter_rows`.

        To end early, close it: ``async with contextlib.aclosing(...) as rows``.
        """
        return self._iter_rows(self._request(endpoint, values, response_format))

    async def raw(
        self,
        endpoint: Endpoint,
        values: Values,
        response_format: str | None = None,
    ) -> RawResponse:
        """Return a response with its body as the server sent it; see :meth:`SyncCalls.raw`."""
        request = self._request(endpoint, values, response_format)
        transport = self._core.transport
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
        """Download a file, or the contents of an archive; see :meth:`SyncCalls.download`."""
        from .downloads.download import async_download  # noqa: PLC0415 - as above

        request = self._file_request(endpoint, values, options)
        counter = Counter(endpoint, self)
        done = await async_download(
            self._core.transport, request, target, self._observe(endpoint), counter.async_query
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
        """Download many files into a folder; see :meth:`SyncCalls.download_many`.

        They run as tasks, which end if the task that awaits this is cancelled.
        """
        from .downloads.download import async_download_many  # noqa: PLC0415 - as above

        requests = self._items(endpoint, items, values, options)
        counter = Counter(endpoint, self)
        done = await async_download_many(
            self._core.transport,
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
        """Yield the chunks of a file as they arrive; see :meth:`SyncCalls.iter_bytes`."""
        from .downloads.download import async_chunks  # noqa: PLC0415 - as above

        options: DownloadOptions = {} if progress is None else {"progress": progress}
        request = self._file_request(endpoint, values, options)
        return async_chunks(self._core.transport, request, self._observe(endpoint))

    async def _iter_rows(self, request: Request) -> AsyncGenerator[Any, None]:
        transport = self._core.transport
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
        async with await self._core.transport.open(request, attempts=attempts) as response:
            reading: _Reading[Any] = _Reading(
                self._core, self._detector, request, response.headers, min_bytes
            )
            async for chunk in response.chunks():
                if batch := reading.feed(chunk):
                    yield batch
            if batch := reading.finish():
                yield batch
            reading.check()
        reading.compare()


def _check_options(endpoint: FileEndpoint, method: str, options: Mapping[str, Any]) -> None:
    """Refuse keywords that are no options.

    Raises:
        TypeError: As Python itself raises it, with the keyword that was most likely meant.
    """
    for name in options:
        if name not in OPTION_NAMES:
            known = {option: option for option in OPTION_NAMES}
            known |= {parameter.name: parameter.python_name for parameter in endpoint.parameters}
            raise TypeError(
                f"{method}() got an unexpected keyword argument {name!r}{did_you_mean(name, known)}"
            )
