"""A project, a server of its documents that can be changed, and the tree before and after."""

import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import attrs
import pytest

Edit = Callable[[Any], None]
Tree = Mapping[str, bytes]


@attrs.frozen
class Server:
    """Serves the documents of a folder as they are at the moment; 500 for a missing one."""

    url: str
    documents: Path
    requested: threading.Event = attrs.field(factory=threading.Event)
    open: threading.Event = attrs.field(factory=threading.Event)
    """Responses wait for this one."""

    def edit(self, name: str, change: Edit) -> None:
        """Change the document that is called ``<Resource>/<QueryName>``."""
        path = self.documents / f"{name}.json"
        document = json.loads(path.read_bytes())
        change(document)
        path.write_text(json.dumps(document))


def contents_of(folder: Path) -> Tree:
    """Return the content of every file of a folder."""
    found = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


@attrs.frozen
class Project:
    folder: Path
    server: Server

    def tree(self) -> Tree:
        """Return the content of every file, with the second of its last change."""
        return {
            f"{path.relative_to(self.folder)} {path.stat().st_mtime_ns}": path.read_bytes()
            for path in sorted(self.folder.rglob("*"))
            if path.is_file()
        }

    def contents(self) -> Tree:
        """Return the content of every file."""
        return contents_of(self.folder)

    def start(self, *arguments: str | Path) -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "tciagen", *map(str, arguments)]
        return subprocess.Popen(
            command,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
        process = self.start(*arguments)
        out, err = process.communicate(timeout=120)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def regenerate(self, *arguments: str | Path, expected: int = 0) -> str:
        where = ("--base-url", self.server.url)
        done = self.run("regenerate", *arguments, *where, "--date", "2027-01-31")
        assert done.returncode == expected, done.stderr
        return done.stdout + done.stderr

    def config(self, *added: str) -> None:
        """Put lines at the top of the API's table."""
        path = self.folder / "tciagen.toml"
        text = path.read_text()
        assert text.startswith("[fleet]\n")
        path.write_text("[fleet]\n" + "".join(f"{line}\n" for line in added) + text[8:])


@pytest.fixture(scope="session")
def generated(fleet_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The invented API's project, generated."""
    folder = tmp_path_factory.mktemp("generated") / "project"
    shutil.copytree(fleet_folder, folder, ignore=shutil.ignore_patterns("golden"))
    command = [sys.executable, "-m", "tciagen", "generate"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture
def server(generated: Path, tmp_path: Path) -> Iterator[Server]:
    documents = tmp_path / "served"
    shutil.copytree(generated / "documents", documents)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.requested.set()
            state.open.wait()
            resource, _, name, _ = self.path.strip("/").split("/")
            path = documents / resource / f"{name}.json"
            body = path.read_bytes() if path.is_file() else b"QueryEndpoint not found"
            self.send_response(200 if path.is_file() else 500)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    served = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state = Server(f"http://127.0.0.1:{served.server_port}", documents)
    state.open.set()
    thread = threading.Thread(target=served.serve_forever)
    thread.start()
    yield state
    state.open.set()
    served.shutdown()
    thread.join()
    served.server_close()


@pytest.fixture
def project(generated: Path, server: Server, tmp_path: Path) -> Project:
    folder = tmp_path / "project"
    shutil.copytree(generated, folder)
    return Project(folder, server)
