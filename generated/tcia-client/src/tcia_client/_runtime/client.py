"""The base classes of the generated clients: settings, and how they are opened and closed.

A generated client adds a method for each endpoint, which passes its values to :mod:`.calls`.
"""

import logging
import os
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, ClassVar, NoReturn, Self

import attrs

from .calls import OnMismatch
from .calls_async import AsyncCalls
from .calls_sync import SyncCalls
from .drift.detector import DriftDetector, OnDrift
from .endpoint import Endpoint
from .errors import ParameterError
from .http.options import CONNECTIONS, Options, Timeouts, TransportName, checked_transport
from .http.request import checked_base_url, checked_key
from .http.retry import Retry
from .naming import did_you_mean

if TYPE_CHECKING:
    import httpx


@attrs.frozen(kw_only=True)
class Settings:
    """The names, the default server and the endpoints of a generated package.

    Attributes:
        package: Import name; also the name of its logger.
        version: Version of the package.
        base_url: The default server.
        environment: Prefix of the environment variables ``…_BASE_URL`` and ``…_API_KEY``.
        command: Name of the package's command.
        endpoints: The endpoints, for each of which the client has a method.
    """

    package: str
    version: str
    base_url: str
    environment: str
    command: str = ""
    endpoints: Sequence[Endpoint] = ()

    def advice_on(self, base_url: str) -> str:
        """Return what to do if this server is gone; empty unless it is the default one."""
        if base_url.rstrip("/") != self.base_url.rstrip("/"):
            return ""
        command = f"run `{self.command} config set base-url URL`, " if self.command else ""
        return (
            "This is the default server of the package, which may be gone. To choose another one, "
            f"{command}set {self.environment}_BASE_URL, or pass base_url to the client."
        )


class _Client:
    """The settings and options of the synchronous and of the asynchronous client."""

    _settings: ClassVar[Settings]

    def __init__(
        self,
        *,
        base_url: str | None,
        api_key: str | None,
        timeout: float | Timeouts | None,
        on_mismatch: OnMismatch,
        on_drift: OnDrift,
        retry: Retry | None,
        max_connections: int | None,
        requests_per_second: float | None,
        transport: TransportName,
        http_client: object,
    ) -> None:
        settings = self._settings
        if base_url is None:
            variable = f"{settings.environment}_BASE_URL"
            base_url = os.environ.get(variable, "").strip() or settings.base_url
        if api_key is None:
            api_key = os.environ.get(f"{settings.environment}_API_KEY")
        if on_mismatch not in ("raise", "warn"):
            _refuse("on_mismatch", 'must be "raise" or "warn"')
        if not callable(on_drift) and on_drift not in ("warn", "raise", "off"):
            _refuse("on_drift", 'must be "warn", "raise", "off" or a function')
        if max_connections is not None and max_connections < 1:
            _refuse("max_connections", "must be at least 1")
        if requests_per_second is not None and not requests_per_second > 0:
            _refuse("requests_per_second", "must be more than 0")
        if isinstance(timeout, int | float):
            timeout = Timeouts(connect=timeout, read=timeout, write=timeout, pool=timeout)
        self._options = Options(
            user_agent=f"{settings.package}/{settings.version}",
            logger=logging.getLogger(settings.package),
            base_url=checked_base_url(base_url),
            server_advice=settings.advice_on(base_url),
            api_key=checked_key(api_key),
            timeouts=timeout,
            retry=retry or Retry(),
            max_connections=max_connections or CONNECTIONS,
            connections_grow=max_connections is None,
            requests_per_second=requests_per_second,
            transport=checked_transport(transport, http_client, settings.package),
        )
        self._detector = DriftDetector(settings.package, on_drift, self._options)

    @property
    def base_url(self) -> str:
        """Address of the server, with a slash at its end."""
        return self._options.base_url

    if not TYPE_CHECKING:  # to a type checker every attribute would exist

        def __getattr__(self, name: str) -> NoReturn:
            """Raise AttributeError with the method that the name most likely means."""
            kind = type(self)
            known = {known: known for known in dir(kind) if not known.startswith("_")}
            known |= {one.name: one.method for one in kind._settings.endpoints}  # noqa: SLF001
            raise AttributeError(
                f"{kind.__name__} has no attribute {name!r}{did_you_mean(name, known)}"
            )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.base_url}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            f"{type(self).__name__} cannot be pickled: it holds connections and perhaps a key; "
            "make one in each process"
        )


