"""The workflows: pinned actions, least permissions, and shell steps that run here.

The shell steps run in a clone of a local bare repository, against an archive whose contract
changes. ``git`` does for the branch what the pull request action does; ``gh`` is replaced by a
program that records its calls, since GitHub cannot be reached from a test.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import attrs
import pytest
import yaml

from tciagen.archive.running import RunningArchive, running_archive

ALLOWED = {
    "regenerate": {"contents": "write", "pull-requests": "write"},
    "drift": {"contents": "read", "issues": "write"},
}
IDENTITY = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "ci"), ("EMAIL", "ci@example.org"))
}
GH = """\
#!/bin/sh
echo "$@" >> "$GH_CALLS"
test "$1 $2" != "issue list" || echo "$GH_OPEN_ISSUE"
"""


def workflow(root: Path, name: str) -> dict[Any, Any]:
    text = (root / f".github/workflows/{name}.yml").read_text()
    found: dict[Any, Any] = yaml.safe_load(text)
    return found


def steps(root: Path, name: str) -> list[dict[str, Any]]:
    return [step for job in workflow(root, name)["jobs"].values() for step in job["steps"]]


def action(root: Path, workflow_name: str, name: str) -> dict[str, Any]:
    (found,) = (s for s in steps(root, workflow_name) if s.get("uses", "").startswith(name))
    return found


def test_actions_are_pinned_by_commit(root: Path) -> None:
    for path in (root / ".github/workflows").glob("*.yml"):
        used = re.findall(r"^\s*(?:- )?uses:\s*(.*)$", path.read_text(), re.MULTILINE)
        assert used
        for one in used:
            assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", one), one


@pytest.mark.parametrize("name", ALLOWED)
def test_workflow_permissions_are_minimal(root: Path, name: str) -> None:
    found = workflow(root, name)
    assert found["permissions"] == {}
    assert [job["permissions"] for job in found["jobs"].values()] == [ALLOWED[name]]
    checkouts = [s for s in steps(root, name) if s.get("uses", "").startswith("actions/checkout")]
    assert [step["with"]["persist-credentials"] for step in checkouts] == [False, False]


@pytest.mark.parametrize("name", ALLOWED)
def test_workflow_shell_steps_contain_no_expressions(root: Path, name: str) -> None:
    assert all("${{" not in step.get("run", "") for step in steps(root, name))


@pytest.mark.parametrize("name", ALLOWED)
def test_workflow_is_scheduled_and_callable(root: Path, name: str) -> None:
    triggers = workflow(root, name)[True]  # YAML 1.1 reads the key `on` as true
    assert {"schedule", "workflow_dispatch", "workflow_call"} <= triggers.keys()
    assert not {"pull_request", "pull_request_target"} & triggers.keys()
    inputs = triggers["workflow_call"]["inputs"]
    assert {key: one["required"] for key, one in inputs.items()} == {
        "generator": True,
        "generator-ref": True,
    }


def test_hook_runs_an_existing_command(root: Path) -> None:
    (hook,) = yaml.safe_load((root / ".pre-commit-hooks.yaml").read_text())
    assert (hook["id"], hook["entry"]) == ("tciagen-check", "tciagen check")
    assert hook["pass_filenames"] is False


def test_docs_call_the_workflows_with_their_inputs_and_permissions(root: Path) -> None:
    text = (root / "docs/regenerate.md").read_text()
    called = []
    for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL):
        shown = yaml.safe_load(block)
        for job in (shown.get("jobs") or {}).values() if isinstance(shown, dict) else ():
            name = re.search(r"/workflows/(\w+)\.yml@", job["uses"])
            assert name is not None
            assert job["permissions"] == ALLOWED[name[1]]
            assert job["with"].keys() == {"generator", "generator-ref"}
            called.append(name[1])
    assert called == ["regenerate", "drift"]


@attrs.frozen
class Repository:
    """A clone as CI has it, its remote, and a server whose contract can be changed."""

    root: Path
    folder: Path
    port: int

    @property
    def checkout(self) -> Path:
        return self.folder / "checkout"

    @property
    def temporary(self) -> Path:
        return self.folder / "temporary"

    def archive(self, *options: str) -> AbstractContextManager[RunningArchive]:
        contract = ["--contract", str(self.folder / "served"), "--port", str(self.port)]
        return running_archive(self.folder / "catalog.sqlite", options=[*contract, *options])

    def edit(self, name: str, **members: object) -> None:
        path = self.folder / "served" / f"{name}.json"
        document = json.loads(path.read_bytes())
        path.write_text(json.dumps({**document, **members}))

    def restore(self) -> None:
        shutil.rmtree(self.folder / "served")
        shutil.copytree(self.checkout / "contract/documents", self.folder / "served")

    def run(self, name: str, step_name: str, **environment: str) -> dict[str, str]:
        """Run a step of a workflow as the runner does; return its outputs."""
        done, outputs = self.attempt(name, step_name, **environment)
        assert done.returncode == 0, done.stderr
        return outputs

    def attempt(
        self, name: str, step_name: str, **environment: str
    ) -> "tuple[subprocess.CompletedProcess[str], dict[str, str]]":
        (step,) = (s for s in steps(self.root, name) if s.get("name") == step_name)
        output = self.temporary / "output"
        output.write_text("")
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=self.checkout,
            env={
                **os.environ,
                **IDENTITY,
                "PATH": f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
                "GENERATOR": str(self.root),
                "GITHUB_OUTPUT": str(output),
                "RUNNER_TEMP": str(self.temporary),
                "SOURCE_DATE_EPOCH": "1800000000",
                "GH_CALLS": str(self.temporary / "gh"),
                **environment,
            },
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        lines = output.read_text().splitlines()
        return done, dict(line.split("=", 1) for line in lines)

    def git(self, *arguments: str, folder: str = "checkout") -> str:
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.folder / folder,
            env={**os.environ, **IDENTITY},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


@pytest.fixture(scope="module")
def prepared(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bare repository with the v3 client in it, and a catalog."""
    folder = tmp_path_factory.mktemp("prepared")
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
    repository = Repository(root, folder, port)
    repository.git("init", "--quiet", "--initial-branch=main", folder="work")
    repository.git("add", "--all", folder="work")
    repository.git("commit", "--quiet", "--message=Add the client", folder="work")
    repository.git("clone", "--quiet", "--bare", "work", "remote.git", folder=".")
    return folder


