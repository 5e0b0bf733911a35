"""A real nginx in front of the archive, with its defaults and with the documented settings."""

import re
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tcia_client import AuthenticationError, Client, Retry, ServerError
from tciagen.archive.running import running_archive

if TYPE_CHECKING:
    from tciagen.archive.demo import DemoArchive

WaitFor = Callable[[Callable[[], object]], None]
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
KEY = "s3cret-key"

pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")

DEFAULTS = "server { listen 8080; location / { proxy_pass http://127.0.0.1:8042; } }"
FRAME = """\
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {server}
}}
"""


def documented(root: Path) -> str:
    """Return the server block of the documentation."""
    page = (root / "docs" / "archive.md").read_text(encoding="utf-8")
    block = re.search(r'```text title="nginx.conf"\n(.*?)```', page, re.DOTALL)
    assert block is not None
    return block[1]


@pytest.fixture(scope="module")
def archive(demo: "DemoArchive") -> Iterator[str]:
    """The demo archive with a key."""
    with running_archive(demo.catalog, options=["--api-key", KEY]) as server:
        yield server.base_url


@contextmanager
def nginx(folder: Path, server: str, base_url: str, wait_for: WaitFor) -> Iterator[str]:
    """Run nginx in front of an archive; the block gets its BaseURL."""
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    address, _, path = base_url.removeprefix("http://").partition("/")
    server = server.replace("listen 8080", f"listen 127.0.0.1:{port}")
    server = server.replace("127.0.0.1:8042", address)
    config = folder / "nginx.conf"
    config.write_text(FRAME.format(folder=folder, server=server))
    log = folder / "error.log"
    command = [str(NGINX), "-p", str(folder), "-e", str(log), "-c", str(config)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)

    def is_up() -> bool:
        assert process.poll() is None, process.stderr and process.stderr.read()
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", port)) == 0

    try:
        wait_for(is_up)
        yield f"http://127.0.0.1:{port}/{path}"
    finally:
        process.terminate()
        process.communicate(timeout=30)


def test_errors_behind_default_nginx_name_its_setting(
    archive: str, tmp_path: Path, wait_for: WaitFor
) -> None:
    with (
        nginx(tmp_path, DEFAULTS, archive, wait_for) as base_url,
        Client(base_url=base_url, api_key=KEY) as client,
        pytest.raises(AuthenticationError, match="'underscores_in_headers on'"),
    ):
        client.get_collection_values()
    passed = DEFAULTS.replace("listen 8080;", "listen 8080; underscores_in_headers on;")
    with (
        nginx(tmp_path, passed, archive, wait_for) as base_url,
        Client(base_url=base_url, api_key=KEY, retry=Retry(attempts=1)) as client,
        pytest.raises(ServerError, match="'proxy_buffer_size 16k'") as caught,
    ):
        client.get_series()
    assert caught.value.status == 502


def test_nginx_with_the_documented_settings_serves_the_archive(
    archive: str, root: Path, tmp_path: Path, wait_for: WaitFor
) -> None:
    with (
        nginx(tmp_path, documented(root), archive, wait_for) as base_url,
        Client(base_url=base_url, api_key=KEY, on_drift="raise") as proxied,
        Client(base_url=archive, api_key=KEY) as direct,
    ):
        series = proxied.get_series()
        assert series == direct.get_series()
        one = next(row for row in series if row.image_count > 1)
        done = proxied.download_image(
            tmp_path / "images", series_instance_uid=one.series_instance_uid
        )
        assert len([f for f in done.files if f.suffix == ".dcm"]) == one.image_count
