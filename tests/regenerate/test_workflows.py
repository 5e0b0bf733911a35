"""The workflows and hooks: pinned, with few permissions, and with steps that tests can run."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

OURS = ("regenerate", "drift")
ALLOWED = {
    "regenerate": {"contents": "write", "pull-requests": "write"},
    "drift": {"contents": "read", "issues": "write"},
}


@pytest.fixture(params=OURS)
def name(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture
def workflow(root: Path, name: str) -> dict[Any, Any]:
    text = (root / f".github/workflows/{name}.yml").read_text()
    found: dict[Any, Any] = yaml.safe_load(text)
    return found


def steps(workflow: dict[Any, Any]) -> list[dict[str, Any]]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


def test_every_action_is_pinned_by_its_commit(root: Path) -> None:
    for path in (root / ".github/workflows").glob("*.yml"):
        used = re.findall(r"^\s*(?:- )?uses:\s*(.*)$", path.read_text(), re.MULTILINE)
        assert used
        for action in used:
            assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action), action


def test_permissions_are_the_least(workflow: dict[Any, Any], name: str) -> None:
    assert workflow["permissions"] == {}
    assert [job["permissions"] for job in workflow["jobs"].values()] == [ALLOWED[name]]
    checkouts = [s for s in steps(workflow) if s.get("uses", "").startswith("actions/checkout")]
    assert [step["with"]["persist-credentials"] for step in checkouts] == [False, False]


def test_every_step_of_shell_is_a_target_of_the_makefile(
    workflow: dict[Any, Any], root: Path
) -> None:
    ran = [step["run"] for step in steps(workflow) if "run" in step]
    assert ran
    for command in ran:
        found = re.fullmatch(
            r'make -C "\$GENERATOR" ([a-z-]+) PROJECT="\$GITHUB_WORKSPACE"', command
        )
        assert found, command
        done = subprocess.run(
            ["make", "-C", str(root), "--dry-run", "-o", ".venv/.ready", found[1]],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr


def test_nothing_of_an_event_becomes_shell(workflow: dict[Any, Any]) -> None:
    assert all("${{" not in step.get("run", "") for step in steps(workflow))


def test_they_are_scheduled_and_can_be_called(workflow: dict[Any, Any]) -> None:
    triggers = workflow[True]  # YAML 1.1 reads the key `on` so
    assert {"schedule", "workflow_dispatch", "workflow_call"} <= triggers.keys()
    assert "pull_request" not in triggers
    assert "pull_request_target" not in triggers
    inputs = triggers["workflow_call"]["inputs"]
    assert {key: one["required"] for key, one in inputs.items()} == {
        "generator": True,
        "generator-ref": True,
    }


def test_the_hook_runs_what_there_is(root: Path) -> None:
    (hook,) = yaml.safe_load((root / ".pre-commit-hooks.yaml").read_text())
    assert (hook["id"], hook["entry"]) == ("tciagen-check", "tciagen check")
    assert hook["pass_filenames"] is False


def test_the_documentation_shows_the_workflows_as_they_are(root: Path) -> None:
    text = (root / "docs/regenerate.md").read_text()
    for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL):
        shown = yaml.safe_load(block)
        for job in (shown.get("jobs") or {}).values() if isinstance(shown, dict) else ():
            name = re.search(r"/workflows/(\w+)\.yml@", job["uses"])
            assert name is not None
            assert job["permissions"] == ALLOWED[name[1]]
            assert job["with"].keys() == {"generator", "generator-ref"}
