"""The rules for collections of each root; series move only with ``--reassign``."""

import sqlite3
from datetime import date
from pathlib import Path

import pytest
from tests.archive.conftest import Run
from tests.archive.dicom_files import put_object

from tciagen.archive.rules import CollectionRule
from tciagen.archive.scan import ScanResult, index
from tciagen.errors import UsageProblem

NOTHING = CollectionRule()
MINE = CollectionRule(name="MY-STUDY")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three series in two folders; the headers state the collection HEADER."""
    root = tmp_path / "root"
    for number, name in enumerate(("a/1", "a/2", "b/3")):
        put_object(
            root,
            f"{name}.dcm",
            SeriesInstanceUID=f"1.2.{number}",
            ClinicalTrialProtocolID="HEADER",
        )
    return root


def scan(
    catalog: sqlite3.Connection, root: Path, rule: CollectionRule, *, reassign: bool = False
) -> ScanResult:
    return index(catalog, [root], rule=rule, today=date(2020, 2, 29), reassign=reassign)


def collections(catalog: sqlite3.Connection) -> list[str]:
    assert {row[0] for row in catalog.execute("SELECT collection FROM patient")} == {
        row[0] for row in catalog.execute("SELECT collection FROM series")
    }
    return [row[0] for row in catalog.execute("SELECT collection FROM series ORDER BY series_uid")]


def test_index_without_rule_has_the_rule_of_the_earlier_scan(
    catalog: sqlite3.Connection, folder: Path
) -> None:
    scan(catalog, folder, MINE)
    put_object(folder, "new.dcm", SeriesInstanceUID="1.2.3")
    result = scan(catalog, folder, NOTHING)
    assert (result.read, result.remembered) == (1, [(folder, MINE)])
    assert collections(catalog) == ["MY-STUDY"] * 4


def test_index_with_another_rule_moves_nothing_without_reassign(
    catalog: sqlite3.Connection, folder: Path
) -> None:
    scan(catalog, folder, NOTHING)
    put_object(folder, "new.dcm", SeriesInstanceUID="1.2.3")
    with pytest.raises(UsageProblem, match=r"^3 series would move .*'HEADER' to 'MY-STUDY'"):
        scan(catalog, folder, MINE)
    assert collections(catalog) == ["HEADER"] * 3
    result = scan(catalog, folder, MINE, reassign=True)
    assert (result.read, result.unchanged, result.reassigned) == (1, 3, 3)
    assert collections(catalog) == ["MY-STUDY"] * 4
    assert scan(catalog, folder, NOTHING).reassigned == 0


def test_index_with_reassign_and_no_rule_returns_to_the_headers(
    catalog: sqlite3.Connection, folder: Path
) -> None:
    scan(catalog, folder, MINE)
    assert scan(catalog, folder, NOTHING, reassign=True).reassigned == 3
    assert collections(catalog) == ["HEADER"] * 3
    assert scan(catalog, folder, NOTHING).remembered == []


def test_index_with_level_counts_only_series_that_move(
    catalog: sqlite3.Connection, folder: Path
) -> None:
    scan(catalog, folder, CollectionRule(name="a"))
    with pytest.raises(UsageProblem, match=r"^1 series would move"):
        scan(catalog, folder, CollectionRule(level=1))
    scan(catalog, folder, CollectionRule(level=1), reassign=True)
    assert collections(catalog) == ["a", "a", "b"]
    assert scan(catalog, folder / "b", NOTHING).unchanged == 1
    assert collections(catalog) == ["a", "a", "b"]


def test_index_of_outer_root_leaves_inner_root_its_rule(
    catalog: sqlite3.Connection, folder: Path
) -> None:
    scan(catalog, folder / "a", MINE)
    scan(catalog, folder, NOTHING)
    assert collections(catalog) == ["MY-STUDY", "MY-STUDY", "HEADER"]
    put_object(folder, "a/new.dcm", SeriesInstanceUID="1.2.3")
    scan(catalog, folder, NOTHING)
    assert collections(catalog) == ["MY-STUDY", "MY-STUDY", "HEADER", "MY-STUDY"]


def test_index_of_outer_root_with_rule_needs_reassign_for_inner_root(
    catalog: sqlite3.Connection, folder: Path
) -> None:
    outer = CollectionRule(name="OUTER")
    scan(catalog, folder / "a", MINE)
    with pytest.raises(UsageProblem, match=r"^2 series would move"):
        scan(catalog, folder, outer)
    assert collections(catalog) == ["MY-STUDY"] * 2
    scan(catalog, folder, outer, reassign=True)
    assert collections(catalog) == ["OUTER"] * 3
    assert scan(catalog, folder / "a", NOTHING).remembered == [(folder / "a", outer)]
    scan(catalog, folder / "a", MINE, reassign=True)
    scan(catalog, folder, outer)
    assert collections(catalog) == ["MY-STUDY", "MY-STUDY", "OUTER"]


def test_index_command_reports_change_of_rule_and_moves_with_reassign(
    run: Run, folder: Path
) -> None:
    catalog = folder.parent / "catalog.sqlite"
    run("index", folder, "--catalog", catalog, "--collection", "MY-STUDY")
    output = run("index", folder, "--catalog", catalog)
    assert output.stderr == (
        f"{str(folder)!r}: collections as in the earlier scan (--collection MY-STUDY)\n"
    )
    output = run("index", folder, "--catalog", catalog, "--collection", "OTHER", status=2)
    assert output.stderr == (
        "tciagen: error: 3 series would move to another collection ('MY-STUDY' to 'OTHER'), "
        "because the rule for collections differs from that of the earlier scan: specify the "
        "earlier rule or none, or --reassign to move them\n"
    )
    output = run("index", folder, "--catalog", catalog, "--collection", "OTHER", "--reassign")
    assert "3 series moved to another collection; 1 collection, 3 series" in output.stdout
