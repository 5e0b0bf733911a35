"""What the methods of all endpoints have in common: as a class has them, and as a client does."""

import time
from collections.abc import Callable, Iterable, Mapping
from inspect import Signature, signature
from typing import Any, Concatenate, Generic, ParamSpec

from .answer import RawResponse
from .client import AsyncClientBase, SyncClient
from .drift import Sensor
from .endpoint import Arguments, Endpoint
from .errors import BrokenStreamError
from .files.items import Item, each_item, keyword_arguments
from .request import Request

P = ParamSpec("P")


class Method(Generic[P]):
    """A method of both clients, as the class has it."""

    def __init__(
        self, endpoint: Endpoint, function: Callable[Concatenate[Any, P], Arguments]
    ) -> None:
        self.endpoint = endpoint
        self.function = function
        self.__doc__ = function.__doc__
        self.__name__ = function.__name__
        self.__qualname__ = function.__qualname__
        self.__module__ = function.__module__

    @property
    def returns(self) -> Any:
        """What a call gives."""
        return Any

    def whole_signature(self) -> Signature:
        """The function's own signature, but with what a call gives."""
        return signature(self.function).replace(return_annotation=self.returns)

    @property
    def __signature__(self) -> Signature:
        return self.whole_signature()

    def __repr__(self) -> str:
        return f"<endpoint method {self.__qualname__}{self.__signature__}>"


class Bound(Generic[P]):
    """A method of one client."""

    def __init__(self, method: Method[P], client: SyncClient | AsyncClientBase) -> None:
        self.__doc__ = method.__doc__
        self.__name__ = method.__name__
        self._endpoint = method.endpoint
        self._function = method.function
        self._whole_signature = method.whole_signature
        self._client = client

    @property
    def __signature__(self) -> Signature:
        whole = self._whole_signature()
        return whole.replace(parameters=list(whole.parameters.values())[1:])

    def __repr__(self) -> str:
        return f"<{self.__name__}{self.__signature__} of {self._client!r}>"

    def _request(self, arguments: Arguments, *, file: bool = False) -> Request:
        # Methods are part of their client.
        core = self._client._core  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        return core.request(self._endpoint, self.__name__, arguments, file=file)

    def _items(self, sources: Iterable[Any], options: Mapping[str, Any]) -> list[Item]:
        """Return the downloads that a caller's items stand for."""
        return [self._item(source, options) for source in each_item(sources)]

    def _item(self, source: Any, options: Mapping[str, Any]) -> Item:
        function: Callable[..., Arguments] = self._function
        given = keyword_arguments(self._endpoint, self.__name__, source)
        arguments = function(self._client, **{**options, **given})
        return Item(source=source, request=self._request(arguments, file=True))

    @property
    def _sensor(self) -> Sensor:
        return self._client._sensor  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]

    def _observe(self, headers: Mapping[str, str]) -> None:
        observe = self._client._observe  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        observe(self._endpoint, headers)


class SyncBound(Bound[P]):
    """A method of a synchronous client."""

    def __init__(self, method: Method[P], client: SyncClient) -> None:
        super().__init__(method, client)
        self._core = client._core  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]

    def _raw(self, request: Request) -> RawResponse:
        transport = self._core.transport
        attempts = transport.options.attempts()
        while True:
            started = time.perf_counter()
            try:
                with transport.open(request, attempts=attempts) as answer:
                    self._observe(answer.headers)
                    content = b"".join(answer.chunks())
            except BrokenStreamError as error:
                transport.sleep(attempts.after(error))
            else:
                return RawResponse.of(request, answer, content, time.perf_counter() - started)


class AsyncBound(Bound[P]):
    """A method of an asynchronous client."""

    def __init__(self, method: Method[P], client: AsyncClientBase) -> None:
        super().__init__(method, client)
        self._core = client._core  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]

    async def _raw(self, request: Request) -> RawResponse:
        transport = self._core.transport
        attempts = transport.options.attempts()
        while True:
            started = time.perf_counter()
            try:
                async with await transport.open(request, attempts=attempts) as answer:
                    self._observe(answer.headers)
                    content = b"".join([chunk async for chunk in answer.chunks()])
            except BrokenStreamError as error:
                await transport.sleep(attempts.after(error))
            else:
                return RawResponse.of(request, answer, content, time.perf_counter() - started)
