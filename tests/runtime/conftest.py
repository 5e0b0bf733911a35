"""The runtime of the templates: a client that uses it, and a scripted server."""

import asyncio
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar

import attrs
import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parents[1] / "templates" / "client" / "package"), str(HERE)]
sys.path.append(str(HERE / "forms"))

from tests.client_methods import client_methods  # noqa: E402
from wire_server import scripted_server  # noqa: E402

from _runtime.client import AsyncClientBase, Settings, SyncClient  # noqa: E402
from _runtime.endpoint import Attribute, FileEndpoint, Parameter, RecordEndpoint  # noqa: E402
from _runtime.http.options import TransportName  # noqa: E402
from _runtime.http.retry import Retry  # noqa: E402
from _runtime.values import UID  # noqa: E402


@attrs.frozen(kw_only=True)
class Ship:
    """A row of the tests."""

    ship_uid: UID
    ship_name: str | None = None
    launched: date | None = None
    crew: int | None = None
    tonnage: Any = None
    at_sea: bool | None = None
    seen: Any = None
    watch: Any = None


@attrs.frozen(kw_only=True)
class Boat:
    """A row of a deprecated endpoint."""

    name: str | None = None


SHIPS = RecordEndpoint(
    resource="Fleet",
    name="listShips",
    method="list_ships",
    model=Ship,
    formats=("CSV", "HTML", "XML", "JSON"),
    default_format="JSON",
    parameters=(
        Parameter("Port", "port", allowed_values=("Kiel", "Oslo")),
        Parameter("ShipUID", "ship_uid", "uid"),
        Parameter("Since", "since", "date"),
        Parameter("Crew", "crew", "integer"),
        Parameter("OldName", "old_name", deprecated=True),
    ),
    attributes=(
        Attribute("ShipUID", "ship_uid", "uid", optional=False, aliases=("SHIP_ID",)),
        Attribute("ShipName", "ship_name"),
        Attribute("Launched", "launched", "date"),
        Attribute("Crew", "crew", "integer"),
        Attribute("Tonnage", "tonnage", "decimal"),
        Attribute("AtSea", "at_sea", "boolean"),
        Attribute("Seen", "seen", "dateTime"),
        Attribute("Watch", "watch", "time"),
    ),
)
PLANS = FileEndpoint(
    resource="Fleet",
    name="getPlans",
    method="download_plans",
    many="download_plans_many",
    formats=("ZIP",),
    parameters=(Parameter("ShipUID", "ship_uid", "uid", required=True),),
)
OLD = RecordEndpoint(
    resource="Fleet",
    name="listBoats",
    method="list_boats",
    model=Boat,
    formats=("JSON",),
    attributes=(Attribute("Name", "name"),),
    deprecated=True,
    replaced_by="listShips",
)
SETTINGS = Settings(
    package="ship_client",
    version="1.2.3",
    base_url="https://fleet.invalid/v3",
    environment="FLEET",
    endpoints=(SHIPS, OLD, PLANS),
)


@client_methods(*SETTINGS.endpoints)
class Client(SyncClient):
    """The synchronous client of the tests, over the transport that a test is run with."""

    _settings = SETTINGS
    below: ClassVar[TransportName] = "httpx"

    def __init__(self, **options: Any) -> None:
        if options.get("http_client") is None:
            options.setdefault("transport", self.below)
        super().__init__(**options)

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...


@client_methods(*SETTINGS.endpoints)
class AsyncClient(AsyncClientBase):
    """The asynchronous client of the tests."""

    _settings = SETTINGS

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...


@attrs.define
class Reply:
    """One response of the server; with ``cut``, it ends before its Content-Length.

    Each of its ``chunks`` after the first one waits for a release of ``step``.
    """

    body: bytes = b"[]"
    status: int = 200
    headers: dict[str, str] = attrs.field(factory=dict)
    chunks: int = 0
    cut: bool = False
    hold: threading.Event | None = None
    step: threading.Semaphore | None = None


