"""Runs each tool on the changes, timed from the files to its verdict."""

import importlib
import json
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import attrs
from tests.drift.benchmark import contract_of

from tciagen.documents.folder import read_folder
from tciagen.documents.validation import require_valid
from tciagen.drift.compare.contracts import compare

from .cases import Written
from .install import HERE, UnavailableError, run

LEVELS = {
    "breaking": "breaking",
    "BREAKING": "breaking",
    "Error": "breaking",
    "dangerous": "dangerous",
    "DANGEROUS": "dangerous",
    "Warn": "dangerous",
}
"""Levels of the tools for changes that are not harmless."""


@attrs.frozen
class Verdict:
    """A tool's verdict on one change: whether it reports anything, and its worst level."""

    seen: bool
    level: str
    milliseconds: float

    @classmethod
    def of(cls, words: Iterable[str], milliseconds: float) -> "Verdict":
        """Return the verdict of the worst of a tool's levels."""
        levels = {LEVELS.get(word, "harmless") for word in words}
        worst = next((level for level in ("breaking", "dangerous") if level in levels), "harmless")
        return cls(bool(levels), worst, milliseconds)


class Watch:
    """A stopwatch that starts when it is created."""

    def __init__(self) -> None:
        self.start = time.perf_counter()

    @property
    def milliseconds(self) -> float:
        """Milliseconds since the start."""
        return (time.perf_counter() - self.start) * 1000


def ours(changes: Sequence[Written]) -> Iterator[Verdict]:
    """Read, validate, resolve and compare the documents."""
    for change in changes:
        watch = Watch()
        contracts = []
        for folder in (change.old, change.new):
            documents = read_folder(folder)
            require_valid(documents)
            contracts.append(contract_of(documents))
        found = compare(*contracts)
        yield Verdict.of([finding.severity for finding in found], watch.milliseconds)


def our_command(changes: Sequence[Written]) -> Iterator[Verdict]:
    """Run ``tciagen diff``."""
    program = Path(sys.executable).with_name("tciagen")
    for change in changes:
        sides = change.old, change.new
        watch = Watch()
        told = run([program, "diff", *sides, "--format", "json"], change.old.parent, fine=(0, 1))
        found = json.loads(told)["changes"]
        yield Verdict.of([finding["severity"] for finding in found], watch.milliseconds)


def griffe(changes: Sequence[Written]) -> Iterator[Verdict]:
    """Load both modules and look for breakages, which griffe does not rate.

    Raises:
        UnavailableError: it fails.
    """
    try:
        library: Any = importlib.import_module("griffe")
        for change in changes:
            watch = Watch()
            sides = [
                library.load(path.stem, search_paths=[path.parent], try_relative_path=False)
                for path in (change.old, change.new)
            ]
            found = list(library.find_breaking_changes(*sides))
            yield Verdict.of(["breaking"] * len(found), watch.milliseconds)
    except Exception as error:
        raise UnavailableError(f"{type(error).__name__}: {error}") from error


def buf(changes: Sequence[Written], folder: Path) -> Iterator[Verdict]:
    """Run ``buf breaking`` with its default rules, which it does not rate.

    Raises:
        UnavailableError: no program exists for this machine, or it fails.
    """
    program = next(folder.glob("node_modules/@bufbuild/buf-*/bin/buf"), None)
    if program is None:
        raise UnavailableError("its package has no program for this machine")
    for change in changes:
        new, old = change.new.parent, change.old.parent
        watch = Watch()
        found = run([program, "breaking", new, "--against", old], folder, fine=(0, 100))
        yield Verdict.of(["breaking"] * len(found.splitlines()), watch.milliseconds)


def node(changes: Sequence[Written], folder: Path, script: str) -> Iterator[Verdict]:
    """Let one of the scripts beside this file judge all changes in one process.

    Raises:
        UnavailableError: it fails.
    """
    pairs = json.dumps([[str(change.old), str(change.new)] for change in changes])
    told = run(["node", HERE / script], folder, stdin=pairs, seconds=100)
    for verdict in json.loads(told):
        yield Verdict.of(verdict["levels"], verdict["ms"])
