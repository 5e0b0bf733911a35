"""All files or none: a rollback journal around a set of writes.

Before the first file is touched, what will change is copied into ``.tciagen-undo``
beside the configuration. The folder goes when all is done. If the run fails the copies
go back; if it is killed, the next run puts them back.
"""

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from tciagen.errors import UsageProblem
from tciagen.publish import replace_file

FOLDER = ".tciagen-undo"
_LIST = "files.json"


@contextlib.contextmanager
def all_or_nothing(root: Path, writes: Mapping[Path, bytes | None]) -> Iterator[None]:
    """Write files (None deletes one), and take it all back if the block raises.

    Args:
        root: folder where the journal stands while the block runs.
        writes: the new content of each file.

    Raises:
        UsageProblem: another run is under way here.
    """
    with _locked(root) as undo:
        _take_back(root, undo)
        try:
            _note(root, undo, writes)
            for path, body in writes.items():
                if body is None:
                    path.unlink()
                    _remove_empty(path.parent)
                else:
                    replace_file(path, body)
            yield
        except BaseException:
            _take_back(root, undo)
            raise
        (undo / _LIST).unlink()


def refuse_unfinished(root: Path) -> None:
    """Raise if a run was killed here, or is under way.

    Raises:
        UsageProblem: so it is.
    """
    if (root / FOLDER).is_dir():
        raise UsageProblem(
            f"An earlier run in {root} is unfinished; `tciagen regenerate` without --dry-run"
            " takes back what it wrote, and begins again."
        )


def recover(root: Path) -> bool:
    """Take back what a run that was killed has left; return whether there was such a run.

    Raises:
        UsageProblem: another run is under way here.
    """
    if not (root / FOLDER).is_dir():
        return False
    with _locked(root) as undo:
        return _take_back(root, undo)


@contextlib.contextmanager
def _locked(root: Path) -> Iterator[Path]:
    undo = root / FOLDER
    undo.mkdir(exist_ok=True)
    (undo / ".gitignore").write_text("*\n", encoding="utf-8")
    with (undo / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UsageProblem(f"Another `tciagen regenerate` is under way in {root}.") from error
        try:
            yield undo
        finally:
            if not (undo / _LIST).exists():
                shutil.rmtree(undo)


def _note(root: Path, undo: Path, writes: Mapping[Path, bytes | None]) -> None:
    copies: dict[str, str | None] = {}
    for number, path in enumerate(writes):
        copies[os.path.relpath(path, root)] = str(number) if path.exists() else None
        if path.exists():
            shutil.copy2(path, undo / str(number))
    replace_file(undo / _LIST, json.dumps(copies).encode())


def _take_back(root: Path, undo: Path) -> bool:
    if not (undo / _LIST).is_file():
        return False
    for name, copy in json.loads((undo / _LIST).read_bytes()).items():
        path = root / name
        for part in path.parent.glob(f".{path.name}.*.part"):
            part.unlink()
        if copy is not None:
            replace_file(path, (undo / copy).read_bytes())
            continue
        if path.exists():
            path.unlink()
        _remove_empty(path.parent)
    (undo / _LIST).unlink()
    return True


def _remove_empty(folder: Path) -> None:
    """Remove a folder and those above it as far as they are empty."""
    with contextlib.suppress(OSError):
        while True:
            folder.rmdir()
            folder = folder.parent
