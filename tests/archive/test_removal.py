"""Files that a scan does not find: files removed from the catalog, and skipped paths."""

import os
import shutil
import sqlite3
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from tests.archive.conftest import Run
from tests.archive.dicom_files import put, put_object

from tciagen.archive.rules import CollectionRule
from tciagen.archive.scan import Retained, ScanResult, index

RULE = CollectionRule()
TODAY = date(2020, 2, 29)
LATER = date(2030, 1, 1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four series of one file each, in a folder each."""
    root = tmp_path / "root"
    for number in range(4):
        put_object(root, f"{number}/x{number}.dcm", SeriesInstanceUID=f"1.2.{number}")
    return root


def series_of(catalog: sqlite3.Connection) -> list[tuple[str, str]]:
    return sorted(catalog.execute("SELECT series_uid, added FROM series"))


def scan(
    catalog: sqlite3.Connection,
    root: Path,
    today: date = TODAY,
    *,
    prune: bool = False,
    include_hidden: bool = False,
) -> ScanResult:
    return index(
        catalog, [root], rule=RULE, today=today, prune=prune, include_hidden=include_hidden
    )


def test_index_of_emptied_root_removes_nothing_without_prune(
    catalog: sqlite3.Connection, folder: Path
) -> None:
    scan(catalog, folder)
    before = series_of(catalog)
    shutil.rmtree(folder)
    folder.mkdir()
    result = scan(catalog, folder, LATER)
    assert result.retained == [Retained(folder, 4, 4)]
    assert (result.removed, result.is_complete) == (0, False)
    assert series_of(catalog) == before
    pruned = scan(catalog, folder, LATER, prune=True)
    assert (pruned.removed, pruned.is_complete) == (4, True)
    assert series_of(catalog) == []


@pytest.mark.parametrize(("absent", "removed"), [(1, 1), (2, 2), (3, 0)])
def test_index_needs_prune_to_remove_more_than_half(
    catalog: sqlite3.Connection, folder: Path, absent: int, removed: int
) -> None:
    scan(catalog, folder)
    for number in range(absent):
        shutil.rmtree(folder / str(number))
    assert scan(catalog, folder).removed == removed
    assert len(series_of(catalog)) == 4 - removed


def test_index_counts_half_of_each_root(catalog: sqlite3.Connection, folder: Path) -> None:
    roots = [folder / "0", folder / "1", folder / "2", folder / "3"]
    index(catalog, roots, rule=RULE, today=TODAY)
    (folder / "3" / "x3.dcm").unlink()
    result = index(catalog, roots, rule=RULE, today=TODAY)
    assert result.retained == [Retained(folder / "3", 1, 1)]
    assert len(series_of(catalog)) == 4


def test_index_adds_new_files_while_it_retains_absent_ones(
    catalog: sqlite3.Connection, folder: Path
) -> None:
    scan(catalog, folder)
    for number in range(4):
        shutil.rmtree(folder / str(number))
    put_object(folder, "new.dcm", SeriesInstanceUID="1.2.9")
    assert scan(catalog, folder).retained == [Retained(folder, 4, 4)]
    assert len(series_of(catalog)) == 5


def test_added_day_survives_removal_and_return(catalog: sqlite3.Connection, folder: Path) -> None:
    scan(catalog, folder)
    before = series_of(catalog)
    away = folder.parent / "away"
    shutil.move(folder / "0", away)
    assert scan(catalog, folder, LATER).removed == 1
    assert len(series_of(catalog)) == 3
    shutil.move(away, folder / "0")
    scan(catalog, folder, LATER)
    assert series_of(catalog) == before


def test_index_command_reports_absent_files_with_status_1(run: Run, folder: Path) -> None:
    catalog = folder.parent / "catalog.sqlite"
    run("index", folder, "--catalog", catalog)
    shutil.rmtree(folder)
    folder.mkdir()
    output = run("index", folder, "--catalog", catalog, status=1)
    assert output.stderr == (
        f"not removed: 4 of 4 files below {str(folder)!r} are absent. Check that the disk is "
        "mounted, or specify --prune to remove them from the catalog.\n"
    )
    assert "0 gone, 0 left out, 4 absent but not removed; 1 collection, 4 series" in output.stdout
    assert "4 gone" in run("index", folder, "--catalog", catalog, "--prune").stdout


WITHOUT_OVERRIDE = """\
import ctypes, os, sys
if os.geteuid() == 0:  # CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH, by PR_CAPBSET_DROP
    dropped = [ctypes.CDLL(None).prctl(24, capability, 0, 0, 0) for capability in (1, 2)]
    assert dropped == [0, 0], dropped
os.execv(sys.executable, [sys.executable, "-m", "tciagen.archive", *sys.argv[1:]])
"""


def indexed(folder: Path, *, status: int = 0) -> subprocess.CompletedProcess[str]:
    """Run the index command in a process that permissions bind, even for root."""
    catalog = folder.parent / "catalog.sqlite"
    command = [sys.executable, "-c", WITHOUT_OVERRIDE, "index", str(folder)]
    done = subprocess.run(
        [*command, "--catalog", str(catalog)],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == status, done.stderr
    return done


@pytest.mark.parametrize("mode", [0o000, 0o444, 0o111], ids=["none", "no search", "no list"])
def test_index_removes_nothing_below_unreadable_directory(folder: Path, mode: int) -> None:
    indexed(folder)
    shutil.rmtree(folder / "3")
    (folder / "0").chmod(mode)
    try:
        done = indexed(folder, status=1)
    finally:
        (folder / "0").chmod(0o755)
    path = folder / "0" / ("x0.dcm" if mode == 0o444 else "")
    assert done.stderr == (
        f"unreadable {str(path)!r}: Permission denied. The catalog retains its rows there.\n"
    )
    assert "1 gone, 0 left out, 1 unreadable; 1 collection, 3 series" in done.stdout
    assert "3 unchanged" in indexed(folder).stdout


def test_index_retains_unreadable_changed_file_and_reads_it_later(folder: Path) -> None:
    indexed(folder)
    path = put_object(folder, "0/x0.dcm", SeriesInstanceUID="1.2.77")
    path.chmod(0)
    done = indexed(folder, status=1)
    assert f"unreadable {str(path)!r}: cannot be read: Permission denied" in done.stderr
    assert "4 series" in done.stdout
    path.chmod(0o644)
    assert "1 file read, 3 unchanged" in indexed(folder).stdout


def test_index_skips_dot_directories_unless_included(
    catalog: sqlite3.Connection, folder: Path
) -> None:
    for name in (".snapshot", ".git/annex", "0/.hidden"):
        shutil.copytree(folder / "0", folder / name, ignore=lambda *_: [".hidden"])
    assert scan(catalog, folder).problems == []
    assert catalog.execute("SELECT count(*) FROM file").fetchone() == (4,)
    found = scan(catalog, folder, include_hidden=True)
    real = folder / "0" / "x0.dcm"
    assert [reason for _, reason in found.problems] == [f"the same object as {str(real)!r}"] * 3
    assert scan(catalog, folder / ".snapshot").unchanged == 1


def test_index_of_linked_store_lists_the_path_outside_the_store(
    catalog: sqlite3.Connection, tmp_path: Path
) -> None:
    """As in DataLad, real paths are links into ``.git/annex``, some without content."""
    root = tmp_path / "dataset"
    stored = put(root, ".git/annex/objects/k1/k1.dcm")
    (root / "sub").mkdir()
    (root / "sub" / "a.dcm").symlink_to("../.git/annex/objects/k1/k1.dcm")
    (root / "sub" / "b.dcm").symlink_to("../.git/annex/objects/k2/k2.dcm")
    (root / "sub" / "loop").symlink_to("loop")
    result = scan(catalog, root)
    assert result.broken_links == [root / "sub" / "b.dcm", root / "sub" / "loop"]
    assert (result.problems, result.is_complete) == ([], True)
    rows = catalog.execute("SELECT path, target FROM file").fetchall()
    assert rows == [(os.fsencode(root / "sub" / "a.dcm"), os.fsencode(stored))]


def test_index_command_counts_and_reports_broken_links(run: Run, folder: Path) -> None:
    for number in range(25):
        (folder / f"link{number:02}").symlink_to("nowhere")
    output = run("index", folder, "--catalog", folder.parent / "catalog.sqlite")
    assert "25 broken links" in output.stdout
    assert f"broken link {str(folder / 'link00')!r}\n" in output.stderr
    assert output.stderr.endswith("5 more broken links. Index a folder further down to list fewer "
                                "at a time.\n")  # fmt: skip
