"""API keys of the archive: authentication, storage, and output without keys."""

import os
import secrets
import stat
from pathlib import Path

import httpx
import pytest
from tests.archive.conftest import Run

from tciagen.archive.demo import DemoArchive
from tciagen.archive.keys import Keys
from tciagen.archive.running import running_archive

VARIABLE = "TCIAGEN_ARCHIVE_API_KEYS"


def test_api_key_is_accepted_in_header_or_query(demo: DemoArchive, http: httpx.Client) -> None:
    options = ["--api-key", "k-one", "--api-key", "clé"]
    with running_archive(demo.catalog, options=options) as server:
        url = f"{server.base_url}/TCIA/query/getCollectionValues"
        for refused in (
            http.get(url),
            http.get(url, headers={"api_key": "wrong"}),
            http.get(url, params={"api_key": "k-on"}),
            http.get(f"{server.base_url}/TCIA/query/getSeries/metadata"),
            http.post(url, data={"api_key": "K-ONE"}),
        ):
            assert (refused.status_code, refused.content) == (401, b"")
        for accepted in (
            http.get(url, headers={"api_key": "k-one"}),
            http.get(url, headers={b"api_key": "clé".encode()}),
            http.get(url, params={"api_key": "clé"}),
            http.post(url, data={"api_key": "k-one"}),
        ):
            assert accepted.status_code == 200


def test_access_log_never_shows_a_key(
    demo: DemoArchive, http: httpx.Client, run: Run, tmp_path: Path
) -> None:
    stored = run("new-key", tmp_path / "keys").stdout.strip()
    options = ["--api-key", "s3cret/ä b", "--api-key-file", str(tmp_path / "keys")]
    with running_archive(demo.catalog, options=options) as server:
        url = f"{server.base_url}/TCIA/query/getSeries"
        for key in ("s3cret/ä b", stored):
            http.get(url, params={"api_key": key, "PatientID": "PET-7"})
            http.get(url, params={"apikey": key, "x": key})
            http.get(f"{url}-{key}", params={f"a{key}b": "", "y": f"a{key}b"})
            http.get(url, headers={b"api_key": key.encode()})
            http.post(url, data={"api_key": key})
        http.get(url + "?api%5Fkey=s3cret%2f%C3%A4%20b&Api_Key=s3cret")
        http.get(url, params={"Collection": 'a\nb"c'})
        http.get(url)  # this response shows that the earlier requests have been logged
        log = server.log.read_text()
    assert "s3cret" not in log
    assert stored not in log
    assert log.count("\n") >= 12
    assert "api_key=***&PatientID=PET-7" in log
    assert "a%0Ab%22c" in log


def test_keys_are_read_from_the_environment(
    demo: DemoArchive, http: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "one two")
    with running_archive(demo.catalog) as server:
        url = f"{server.base_url}/TCIA/query/getCollectionValues"
        assert http.get(url).status_code == 401
        assert http.get(url, headers={"api_key": "two"}).status_code == 200
        assert "warning" not in server.log.read_text()


def test_key_on_the_command_line_logs_a_warning(demo: DemoArchive) -> None:
    with running_archive(demo.catalog, options=["--api-key", "one"]) as server:
        log = server.log.read_text()
    assert "other users of this machine can see a key on the command line (ps)" in log
    assert "--api-key-file" in log


@pytest.mark.parametrize("key", ["", "  ", " one", "one\n", "a\tb"])
def test_empty_or_unsendable_key_prints_one_error(run: Run, demo: DemoArchive, key: str) -> None:
    result = run("serve", "--catalog", demo.catalog, "--port", 0, "--api-key", key, status=2)
    sentences = result.stderr.splitlines()
    assert "warning" in sentences[0]
    assert sentences[1].startswith("tciagen: error: --api-key ")
    assert len(sentences) == 2


@pytest.mark.parametrize("value", ["", "  "])
def test_empty_keys_variable_prints_one_error(
    run: Run, demo: DemoArchive, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv(VARIABLE, value)
    result = run("serve", "--catalog", demo.catalog, "--port", 0, status=2)
    assert result.stderr.startswith(f"tciagen: error: {VARIABLE} is empty")
    assert result.stderr.count("\n") == 1


def test_keys_of_a_key_file_are_accepted_and_stored_as_hashes(
    demo: DemoArchive, http: httpx.Client, run: Run, tmp_path: Path
) -> None:
    path = tmp_path / "keys"
    keys = [run("new-key", path).stdout.strip() for _ in range(2)]
    content = path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not any(key in content or key[8:] in content for key in keys)
    with running_archive(demo.catalog, options=["--api-key-file", str(path)]) as server:
        url = f"{server.base_url}/TCIA/query/getCollectionValues"
        statuses = [
            http.get(url, headers={"api_key": key}).status_code
            for key in (*keys, keys[0][:-1], "", content.splitlines()[0])
        ]
        assert http.get(url).status_code == 401
        log = server.log.read_text()
    assert statuses == [200, 200, 401, 401, 401]
    assert "warning" not in log


@pytest.mark.parametrize(
    ("content", "mode", "status", "sentence"),
    [
        (None, 0o600, 2, "cannot read the key file"),
        ("", 0o600, 3, "contains no key"),
        ("# none\n", 0o600, 3, "contains no key"),
        ("plain-secret\n", 0o600, 3, "line 1 is not a hashed key"),
        ("sha256:" + "0" * 64 + "\n", 0o640, 2, "other users have access"),
        ("sha256:" + "0" * 64 + "\n", 0o604, 2, "`chmod 600` it"),
    ],
)
@pytest.mark.parametrize("command", ["serve", "new-key"])
def test_invalid_or_shared_key_file_prints_one_error(
    run: Run,
    demo: DemoArchive,
    tmp_path: Path,
    command: str,
    content: str | None,
    mode: int,
    status: int,
    sentence: str,
) -> None:
    path = tmp_path / "keys"
    if content is not None:
        path.write_text(content)
        path.chmod(mode)
    elif command == "new-key":
        path, sentence = tmp_path / "none" / "keys", "cannot write the key file"
    words = ["--catalog", demo.catalog, "--port", 0, "--api-key-file", path]
    result = run(command, *(words if command == "serve" else [path]), status=status)
    assert sentence in result.stderr
    assert "plain-secret" not in result.stderr
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""


def test_new_key_refuses_a_link(run: Run, tmp_path: Path) -> None:
    (tmp_path / "keys").symlink_to(tmp_path / "elsewhere")
    result = run("new-key", tmp_path / "keys", status=2)
    assert "cannot write the key file" in result.stderr
    assert os.listdir(tmp_path) == ["keys"]  # noqa: PTH208 - a broken link is listed, too


@pytest.mark.parametrize(
    "offered", ["k-one", "key-two", "third", "", "k", "clé" * 1000, "k-on\udce9"]
)
def test_key_is_compared_with_every_key_in_constant_time(
    monkeypatch: pytest.MonkeyPatch, offered: str
) -> None:
    compared: list[tuple[bytes, bytes]] = []
    compare = secrets.compare_digest

    def noted(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return compare(one, other)

    keys = Keys.of(["k-one", "key-two", "third"])
    monkeypatch.setattr(secrets, "compare_digest", noted)
    assert keys.accept(offered) == (offered in {"k-one", "key-two", "third"})
    assert len({other for _, other in compared}) == 3
    assert {len(digest) for pair in compared for digest in pair} == {32}
