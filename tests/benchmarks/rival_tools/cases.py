"""The single changes of the drift benchmark, written in a language that a tool reads."""

import json
from collections.abc import Callable
from pathlib import Path

import attrs
from tests.drift.benchmark import BENCHMARK, Documents, contract_of, mutated

from tciagen.contract.model import Contract
from tciagen.documents.folder import document_path
from tciagen.drift.catalogue.rules import RULES
from tciagen.drift.levels import Severity

INEXPRESSIBLE = frozenset({"declaration-lost", "declaration-gained", "name-collision"})
"""Rules that no other language can express: there, an omission is a declaration. A collision
of Python names does not exist elsewhere, and a module with one is invalid."""


@attrs.frozen
class Case:
    """One change and its expected severity; a control is an edit that changes nothing.

    ``worst`` is the severity of the worst finding that may accompany the expected one.
    """

    name: str
    old: Documents
    new: Documents
    rule: str | None
    severity: Severity
    worst: Severity
    control: bool

    @property
    def matters(self) -> bool:
        """Whether an old client, or code written for it, can fail or return wrong values."""
        return self.severity in (Severity.BREAKING, Severity.DANGEROUS)


@attrs.frozen
class Written:
    """The files of a case for one tool."""

    case: Case
    old: Path
    new: Path


def all_cases() -> list[Case]:
    """Return the benchmark without the invalid documents, which no tool can compare."""
    cases = []
    for mutation in BENCHMARK["mutations"]:
        expected, control = mutation["expected"], bool(mutation.get("control"))
        if expected["severity"] not in ("invalid", "unknown"):
            sides = mutated(mutation)
            severity = Severity(expected["severity"])
            allowed = [RULES[rule].level for rule in expected.get("also_allowed", ())]
            worst = min([severity, *allowed], key=lambda level: level.rank)
            case = Case(mutation["id"], *sides, expected["rule"], severity, worst, control)
            cases.append(case)
    return cases


def write_documents(cases: list[Case], folder: Path) -> list[Written]:
    """Write the documents unchanged."""
    for case in cases:
        for side, documents in (("old", case.old), ("new", case.new)):
            for address, document in documents.items():
                path = document_path(folder / case.name / side, address)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(json.dumps(document), encoding="utf-8")
    return [Written(c, folder / c.name / "old", folder / c.name / "new") for c in cases]


def write_projected(
    cases: list[Case], folder: Path, file: str, project: Callable[[Contract], str]
) -> list[Written]:
    """Write the cases that a language can express: those whose text changes."""
    written = []
    for case in cases:
        texts = [project(contract_of(documents)) for documents in (case.old, case.new)]
        if texts[0] == texts[1] or case.rule in INEXPRESSIBLE:
            continue
        paths = [folder / case.name / side / file for side in ("old", "new")]
        for path, text in zip(paths, texts, strict=True):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        written.append(Written(case, *paths))
    return written
