"""The settings file: its path, its mode, its precedence, and its key."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from tcia_client._runtime.cli.config import config_path, write_config


def test_settings_file_is_private(tcia: Any) -> None:
    (path,) = tcia("config", "path").text.splitlines()
    file = tcia.home / "config" / "tcia" / "config.toml"
    assert path == str(file)
    assert tcia("config", "set", "base-url", "https://archive.example/v3").status == 0
    done = tcia("config", "set", "api-key", given="s3cr3t\n")
    assert (done.status, done.out, done.err) == (0, b"", "")
    assert tomllib.loads(file.read_text()) == {
        "base-url": "https://archive.example/v3/",
        "api-key": "s3cr3t",
    }
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert [child.name for child in file.parent.iterdir()] == ["config.toml"]
    env = {"TCIA_BASE_URL": ""}
    assert tcia("config", "get", "base-url", env=env).text == "https://archive.example/v3/\n"
    assert tcia("config", "get", "api-key", env=env).text == "set\n"
    assert tcia("config", "unset", "api-key").status == 0
    assert tcia("config", "get", "api-key", env=env).text == "not set\n"


def test_key_is_prompted_for_without_showing_it(tcia: Any) -> None:
    status, seen = tcia.on_terminal("config", "set", "api-key", typed="s3cr3t\n")
    assert status == 0
    assert "s3cr3t" not in seen
    assert "s3cr3t" in (tcia.home / "config" / "tcia" / "config.toml").read_text()


def test_option_precedes_environment_precedes_file_precedes_default(tcia: Any) -> None:
    def used(*options: str, env: str = "") -> str:
        text: str = tcia(*options, "config", "get", "base-url", env={"TCIA_BASE_URL": env}).text
        return text.strip().rstrip("/")

    assert used() == "https://services.cancerimagingarchive.net/services/v3"
    tcia("config", "set", "base-url", "https://file.example/v3")
    assert used() == "https://file.example/v3"
    assert used(env="https://env.example/v3") == "https://env.example/v3"
    assert used("--base-url=https://o.example/v3", env="https://env.example/v3") == (
        "https://o.example/v3"
    )


def test_key_of_the_file_is_sent_only_to_its_server(tcia: Any, wire: Any) -> None:
    wire.rows(b'[{"Modality":"CT"}]')
    tcia("config", "set", "base-url", wire.base_url)
    tcia("config", "set", "api-key", given="s3cr3t")
    assert tcia("get-modality-values", env={"TCIA_BASE_URL": ""}).status == 0
    assert wire.requests[-1][1]["api_key"] == "s3cr3t"
    other = wire.base_url.replace("127.0.0.1", "localhost")
    done = tcia("get-modality-values", env={"TCIA_BASE_URL": other})
    assert done.status == 0
    assert "api_key" not in wire.requests[-1][1]
    assert "is not sent to" in done.err
    env = {"TCIA_BASE_URL": other, "TCIA_API_KEY": "another"}
    assert tcia("get-modality-values", env=env).err == ""
    assert wire.requests[-1][1]["api_key"] == "another"


def test_key_as_an_argument_is_stored_with_a_warning(tcia: Any) -> None:
    done = tcia("config", "set", "api-key", "s3cr3t")
    assert done.status == 0
    assert "others can see a key" in done.err
    assert "s3cr3t" not in done.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("config", "set", "base-url", "ftp://x"), "http"),
        (("config", "set", "api-key", "a key"), "api_key has"),
        (("config", "set", "colour", "red"), "colour"),
    ],
)
def test_invalid_value_is_not_stored(tcia: Any, arguments: tuple[str, ...], message: str) -> None:
    done = tcia(*arguments)
    assert done.status == 2
    assert message in done.err
    assert "a key\n" not in done.err
    assert not list(tcia.home.rglob("config.toml"))


def test_write_that_fails_leaves_no_other_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    in_the_way = config_path("tcia")
    in_the_way.mkdir(parents=True)
    with pytest.raises(IsADirectoryError):
        write_config("tcia", {"api-key": "s3cr3t"})
    assert list(in_the_way.parent.iterdir()) == [in_the_way]


@pytest.mark.parametrize("content", ["= nonsense", "colour = 'red'", "api-key = 7", "\x00"])
def test_invalid_file_prints_one_error(tcia: Any, content: str) -> None:
    tcia("config", "set", "base-url", "https://file.example/v3")
    file = tcia.home / "config" / "tcia" / "config.toml"
    file.write_text(content)
    done = tcia("get-modality-values")
    assert (done.status, done.out) == (2, b"")
    assert done.err.count("\n") == 1
    assert str(file) in done.err
