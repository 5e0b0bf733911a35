"""Endpoints as methods: written once, bound to a synchronous or an asynchronous client.

``records`` makes a descriptor of a function that only says how its arguments go into the
query. What comes of accessing it depends on the client::

    client.get_things(name="x")             list of rows, or an awaitable of one
    client.get_things.iter(name="x")        rows as they arrive
    client.get_things.raw(name="x")         the untouched answer

For endpoints that answer a file see :mod:`.file_methods`.
"""

from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import aclosing, closing
from typing import Any, Concatenate, Generic, ParamSpec, Self, TypeVar, cast, overload

from .bound import AsyncBound, Method, SyncBound
from .client import AsyncClientBase, SyncClient
from .decoding.decoder import BATCH_BYTES
from .decoding.formats import decoder
from .decoding.rows import Blueprint
from .endpoint import Arguments, Endpoint
from .errors import IncompleteResponseError, InvalidResponseError
from .http.request import Request
from .http.response import RawResponse
from .http.retry import Attempts
from .tables import Rows

P = ParamSpec("P")
R = TypeVar("R")


class RecordsMethod(Method[P], Generic[P, R]):
    """A method that answers rows."""

    def __init__(
        self,
        endpoint: Endpoint,
        model: type[R],
        function: Callable[Concatenate[Any, P], Arguments],
    ) -> None:
        super().__init__(endpoint, function)
        self.model = model
        self._blueprint: Blueprint[R] | None = None

    @property
    def blueprint(self) -> Blueprint[R]:
        """How the rows are built; made when the first answer comes."""
        if self._blueprint is None:
            self._blueprint = Blueprint(self.endpoint, self.model)
        return self._blueprint

    @property
    def returns(self) -> Any:
        """What a call gives."""
        return Rows.__class_getitem__(self.model)

    @overload
    def __get__(self, client: None, owner: Any = None) -> Self: ...
    @overload
    def __get__(self, client: SyncClient, owner: Any = None) -> "Records[P, R]": ...
    @overload
    def __get__(self, client: AsyncClientBase, owner: Any = None) -> "AsyncRecords[P, R]": ...
    def __get__(self, client: Any, owner: Any = None) -> Any:
        if client is None:
            return self
        if isinstance(client, SyncClient):
            return Records(self, client)
        return AsyncRecords(self, client)

    def __call__(self, client: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Call the method of a client, as functions of a class can be called."""
        return cast("Callable[..., Any]", self.__get__(client))(*args, **kwargs)


class Records(SyncBound[P], Generic[P, R]):
    """Asks for rows; ``iter`` gives them as they arrive, ``raw`` the answer untouched."""

    def __init__(self, method: RecordsMethod[P, R], client: SyncClient) -> None:
        super().__init__(method, client)
        self._blueprint: Callable[[], Blueprint[R]] = lambda: method.blueprint

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Rows[R]:
        """Ask, and give all rows.

        Raises:
            ApiError: See :mod:`.errors`.
        """
        request = self._request(self._arguments(*args, **kwargs))
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
                return Rows(rows, self._endpoint.attributes)

    def iter(self, *args: P.args, **kwargs: P.kwargs) -> Generator[R, None, None]:
        """Ask, and give each row as it arrives; memory stays small however many there are.

        Closing the iterator closes the answer.

        Raises:
            ApiError: See :mod:`.errors`; one of the parameters comes at once, one of the
                answer when its place is reached.
        """
        request = self._request(self._arguments(*args, **kwargs))
        return self._rows(request)

    def raw(self, *args: P.args, **kwargs: P.kwargs) -> RawResponse:
        """Ask, and give the untouched answer in the format asked for.

        Raises:
            ApiError: See :mod:`.errors`.
        """
        request = self._request(self._arguments(*args, **kwargs))
        answer = self._raw(request)
        self._sensor.check_raw(request, answer.content)
        return answer

    def _rows(self, request: Request) -> Generator[R, None, None]:
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
    ) -> Generator[list[R], None, None]:
        with self._core.transport.open(request, attempts=attempts) as answer:
            self._observe(answer.headers)
            filters = self._sensor.filters(request)
            rows = self._core.rows(self._blueprint())
            reader = decoder(request.format or "json", rows)
            reader.min_bytes = min_bytes
            try:
                for chunk in answer.chunks():
                    if batch := reader.feed(chunk):
                        filters.check(batch)
                        yield batch
                if batch := reader.finish():
                    filters.check(batch)
                    yield batch
                reader.check()
            except InvalidResponseError as error:
                raise self._core.placed(error, request, reader) from None
        self._sensor.check_rows(request, answer.headers, reader, filters)


class AsyncRecords(AsyncBound[P], Generic[P, R]):
    """Asks for rows; see :class:`Records`."""

    def __init__(self, method: RecordsMethod[P, R], client: AsyncClientBase) -> None:
        super().__init__(method, client)
        self._blueprint: Callable[[], Blueprint[R]] = lambda: method.blueprint

    async def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Rows[R]:
        """Ask, and give all rows; see :meth:`Records.__call__`."""
        request = self._request(self._arguments(*args, **kwargs))
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
                return Rows(rows, self._endpoint.attributes)

    def iter(self, *args: P.args, **kwargs: P.kwargs) -> AsyncGenerator[R, None]:
        """Ask, and give each row as it arrives; see :meth:`Records.iter`.

        To end early, close it: ``async with contextlib.aclosing(...) as rows``.
        """
        request = self._request(self._arguments(*args, **kwargs))
        return self._rows(request)

    async def raw(self, *args: P.args, **kwargs: P.kwargs) -> RawResponse:
        """Ask, and give the untouched answer; see :meth:`Records.raw`."""
        request = self._request(self._arguments(*args, **kwargs))
        answer = await self._raw(request)
        self._sensor.check_raw(request, answer.content)
        return answer

    async def _rows(self, request: Request) -> AsyncGenerator[R, None]:
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
    ) -> AsyncGenerator[list[R], None]:
        async with await self._core.transport.open(request, attempts=attempts) as answer:
            self._observe(answer.headers)
            filters = self._sensor.filters(request)
            rows = self._core.rows(self._blueprint())
            reader = decoder(request.format or "json", rows)
            reader.min_bytes = min_bytes
            try:
                async for chunk in answer.chunks():
                    if batch := reader.feed(chunk):
                        filters.check(batch)
                        yield batch
                if batch := reader.finish():
                    filters.check(batch)
                    yield batch
                reader.check()
            except InvalidResponseError as error:
                raise self._core.placed(error, request, reader) from None
        self._sensor.check_rows(request, answer.headers, reader, filters)


def records(
    endpoint: Endpoint, model: type[R]
) -> Callable[[Callable[Concatenate[Any, P], Arguments]], RecordsMethod[P, R]]:
    """Make a method that answers rows of a class."""

    def decorate(function: Callable[Concatenate[Any, P], Arguments]) -> RecordsMethod[P, R]:
        return RecordsMethod(endpoint, model, function)

    return decorate
