"""Calls of a client: query rows, read raw responses, download files.

A generated method passes its endpoint and its values by query key; everything else is here,
once for the synchronous and once for the asynchronous client.
"""

import os
import threading
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, Generic, Literal, TypeVar, cast

from .decoding.decoder import Decoder
from .decoding.formats import decoder, format_of
from .decoding.rows import Blueprint, RowReader
from .downloads.count import count_of_item
from .downloads.items import Item, ItemReader
from .downloads.options import (
    OPTION_NAMES,
    DownloadOptions,
    ManyDownloadOptions,
)
from .drift.detector import DriftDetector
from .endpoint import Arguments, Endpoint, FileEndpoint, RecordEndpoint, Value
from .errors import ApiError, FormatIgnoredError, InvalidResponseError, MismatchWarning
from .http.options import Options
from .http.request import Request, prepare
from .naming import did_you_mean
from .warn import warn_caller

R = TypeVar("R")
Values = Mapping[str, Value]
OnMismatch = Literal["raise", "warn"]

_BLUEPRINTS: dict[Endpoint, Blueprint[Any]] = {}
"""The blueprint of each endpoint's rows, created at the first response for all clients."""


def _blueprint(endpoint: RecordEndpoint[R]) -> Blueprint[R]:
    blueprint = _BLUEPRINTS.get(endpoint)
    if blueprint is None:
        blueprint = _BLUEPRINTS[endpoint] = Blueprint(endpoint, endpoint.model)
    return blueprint


class Calls:
    """The base of both clients' calls: converts arguments to requests and chunks to rows.

    Args:
        options: The options of the client.
        on_mismatch: ``"raise"`` or ``"warn"`` for an invalid value.
        detector: Compares responses with the contract.
    """

    def __init__(self, options: Options, on_mismatch: OnMismatch, detector: DriftDetector) -> None:
        self._options = options
        self._on_mismatch: OnMismatch = on_mismatch
        self._detector = detector
        self._lock = threading.Lock()
        self._process = os.getpid()
        self._transports_of_parents: list[object] = []
        self._closed = False

    def _leave_to_parent(self, transport: object, client: object) -> None:
        """Leave the connections, locks and files to the process that this one is a fork of."""
        if client is not None:
            raise RuntimeError(
                "the http_client is another process's, and connections cannot be shared: "
                "make a client in each process"
            )
        # A reference remains, since to delete the transport would close what the parent uses.
        self._transports_of_parents.append(transport)
        self._lock = threading.Lock()
        self._process = os.getpid()

    def _check_open(self) -> None:
        if self._closed:
            raise RuntimeError("the client is closed; make a new one")

    def _reading(
        self, request: Request, headers: Mapping[str, str], min_bytes: int
    ) -> "Reading[Any]":
        return Reading(
            self._options, self._on_mismatch, self._detector, request, headers, min_bytes
        )

    def _request(
        self,
        endpoint: Endpoint,
        values: Values,
        response_format: str | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> Request:
        arguments = Arguments(values, format=response_format, options=options or {})
        return prepare(self._options.base_url, endpoint, arguments)

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
    """The rows of one response, batch by batch, compared with the contract."""

    def __init__(  # noqa: PLR0917 - one caller, which passes what it has
        self,
        options: Options,
        on_mismatch: OnMismatch,
        detector: DriftDetector,
        request: Request,
        headers: Mapping[str, str],
        min_bytes: int,
    ) -> None:
        self._options = options
        self._detector = detector
        self._request = request
        self._headers = headers
        detector.check_headers(request.endpoint, headers)
        self._filters = detector.filters(request)
        blueprint = _blueprint(cast("RecordEndpoint[R]", request.endpoint))
        report = self._warn if on_mismatch == "warn" else None
        rows = RowReader(blueprint, report, options.redactor)
        self._decoder: Decoder[R] = decoder(request.format or "json", rows)
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

    def _warn(self, error: InvalidResponseError) -> None:
        warn_caller(
            f"{self._request.endpoint.address}: {error.reason} ({error.rule}). Further rows with "
            "this are delivered without a warning.",
            MismatchWarning,
        )

    def _located(self, error: InvalidResponseError) -> ApiError:
        """Return the error with its endpoint and URL, or that the format is another one."""
        found = format_of(self._decoder.first_bytes, self._request.endpoint)
        if found not in (None, self._request.format):
            error = FormatIgnoredError(
                f"the client requested {self._request.format}, and the server sent {found}"
            )
        error.endpoint = self._request.endpoint.address
        error.url = self._request.url
        return self._options.advised(error)


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
