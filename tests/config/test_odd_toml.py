"""TOML of any shape gives a sentence with the documented exit status, never a traceback."""

from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pytest
import tomlkit
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tciagen.config import read_config
from tciagen.contract.overlay import parse_overlay
from tciagen.drift.accept import FILE_NAME, read_acceptances
from tciagen.errors import DocumentProblem, UsageProblem
from tciagen.selection import selected_apis

Run = Callable[..., Any]

KEYS = (
    "base-url", "resources", "documents", "overlay", "schema", "output", "package", "distribution",
    "version", "environment", "command", "title", "severity", "changelog", "test", "api-key",
    "entry", "accept", "endpoint", "parameter", "attribute", "set", "reason", "rule", "pointer",
    "after", "until", "type", "formats", "required", "allowed_values", "Fleet", "tool", "tciagen",
)  # fmt: skip
WORDS = (
    "", " ", "CON", "a/b", "../..", "listVessels", "LISTVESSELS", "\0", "\n", "attr-removed",
    "string", "JSON", "*", "fleet_client", "1.0.0", "http://127.0.0.1:1", "docs",
)  # fmt: skip

names = st.sampled_from(KEYS) | st.text(
    st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=4
)
scalars = (
    st.sampled_from(WORDS)
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
    | st.dates(date(1, 1, 1))
    | st.datetimes(datetime(1900, 1, 1))
    | st.times(time(0))
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)
tables = st.dictionaries(names, values, max_size=5)
shapes = st.dictionaries(names, tables | values, max_size=4)
quick = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=200
)


CONFIGURATION: dict[str, Any] = {
    "fleet": {
        "base-url": "http://127.0.0.1:1",
        "documents": "documents",
        "overlay": "overlay.toml",
        "output": "out",
        "package": "fleet_client",
        "version": "1.0.0",
        "title": "Fleet",
        "severity": {"attr-removed": "docs"},
        "files": {"Fleet/getScan": {"count": [{"endpoint": "Fleet/count", "attribute": "n"}]}},
        "resources": {"Fleet": ["listVessels", "getVessel"], "Crew": ["listCrew"]},
    }
}
OVERLAYS: list[dict[str, Any]] = [
    {"entry": [{"endpoint": "a", "set": {key: value}, "reason": "b", **kind}]}
    for kind, members in (
        ({}, {"formats": ["JSON"], "default_format": "JSON", "name": "n", "class": "C"}),
        ({"parameter": "p"}, {"required": True, "type": "uid", "dicom": "NA", "default": "d"}),
        ({"attribute": "p"}, {"optional": True, "type": "uid", "aliases": ["b"]}),
    )
    for key, value in members.items()
]
ACCEPTANCES: dict[str, Any] = {
    "accept": [
        {
            "rule": "attr-removed",
            "endpoint": "a/query/b",
            "pointer": "/Result",
            "after": ["x"],
            "reason": "later",
            "until": date(2027, 2, 1),
        }
    ]
}


@st.composite
def spoilt(draw: st.DrawFn, shape: Any) -> Any:
    """Return a shape with another value in one place, which may be anywhere."""
    if isinstance(shape, dict) and draw(st.integers(0, 5)):
        key = draw(st.sampled_from(sorted(shape)))
        return {**shape, key: draw(spoilt(shape[key]))}
    if isinstance(shape, list) and draw(st.integers(0, 5)):
        index = draw(st.integers(0, len(shape) - 1))
        return [*shape[:index], draw(spoilt(shape[index])), *shape[index + 1 :]]
    return draw(values)


def toml(shape: Any) -> bytes:
    return tomlkit.dumps(shape if isinstance(shape, dict) else {"x": shape}).encode()


def read(reading: Callable[[], Any], error: type[Exception], place: object) -> None:
    """Read something, or see that it is refused in sentences that name the place."""
    try:
        reading()
    except error as problem:
        reported = sentences(problem)
    else:
        reported = []
    assert [line for line in reported if str(place) not in line] == []


def sentences(problem: Exception) -> list[str]:
    lines = str(problem).splitlines()
    assert lines
    assert all(line.strip() and len(line) < 600 for line in lines)
    return lines


@pytest.mark.parametrize("name", ["tciagen.toml", "pyproject.toml"])
@given(shape=shapes | spoilt(CONFIGURATION))
@quick
def test_config_odd_toml_is_read_or_refused_in_sentences(
    tmp_path: Path, name: str, shape: Any
) -> None:
    path = tmp_path / name
    path.write_bytes(toml({"tool": {"tciagen": shape}} if name == "pyproject.toml" else shape))

    def targets() -> None:
        for api in read_config(path).values():
            with suppress(UsageProblem):  # names that packaging refuses
                api.target()

    read(targets, UsageProblem, path)


@given(shape=shapes)
@quick
def test_config_odd_pyproject_tables_are_refused_in_a_sentence(
    tmp_path: Path, shape: dict[str, Any]
) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_text(tomlkit.dumps(shape))
    with pytest.raises(UsageProblem) as caught:
        read_config(path)
    sentences(caught.value)


