"""Query plans of the archive: no statement with a key scans a table."""

import ast
import itertools
import re
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tciagen import archive
from tciagen.archive import queries, statements
from tciagen.archive.formats import LAYOUTS

STATEMENTS = {
    name: value
    for name, value in vars(statements).items()
    if isinstance(value, str) and not name.startswith("_")
}
OF_THE_WHOLE_CATALOG = {
    "ANY_SERIES",
    "CONTRADICTORY_PATIENTS",
    "CONTRADICTORY_SERIES",
    "CONTRADICTORY_STUDIES",
    "COUNT_COLLECTIONS",
    "COUNT_LISTED",
    "COUNT_SERIES",
    "ROOTS",
    "SHARED_STUDIES",
    "SYNTHETIC_LIST",
    "UNIDENTIFIED_PATIENTS",
}
BUILD_QUERIES_OF_ENDPOINTS = {"queries.py", "changed.py"}
SQL = re.compile(r"\b(?:SELECT\b.*\bFROM|INSERT\b.*\bINTO|DELETE FROM|UPDATE \w+ SET)\b", re.DOTALL)


def scans(
    catalog: sqlite3.Connection, sql: str, bound: Mapping[str, str] | None = None
) -> list[str]:
    """Return the steps of a statement's plan that read a whole table or index."""
    given = [None] * sql.count("?")
    plan = catalog.execute(f"EXPLAIN QUERY PLAN {sql}", bound or given).fetchall()
    steps = [detail for *_, detail in plan]
    return [step for step in steps if re.match(r"SCAN (?!CONSTANT ROW)", step)]


@pytest.mark.parametrize("name", STATEMENTS)
def test_statement_with_parameters_scans_no_table(catalog: sqlite3.Connection, name: str) -> None:
    sql = STATEMENTS[name]
    assert ("?" not in sql) == (name in OF_THE_WHOLE_CATALOG)
    if "?" in sql:
        assert scans(catalog, sql) == []


def test_triggers_scan_no_table(catalog: sqlite3.Connection) -> None:
    triggers = catalog.execute("SELECT sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    bodies = [re.search(r"BEGIN(.*)END", sql, re.DOTALL) for (sql,) in triggers]
    steps = [step for body in bodies if body for step in body[1].split(";") if step.strip()]
    assert (len(triggers), len(steps)) == (3, 7)
    for step in steps:
        assert scans(catalog, re.sub(r"\b(?:NEW|OLD)\.\w+", "?", step)) == []


def parameter_sets(endpoint: queries.Endpoint) -> Iterator[tuple[str, ...]]:
    """Yield each non-empty set of parameters of a request."""
    required = [one.name for one in endpoint.parameters if one.required]
    optional = [one.name for one in endpoint.parameters if not one.required]
    for count in range(len(optional) + 1):
        for chosen in itertools.combinations(optional, count):
            if names := (*required, *chosen):
                yield names


@pytest.mark.parametrize("address", queries.endpoints())
def test_query_with_parameters_scans_no_table(catalog: sqlite3.Connection, address: str) -> None:
    endpoint = queries.endpoints()[address]
    row = LAYOUTS["JSON"].row(endpoint.columns) if endpoint.columns else "sop_uid, path"
    scanned = {
        names: found
        for names in parameter_sets(endpoint)
        if (found := scans(catalog, *endpoint.select(row, dict.fromkeys(names, "1"))))
    }
    assert scanned == {}


def test_statements_are_only_in_their_module() -> None:
    """The tests of this module do not see statements elsewhere."""
    (folder,) = archive.__path__
    found = {
        f"{path.name}:{node.lineno}"
        for path in Path(folder).glob("*.py")
        if path.name not in {"statements.py", *BUILD_QUERIES_OF_ENDPOINTS}
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL.search(node.value)
        if "CREATE TABLE" not in node.value and "sqlite_master" not in node.value
    }
    assert found == set()
