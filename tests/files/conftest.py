"""A client of the runtime of the templates, DICOM files, and servers for them."""

import asyncio
import hashlib
import io
import struct
import subprocess
import sys
import threading
import zipfile
from collections.abc import Awaitable, Callable, Iterable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import attrs
import pytest

from tciagen.archive.demo import DemoArchive
from tciagen.archive.running import RunningArchive, running_archive

HERE = Path(__file__).parent
PATHS = [str(HERE.parents[1] / "templates" / "client" / "package"), str(HERE)]
sys.path[:0] = PATHS

from files_client import AsyncClient, Client  # noqa: E402

from _runtime.http.retry import Retry  # noqa: E402

SERIES = "1.2.3.4"
Member = tuple[str | zipfile.ZipInfo, bytes]


def element(tag: int, vr: bytes, value: bytes, *, explicit: bool = True) -> bytes:
    """Return a data element, little-endian."""
    value += b"\0" * (len(value) % 2)
    head = struct.pack("<HH", tag >> 16, tag & 0xFFFF)
    if not explicit:
        return head + struct.pack("<L", len(value)) + value
    if vr in (b"OB", b"OW", b"SQ", b"UN"):
        return head + vr + struct.pack("<HL", 0, len(value)) + value
    return head + vr + struct.pack("<H", len(value)) + value