@pytest.mark.parametrize("text", ["[tool]\ntciagen = 1", "tool = 1", "tool = [1]", "[[tool]]"])
@pytest.mark.parametrize("command", ["generate", "validate", "crawl", "check", "regenerate"])
def test_commands_invalid_tool_table_is_reported_in_one_sentence(
    tmp_path: Path, tciagen: Run, text: str, command: str
) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    done = tciagen(command)
    assert done.returncode == 2
    assert done.stderr.startswith("tciagen: error: ")
    assert "must be a table, not" in done.stderr
    assert done.stderr.count("\n") == 1


@example(shape={"entry": [{"endpoint": "a", "attribute": "b", "set": {"type": []}}]})
@given(shape=shapes | st.sampled_from(OVERLAYS).flatmap(spoilt))
@quick
def test_overlay_odd_toml_is_read_or_refused_in_sentences(shape: Any) -> None:
    read(lambda: parse_overlay(toml(shape), "ours.toml"), DocumentProblem, "ours.toml")


@given(shape=shapes | spoilt(ACCEPTANCES))
@quick
def test_acceptances_odd_toml_is_read_or_refused_in_sentences(tmp_path: Path, shape: Any) -> None:
    path = tmp_path / FILE_NAME
    path.write_bytes(toml(shape))
    read(lambda: read_acceptances(path, date(2027, 1, 1)), UsageProblem, path)


BEYOND = ["a = " + "[" * 3000 + "]" * 3000, "a = " + "9" * 5000, "a = '\xff", "\0", "a.b=1\na.b=2"]


@pytest.mark.parametrize("text", BEYOND)
def test_toml_beyond_limits_of_python_is_reported_in_one_sentence(
    tmp_path: Path, text: str
) -> None:
    body = text.encode("latin-1")
    (tmp_path / "tciagen.toml").write_bytes(body)
    with pytest.raises(UsageProblem, match="is not TOML"):
        read_config(tmp_path / "tciagen.toml")
    with pytest.raises(DocumentProblem, match="is not TOML"):
        parse_overlay(body, "overlay.toml")
    (tmp_path / FILE_NAME).write_bytes(body)
    with pytest.raises(UsageProblem, match=r"is not TOML|unknown key"):
        read_acceptances(tmp_path / FILE_NAME, date(2027, 1, 1))


def test_toml_byte_order_mark_is_ignored(tmp_path: Path) -> None:
    mark = "\ufeff"
    (tmp_path / "tciagen.toml").write_text(f"{mark}[fleet]\npackage = 'x'\n", encoding="utf-8")
    assert read_config(tmp_path / "tciagen.toml")["fleet"].package == "x"
    overlay = f"{mark}[[entry]]\nendpoint = 'a'\nset = {{ name = 'b' }}\nreason = 'c'\n"
    assert len(parse_overlay(overlay.encode(), "overlay.toml").entries) == 1
    (tmp_path / FILE_NAME).write_text(f"{mark}accept = []\n", encoding="utf-8")
    assert read_acceptances(tmp_path / FILE_NAME, date(2027, 1, 1)) == ()


@pytest.mark.parametrize(
    ("names", "reported"),
    [
        ('Fleet = ["getSeries", "GETSERIES"]', "differ in letter case only"),
        ('Fleet = ["getSeries"]\nFLEET = ["getImage"]', "differ in letter case only"),
        ('Fleet = ["CON"]', "on Windows CON is a device"),
        ('aux = ["getImage"]', "on Windows aux is a device"),
    ],
)
def test_config_names_that_differ_in_case_only_are_refused(
    tmp_path: Path, names: str, reported: str
) -> None:
    path = tmp_path / "tciagen.toml"
    path.write_text(f"[fleet.resources]\n{names}\n")
    with pytest.raises(UsageProblem, match=reported) as caught:
        read_config(path)
    assert len(sentences(caught.value)) == 1


def test_endpoint_options_that_differ_in_case_only_are_refused() -> None:
    with pytest.raises(UsageProblem, match="differ in letter case only"):
        selected_apis(None, None, base_url="http://x", endpoints=("A/get", "A/GET"), documents="d")
    with pytest.raises(UsageProblem, match="is a device"):
        selected_apis(None, None, base_url="http://x", endpoints=("A/lpt1",), documents="d")


@pytest.mark.parametrize(
    ("outputs", "reported"),
    [
        (("out", "out"), "output is that of"),
        (("out", "x/../out"), "output is that of"),
        (("out", "out/inner"), "is inside that of"),
    ],
)
def test_config_two_apis_with_one_output_are_refused(
    tmp_path: Path, outputs: tuple[str, str], reported: str
) -> None:
    path = tmp_path / "tciagen.toml"
    path.write_text("".join(f"[{n}]\noutput = '{o}'\n" for n, o in zip("ab", outputs, strict=True)))
    with pytest.raises(UsageProblem, match=reported) as caught:
        read_config(path)
    assert len(sentences(caught.value)) == 1


def test_config_output_through_a_symlink_is_the_same_output(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "link").symlink_to("out")
    path = tmp_path / "tciagen.toml"
    path.write_text("[a]\noutput = 'out'\n[b]\noutput = 'link'\n")
    with pytest.raises(UsageProblem, match="output is that of"):
        read_config(path)
