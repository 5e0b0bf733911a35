"""Generated trees in git: converted line ends, and what a .gitignore leaves of a package."""

import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]


def git(folder: Path, *arguments: str) -> None:
    options = ["-c", "user.name=T", "-c", "user.email=t@example.invalid"]
    subprocess.run(["git", *options, *arguments], cwd=folder, capture_output=True, check=True)


@pytest.fixture
def project(tmp_path: Path, fleet_folder: Path, tciagen: Run) -> Path:
    """A project of the invented API, generated."""
    folder = tmp_path / "project"
    shutil.copytree(fleet_folder, folder, ignore=shutil.ignore_patterns("golden"))
    (folder / "CHANGELOG.md").write_text("# Changelog\n\nOf the fleet.\n")
    done = tciagen("generate", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


def clone_with_converted_lines(project: Path) -> Path:
    git(project, "init", "-q")
    git(project, "add", "--all", "--force")
    git(project, "commit", "-q", "-m", "all")
    clone = project.parent / "clone"
    git(project.parent, "clone", "-q", "-c", "core.autocrlf=true", str(project), str(clone))
    return clone


def test_check_clone_with_converted_line_ends_is_up_to_date(project: Path, tciagen: Run) -> None:
    clone = clone_with_converted_lines(project)
    assert b"\r\n" in (clone / "documents/Fleet/listVessels.json").read_bytes()
    assert b"\r\n" in (clone / "overlay.toml").read_bytes()
    assert b"\r\n" in (clone / "CHANGELOG.md").read_bytes()
    assert b"\r\n" not in (clone / "out/src/fleet_client/client.py").read_bytes()
    done = tciagen("check", cwd=clone)
    assert (done.returncode, done.stdout) == (0, "fleet: out is up to date\n")
    assert "0 written" in tciagen("generate", cwd=clone).stdout


def test_check_difference_in_line_ends_is_reported_as_that(project: Path, tciagen: Run) -> None:
    (project / "out/.gitattributes").unlink()
    clone = clone_with_converted_lines(project)
    shutil.copy(clone / "tciagen.toml", clone / "out/.gitattributes")
    (clone / "out/.gitattributes").write_bytes(b"* text eol=lf linguist-generated\r\n")
    assert b"\r\n" in (clone / "out/src/fleet_client/client.py").read_bytes()
    done = tciagen("check", cwd=clone)
    assert done.returncode == 1
    assert "differ in line ends alone, as git's core.autocrlf makes them" in done.stdout
    assert "EDITED" not in done.stdout
    assert tciagen("generate", cwd=clone).returncode == 0
    assert tciagen("check", cwd=clone).returncode == 0


def test_generate_in_a_tree_with_converted_line_ends_finds_no_manual_edit(
    project: Path, tciagen: Run
) -> None:
    for path in (project / "out").rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    document = project / "documents/Fleet/listVessels.json"
    document.write_text(document.read_text().replace("People on board", "Everybody on board"))
    reported = tciagen("check", cwd=project).stdout
    assert "STALE out/src/fleet_client/models.py" in reported
    assert "EDITED" not in reported
    assert reported.count("Everybody on board") < 5  # the diff shows the change, not each line
    assert tciagen("generate", cwd=project).returncode == 0


@pytest.mark.parametrize("target", ["--wheel", "--sdist"])
def test_package_build_is_complete_despite_ignore_rules(project: Path, target: str) -> None:
    git(project, "init", "-q")
    (project / ".gitignore").write_text("*.json\nsrc/\n*.md\nLICENSE\n")
    (project / "out/.venv").mkdir()
    (project / "out/.venv/big").write_text("")
    command = [sys.executable, "-m", "build", "--no-isolation", target, "--outdir", "../dist", "."]
    subprocess.run(command, cwd=project / "out", capture_output=True, check=True)
    (built,) = (project / "dist").iterdir()
    if target == "--sdist":
        shutil.unpack_archive(built, project / "unpacked")
        (top,) = (project / "unpacked").iterdir()
        names = {str(p.relative_to(top)) for p in top.rglob("*") if p.is_file()}
        prefix = "src/"
    else:
        names = set(zipfile.ZipFile(built).namelist())
        prefix = ""
    source = project / "out/src"
    wanted = {prefix + str(p.relative_to(source)) for p in source.rglob("*") if p.is_file()}
    assert {name for name in wanted if "__pycache__" not in name} <= names
    assert f"{prefix}fleet_client/contract.json" in names
    assert not [name for name in names if ".venv" in name]
