"""Break each cleanup of the client's runtime once, and report those that no test misses.

A cleanup is the body of a ``finally``, a handler that ends in a bare ``raise``, a call such as
``unlink()`` or ``close()``, and a ``closing(…)``. Each is removed in a copy of the repository,
where the tests of its area must then fail. ``killers.json`` holds the test that failed last
time, which runs first, so that a run without survivors takes minutes.

    .venv/bin/python tests/mutation/cleanups.py [--near] [PART OF A MODULE'S PATH …]

With ``--near`` only the tests next to a module run, not those of its whole area.

Exit status: 0 if some test fails for each cleanup, 1 if not.
"""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import attrs

ROOT = Path(__file__).parents[2]
RUNTIME = Path("templates/client/package/_runtime")
COPY = Path("generated/tcia-client/src/tcia_client/_runtime")
KILLERS = Path(__file__).with_name("killers.json")

CALLS = frozenset(
    {
        "abort", "aclose", "cancel", "clear", "close", "discard", "end", "free", "kill", "release",
        "remove", "rmdir", "rmtree", "settle", "shutdown", "terminate", "unlink",
    }
)  # fmt: skip
AREAS = {"cli": "tests/client_cli", "downloads": "tests/files", "": "tests/runtime"}
NEAR = {
    "cli/completion.py": ["client_cli/test_completion.py"],
    "cli/config.py": ["client_cli/test_config.py"],
    "cli/output.py": [
        "client_cli/test_interrupts.py::test_ctrl_c_is_status_130_and_leaves_nothing"
    ],
    "cli/records_command.py": ["client_cli/test_interrupts.py", "client_cli/test_records.py"],
    "downloads/download.py": ["files/test_many.py", "files/test_resume.py"],
    "downloads/job.py": [
        "files/test_targets.py",
        "files/test_resume.py",
        "files/test_interrupted.py",
        "files/test_processes.py",
        "files/test_open_files.py",
        "files/test_kept.py",
    ],
    "downloads/manifest.py": ["files/test_manifest.py"],
    "downloads/many.py": ["files/test_many.py", "files/test_processes.py"],
    "downloads/part.py": [
        "files/test_targets.py",
        "files/test_kept.py",
        "files/test_resume.py",
        "files/test_interrupted.py",
    ],
    "calls_async.py": ["runtime/test_client.py", "runtime/test_cleanup.py"],
    "calls_sync.py": ["runtime/test_client.py", "runtime/test_cleanup.py"],
    "client.py": ["runtime/test_client.py"],
    "cli/commands.py": ["client_cli/test_outcomes.py"],
    "downloads/receipt.py": ["files/test_replace.py"],
    "downloads/unpack.py": ["files/test_open_files.py", "files/test_wrong_archives.py"],
    "http/log_filter.py": ["runtime/test_cleanup.py"],
    "http/connection_limit.py": ["runtime/test_connection_limit.py", "files/test_many.py"],
    "http/response.py": ["runtime/test_cleanup.py", "runtime/test_connection_limit.py"],
    "http/transport.py": ["runtime/test_cleanup.py", "runtime/test_responses.py"],
    "http/transport_async.py": ["runtime/test_cleanup.py", "runtime/test_connection_limit.py"],
    "http/transport_sync.py": ["runtime/test_cleanup.py", "runtime/test_connection_limit.py"],
    "http/transport_urllib3.py": ["runtime/test_cleanup.py", "runtime/test_connections.py"],
}
"""Tests that are likely to fail for a module, so that they run before its whole area."""

LEFT_OUT = frozenset(
    {
        # Here clear(), discard() and end() are steps of decoding.
        "decoding/row_factory.py", "decoding/csv.py", "drift/filters.py",
        "decoding/json.py", "decoding/fast_json.py", "downloads/dicom_header.py",
        "decoding/rows.py",
    }
)  # fmt: skip

NO_SUCH_TEST = 4
"""Exit status of pytest where a recorded test has another name by now."""

_FAILED = re.compile(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", re.MULTILINE)


@attrs.frozen
class Cleanup:
    """One cleanup: where it is, and the source without it."""

    module: str
    function: str
    line: int
    kind: str
    text: str
    mutated: str

    @property
    def key(self) -> str:
        """A name that stays when its module changes or moves."""
        return f"{self.function}::{self.kind}::{self.text}"


def cleanups(module: str, source: str) -> Iterator[Cleanup]:
    """Yield each cleanup of a module."""
    tree = ast.parse(source)
    lines = source.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line.encode()))
    raw = source.encode()

    def without(first: ast.AST, last: ast.AST, instead: str) -> tuple[str, str]:
        begin = starts[first.lineno - 1] + first.col_offset  # type: ignore[attr-defined]
        end = starts[last.end_lineno - 1] + last.end_col_offset  # type: ignore[attr-defined]
        text = " ".join(raw[begin:end].decode().split())
        return text, (raw[:begin] + instead.encode() + raw[end:]).decode()

    def visit(node: ast.AST, function: str) -> Iterator[Cleanup]:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            function = f"{function}.{node.name}".lstrip(".")
        found: list[tuple[str, ast.AST, ast.AST, str]] = []
        alone: set[ast.AST] = set()
        if isinstance(node, ast.Try) and node.finalbody:
            found.append(("finally", node.finalbody[0], node.finalbody[-1], "pass"))
            alone.update(node.finalbody if len(node.finalbody) == 1 else ())
        if isinstance(node, ast.ExceptHandler) and _reraises(node) and node.body[1:]:
            found.append(("handler", node.body[0], node.body[-2], "pass"))
            alone.update(node.body[:1] if len(node.body) == 2 else ())
        if isinstance(node, ast.Expr) and node not in skipped and _name(node.value) in CALLS:
            found.append(("call", node, node, "pass"))
        if isinstance(node, ast.Call) and _name(node) in ("closing", "aclosing"):
            instead = "__import__('contextlib').nullcontext"
            found.append(("closing", node.func, node.func, instead))
        skipped.update(alone)
        for kind, first, last, instead in found:
            text, mutated = without(first, last, instead)
            if kind == "closing":
                text = ast.unparse(node)
            yield Cleanup(module, function, first.lineno, kind, text, mutated)  # type: ignore[attr-defined]
        for child in ast.iter_child_nodes(node):
            yield from visit(child, function)

    skipped: set[ast.AST] = set()
    yield from visit(tree, "")