@attrs.define
class Server:
    """A server that sends the replies of its script, and repeats the last one."""

    base_url: str
    script: list[Reply] = attrs.field(factory=list)
    requests: list[tuple[str, dict[str, str]]] = attrs.field(factory=list)
    connections: int = 0
    open_now: int = 0
    most_open: int = 0
    lock: Any = attrs.field(factory=threading.Lock)

    def respond_with(self, *replies: Reply | bytes) -> None:
        """Set the script."""
        self.script = [Reply(r) if isinstance(r, bytes) else r for r in replies]

    def next_reply(self) -> Reply:
        """Return the next reply of the script."""
        with self.lock:
            return self.script.pop(0) if len(self.script) > 1 else self.script[0]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    served: Server

    def log_message(self, *args: object) -> None:
        """Log nothing."""

    def setup(self) -> None:
        """Count the connections."""
        super().setup()
        with self.served.lock:
            self.served.connections += 1

    def do_GET(self) -> None:
        """Send the next reply of the script."""
        state = self.served
        headers = {name.lower(): value for name, value in self.headers.items()}
        state.requests.append((self.path, headers))
        with state.lock:
            state.open_now += 1
            state.most_open = max(state.most_open, state.open_now)
        try:
            self._reply(state.next_reply())
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        finally:
            with state.lock:
                state.open_now -= 1

    def _reply(self, reply: Reply) -> None:
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.status != 204 and "Content-Length" not in reply.headers:
            self.send_header("Content-Length", str(len(reply.body) + (10 if reply.cut else 0)))
        self.end_headers()
        step = -(-len(reply.body) // reply.chunks) if reply.chunks else len(reply.body) or 1
        for start in range(0, len(reply.body), step):
            if reply.step is not None and start > 0:
                reply.step.acquire(timeout=20)
            self.wfile.write(reply.body[start : start + step])
            if reply.hold is not None and start == 0:
                reply.hold.wait(20)
        if reply.cut:
            self.close_connection = True


def _serve() -> Iterator[Server]:
    class Handler(_Handler):
        pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        http.daemon_threads = True
        state = Server(f"http://127.0.0.1:{http.server_port}/v3")
        Handler.served = state
        thread = threading.Thread(target=http.serve_forever, args=(0.05,))
        thread.start()
        yield state
        http.shutdown()
        thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    """A server with a script."""
    yield from _serve()


@pytest.fixture
def other_server() -> Iterator[Server]:
    """A second server with a script, of another origin."""
    yield from _serve()


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FLEET_BASE_URL", "FLEET_API_KEY"):
        monkeypatch.delenv(name, raising=False)


RunClient = Callable[..., Any]


@pytest.fixture
def below(request: pytest.FixtureRequest) -> str:
    """The transport below the synchronous client of the tests: ``urllib3`` or ``httpx``."""
    name: str = request.param
    return name


@pytest.fixture(autouse=True)
def _over_the_named_transport(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A test that pytest_generate_tests runs over both transports does not take `below`.
    callspec = getattr(request.node, "callspec", None)
    if callspec is not None and "below" in callspec.params:
        monkeypatch.setattr(Client, "below", callspec.params["below"])


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run tests that use a scripted server with a separate client over either transport."""
    if "server" in metafunc.fixturenames and {"run_client", "below"}.isdisjoint(
        metafunc.fixturenames
    ):
        metafunc.fixturenames.append("below")
        metafunc.parametrize("below", ["urllib3", "httpx"], indirect=True)


@pytest.fixture(params=["sync", "sync-urllib3", "async"])
def run_client(
    request: pytest.FixtureRequest, server: Server, monkeypatch: pytest.MonkeyPatch
) -> RunClient:
    """Run ``action(client)`` on either client; await or iterate its result."""
    defaults: dict[str, Any] = {"base_url": server.base_url, "retry": Retry(backoff=0)}

    def run_sync(action: Callable[[Any], Any], **options: Any) -> Any:
        with Client(**defaults | options) as client:
            result = action(client)
            return list(result) if hasattr(result, "__next__") else result

    async def awaited(action: Callable[[Any], Any], options: dict[str, Any]) -> Any:
        async with AsyncClient(**defaults | options) as client:
            result = action(client)
            if isinstance(result, Awaitable):
                return await result
            return [item async for item in result] if hasattr(result, "__anext__") else result

    def run_async(action: Callable[[Any], Any], **options: Any) -> Any:
        return asyncio.run(awaited(action, options))

    if request.param == "sync-urllib3":
        monkeypatch.setattr(Client, "below", "urllib3")
    return run_async if request.param == "async" else run_sync


@attrs.frozen
class Runtime:
    """Names of this file for tests, since test folders are not packages."""

    Client: type[Client] = Client
    AsyncClient: type[AsyncClient] = AsyncClient
    Ship: type[Ship] = Ship
    Boat: type[Boat] = Boat
    Reply: type[Reply] = Reply
    ships: RecordEndpoint[Any] = SHIPS


@pytest.fixture(scope="session")
def rt() -> Runtime:
    """The classes of this file."""
    return Runtime()


@pytest.fixture
def wire() -> Iterator[SimpleNamespace]:
    """The server of :mod:`wire_server`."""
    with scripted_server() as state:
        yield state
