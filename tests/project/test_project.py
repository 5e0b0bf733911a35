"""The repository itself: what it may hold, and that its commands are the ones it names."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

TOP_LEVEL = {
    "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "Makefile", "README.md", "docs", "generated",
    "generator", "pyproject.toml", "requirements.lock", "templates", "tests",
}  # fmt: skip


@pytest.fixture(scope="module")
def tracked(root: Path) -> list[str]:
    done = subprocess.run(
        ["git", "ls-files"], cwd=root, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        pytest.skip("this is no git checkout")
    return done.stdout.splitlines()


def test_repository_top_level_has_the_expected_entries(tracked: list[str]) -> None:
    top = {name.split("/")[0] for name in tracked}
    assert {name for name in top if not name.startswith(".")} == TOP_LEVEL


def test_no_tracked_text_names_a_machine_or_a_package_registry(
    root: Path, tracked: list[str]
) -> None:
    forbidden = re.compile(
        r"/(?:work|root|home)/[a-z]|files\.pythonhosted|registry\.npmjs|pypi\.org/simple"
    )
    found = []
    for name in tracked:
        path = root / name
        if path.suffix in {".dcm", ".png"} or not path.is_file():
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        found += [f"{name}: {m.group()}" for m in forbidden.finditer(text)]
    assert [line for line in found if not line.startswith("tests/project/")] == []


def test_ci_runs_the_readmes_test_command(root: Path) -> None:
    assert (root / ".ci/run").read_text().rstrip().endswith("exec make test")
    assert "make test" in (root / "README.md").read_text()
    assert "make test" in (root / ".github/workflows/ci.yml").read_text()


def test_help_lists_every_target(root: Path) -> None:
    done = subprocess.run(["make", "help"], cwd=root, capture_output=True, text=True, check=True)
    listed = {line.split()[1] for line in done.stdout.splitlines()}
    assert listed >= {
        "demo", "generate", "check", "test", "bench", "serve", "fmt", "lint", "clean",
    }  # fmt: skip


def test_actions_are_pinned_by_hash(root: Path) -> None:
    for path in (root / ".github/workflows").glob("*.yml"):
        for used in re.findall(r"uses:\s*(\S+)", path.read_text()):
            assert used.startswith("./") or re.search(r"@[0-9a-f]{40}$", used), (path, used)


def test_source_files_have_at_most_the_permitted_lines(root: Path, tracked: list[str]) -> None:
    long = {
        name: lines
        for name in tracked
        if name.endswith(".py") and name.startswith(("generator/", "templates/"))
        if (lines := (root / name).read_text().count("\n")) > 400
    }
    assert long == {}


@pytest.mark.parametrize("script", ["downloads.py", "latency.py"])
def test_benchmark_of_downloads_finds_the_client_of_the_tests(
    root: Path, tmp_path: Path, script: str
) -> None:
    code = (
        "import runpy, sys; runpy.run_path(sys.argv[1]); "
        "from files_client import AsyncClient, Client; "
        "print(hasattr(Client, 'download_plan'), hasattr(AsyncClient, 'download_plan'))"
    )
    path = root / "tests" / "benchmarks" / script
    done = subprocess.run(
        [sys.executable, "-c", code, path],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("True True\n", "")
