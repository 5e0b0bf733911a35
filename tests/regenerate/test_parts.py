"""The parts of a regeneration: lost declarations, configuration and changelog."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tciagen.contract.json import digest
from tciagen.contract.overlay import read_overlay
from tciagen.contract.resolve import resolve
from tciagen.documents.parsing import JsonObject
from tciagen.drift.compare.contracts import compare
from tciagen.regenerate.declarations import retain_declarations
from tciagen.regenerate.project_files import HEADER, with_entry, with_version


def bare(document: JsonObject) -> JsonObject:
    """Return documents of a server of 2019: parameters in short form, no declarations."""
    short = [
        p if isinstance(p, str) else f"{p['Name']} ({'R' if p.get('Required') else 'O'})"
        for p in document["Parameters"]
    ]
    attributes = [
        {key: a[key] for key in ("Name", "Description", "DICOM")}
        for a in document["Result"]["Attributes"]
    ]
    kept = {k: v for k, v in document.items() if k not in ("Formats", "DefaultFormat")}
    result = {**document["Result"], "Attributes": attributes}
    return {**kept, "Parameters": short, "Result": result}


def test_retain_declarations_bare_documents_retain_their_meaning(
    tcia_documents: Mapping[str, JsonObject], root: Path
) -> None:
    silent = {address: bare(document) for address, document in tcia_documents.items()}
    kept, lost = retain_declarations(tcia_documents, silent)
    assert {change.rule for change in lost} == {"declaration-lost"}
    overlay = read_overlay(root / "generator/contracts/tcia-v3/overlay.toml")
    before, after = (resolve(d, overlay).contract for d in (tcia_documents, kept))
    reported = {change.rule for change in compare(before, after)}
    # That an attribute is never optional cannot fall silent: the schema gives it a default.
    assert reported <= {"attr-became-optional", "declaration-lost"}
    assert {c.endpoint for c in lost} <= set(tcia_documents)


def test_retain_declarations_complete_documents_are_unchanged(
    tcia_documents: Mapping[str, JsonObject],
) -> None:
    kept, lost = retain_declarations(tcia_documents, tcia_documents)
    assert (kept, lost) == (tcia_documents, ())
    assert digest(resolve(kept).contract) == digest(resolve(tcia_documents).contract)


@pytest.mark.parametrize(
    ("changelog", "expected"),
    [
        ("", HEADER + "\n## [1.1.0]\n\n- new\n"),
        ("# Ours\n", "# Ours\n\n## [1.1.0]\n\n- new\n"),
        (
            "# Ours\n\n## Unreleased\n\n- soon\n\n## [1.0.0]\n\n- old\n",
            "# Ours\n\n## Unreleased\n\n- soon\n\n## [1.1.0]\n\n- new\n\n## [1.0.0]\n\n- old\n",
        ),
        (
            "# Ours\r\n\r\n## [1.0.0]\r\n",
            "# Ours\r\n\r\n## [1.1.0]\r\n\r\n- new\r\n\r\n## [1.0.0]\r\n",
        ),
        ("## 1.0.0\n", "## [1.1.0]\n\n- new\n\n## 1.0.0\n"),
    ],
)
def test_with_entry_inserts_above_earlier_releases(changelog: str, expected: str) -> None:
    assert with_entry(changelog, "## [1.1.0]\n\n- new\n") == expected


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        (
            "tciagen.toml",
            '# top\n[a]  # of a\nversion = "1.0.0"  # now\n[b]\nversion = "1.0.0"\n',
            '# top\n[a]  # of a\nversion = "1.1.0"  # now\n[b]\nversion = "1.0.0"\n',
        ),
        (
            "pyproject.toml",
            '[project]\nversion = "1.0.0"\n[tool.tciagen.a]\ntitle = "A"\n',
            '[project]\nversion = "1.0.0"\n[tool.tciagen.a]\ntitle = "A"\nversion = "1.1.0"\n',
        ),
        (
            "tciagen.toml",
            '\ufeff[a]\r\nversion = "1.0.0"\r\n',
            '\ufeff[a]\r\nversion = "1.1.0"\r\n',
        ),
        (
            "tciagen.toml",
            '[a]\ntitle = "A"\n\n[a.resources]\nX = ["y"]\n',
            '[a]\ntitle = "A"\nversion = "1.1.0"\n\n[a.resources]\nX = ["y"]\n',
        ),
    ],
)
def test_with_version_changes_only_the_version(name: str, before: str, after: str) -> None:
    assert with_version(before, Path(name), "a", "1.1.0") == after