def dicom(
    sop: str | None = None,
    *,
    series: str = SERIES,
    number: int | None = 1,
    size: int = 2000,
    fill: bytes | None = None,
) -> bytes:
    """Return a small DICOM Part 10 file."""
    sop = f"{series}.{number}" if sop is None else sop
    meta = element(0x00020010, b"UI", b"1.2.840.10008.1.2.1")
    body = element(0x00080018, b"UI", sop.encode())
    body += element(0x00080060, b"CS", b"CT")
    body += element(0x0020000D, b"UI", b"1.2.3")
    body += element(0x0020000E, b"UI", series.encode())
    if number is not None:
        body += element(0x00200013, b"IS", str(number).encode())
    pixels = (fill or bytes(range(256))) * (size // len(fill or bytes(256)) + 1)
    body += element(0x7FE00010, b"OW", pixels[: size - size % 2])
    return (
        bytes(128)
        + b"DICM"
        + element(0x00020000, b"UL", struct.pack("<L", len(meta)))
        + meta
        + body
    )


class _Stream(io.RawIOBase):
    """Takes what is written and cannot seek."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.parts.append(bytes(data))
        return len(data)


def zipped(
    members: Iterable[Member], *, stream: bool = True, method: int = zipfile.ZIP_DEFLATED
) -> bytes:
    """Return a ZIP archive, with data descriptors if it is written as a stream."""
    sink = _Stream()
    buffer = io.BytesIO()
    with zipfile.ZipFile(sink if stream else buffer, "w", method) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return b"".join(sink.parts) if stream else buffer.getvalue()


def series_zip(count: int = 3, **options: Any) -> bytes:
    """Return the archive of a series, as a v3 server sends it."""
    images = [(f"images/{n}.dcm", dicom(number=n + 1)) for n in range(count)]
    return zipped([("images/", b""), *images, ("results.json", b"[]")], **options)


@attrs.define
class Reply:
    """One response of the scripted server.

    Attributes:
        body: What it promises.
        sent: How much of it is sent before the connection is cut; None for all.
        chunked: Whether it is sent without a length.
        hold: Waited for when ``sent`` bytes are out, before the rest.
        tag: Its ETag, with which the server supports ranges; None for neither.
    """

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = attrs.field(factory=dict)
    sent: int | None = None
    chunked: bool = False
    hold: threading.Event | threading.Barrier | None = None
    tag: str | None = None

    def part(self, request_headers: dict[str, str]) -> "Reply":
        """Return the response to a request with these headers."""
        headers = {**self.headers, "ETag": f'"{self.tag}"'}
        first = request_headers.get("range", "").removeprefix("bytes=").removesuffix("-")
        if not first or request_headers.get("if-range") != headers["ETag"]:
            return attrs.evolve(self, headers=headers)
        start, end = int(first), len(self.body)
        if start >= end:
            return Reply(status=416)
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{end}"
        return attrs.evolve(self, body=self.body[start:], status=206, headers=headers)


@attrs.define
class Server:
    """A server that replies by its script, the last reply repeatedly, or by path."""

    base_url: str
    script: list[Reply] = attrs.field(factory=list)
    by_uid: dict[str, Reply] = attrs.field(factory=dict)
    requests: list[tuple[str, dict[str, str]]] = attrs.field(factory=list)
    lock: Any = attrs.field(factory=threading.Lock)
    open_now: int = 0
    most_open: int = 0

    def replies(self, *replies: Reply | bytes) -> None:
        self.script = [r if isinstance(r, Reply) else Reply(r) for r in replies]

    @property
    def ranges(self) -> list[str | None]:
        """The Range header of each request so far."""
        return [headers.get("range") for _, headers in self.requests]

    def reply(self, path: str) -> Reply:
        for uid, reply in self.by_uid.items():
            if path.endswith(f"={uid}"):
                return reply
        with self.lock:
            return self.script.pop(0) if len(self.script) > 1 else self.script[0]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    served: Server

    def log_message(self, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        state = self.served
        with state.lock:
            state.requests.append((self.path, {k.lower(): v for k, v in self.headers.items()}))
            state.open_now += 1
            state.most_open = max(state.most_open, state.open_now)
        try:
            reply = state.reply(self.path)
            self._reply(reply.part(state.requests[-1][1]) if reply.tag else reply)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        finally:
            with state.lock:
                state.open_now -= 1

    def _reply(self, reply: Reply) -> None:
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.chunked:
            self.send_header("Transfer-Encoding", "chunked")
        elif reply.status != 204:
            self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        until = len(reply.body) if reply.sent is None else reply.sent
        self._write(reply.body[:until], reply.chunked)
        if reply.hold is not None:
            reply.hold.wait(30)
            self._write(reply.body[until:], reply.chunked)
        elif reply.sent is not None:
            self.close_connection = True
            return
        if reply.chunked:
            self.wfile.write(b"0\r\n\r\n")

    def _write(self, data: bytes, chunked: bool) -> None:
        if chunked and data:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        else:
            self.wfile.write(data)
        self.wfile.flush()


class _ManyHTTPServer(ThreadingHTTPServer):
    request_queue_size = 128  # of the standard library's five, many at once would wait


@pytest.fixture
def server() -> Iterator[Server]:
    handler: Any = type("Handler", (_Handler,), {})
    with _ManyHTTPServer(("127.0.0.1", 0), handler) as http:
        http.daemon_threads = True
        state = Server(f"http://127.0.0.1:{http.server_port}/v3")
        handler.served = state
        thread = threading.Thread(target=http.serve_forever, args=(0.02,))
        thread.start()
        yield state
        http.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def archive(demo: DemoArchive) -> Iterator[RunningArchive]:
    with running_archive(demo.catalog) as running:
        yield running


@pytest.fixture(scope="session")
def blob_archive(demo: DemoArchive) -> Iterator[RunningArchive]:
    """The demo archive with the file layout of the blob plugin: no count, no list."""
    with running_archive(demo.catalog, options=["--files", "blob"]) as running:
        yield running


@pytest.fixture(scope="session")
def make() -> SimpleNamespace:
    """Functions that create files and replies."""
    return SimpleNamespace(
        dicom=dicom,
        zipped=zipped,
        series_zip=series_zip,
        element=element,
        Reply=Reply,
        md5=lambda data: hashlib.md5(data).hexdigest(),
    )


RunClient = Callable[..., Any]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let archives that state no number of files pass without a warning, but where it is tested."""
    for item in items:
        if item.path.parent == HERE and item.path.name != "test_completeness.py":
            quiet = pytest.mark.filterwarnings(
                "ignore::_runtime.downloads.public.CompletenessWarning"
            )
            item.add_marker(quiet)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run tests that use a scripted server with each client over either transport.

    A module whose tests do not depend on transports limits the clients by ``CLIENTS``.
    """
    clients = getattr(metafunc.module, "CLIENTS", ())
    if "run_client" in metafunc.fixturenames:
        metafunc.parametrize(
            "run_client", clients or ("sync", "sync-urllib3", "async"), indirect=True
        )
    elif not clients and "server" in metafunc.fixturenames:
        if "below" not in metafunc.fixturenames:
            metafunc.fixturenames.append("below")
        metafunc.parametrize("below", ["urllib3", "httpx"], indirect=True)


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


@pytest.fixture
def run_client(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> RunClient:
    """Run ``action(client)`` on either client of a server; await its result."""
    defaults: dict[str, Any] = {"retry": Retry(backoff=0)}

    def run_sync(base_url: str, action: Callable[[Any], Any], **options: Any) -> Any:
        with Client(base_url=base_url, **defaults | options) as client:
            return action(client)

    def run_async(base_url: str, action: Callable[[Any], Any], **options: Any) -> Any:
        async def run() -> Any:
            async with AsyncClient(base_url=base_url, **defaults | options) as client:
                result = action(client)
                return await result if isinstance(result, Awaitable) else result

        return asyncio.run(run())

    if request.param == "sync-urllib3":
        monkeypatch.setattr(Client, "below", "urllib3")
    return run_async if request.param == "async" else run_sync


SCRIPT = """
import sys
sys.path[:0] = sys.argv[3:]
from files_client import Client
target, base_url = sys.argv[1:3]
with Client(base_url=base_url) as client:
    def peak():
        # Not ru_maxrss, which a process takes over from the one that started it.
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    %s
"""

Start = Callable[[str, Path, str], "subprocess.Popen[str]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a process that does something with a ``client`` and a ``target``."""
    running: list[subprocess.Popen[str]] = []

    def started(body: str, target: Path, base_url: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT % body, str(target), base_url, *PATHS],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        return process

    yield started
    for process in running:
        process.kill()
        process.communicate()


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    """The synchronous client of the scripted server."""
    with Client(base_url=server.base_url, retry=Retry(backoff=0)) as made:
        yield made