def _refuse(parameter: str, reason: str) -> NoReturn:
    raise ParameterError(f"{parameter} {reason}", parameter=parameter)


class SyncClient(_Client):
    """A client that blocks. Threads may share it; it is best used in a ``with`` block.

    Args:
        base_url: Address of the server, up to and without the resource. Default: the environment
            variable, else the server that the package was generated for.
        api_key: API key, which is sent as a header and never in the URL. Default: the environment
            variable.
        timeout: Timeout in seconds of connecting, reading, writing and waiting for a connection,
            or :class:`Timeouts`. Default: that of ``http_client``, else of ``Timeouts()``.
        http_client: An existing client with your proxy, certificates or authentication. It is
            neither changed nor closed. It must allow ``max_connections``, and the workers of
            many downloads.
        on_mismatch: ``"raise"`` an InvalidResponseError for a missing or invalid value, or
            ``"warn"`` once per attribute and deliver the row.
        on_drift: ``"warn"`` once per endpoint if its description or its responses differ from the
            contract of the package, ``"raise"`` a ContractDriftError, ``"off"``, or a function
            that is called with the :class:`Drift`. Rows are compared until the last one is read.
        retry: Number of attempts and their backoff.
        max_connections: Maximum number of open responses. Default: 8, or as many as a call for
            many downloads has workers.
        requests_per_second: Maximum rate of requests. Default: no maximum.
        transport: Library that sends the requests: ``"httpx"``, or ``"urllib3"`` from the extra
            ``fast``, which reads downloads about twice as fast. httpx sends the requests through
            a proxy of the environment.

    Raises:
        ParameterError: An argument is invalid.
        ImportError: The transport is urllib3, which is not installed.
    """

    def __init__(
        self,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        timeout: float | Timeouts | None = None,
        http_client: "httpx.Client | None" = None,
        on_mismatch: OnMismatch = "raise",
        on_drift: OnDrift = "warn",
        retry: Retry | None = None,
        max_connections: int | None = None,
        requests_per_second: float | None = None,
        transport: TransportName = "httpx",
    ) -> None:
        super().__init__(
            base_url=base_url,
            api_key=api_key,
            timeout=timeout,
            on_mismatch=on_mismatch,
            on_drift=on_drift,
            retry=retry,
            max_connections=max_connections,
            requests_per_second=requests_per_second,
            transport=transport,
            http_client=http_client,
        )
        self._calls = SyncCalls(self._options, on_mismatch, self._detector, http_client)

    def close(self) -> None:
        """Close the connections, except those of an existing ``http_client``."""
        self._calls.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class AsyncClientBase(_Client):
    """A client for asyncio, best used in an ``async with`` block; see :class:`SyncClient`.

    Its ``http_client`` is an ``httpx.AsyncClient``. For many downloads at a time threads
    with the synchronous client are faster.
    """

    def __init__(
        self,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        timeout: float | Timeouts | None = None,
        http_client: "httpx.AsyncClient | None" = None,
        on_mismatch: OnMismatch = "raise",
        on_drift: OnDrift = "warn",
        retry: Retry | None = None,
        max_connections: int | None = None,
        requests_per_second: float | None = None,
    ) -> None:
        super().__init__(
            base_url=base_url,
            api_key=api_key,
            timeout=timeout,
            on_mismatch=on_mismatch,
            on_drift=on_drift,
            retry=retry,
            max_connections=max_connections,
            requests_per_second=requests_per_second,
            transport="httpx",
            http_client=http_client,
        )
        self._calls = AsyncCalls(self._options, on_mismatch, self._detector, http_client)

    async def aclose(self) -> None:
        """Close the connections, except those of an existing ``http_client``."""
        await self._calls.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()


class SyncView:
    """The methods of a client in another form, such as :attr:`streaming`."""

    def __init__(self, calls: SyncCalls) -> None:
        self._calls = calls


class AsyncView:
    """The methods of a client for asyncio in another form."""

    def __init__(self, calls: AsyncCalls) -> None:
        self._calls = calls
