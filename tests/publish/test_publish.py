"""Publishing is atomic, deletes what is gone, and never overwrites a hand's work."""

import os
import signal
import subprocess
import sys
from pathlib import Path, PurePosixPath

import pytest

from tciagen.errors import UsageProblem
from tciagen.publish import MANIFEST, Kind, compare, publish, with_manifest

A, B, C = PurePosixPath("a.py"), PurePosixPath("sub/b.py"), PurePosixPath("sub/deep/c.py")
INPUTS = {"documents": "1"}


def files(**bodies: str) -> dict[PurePosixPath, bytes]:
    places = {"a": A, "b": B, "c": C}
    return dict(with_manifest({places[k]: v.encode() for k, v in bodies.items()}, INPUTS))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    publish(files(a="one\n", b="two\n"), tmp_path)
    return tmp_path


def kinds(wanted: dict[PurePosixPath, bytes], folder: Path) -> dict[str, Kind]:
    return {str(d.path): d.kind for d in compare(wanted, folder) if d.path != MANIFEST}


def test_publish_second_run_changes_nothing(folder: Path) -> None:
    before = {p: p.stat().st_mtime_ns for p in folder.rglob("*")}
    done = publish(files(a="one\n", b="two\n"), folder)
    assert (done.written, done.deleted, done.unchanged) == ((), (), 3)
    assert {p: p.stat().st_mtime_ns for p in folder.rglob("*")} == before


def test_compare_reports_each_kind_of_difference(folder: Path) -> None:
    (folder / A).write_text("one by hand\n")
    (folder / "new.py").write_text("")
    assert kinds(files(a="one\n", b="two!\n", c="three\n"), folder) == {
        "a.py": Kind.EDITED,
        "new.py": Kind.EXTRA,
        "sub/b.py": Kind.STALE,
        "sub/deep/c.py": Kind.MISSING,
    }


def test_compare_difference_has_both_texts(folder: Path) -> None:
    (difference,) = [d for d in compare(files(a="1\n", b="two\n"), folder) if d.path == A]
    assert difference.diff.splitlines() == [
        "--- a.py (now)",
        "+++ a.py (generated)",
        "@@ -1 +1 @@",
        "-one",
        "+1",
    ]


def test_compare_reports_a_change_of_only_the_manifest(folder: Path) -> None:
    text = (folder / MANIFEST).read_text()
    (folder / MANIFEST).write_text(text.replace('"documents": "1"', '"documents": "2"'))
    (difference,) = compare(files(a="one\n", b="two\n"), folder)
    assert difference.path == MANIFEST


def test_publish_deletes_obsolete_files_with_their_folder(folder: Path) -> None:
    done = publish(files(a="one\n"), folder)
    assert done.deleted == (B,)
    assert not (folder / "sub").exists()


def test_publish_manual_edit_is_refused(folder: Path) -> None:
    (folder / A).write_text("by hand\n")
    with pytest.raises(UsageProblem, match=r"a\.py was edited manually"):
        publish(files(a="1\n", b="2\n"), folder)
    assert (folder / A).read_text() == "by hand\n"
    assert (folder / B).read_text() == "two\n"
    publish(files(a="1\n", b="2\n"), folder, force=True)
    assert (folder / A).read_text() == "1\n"


def test_publish_untracked_file_is_not_deleted(folder: Path) -> None:
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(UsageProblem, match="not generated; move it elsewhere"):
        publish(files(a="1\n"), folder)
    assert (folder / "notes.txt").read_text() == "mine"
    publish(files(a="1\n"), folder, force=True)
    assert not (folder / "notes.txt").exists()


def test_publish_without_manifest_treats_differences_as_manual_edits(folder: Path) -> None:
    (folder / MANIFEST).unlink()
    with pytest.raises(UsageProblem, match="edited manually"):
        publish(files(a="1\n", b="two\n"), folder)


@pytest.mark.parametrize("body", ["", "[]", '{"files": 3, "inputs": {}}', "{"])
def test_publish_invalid_manifest_is_ignored(folder: Path, body: str) -> None:
    (folder / MANIFEST).write_text(body)
    assert kinds(files(a="1\n", b="two\n"), folder) == {"a.py": Kind.EDITED}


def test_publish_ignores_caches_of_python_and_its_tools(folder: Path) -> None:
    for name in ("__pycache__/a.pyc", ".mypy_cache/x", "dist/x.whl", "x.egg-info/PKG-INFO"):
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_text("")
    assert compare(files(a="one\n", b="two\n"), folder) == []


def test_replace_file_retains_the_mode(folder: Path) -> None:
    (folder / A).chmod(0o640)
    publish(files(a="1\n", b="two\n"), folder)
    assert (folder / A).stat().st_mode & 0o777 == 0o640


KILLED = """
import os, sys
from pathlib import Path, PurePosixPath
from tciagen.publish import publish, with_manifest
files = {PurePosixPath(f"{i:03}.txt"): b"new" * 1000 for i in range(200)}
print("go", flush=True)
publish(with_manifest(files, {}), Path(sys.argv[1]))
"""


@pytest.mark.parametrize("delay", [0.0, 0.01, 0.03])
def test_publish_killed_run_leaves_complete_files_and_the_next_one_completes(
    tmp_path: Path, delay: float
) -> None:
    wanted = {PurePosixPath(f"{i:03}.txt"): b"new" * 1000 for i in range(200)}
    publish(with_manifest(dict.fromkeys(wanted, b"old"), {}), tmp_path)
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, env=os.environ
    )
    assert process.stdout is not None
    process.stdout.readline()
    try:
        process.wait(delay)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
    process.stdout.close()
    for path in wanted:
        assert (tmp_path / path).read_bytes() in (b"old", b"new" * 1000)
    publish(with_manifest(wanted, {}), tmp_path, force=True)
    assert compare(with_manifest(wanted, {}), tmp_path) == []
