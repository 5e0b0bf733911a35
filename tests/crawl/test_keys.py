"""API keys of the generator: where they come from, and that they stay secret."""

import json
import shutil
import stat
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import attrs
import pytest

from tciagen.api_key import without_key
from tciagen.documents.folder import read_folder
from tciagen.documents.parsing import JsonObject

Run = Callable[..., "subprocess.CompletedProcess[str]"]
KEY = 'S3cret"Key-7Q'


@attrs.frozen
class Server:
    """Wants the key, and serves documents, or redirects to another place."""

    url: str
    documents: dict[str, JsonObject]
    keys: list[str | None] = attrs.field(factory=list)
    """The header ``api_key`` of each request."""
    redirect: list[str] = attrs.field(factory=list)


def serve(documents: Mapping[str, JsonObject]) -> tuple[ThreadingHTTPServer, Server]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            key = self.headers.get("api_key")
            state.keys.append(key)
            found = state.documents.get(self.path.removeprefix("/").removesuffix("/metadata"))
            if state.redirect:
                self.send_response(302)
                self.send_header("Location", state.redirect[0] + self.path)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            status = 401 if key != KEY else 200 if found else 500
            body = json.dumps(found if status == 200 else {"error": f"not {key}"}).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state = Server(f"http://127.0.0.1:{httpd.server_port}", dict(documents))
    return httpd, state


@pytest.fixture
def servers(fleet_folder: Path) -> Iterator[tuple[Server, Server]]:
    """Two servers of the same documents."""
    documents = read_folder(fleet_folder / "documents")
    running = [serve(documents) for _ in range(2)]
    threads = [threading.Thread(target=httpd.serve_forever, args=(0.02,)) for httpd, _ in running]
    for thread in threads:
        thread.start()
    yield running[0][1], running[1][1]
    for (httpd, _), thread in zip(running, threads, strict=True):
        httpd.shutdown()
        thread.join()
        httpd.server_close()


@pytest.fixture
def server(servers: tuple[Server, Server]) -> Server:
    return servers[0]


