"""What the methods of all endpoints have in common: as a class has them, and as a client does."""

import time
from collections.abc import Callable, Collection, Mapping
from inspect import Signature, signature
from typing import Any, Concatenate, Generic, ParamSpec

from .client import AsyncClientBase, SyncClient
from .downloads.count import Counter, count_of_item
from .downloads.items import Item, ItemReader
from .downloads.options import OPTION_NAMES
from .drift.detector import DriftDetector
from .endpoint import Arguments, Endpoint
from .errors import IncompleteResponseError
from .http.request import Request
from .http.response import RawResponse
from .naming import did_you_mean

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

    def _arguments(self, *args: P.args, **kwargs: P.kwargs) -> Arguments:
        """Return what a call states.

        Raises:
            TypeError: A keyword that the method does not have, or another call that Python
                itself would refuse.
        """
        try:
            arguments = self._function(self._client, *args, **kwargs)
        except TypeError:
            raise self._misuse(args, kwargs) from None
        if not OPTION_NAMES.issuperset(arguments.options):
            raise self._misuse(args, kwargs)
        return arguments

    def _misuse(
        self, args: Collection[Any], names: Collection[str], further: Collection[str] = ()
    ) -> TypeError:
        """Return the error of a call that does not fit the method's signature."""
        call = f"{self.__name__}()"
        parameters = {parameter.python_name: parameter for parameter in self._endpoint.parameters}
        allowed = self._keywords() | set(further)
        spelled = {name: name for name in allowed}
        spelled |= {parameter.name: name for name, parameter in parameters.items()}
        for name in names:
            if name not in allowed:
                return TypeError(
                    f"{call} has no keyword argument {name!r}{did_you_mean(name, spelled)}"
                )
        if args:
            example = next(iter(parameters), "")
            named = f", such as {example}=…" if example else ""
            return TypeError(f"{call} takes its values by keyword{named}")
        missing = [n for n, one in parameters.items() if one.required and n not in names]
        return TypeError(f"{call} needs {' and '.join(f'{name}=…' for name in missing)}")

    def _keywords(self) -> set[str]:
        """Return the names of all keyword arguments."""
        kinds = self._whole_signature().parameters.values()
        names = {one.name for one in kinds if one.kind is one.KEYWORD_ONLY}
        takes_options = any(one.kind is one.VAR_KEYWORD for one in kinds)
        return names | OPTION_NAMES if takes_options else names

    def _request(self, arguments: Arguments, *, file: bool = False) -> Request:
        # Methods are part of their client.
        core = self._client._core  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        return core.request(self._endpoint, self.__name__, arguments, file=file)

    def _items(self, sources: Any, options: Mapping[str, Any]) -> list[Item]:
        """Return the downloads that a caller's items stand for."""
        if not options.keys() <= self._keywords():
            raise self._misuse((), options, ("workers", "progress"))
        reader = ItemReader(self._endpoint, self.__name__, options)
        call: Callable[..., Arguments] = self._arguments
        items: list[Item] = []
        for number, source in enumerate(reader.each(sources), 1):
            arguments = call(**{**options, **reader.read(number, source)})
            request = self._request(arguments, file=True)
            count = count_of_item(self._endpoint, self.__name__, number, source)
            items.append(Item(source=source, request=request, count=count))
        return items

    def _counter(self) -> Counter:
        """Return what queries the number of files of this call's downloads."""
        return Counter(self._endpoint, self._client)

    @property
    def _sensor(self) -> DriftDetector:
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
            except IncompleteResponseError as error:
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
            except IncompleteResponseError as error:
                await transport.sleep(attempts.after(error))
            else:
                return RawResponse.of(request, answer, content, time.perf_counter() - started)
