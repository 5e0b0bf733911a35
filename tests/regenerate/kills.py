"""Run a set of writes again and again, killed before each step, and print what is left.

Called with an empty folder. Each run is a separate process that an audit hook ends with
SIGKILL before its n-th change of the file system. Prints one JSON object for each run.
"""

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tciagen.errors import UsageProblem
from tciagen.regenerate.journal import digests_of, exclusive_run, is_unfinished

OLD = {"config": b"old config", "docs/gone": b"old gone", "log": b"old log"}
NEW = {"config": b"new config", "docs/gone": None, "log": b"new log", "deep/er/new": b"new"}
CHANGES = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.chmod", "fcntl.flock"}


def killed(step: int, work: Callable[[], None]) -> int:
    """Run work in a process that is killed before a step; return the signal, 0 if it ended."""
    pid = os.fork()
    if pid == 0:
        if step:
            left = step

            def hook(event: str, arguments: tuple[Any, ...]) -> None:
                nonlocal left
                writing = event == "open" and bool(arguments[2] & (os.O_WRONLY | os.O_RDWR))
                if writing or event in CHANGES:
                    left -= 1
                    if left == 0:
                        os.kill(os.getpid(), signal.SIGKILL)

            sys.addaudithook(hook)
        work()
        os._exit(0)
    return os.WTERMSIG(os.waitpid(pid, 0)[1])


def tree(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): path.read_text()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def begin(root: Path) -> None:
    shutil.rmtree(root, ignore_errors=True)
    for name, body in OLD.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(body)


def run(root: Path) -> None:
    writes = {root / name: body for name, body in NEW.items()}
    with exclusive_run(root) as journal:
        seen = digests_of(root / name for name in OLD)
        with journal.write_all(writes, seen):
            pass


def recover(root: Path) -> str:
    try:
        with exclusive_run(root) as journal:
            journal.recover()
    except UsageProblem as problem:
        return str(problem)
    return ""


def main(root: Path) -> None:
    step, unfinished, ended = 0, 0, False
    while not ended:
        step += 1
        for edited in (None, *NEW):
            begin(root)
            ended = killed(step, lambda: run(root)) == 0
            unfinished = step if is_unfinished(root) else unfinished
            if edited is not None:
                (root / edited).parent.mkdir(parents=True, exist_ok=True)
                with (root / edited).open("a") as file:
                    file.write(" mine")
            before = tree(root)
            refused = recover(root)
            reported = {"step": step, "ended": ended, "edited": edited, "refused": refused}
            print(json.dumps({**reported, "before": before, "after": tree(root)}))
    again, ended = 0, False
    while not ended:  # the recovery is killed, too
        again += 1
        begin(root)
        killed(unfinished, lambda: run(root))
        ended = killed(again, lambda: print(recover(root), end="")) == 0
        refused = recover(root)
        print(json.dumps({"recovery": again, "refused": refused, "after": tree(root)}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
