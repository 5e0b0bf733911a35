"""The command in separate processes, an archive, and servers that misbehave."""

import io
import os
import pty
import select
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import attrs
import pytest

from tciagen.archive.demo import DemoArchive
from tciagen.archive.running import RunningArchive, running_archive


@attrs.frozen
class Command:
    """The command of a package, with a temporary home and one server."""

    source: Path
    package: str
    prefix: str
    home: Path
    base_url: str | None

    def environment(self, more: Mapping[str, str]) -> dict[str, str]:
        kept = {n: v for n, v in os.environ.items() if not n.startswith((self.prefix, "XDG_"))}
        kept |= {"PYTHONPATH": str(self.source), "HOME": str(self.home), "COLUMNS": "100"}
        kept |= {f"XDG_{n}_HOME": str(self.home / n.lower()) for n in ("CONFIG", "CACHE", "STATE")}
        if self.base_url:
            kept[f"{self.prefix}BASE_URL"] = self.base_url
        return kept | dict(more)

    @property
    def line(self) -> list[str]:
        return [sys.executable, "-P", "-m", self.package]

    def __call__(
        self,
        *arguments: object,
        env: Mapping[str, str] | None = None,
        given: str | bytes | None = None,
        cwd: Path | None = None,
    ) -> "Outcome":
        done = subprocess.run(
            [*self.line, *map(str, arguments)],
            env=self.environment(env or {}),
            input=given.encode() if isinstance(given, str) else given,
            stdin=subprocess.DEVNULL if given is None else None,
            cwd=cwd or self.home,
            capture_output=True,
            timeout=60,
            check=False,
        )
        return Outcome(done.returncode, done.stdout, done.stderr.decode())

    def start(self, *arguments: object, env: Mapping[str, str] | None = None) -> Any:
        """Start it with pipes, and do not wait."""
        return subprocess.Popen(
            [*self.line, *map(str, arguments)],
            env=self.environment(env or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.home,
        )

    def on_terminal(
        self, *arguments: object, env: Mapping[str, str] | None = None, typed: str = ""
    ) -> tuple[int, str]:
        """Run it on a terminal; return the exit status and the output."""
        master, slave = pty.openpty()
        process = subprocess.Popen(
            [*self.line, *map(str, arguments)],
            env=self.environment({"TERM": "xterm-256color", **(env or {})}),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=self.home,
        )
        os.close(slave)
        seen = b""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if select.select([master], [], [], 0.2)[0]:
                try:
                    chunk = os.read(master, 65536)
                except OSError:  # the other end is closed
                    break
                if not chunk:
                    break
                seen += chunk
                if typed and b":" in chunk:
                    os.write(master, typed.encode())
                    typed = ""
        os.close(master)
        return process.wait(30), seen.decode("utf-8", "replace")


class Terminal:
    """A program on a separate terminal, into which a test types."""

    def __init__(self, line: Sequence[str], env: Mapping[str, str], cwd: Path) -> None:
        self._master, slave = pty.openpty()
        self._process = subprocess.Popen(
            ["setsid", "--ctty", *line], env=env, cwd=cwd, stdin=slave, stdout=slave, stderr=slave
        )
        os.close(slave)
        self.seen = ""
        self._reader = threading.Thread(target=self._read)

    def __enter__(self) -> Self:
        self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait(30)
        self._reader.join(30)
        os.close(self._master)

    def type(self, text: str) -> None:
        """Type text."""
        os.write(self._master, text.encode())

    def _read(self) -> None:
        while self._process.poll() is None:
            if select.select([self._master], [], [], 0.1)[0]:
                try:
                    self.seen += os.read(self._master, 65536).decode("utf-8", "replace")
                except OSError:  # the other end is closed
                    return


@attrs.frozen
class Outcome:
    """The outcome of a call."""

    status: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        return self.out.decode()


@pytest.fixture(scope="session")
def archive(demo: DemoArchive) -> Iterator[RunningArchive]:
    with running_archive(demo.catalog) as server:
        yield server


@pytest.fixture
def tcia(root: Path, tmp_path: Path, archive: RunningArchive) -> Command:
    """The command of the checked-in client, with the archive."""
    home = tmp_path / "home"
    home.mkdir()
    source = root / "generated" / "tcia-client" / "src"
    return Command(source, "tcia_client", "TCIA_", home, archive.base_url)


@pytest.fixture(scope="session")
def archive_of() -> Callable[[str], bytes]:
    """Return a function that makes a ZIP archive of one file with a name."""

    def made(name: str) -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr(name, "text")
        return buffer.getvalue()

    return made


Respond = Callable[[Any, str], None]


@attrs.define
class Wire:
    """A server that a test controls; ``requests`` has their paths and headers."""

    base_url: str
    respond: Respond | None = None
    requests: list[tuple[str, dict[str, str]]] = attrs.field(factory=list)

    def rows(self, body: bytes, *, kind: str = "application/json") -> None:
        """Respond to every request with this body."""

        def respond(handler: Any, _path: str) -> None:
            handler.send_response(200)
            handler.send_header("Content-Type", kind)
            handler.send_header("Content-Length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body)

        self.respond = respond

    def endless(self, begin: bytes, row: bytes) -> None:
        """Respond with endless rows."""

        def respond(handler: Any, _path: str) -> None:
            handler.send_response(200)
            handler.send_header("Content-Type", "application/json")
            handler.end_headers()
            handler.wfile.write(begin)
            while True:
                handler.wfile.write(row * 200)

        self.respond = respond

    def silent(self, begin: bytes = b"") -> None:
        """Begin a response, and send nothing more for a while."""

        def respond(handler: Any, _path: str) -> None:
            handler.send_response(200)
            handler.send_header("Content-Length", "100000")
            handler.end_headers()
            handler.wfile.write(begin)
            handler.wfile.flush()
            self.released.wait(30)

        self.respond = respond

    released: threading.Event = attrs.field(factory=threading.Event)


@pytest.fixture
def wire() -> Iterator[Wire]:
    """A server under the test's command."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            state.requests.append((self.path, {n.lower(): v for n, v in self.headers.items()}))
            assert state.respond is not None
            try:
                state.respond(self, self.path)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        http.daemon_threads = True
        state = Wire(f"http://127.0.0.1:{http.server_port}/v3")
        thread = threading.Thread(target=http.serve_forever, args=(0.05,))
        thread.start()
        yield state
        state.released.set()
        http.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def fleet_server(fleet_folder: Path, root: Path) -> Iterator[str]:
    """The invented API, served."""
    script = root / "tests" / "end_to_end" / "fleet_server.py"
    process = subprocess.Popen(
        [sys.executable, str(script), str(fleet_folder / "documents")],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    yield process.stdout.readline().strip()
    process.terminate()
    process.wait(20)
    process.stdout.close()


@pytest.fixture(scope="session")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Generate a client and return the folder of its source."""

    def generate(*options: str) -> Path:
        folder = tmp_path_factory.mktemp("generated")
        command: Sequence[str] = [sys.executable, "-m", "tciagen", "generate", *options]
        subprocess.run([*command, "--out", str(folder)], check=True, capture_output=True)
        return folder / "src"

    return generate


@pytest.fixture(scope="session")
def fleet_source(fleet_folder: Path, generated: Callable[..., Path]) -> Path:
    return generated("--config", str(fleet_folder / "tciagen.toml"))


@pytest.fixture
def fleet(fleet_source: Path, tmp_path: Path, fleet_server: str) -> Command:
    """The command of the invented API's client."""
    home = tmp_path / "fleet-home"
    home.mkdir()
    return Command(fleet_source, "fleet_client", "FLEET_", home, fleet_server)