@pytest.fixture
def project(
    tmp_path: Path, fleet_folder: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """The invented API's project, whose server wants the key."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    folder = tmp_path / "project"
    shutil.copytree(fleet_folder, folder, ignore=shutil.ignore_patterns("golden"))
    config = folder / "tciagen.toml"
    text = config.read_text().replace("https://harbour.example/api", server.url)
    config.write_text(text.replace("[fleet]\n", '[fleet]\nenvironment = "FLEET"\n', 1))
    return folder


def store(tmp_path: Path, command: str, text: str) -> None:
    """Write the file of settings of a client's command."""
    path = tmp_path / "settings" / command / "config.toml"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    path.chmod(stat.S_IRUSR | stat.S_IWUSR)


def seen(folder: Path) -> str:
    """Return the content of every file below a folder."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return "".join(path.read_bytes().decode("latin-1") for path in files)


COMMANDS = [
    ["crawl"],
    ["regenerate"],
    ["regenerate", "--dry-run"],
    ["diff", "documents", "URL"],
    ["diff", "URL", "documents"],
    ["accept", "0123", "--reason", "r", "--old", "documents", "--new", "URL"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_api_key_of_the_environment_is_sent_and_never_stored(
    project: Path, server: Server, tciagen: Run, command: list[str]
) -> None:
    if command[0] == "regenerate":
        tciagen("generate", cwd=project)
    words = [server.url if word == "URL" else word for word in command]
    done = tciagen(*words, cwd=project, env={"FLEET_API_KEY": KEY})
    expected = 2 if command[0] == "accept" else 0
    assert (done.returncode, "401" in done.stderr) == (expected, False), done.stderr
    assert set(server.keys) == {KEY}
    assert KEY not in done.stdout + done.stderr + seen(project)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_api_key_refused_is_a_sentence_without_the_key(
    project: Path, server: Server, tciagen: Run, command: list[str]
) -> None:
    if command[0] == "regenerate":
        tciagen("generate", cwd=project)
    words = [server.url if word == "URL" else word for word in command]
    done = tciagen(*words, cwd=project, env={"FLEET_API_KEY": "wrong-key-0815"})
    assert done.returncode == 4
    assert "responded with status 401. The API key is missing or invalid" in done.stderr
    assert "wrong-key-0815" not in done.stdout + done.stderr + seen(project)


def test_api_key_option_overrides_the_environment_and_warns(
    project: Path, server: Server, tciagen: Run
) -> None:
    done = tciagen("crawl", "--api-key", KEY, cwd=project, env={"FLEET_API_KEY": "wrong"})
    assert done.returncode == 0
    assert set(server.keys) == {KEY}
    assert "warning: other users of this machine can see a key" in done.stderr
    assert KEY not in done.stdout + done.stderr


def test_api_key_without_a_package_has_the_generators_variable(
    tmp_path: Path, project: Path, server: Server, tciagen: Run
) -> None:
    options = ("--base-url", server.url, "--endpoint", "Crew/listCrew", "--documents", "new")
    done = tciagen("crawl", *options, env={"TCIAGEN_API_KEY": KEY})
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "new/Crew/listCrew.json").is_file()


def test_api_key_stored_by_the_client_is_sent_to_its_server_only(
    project: Path, servers: tuple[Server, Server], tciagen: Run, tmp_path: Path
) -> None:
    server, other = servers
    store(tmp_path, "fleet", f"api-key = '{KEY}'\n")
    assert tciagen("crawl", cwd=project).returncode == 0
    assert set(server.keys) == {KEY}
    assert tciagen("crawl", "--base-url", other.url, cwd=project).returncode == 4
    assert set(other.keys) == {None}


def test_api_key_stored_with_a_server_is_sent_to_that_server(
    project: Path, server: Server, tciagen: Run, tmp_path: Path
) -> None:
    store(tmp_path, "fleet", f"base-url = 'https://example.org'\napi-key = '{KEY}'\n")
    assert tciagen("crawl", cwd=project).returncode == 4
    assert set(server.keys) == {None}


def test_api_key_does_not_follow_a_redirect(
    project: Path, servers: tuple[Server, Server], tciagen: Run
) -> None:
    server, other = servers
    server.redirect.append(other.url)
    done = tciagen("crawl", cwd=project, env={"FLEET_API_KEY": KEY})
    assert (done.returncode, "status 302" in done.stderr) == (4, True)
    assert other.keys == []


def test_api_key_is_sent_to_the_configured_server_only(
    project: Path, servers: tuple[Server, Server], tciagen: Run
) -> None:
    server, other = servers
    done = tciagen("diff", server.url, other.url, cwd=project, env={"FLEET_API_KEY": KEY})
    assert done.returncode == 4
    assert set(server.keys) == {KEY}
    assert set(other.keys) == {None}


def test_crawl_document_that_repeats_the_key_is_refused(
    project: Path, server: Server, tciagen: Run
) -> None:
    document: Any = server.documents["Crew/query/listCrew"]
    document["Description"] = f"Requested with {KEY}."
    done = tciagen("crawl", cwd=project, env={"FLEET_API_KEY": KEY})
    assert done.returncode == 3
    assert "Crew/query/listCrew: its metadata repeats the API key" in done.stderr
    assert KEY not in done.stdout + done.stderr + seen(project)


def test_live_rows_that_repeat_the_key_are_redacted() -> None:
    body = json.dumps([{"Note": f"Requested with {KEY}.", "Name": "V"}]).encode()
    shown = [{"Note": "Requested with <api_key>.", "Name": "V"}]
    assert json.loads(without_key(body, KEY)) == shown
    assert without_key(body, None) == without_key(body, "V") == body


@pytest.mark.parametrize("key", ["", " ", "a b c d e f", "schlüssel", "line\nbreak"])
def test_api_key_invalid_is_a_sentence_without_the_key(
    project: Path, server: Server, tciagen: Run, key: str
) -> None:
    done = tciagen("crawl", "--api-key", key, cwd=project)
    assert done.returncode == 2
    assert "--api-key is empty" in done.stderr or "characters that no key has" in done.stderr
    assert not key.strip() or key not in done.stderr
    assert server.keys == []


@pytest.mark.parametrize(
    "command", [["check", "--api-key", KEY], ["diff", "documents", "documents", "--api-key", KEY]]
)
def test_api_key_without_a_server_is_an_error(
    project: Path, tciagen: Run, command: list[str]
) -> None:
    done = tciagen(*command, cwd=project)
    assert done.returncode == 2
    assert "--api-key" in done.stderr
    assert KEY not in done.stderr


def test_config_with_an_api_key_is_refused(project: Path, tciagen: Run) -> None:
    config = project / "tciagen.toml"
    config.write_text(config.read_text().replace("[fleet]\n", f"[fleet]\napi-key = '{KEY}'\n", 1))
    done = tciagen("crawl", cwd=project)
    assert done.returncode == 2
    assert "an API key must not be in a shared file" in done.stderr
    assert KEY not in done.stderr