def _reraises(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def _name(node: ast.AST) -> str:
    if isinstance(node, ast.Await):
        node = node.value
    if not isinstance(node, ast.Call):
        return ""
    called = node.func
    name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
    return name.lstrip("_")


def runtime_cleanups(root: Path = ROOT) -> list[Cleanup]:
    """Return each cleanup of the runtime, but for the modules that are left out."""
    found: list[Cleanup] = []
    for path in sorted((root / RUNTIME).rglob("*.py")):
        module = path.relative_to(root / RUNTIME).as_posix()
        if module not in LEFT_OUT:
            found += cleanups(module, path.read_text(encoding="utf-8"))
    return found


def copy_repository(folder: Path) -> Path:
    """Copy what git knows of the repository, and what it does not ignore."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, check=True,
    ).stdout.decode()  # fmt: skip
    for name in filter(None, listed.split("\0")):
        source, target = ROOT / name, folder / name
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    return folder


def failing_test(folder: Path, cleanup: Cleanup, tests: list[str]) -> str | None:
    """Return the first test that fails without a cleanup and passes with it.

    None if all pass.
    """
    originals = {path: path.read_bytes() for path in _paths(folder, cleanup)}
    unrelated: list[str] = []
    while True:
        try:
            for path in originals:
                path.write_text(cleanup.mutated, encoding="utf-8")
            failed = _first_failure(folder, [*tests, *(f"--deselect={t}" for t in unrelated)])
        finally:
            for path, content in originals.items():
                path.write_bytes(content)
        if failed is None or _first_failure(folder, [failed]) is None:
            return failed
        unrelated.append(failed)


def _first_failure(folder: Path, arguments: list[str]) -> str | None:
    options = ["-x", "-q", "--no-header", "-p", "no:cacheprovider", "--timeout=120"]
    options += [] if "::" in arguments[0] else ["-n", "2"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *arguments],
        cwd=folder, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    if done.returncode == 0:
        return None
    if done.returncode == NO_SUCH_TEST:
        return None
    named = _FAILED.search(done.stdout)
    if named is None:
        raise RuntimeError(f"pytest ended with {done.returncode}\n{done.stdout}\n{done.stderr}")
    return named[1]


def _paths(folder: Path, cleanup: Cleanup) -> list[Path]:
    return [folder / RUNTIME / cleanup.module, folder / COPY / cleanup.module]


def choices_of(module: str, recorded: str) -> Iterator[list[str]]:
    """Yield the tests to run for a module, those that are likely to fail first."""
    if "::" in recorded:
        yield [recorded]
    yield [f"tests/{path}" for path in NEAR.get(module, ["runtime/test_client.py"])]
    folder = module.partition("/")[0]
    yield [AREAS[folder]] if folder in AREAS else [AREAS[""], AREAS["downloads"]]


def main(arguments: list[str]) -> int:
    """Break the cleanups of the modules whose path has one of the arguments in it."""
    near = "--near" in arguments
    parts = [part for part in arguments if part != "--near"]
    known: dict[str, str] = json.loads(KILLERS.read_text()) if KILLERS.exists() else {}
    chosen = [c for c in runtime_cleanups() if not parts or any(p in c.module for p in parts)]
    survivors: list[Cleanup] = []
    with tempfile.TemporaryDirectory() as name:
        folder = copy_repository(Path(name))
        for number, cleanup in enumerate(chosen, 1):
            recorded = known.get(cleanup.key, "")
            killer = recorded if recorded.startswith("equivalent: ") else None
            for tests in list(choices_of(cleanup.module, recorded))[: -1 if near else None]:
                killer = killer or failing_test(folder, cleanup, tests)
            print(f"{number}/{len(chosen)} {cleanup.module}::{cleanup.key}", flush=True)
            print(f"    {killer or 'SURVIVED'}", flush=True)
            if killer is None:
                survivors.append(cleanup)
                known.pop(cleanup.key, None)
            else:
                known[cleanup.key] = killer
            KILLERS.write_text(json.dumps(known, indent=2, sort_keys=True) + "\n")
    for cleanup in survivors:
        print(f"{RUNTIME / cleanup.module}:{cleanup.line}: no test misses {cleanup.text}")
    print(f"{len(survivors)} of {len(chosen)} cleanups can be removed without a failing test")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
