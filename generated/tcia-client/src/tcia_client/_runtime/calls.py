"""What the methods of a client do: query rows, read raw responses, download files.

A generated method passes its endpoint and its values by query key; everything else is here,
once for the synchronous and once for the asynchronous client.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, Generic, TypeVar, cast

from .core import AsyncCore, SyncCore
from .decoding.decoder import Decoder
from .decoding.formats import decoder
from .decoding.rows import Blueprint
from .downloads.count import count_of_item
from .downloads.items import Item, ItemReader
from .downloads.options import (
    OPTION_NAMES,
    DownloadOptions,
    ManyDownloadOptions,
)
from .drift.detector import DriftDetector
from .endpoint import Arguments, Endpoint, FileEndpoint, RecordEndpoint, Value
from .errors import ApiError, InvalidResponseError
from .http.request import Request, prepare
from .naming import did_you_mean

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


class Calls(Generic[Core]):
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


class Reading(Generic[R]):
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
