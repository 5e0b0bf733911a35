"""The whole way of CI, as its Makefile targets run it: archive, branch, draft, issue.

The archive serves a contract that changes; the remote is a bare repository on disk;
GitHub's command line is stood in for by ``fake_gh.py``.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import attrs
import pytest

from tciagen.archive.running import RunningArchive, running_archive

BRANCH = "tciagen/regenerate"
IDENTITY = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "ci"), ("EMAIL", "ci@example.org"))
}


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments],
        cwd=folder,
        env={**os.environ, **IDENTITY},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@attrs.frozen
class Place:
    """A checkout as CI has it, its remote, and a server whose contract can be changed."""

    root: Path
    folder: Path
    port: int

    @property
    def checkout(self) -> Path:
        return self.folder / "checkout"

    @property
    def remote(self) -> Path:
        return self.folder / "remote.git"

    def archive(self, *options: str) -> AbstractContextManager[RunningArchive]:
        contract = ["--contract", str(self.folder / "served"), "--port", str(self.port)]
        return running_archive(self.folder / "catalog.sqlite", options=[*contract, *options])

    def edit(self, name: str, **members: object) -> None:
        path = self.folder / "served" / f"{name}.json"
        document = json.loads(path.read_bytes())
        path.write_text(json.dumps({**document, **members}))

    def make(self, target: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        """Run a Makefile target as the workflows do."""
        ready = ["-o", ".venv/.ready"]
        return subprocess.run(
            ["make", "-C", str(self.root), *ready, target, f"PROJECT={self.checkout}"],
            env={
                **os.environ,
                **IDENTITY,
                "PATH": f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
                "FAKE_GH_STATE": str(self.folder / "github.json"),
                "SOURCE_DATE_EPOCH": "1800000000",
                **environment,
            },
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def propose(self, **environment: str) -> str:
        done = self.make("propose", **environment)
        assert done.returncode == 0, done.stderr
        assert git(self.checkout, "status", "--porcelain") == ""
        assert git(self.checkout, "worktree", "list").count("\n") == 0
        return done.stdout

    def github(self) -> Any:
        return json.loads((self.folder / "github.json").read_bytes())

    def branches(self) -> dict[str, str]:
        lines = git(self.remote, "for-each-ref", "--format=%(refname:short) %(objectname)")
        return dict(line.split() for line in lines.splitlines())

    def changed(self) -> list[str]:
        return git(self.remote, "diff", "--name-only", "main", BRANCH).splitlines()


@pytest.fixture(scope="module")
def first(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository of the v3 client with a bare remote, and a catalog."""
    folder = tmp_path_factory.mktemp("first")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (folder / "port").write_text(str(port))
    command = [sys.executable, "-m", "tciagen"]
    catalog = ["--catalog", str(folder / "catalog.sqlite")]
    subprocess.run([*command, "archive", "synth", "--series", "3", *catalog], check=True)
    work = folder / "work"
    contract = root / "generator/contracts/tcia-v3"
    shutil.copytree(contract / "documents", work / "contract/documents")
    shutil.copytree(contract / "documents", folder / "served")
    shutil.copy(contract / "overlay.toml", work / "contract")
    resources = "\n".join(
        f"{resource.name} = {sorted(path.stem for path in resource.iterdir())}"
        for resource in sorted((work / "contract/documents").iterdir())
    )
    (work / "tciagen.toml").write_text(
        f'[archive]\nbase-url = "http://127.0.0.1:{port}/services/v3"\n'
        'documents = "contract/documents"\noverlay = "contract/overlay.toml"\n'
        'output = "client"\npackage = "archive_client"\nversion = "1.0.0"\n\n'
        f"[archive.resources]\n{resources}\n"
    )
    subprocess.run([*command, "generate"], cwd=work, check=True, capture_output=True)
    git(work, "init", "--quiet", "--initial-branch=main")
    git(work, "add", "--all")
    git(work, "commit", "--quiet", "--message=Begin")
    return folder


@pytest.fixture
def place(root: Path, first: Path, tmp_path: Path) -> Place:
    folder = tmp_path / "place"
    shutil.copytree(first, folder)
    git(folder, "clone", "--quiet", "--bare", "work", "remote.git")
    place = Place(root, folder, int((folder / "port").read_text()))
    git(folder, "clone", "--quiet", "--depth=1", place.remote.as_uri(), "checkout")
    (folder / "bin").mkdir()
    gh = folder / "bin/gh"
    gh.symlink_to(Path(__file__).with_name("fake_gh.py"))
    return place


