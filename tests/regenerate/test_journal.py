"""The journal: killed at each step, with edits of a person, and two runs at once."""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tciagen.errors import DocumentProblem, UsageProblem
from tciagen.regenerate.journal import FOLDER, digests_of, exclusive_run, refuse_unfinished

from .kills import NEW, OLD

Runs = list[Mapping[str, Any]]

BEFORE = {name: body.decode() for name, body in sorted(OLD.items())}
AFTER = {name: body.decode() for name, body in sorted(NEW.items()) if body is not None}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """The results of runs that were killed before each of their steps."""
    folder = tmp_path_factory.mktemp("killed")
    done = subprocess.run(
        [sys.executable, "-m", "tests.regenerate.kills", folder / "project"],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        check=True,
    )
    return list(map(json.loads, done.stdout.splitlines()))


def without_journal(files: Mapping[str, str]) -> dict[str, str]:
    return {name: body for name, body in files.items() if not name.startswith(FOLDER)}


def test_run_killed_at_each_step_leaves_old_or_new_files(runs: Runs) -> None:
    untouched = [run for run in runs if "step" in run and run["edited"] is None]
    assert len(untouched) > 30
    assert [run["ended"] for run in untouched] == [False] * (len(untouched) - 1) + [True]
    assert {run["refused"] for run in untouched} == {""}
    outcomes = [run["after"] for run in untouched]
    first_new = outcomes.index(AFTER)
    assert outcomes[:first_new] == [BEFORE] * first_new
    assert outcomes[first_new:] == [AFTER] * (len(outcomes) - first_new)


def test_edit_after_a_kill_at_each_step_survives(runs: Runs) -> None:
    edits = [run for run in runs if run.get("edited") is not None]
    assert {run["edited"] for run in edits} == set(NEW)
    refused = [run for run in edits if run["refused"]]
    assert len(refused) > len(edits) / 3
    for run in edits:
        assert run["after"][run["edited"]] == run["before"][run["edited"]]
        assert run["after"][run["edited"]].endswith(" mine")


def test_refused_recovery_changes_nothing_and_retains_the_copies(runs: Runs) -> None:
    refused = [run for run in runs if run["refused"]]
    assert refused
    for run in refused:
        assert run["after"] == run["before"]
        assert run["edited"] in run["refused"]
        copies = {body for name, body in run["after"].items() if name.startswith(f"{FOLDER}/")}
        assert {body.decode() for body in OLD.values()} <= copies


def test_recovery_killed_at_each_step_is_completed_by_the_next(runs: Runs) -> None:
    again = [run for run in runs if "recovery" in run]
    assert len(again) > 20
    assert {run["refused"] for run in again} == {""}
    assert [run["after"] for run in again] == [BEFORE] * len(again)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    for name, body in OLD.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(body)
    return folder


def writes(project: Path) -> dict[Path, bytes | None]:
    return {project / name: body for name, body in NEW.items()}


def contents(folder: Path) -> dict[str, str]:
    found = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): path.read_text() for path in found}


def fail_after(project: Path, edit: Callable[[], object]) -> None:
    """Write all files, edit some, and fail."""
    seen = digests_of(project / old for old in OLD)
    with exclusive_run(project) as journal, journal.write_all(writes(project), seen):
        assert contents(project).keys() >= AFTER.keys()
        edit()
        raise DocumentProblem("Tests fail.")


@pytest.mark.parametrize("name", sorted(NEW))
def test_file_edited_while_the_run_was_planned_stops_it(project: Path, name: str) -> None:
    seen = digests_of(project / old for old in OLD)
    (project / name).parent.mkdir(parents=True, exist_ok=True)
    (project / name).write_text("mine")
    before = contents(project)
    with (
        pytest.raises(UsageProblem, match=f"{name} was edited while the run was in progress"),
        exclusive_run(project) as journal,
        journal.write_all(writes(project), seen),
    ):
        pass
    assert contents(project) == before


def test_failure_restores_every_file_and_reports_it(project: Path) -> None:
    (project / "log").chmod(0o640)
    with pytest.raises(DocumentProblem, match=r"^Tests fail\. Every file is as it was before"):
        fail_after(project, lambda: None)
    assert contents(project) == BEFORE
    assert (project / "log").stat().st_mode & 0o777 == 0o640
    assert not (project / FOLDER).exists()


def test_write_that_fails_restores_the_others(project: Path) -> None:
    seen = digests_of(project / old for old in OLD)
    impossible = {**writes(project), project / "log/below": b"new"}
    with (
        pytest.raises(OSError, match="log"),
        exclusive_run(project) as journal,
        journal.write_all(impossible, seen),
    ):
        pass
    assert contents(project) == BEFORE


@pytest.mark.parametrize("name", sorted(NEW))
def test_edit_before_a_failure_survives_and_the_copies_stay(project: Path, name: str) -> None:
    def edit() -> None:
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text("mine")

    with pytest.raises(UsageProblem, match=rf"^Tests fail\.\n{name} was edited since"):
        fail_after(project, edit)
    assert (project / name).read_text() == "mine"
    kept = contents(project / FOLDER)
    assert set(BEFORE.values()) <= set(kept.values())
    with pytest.raises(UsageProblem, match="unfinished"):
        refuse_unfinished(project)


@pytest.mark.parametrize("damage", ["{", "[]", '{"log": {}}'])
def test_unreadable_journal_is_an_error_and_is_retained(project: Path, damage: str) -> None:
    (project / FOLDER).mkdir()
    (project / FOLDER / "files.json").write_text(damage)
    with pytest.raises(UsageProblem, match="cannot be read"), exclusive_run(project) as journal:
        journal.recover()
    assert (project / FOLDER / "files.json").read_text() == damage


def test_missing_copy_stops_and_nothing_is_restored(project: Path) -> None:
    with pytest.raises(UsageProblem, match="holds no intact copy"):
        fail_after(project, (project / FOLDER / "0-config").unlink)
    assert (project / "config").read_text() == "new config"
    assert (project / "log").read_text() == "new log"


def test_files_of_other_names_are_unchanged(project: Path) -> None:
    mine = [".log.backup.part", ".log.12345678.part.txt", "log.12345678.part"]
    for name in mine:
        (project / name).write_text("mine")
    with pytest.raises(DocumentProblem):
        fail_after(project, lambda: None)
    assert contents(project) == {**BEFORE, **dict.fromkeys(mine, "mine")}


CONTENDER = """
import os, sys
from pathlib import Path
from tciagen.errors import UsageProblem
from tciagen.regenerate.journal import exclusive_run
root, held = Path(sys.argv[1]), 0
while held < 30:
    try:
        with exclusive_run(root):
            os.close(os.open(root / "held", os.O_CREAT | os.O_EXCL))
            (root / "held").unlink()
            held += 1
    except UsageProblem:
        pass
"""


def test_lock_removed_and_taken_again_is_held_by_one_run_only(project: Path) -> None:
    command = [sys.executable, "-c", CONTENDER, str(project)]
    processes = [subprocess.Popen(command) for _ in range(3)]
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert contents(project) == BEFORE
    assert not (project / FOLDER).exists()


def test_file_in_place_of_the_journal_is_reported_in_one_sentence(project: Path) -> None:
    (project / FOLDER).write_text("")
    with pytest.raises(UsageProblem, match="is a file; delete it"), exclusive_run(project):
        pass
    with pytest.raises(UsageProblem, match="There is no folder"), exclusive_run(project / "none"):
        pass
