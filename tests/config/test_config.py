"""Configuration is checked in full, with suggestions, before anything is done."""

from pathlib import Path

import pytest

from tciagen.config import find_config, read_config
from tciagen.documents.address import parse_endpoint
from tciagen.errors import UsageProblem
from tciagen.selection import selected_apis


def write(folder: Path, text: str, name: str = "tciagen.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_read_config_unknown_keys_are_reported_with_suggestions(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """
        other = 1
        [fleet]
        base_url = "http://x"
        pakage = "x"
        version = 1
        resources = { Fleet = ["a b", "c", "c"], Crew = "d" }
        """,
    )
    with pytest.raises(UsageProblem) as caught:
        read_config(path)
    assert [line.removeprefix(f"{path}: ") for line in str(caught.value).splitlines()] == [
        "[other]: it must be a table",
        "[fleet]: unknown key 'base_url'; did you mean 'base-url'?",
        "[fleet]: unknown key 'pakage'; did you mean 'package'?",
        "[fleet]: version must be a string, not 1",
        "[fleet]: resources: 'Fleet/a b' is not an endpoint; write Resource/QueryName.",
        "[fleet]: resources.Crew must be a list of QueryNames",
        "[fleet]: resources names Fleet/query/c twice",
    ]


def test_read_config_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, "[tool.tciagen.x]\ndocuments = 'docs'\n", "pyproject.toml")
    assert read_config(path)["x"].documents == tmp_path / "docs"


def test_find_config_returns_nearest_file_upwards(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    outer = write(tmp_path, "[x]\n")
    write(tmp_path / "a", "[project]\nname = 'x'\n", "pyproject.toml")
    assert find_config(inner) == outer
    nearer = write(tmp_path / "a", "[tool.tciagen.x]\n", "pyproject.toml")
    assert find_config(inner) == nearer


def test_selected_apis_command_line_overrides_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, "[x]\npackage = 'a'\nversion = '1.0.0'\n[y]\n")
    (api,) = selected_apis(path, "x", package="b", endpoints=("R/q",))
    assert (api.package, api.version, api.addresses) == ("b", "1.0.0", ("R/query/q",))


def test_selected_apis_overrides_for_two_apis_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "[x]\n[y]\n")
    with pytest.raises(UsageProblem, match="specify one with --api"):
        selected_apis(path, None, package="b")


def test_selected_apis_unknown_api_is_reported_with_suggestion(tmp_path: Path) -> None:
    path = write(tmp_path, "[fleet]\n")
    with pytest.raises(UsageProblem, match="no API 'flet'; did you mean 'fleet'"):
        selected_apis(path, "flet")


@pytest.mark.parametrize("text", ["[x]\na = \n", "[x]\n[x]\n"])
def test_read_config_toml_error_is_reported_in_one_sentence(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageProblem, match=r"is not TOML: .*line \d"):
        read_config(write(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("Fleet/listVessels", "Fleet/query/listVessels"),
        ("/Fleet/query/listVessels", "Fleet/query/listVessels"),
    ],
)
def test_parse_endpoint_accepts_short_and_full_form(text: str, address: str) -> None:
    assert parse_endpoint(text) == address


@pytest.mark.parametrize("text", ["", "listVessels", "../x/y", "A/b/c", "A/b?c", "A/b\n", "Ä/b"])
def test_parse_endpoint_invalid_text_is_refused(text: str) -> None:
    with pytest.raises(UsageProblem, match="write Resource/QueryName"):
        parse_endpoint(text)
