"""Revisions: looked up in the configuration's repository, with git's own reason if that fails."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]


def git(folder: Path, *arguments: str) -> None:
    options = ["-c", "user.name=T", "-c", "user.email=t@example.invalid"]
    subprocess.run(["git", *options, *arguments], cwd=folder, capture_output=True, check=True)


@pytest.fixture
def repository(tmp_path: Path, fleet_folder: Path) -> Path:
    """A project whose second commit has lost an endpoint."""
    folder = tmp_path / "repository" / "project"
    shutil.copytree(fleet_folder, folder, ignore=shutil.ignore_patterns("golden"))
    git(folder, "init", "-q", "..")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "old")
    (folder / "documents/Crew/listSailors.json").unlink()
    git(folder, "commit", "-q", "-a", "-m", "new")
    return folder


@pytest.mark.parametrize("name", ["HEAD~1", "HEAD~1:project/documents", "HEAD~1:./documents"])
def test_revision_is_that_of_the_configurations_repository(
    tmp_path: Path, repository: Path, tciagen: Run, name: str
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    git(elsewhere, "init", "-q")
    config = repository / "tciagen.toml"
    done = tciagen("diff", name, "HEAD", "--config", config, cwd=elsewhere)
    assert (done.returncode, done.stderr) == (1, "")
    assert "Crew/query/listSailors" in done.stdout
    assert "endpoint-removed" in done.stdout


def test_folder_behind_a_dot_is_that_of_the_working_folder_in_the_same_repository(
    repository: Path, tciagen: Run
) -> None:
    config = repository / "tciagen.toml"
    inside = repository / "documents"
    done = tciagen("diff", "HEAD~1:./", "HEAD:./", "--config", config, cwd=inside)
    assert (done.returncode, "endpoint-removed" in done.stdout) == (1, True)


def test_missing_revision_of_a_shallow_clone_names_the_remedy(
    tmp_path: Path, repository: Path, tciagen: Run
) -> None:
    url = f"file://{repository.parent}"
    git(tmp_path, "clone", "-q", "--depth=1", url, "clone")
    folder = tmp_path / "clone" / "project"
    done = tciagen("diff", "HEAD~1", "HEAD", cwd=folder)
    assert done.returncode == 2
    assert "has no revision 'HEAD~1'" in done.stderr
    assert "The clone is shallow: run `git fetch --unshallow`" in done.stderr
    git(folder, "fetch", "-q", "--unshallow")
    assert tciagen("diff", "HEAD~1", "HEAD", cwd=folder).returncode == 1


def test_repository_of_another_owner_names_the_remedy(
    tmp_path: Path, repository: Path, tciagen: Run
) -> None:
    settings = tmp_path / "gitconfig"
    settings.write_text("")
    env = {"GIT_TEST_ASSUME_DIFFERENT_OWNER": "1", "GIT_CONFIG_GLOBAL": str(settings)}
    done = tciagen("diff", "HEAD~1", "HEAD", cwd=repository, env=env)
    assert done.returncode == 2
    assert "detected dubious ownership" in done.stderr
    advice = f"git config --global --add safe.directory {repository.parent}"
    assert f"Run `{advice}` if you trust it." in done.stderr
    settings.write_text(f"[safe]\n\tdirectory = {repository.parent}\n")
    assert tciagen("diff", "HEAD~1", "HEAD", cwd=repository, env=env).returncode == 1


def test_folder_without_a_repository_is_reported(
    tmp_path: Path, repository: Path, tciagen: Run
) -> None:
    shutil.copytree(repository, tmp_path / "bare")
    done = tciagen("diff", "HEAD", "documents", cwd=tmp_path / "bare")
    assert done.returncode == 2
    assert "not a git repository" in done.stderr
    assert done.stderr.count("\n") == 1


def test_unknown_revision_is_reported(repository: Path, tciagen: Run) -> None:
    done = tciagen("diff", "no-such-branch", "HEAD", cwd=repository)
    assert done.returncode == 2
    assert "has no revision 'no-such-branch'" in done.stderr
    assert "shallow" not in done.stderr


def test_missing_git_is_reported(tmp_path: Path, repository: Path, tciagen: Run) -> None:
    done = tciagen("diff", "HEAD~1", "HEAD", cwd=repository, env={"PATH": str(tmp_path)})
    assert done.returncode == 2
    assert "There is no git on PATH" in done.stderr
