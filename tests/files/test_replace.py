"""A folder in place of another, where something fails or was interrupted."""

from pathlib import Path

import pytest

from _runtime.downloads.names import RECEIPT_NAME as NAME
from _runtime.downloads.receipt import (
    Receipt,
    clear,
    receipt_path,
    replace_folder,
    set_aside,
    settle,
)


def written(folder: Path, *files: str) -> Path:
    """Make a folder as a download leaves it."""
    folder.mkdir(parents=True)
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(folder.name)
    sizes = dict.fromkeys(files, 1)
    receipt = Receipt(request={}, names="server", complete=True, counted=True, files=sizes)
    receipt.write(receipt_path(folder, folder=True))
    return folder


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_failed_replace_restores_the_name_of_the_old_folder(tmp_path: Path) -> None:
    target = written(tmp_path / "series", "1.dcm")
    with pytest.raises(FileNotFoundError):
        replace_folder(tmp_path / "missing", target)
    assert names(tmp_path) == ["series", f"series/{NAME}", "series/1.dcm"]


def test_replace_removes_the_old_folder_and_moves_other_files_to_the_new_one(
    tmp_path: Path,
) -> None:
    target = written(tmp_path / "series", "1.dcm", "sub/2.dcm")
    (target / "notes.txt").write_text("mine")
    (target / "3.dcm").write_text("mine, of a name that the new folder has")
    replace_folder(written(tmp_path / "new", "1.dcm", "3.dcm"), target)
    assert names(tmp_path) == [
        "series", f"series/{NAME}", "series/1.dcm", "series/3.dcm", "series/notes.txt",
    ]  # fmt: skip
    assert (target / "3.dcm").read_text() == "new"


def test_settle_completes_an_interrupted_replacement(tmp_path: Path) -> None:
    target = written(tmp_path / "series", "1.dcm")
    written(set_aside(target), "0.dcm")
    settle(target)
    assert names(tmp_path) == ["series", f"series/{NAME}", "series/1.dcm"]
    target.rename(set_aside(target))
    settle(target)
    assert names(tmp_path) == ["series", f"series/{NAME}", "series/1.dcm"]


def test_clear_removes_files_of_a_download_and_empty_folders(tmp_path: Path) -> None:
    clear(written(tmp_path / "series", "a/b/1.dcm", "2.dcm"))
    assert names(tmp_path) == []
    kept = written(tmp_path / "series", "1.dcm")
    (kept / "notes.txt").write_text("mine")
    clear(kept)
    assert names(tmp_path) == ["series", "series/notes.txt"]


def test_replace_after_an_interrupted_one_leaves_the_newest_files(tmp_path: Path) -> None:
    target = written(tmp_path / "series", "1.dcm")
    written(set_aside(target), "0.dcm")
    replace_folder(written(tmp_path / "new", "2.dcm"), target)
    assert names(tmp_path) == ["series", f"series/{NAME}", "series/2.dcm"]