@pytest.fixture
def repository(root: Path, prepared: Path, tmp_path: Path) -> Repository:
    folder = tmp_path / "repository"
    shutil.copytree(prepared, folder, ignore=shutil.ignore_patterns("work"))
    repository = Repository(root, folder, int((folder / "port").read_text()))
    remote = (folder / "remote.git").as_uri()
    repository.git("clone", "--quiet", "--depth=1", remote, "checkout", folder=".")
    repository.temporary.mkdir()
    gh = folder / "bin/gh"
    gh.parent.mkdir()
    gh.write_text(GH)
    gh.chmod(0o755)
    return repository


def test_regenerate_workflow_leaves_tree_report_and_outputs(repository: Repository) -> None:
    repository.edit("TCIA/getSeriesSize", Parameters=[])
    with repository.archive():
        outputs = repository.run("regenerate", "Regenerate")
    assert outputs == {
        "changed": "true",
        "branch": "tciagen/regenerate",
        "title": "Regenerate archive 2.0.0 (breaking)",
        "labels": "drift,drift:breaking",
        "severity": "breaking",
        "bump": "major",
    }
    settings = action(repository.root, "regenerate", "peter-evans/create-pull-request@")["with"]
    used = re.findall(r"steps\.regenerate\.outputs\.(\w+)", json.dumps(settings))
    assert set(used) <= outputs.keys()
    assert settings["body-path"] == "${{ runner.temp }}/report.md"
    assert "`param-removed`" in (repository.temporary / "report.md").read_text()
    branch = outputs["branch"]
    repository.git("checkout", "--quiet", "-B", branch)
    repository.git("add", "--all")
    repository.git("commit", "--quiet", f"--message={outputs['title']}")
    repository.git("push", "--quiet", "origin", branch)
    changed = repository.git("diff", "--name-only", "main", branch, folder="remote.git")
    assert {
        "client/CHANGELOG.md",
        "client/pyproject.toml",
        "client/src/archive_client/contract.json",
        "contract/CHANGELOG.md",
        "contract/documents/TCIA/getSeriesSize.json",
        "tciagen.toml",
    } <= set(changed.splitlines())
    assert {path.split("/")[0] for path in changed.splitlines()} == {
        "client",
        "contract",
        "tciagen.toml",
    }


def test_regenerate_workflow_without_drift_leaves_no_difference(repository: Repository) -> None:
    with repository.archive():
        outputs = repository.run("regenerate", "Regenerate")
    assert (outputs["changed"], outputs["labels"]) == ("false", "")
    assert repository.git("status", "--porcelain") == ""


def test_regenerate_workflow_fails_without_changes_when_the_crawl_is_incomplete(
    repository: Repository,
) -> None:
    repository.edit("TCIA/getSeriesSize", Description="Another.")
    with repository.archive("--fault", "getPatient/metadata:status-502@99"):
        done, outputs = repository.attempt("regenerate", "Regenerate")
    assert (done.returncode, outputs) == (4, {})
    assert "TCIA/query/getPatient" in done.stderr
    assert repository.git("status", "--porcelain") == ""


def test_drift_workflow_writes_the_findings_as_an_issue(repository: Repository) -> None:
    repository.edit("TCIA/getSeriesSize", Parameters=[])
    with repository.archive():
        outputs = repository.run("drift", "Check")
    assert outputs == {"drift": "1"}
    settings = action(repository.root, "drift", "peter-evans/create-issue-from-file@")["with"]
    assert settings["content-filepath"] == "${{ runner.temp }}/issue.md"
    first, blank, *findings = (repository.temporary / "issue.md").read_text().splitlines()
    assert first.startswith("Findings of `tciagen check --live`.")
    assert blank == ""
    assert any("param-removed" in line for line in findings)
    assert all(line.startswith("    ") for line in findings)


def test_drift_workflow_closes_the_issue_when_all_agree(repository: Repository) -> None:
    with repository.archive():
        assert repository.run("drift", "Check") == {"drift": "0"}
    assert repository.run("drift", "Find the open issue", GH_OPEN_ISSUE="7") == {"number": "7"}
    repository.run("drift", "Close the issue", NUMBER="7")
    listed, closed = (repository.temporary / "gh").read_text().splitlines()
    assert listed.startswith("issue list --label drift --state open")
    assert closed == "issue close 7 --comment The server and the contract agree again."


def test_drift_workflow_fails_without_outputs_when_the_check_cannot_be_made(
    repository: Repository,
) -> None:
    with repository.archive("--fault", "getPatient/metadata:status-502@99"):
        done, outputs = repository.attempt("drift", "Check")
    assert (done.returncode, outputs) == (4, {})