def test_a_branch_and_a_draft_follow_the_drift(place: Place) -> None:
    main = place.branches()["main"]
    with place.archive():
        assert f"{BRANCH} on origin: no drift, no branch" in place.propose()
    assert place.branches() == {"main": main}
    assert not (place.folder / "github.json").exists()

    place.edit("TCIA/getSeriesSize", Description="The size of a series.")
    with place.archive():
        assert f"{BRANCH} on origin: pushed\nopened a draft" in place.propose()
        pushed = place.branches()
        told = place.propose(SOURCE_DATE_EPOCH="1800100000")
        assert f"{BRANCH} on origin: tells this drift already" in told
    assert place.branches() == pushed
    assert git(place.remote, "rev-parse", f"{BRANCH}^") == main
    changed = set(place.changed())
    assert {
        "client/CHANGELOG.md",
        "client/pyproject.toml",
        "client/src/archive_client/contract.json",
        "contract/CHANGELOG.md",
        "contract/documents/TCIA/getSeriesSize.json",
        "tciagen.toml",
    } <= changed
    assert {path.split("/")[0] for path in changed} == {"client", "contract", "tciagen.toml"}
    (draft,) = place.github()["pr"]
    assert (draft["draft"], draft["head"]) == (True, BRANCH)
    assert draft["title"] == "Regenerate archive 1.0.1 (docs)"
    assert draft["labels"] == ["drift", "drift:docs"]
    assert "`endpoint-description-changed`" in draft["body"]

    place.edit("TCIA/getSeriesSize", Parameters=[])
    with place.archive():
        assert f"{BRANCH} on origin: pushed anew\nbrought pull request 1" in place.propose()
    assert git(place.remote, "rev-list", "--count", f"main..{BRANCH}") == "1"
    (draft,) = place.github()["pr"]
    assert draft["title"] == "Regenerate archive 2.0.0 (breaking)"
    assert draft["labels"] == ["drift", "drift:breaking"]
    assert "`param-removed`" in draft["body"]

    shutil.rmtree(place.folder / "served")
    shutil.copytree(place.checkout / "contract/documents", place.folder / "served")
    with place.archive():
        assert f"{BRANCH} on origin: deleted, the drift is gone" in place.propose()
    assert place.branches() == {"main": main}


def test_the_branch_follows_main(place: Place) -> None:
    place.edit("TCIA/getSeriesSize", Description="The size of a series.")
    with place.archive():
        place.propose()
        before = place.branches()[BRANCH]
        (place.folder / "work/NOTES").write_text("more\n")
        git(place.folder / "work", "add", "NOTES")
        git(place.folder / "work", "commit", "--quiet", "--message=Go on")
        git(place.folder / "work", "push", "--quiet", str(place.remote), "main")
        git(place.checkout, "pull", "--quiet")
        assert "pushed anew" in place.propose()
    assert place.branches()[BRANCH] != before
    assert git(place.remote, "rev-parse", f"{BRANCH}^") == place.branches()["main"]


def test_an_incomplete_crawl_leaves_branch_and_draft(place: Place) -> None:
    place.edit("TCIA/getSeriesSize", Description="The size of a series.")
    with place.archive():
        place.propose()
    before, drafts = place.branches(), place.github()
    place.edit("TCIA/getSeriesSize", Description="Another.")
    with place.archive("--fault", "getPatient/metadata:status-502@99"):
        done = place.make("propose")
    assert done.returncode != 0
    assert "TCIA/query/getPatient" in done.stderr
    assert (place.branches(), place.github()) == (before, drafts)
    assert git(place.checkout, "worktree", "list").count("\n") == 0


def test_the_work_of_a_person_on_the_branch_is_left(place: Place) -> None:
    place.edit("TCIA/getSeriesSize", Description="The size of a series.")
    with place.archive():
        place.propose()
        git(place.checkout, "fetch", "--quiet", "origin", BRANCH)
        git(place.checkout, "checkout", "--quiet", "--detach", "FETCH_HEAD")
        git(place.checkout, "commit", "--quiet", "--allow-empty", "--message=Accept a snapshot")
        git(place.checkout, "push", "--quiet", "origin", f"HEAD:{BRANCH}")
        git(place.checkout, "checkout", "--quiet", "main")
        before = place.branches()
        place.edit("TCIA/getSeriesSize", Description="Another.")
    with place.archive():
        assert "it holds a commit of somebody else" in place.propose()
    shutil.rmtree(place.folder / "served")
    shutil.copytree(place.checkout / "contract/documents", place.folder / "served")
    with place.archive():
        assert "it holds a commit of somebody else" in place.propose()
    assert place.branches() == before


def test_a_draft_that_could_not_be_opened_is_opened_by_the_next_run(place: Place) -> None:
    place.edit("TCIA/getSeriesSize", Description="The size of a series.")
    with place.archive():
        done = place.make("propose", FAKE_GH_FAILS="1")
        assert "GitHub Actions is not permitted to create pull requests" in done.stderr
        assert done.returncode != 0
        assert "tells this drift already\nopened a draft" in place.propose()


def test_what_must_not_be_written_is_refused(place: Place) -> None:
    before = place.branches()
    for options, status, told in (
        (["--branch", "main"], 2, "main is the branch of work itself"),
        (["--branch", "a..b"], 2, "git check-ref-format"),
        (["--remote", "nowhere"], 4, "git ls-remote"),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "tciagen", "propose", *options],
            cwd=place.checkout,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr.count("\n")) == (status, 1)
        assert told in done.stderr
    assert place.branches() == before


def test_one_issue_follows_the_live_check(place: Place) -> None:
    with place.archive():
        done = place.make("drift-issue")
    assert (done.returncode, "there is no issue to close" in done.stdout) == (0, True)
    place.edit("TCIA/getSeriesSize", Parameters=[])
    with place.archive():
        for told in ("opened an issue", "brought issue 1 up to date"):
            done = place.make("drift-issue")
            assert (done.returncode, told in done.stdout) == (0, True)
    (issue,) = place.github()["issue"]
    assert (issue["open"], issue["labels"]) == (True, ["drift"])
    assert "param-removed" in issue["body"]
    with place.archive("--fault", "getPatient/metadata:status-502@99"):
        done = place.make("drift-issue")
    assert done.returncode != 0
    assert place.github()["issue"] == [issue]
    shutil.rmtree(place.folder / "served")
    shutil.copytree(place.checkout / "contract/documents", place.folder / "served")
    with place.archive():
        assert "closed the issue" in place.make("drift-issue").stdout
    assert [one["open"] for one in place.github()["issue"]] == [False]
