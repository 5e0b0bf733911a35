"""The inside of a client: what its methods share from one call to the next."""

import os
import threading
from typing import TYPE_CHECKING, Any, TypeVar

from .decoding.decoder import Decoder
from .decoding.formats import format_of
from .decoding.rows import Blueprint, OnMismatch, RowReader
from .errors import ApiError, FormatIgnoredError, InvalidResponseError, MismatchWarning
from .http.options import Options
from .http.request import Request
from .warn import warn_caller

if TYPE_CHECKING:
    import httpx

    from .http.transport_async import AsyncTransport
    from .http.transport_sync import SyncTransport

R = TypeVar("R")


class _Core:
    def __init__(self, options: Options, on_mismatch: OnMismatch) -> None:
        self.options = options
        self._on_mismatch: OnMismatch = on_mismatch
        self._lock = threading.Lock()
        self._process = os.getpid()
        self._of_parents: list[object] = []

    def _leave(self, transport: object, client: object) -> None:
        """Leave connections, locks and files to the process that this one is a copy of."""
        if client is not None:
            raise RuntimeError(
                "the http_client is another process's, and connections cannot be shared: "
                "make a client in each process"
            )
        self._of_parents.append(transport)  # not even closed, which the parent would see
        self._lock = threading.Lock()
        self._process = os.getpid()

    def rows(self, blueprint: Blueprint[R]) -> RowReader[R]:
        """The rows of a new answer."""
        address = blueprint.endpoint.address

        def warn(error: InvalidResponseError) -> None:
            warn_caller(
                f"{address}: {error.reason} ({error.rule}). Further rows with this are delivered "
                "without a warning.",
                MismatchWarning,
            )

        report = warn if self._on_mismatch == "warn" else None
        return RowReader(blueprint, report, self.options.redactor)

    def placed(
        self, error: InvalidResponseError, request: Request, reader: Decoder[Any]
    ) -> ApiError:
        """A decoder's error, told where it happened, and why if the format is another one."""
        found = format_of(reader.first_bytes, request.endpoint)
        if found not in (None, request.format):
            error = FormatIgnoredError(f"{request.format} was asked for, and {found} came")
        error.endpoint = request.endpoint.address
        error.url = request.url
        return self.options.advised(error)


class SyncCore(_Core):
    """The inside of a synchronous client."""

    def __init__(
        self, options: Options, on_mismatch: OnMismatch, client: "httpx.Client | None"
    ) -> None:
        super().__init__(options, on_mismatch)
        self._client = client
        self._transport: SyncTransport | None = None
        self._closed = False
        if client is not None:
            self.transport  # noqa: B018 - a client of the wrong kind is told at once

    @property
    def transport(self) -> "SyncTransport":
        """What sends requests; made, and httpx imported, when the first one comes."""
        if self._process != os.getpid():
            self._leave(self._transport, self._client)
            self._transport = None
        if self._transport is None:
            from .http.transport_sync import SyncTransport  # noqa: PLC0415 - late on purpose

            with self._lock:
                if self._closed:
                    raise RuntimeError("the client is closed; make a new one")
                if self._transport is None:
                    self._transport = SyncTransport(self.options, self._client)
        return self._transport

    def close(self) -> None:
        """Close what is open, and is this process's own."""
        with self._lock:
            self._closed = True
            if self._transport is not None and self._process == os.getpid():
                self._transport.close()


class AsyncCore(_Core):
    """The inside of an asynchronous client."""

    def __init__(
        self, options: Options, on_mismatch: OnMismatch, client: "httpx.AsyncClient | None"
    ) -> None:
        super().__init__(options, on_mismatch)
        self._client = client
        self._transport: AsyncTransport | None = None
        self._closed = False
        if client is not None:
            self.transport  # noqa: B018 - a client of the wrong kind is told at once

    @property
    def transport(self) -> "AsyncTransport":
        """What sends requests; see :attr:`SyncCore.transport`."""
        if self._process != os.getpid():
            self._leave(self._transport, self._client)
            self._transport = None
        if self._transport is None:
            from .http.transport_async import AsyncTransport  # noqa: PLC0415 - late on purpose

            if self._closed:
                raise RuntimeError("the client is closed; make a new one")
            self._transport = AsyncTransport(self.options, self._client)
        return self._transport

    async def close(self) -> None:
        """Close what is open."""
        self._closed = True
        if self._transport is not None and self._process == os.getpid():
            await self._transport.close()
