"""An overlay file is checked in full before any of it is used."""

from pathlib import Path

import pytest

from tciagen.contract.overlay import read_overlay
from tciagen.errors import DocumentProblem

KNOWN = "; known are class, default_format, formats, name"


def read(tmp_path: Path, text: str) -> list[str]:
    """Return the problems of an overlay file, without its name."""
    path = tmp_path / "overlay.toml"
    path.write_text(text, encoding="utf-8")
    try:
        read_overlay(path)
    except DocumentProblem as problem:
        return [line.removeprefix(f"{path}: ") for line in str(problem).splitlines()]
    return []


def test_read_overlay_reports_every_invalid_entry(tmp_path: Path) -> None:
    text = """
    title = "x"
    [[entry]]
    endpoint = "A/query/b"
    set = { type = "text" }
    [[entry]]
    endpoint = "A/query/b"
    atribute = "c"
    reason = " "
    set = { formats = [], optional = true, alias = "d" }
    [[entry]]
    endpoint = "A/query/b"
    attribute = "c"
    parameter = "c"
    reason = "r"
    """
    assert read(tmp_path, text) == [
        "unknown key 'title'; entries are [[entry]] tables",
        "entry 1: `reason` must be a string",
        f"entry 1: an overlay cannot set 'type' of an endpoint{KNOWN}",
        "entry 2: unknown key 'atribute'; did you mean 'attribute'?",
        "entry 2: `reason` must be a string",
        "entry 2: formats must be a list of CSV, HTML, XML, JSON, ZIP, DICOM, not []",
        f"entry 2: an overlay cannot set 'optional' of an endpoint{KNOWN}",
        "entry 2: an overlay cannot set 'alias' of an endpoint; did you mean 'class'?",
        "entry 3: set `parameter` or `attribute`, not both",
        "entry 3: `set` must be a table of values, such as { optional = false }",
    ]


@pytest.mark.parametrize(
    ("kind", "setting", "expected"),
    [
        ("parameter", 'required = "yes"', "required must be true or false, not 'yes'"),
        ("parameter", 'type = "int"', "type must be one of string, integer, decimal, boolean, "),
        ("parameter", "dicom = '(0020,000E)'", "dicom must be a tag such as '0020 000E', NA or "),
        ("attribute", "aliases = 'x'", "aliases must be a list of strings, not 'x'"),
        ("attribute", "name = ''", "name must be a string, not ''"),
    ],
)
def test_read_overlay_invalid_value_is_reported(
    tmp_path: Path, kind: str, setting: str, expected: str
) -> None:
    text = f"""
    [[entry]]
    endpoint = "A/query/b"
    {kind} = "c"
    set = {{ {setting} }}
    reason = "r"
    """
    (problem,) = read(tmp_path, text)
    assert problem.startswith("entry 1: " + expected)


def test_read_overlay_toml_error_has_its_position(tmp_path: Path) -> None:
    (problem,) = read(tmp_path, "[[entry]\n")
    assert "is not TOML" in problem
    assert "line 1" in problem


def test_read_overlay_missing_file_is_reported_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(DocumentProblem, match=r"cannot be read: No such file or directory\.$"):
        read_overlay(tmp_path / "none.toml")
