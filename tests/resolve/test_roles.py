"""Roles of file endpoints: declared in the configuration, checked, carried, and compared."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest
from tests.config.test_config import write

from tciagen.config import read_config
from tciagen.contract.json import digest, from_json, to_json
from tciagen.contract.model import Contract, FileRoles, StatedBy
from tciagen.contract.resolve import Resolution, resolve
from tciagen.documents.parsing import JsonObject
from tciagen.drift.compare.contracts import compare
from tciagen.errors import UsageProblem

SCAN, COUNT = "Fleet/query/getHullScan", "Fleet/query/countHullScans"


def table(text: str) -> str:
    return f"[fleet]\n[fleet.files]\n{text}\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("'Fleet/a b' = {}", "files: 'Fleet/a b' is not an endpoint; write Resource/QueryName."),
        ("'F/x' = 1", "files must be a table such as "),
        ("'F/x' = { cuont = [] }", "unknown key 'cuont'; did you mean 'count'?"),
        ("'F/x' = { count = 'F/y' }", "count must be a list such as [{ endpoint = "),
        ("'F/x' = { count = [{ endpoint = 'F/y' }] }", "count must be a list such as "),
        ("'F/x' = { size = [{ endpoint = 1, attribute = 'A' }] }", "size must be a list such as "),
        (
            "'F/x' = { count = [{ endpoint = 'y', attribute = 'A' }] }",
            "count: 'y' is not an endpoint; write Resource/QueryName.",
        ),
    ],
)
def test_table_of_another_form_prints_one_error(tmp_path: Path, text: str, message: str) -> None:
    path = write(tmp_path, table(text))
    with pytest.raises(UsageProblem) as caught:
        read_config(path)
    assert message in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def count(endpoint: str, attribute: str, *columns: str) -> StatedBy:
    return StatedBy(endpoint=endpoint, attribute=attribute, columns=columns)


@pytest.mark.parametrize(
    ("address", "roles", "message"),
    [
        ("Fleet/query/getHullScans", {}, "no such endpoint; did you mean 'Fleet/getHullScan'?"),
        ("Fleet/query/listVessels", {}, "the endpoint returns records, not a file."),
        (
            SCAN,
            {"count": (count("Fleet/query/countHullScan", "ScanCount"),)},
            "count: the API has no endpoint Fleet/countHullScan; did you mean 'Fleet/countHullS",
        ),
        (SCAN, {"count": (count(SCAN, "x"),)}, "Fleet/getHullScan returns a file, so that no"),
        (
            SCAN,
            {"count": (count(COUNT, "ScanCuont"),)},
            "Fleet/countHullScans has no attribute ScanCuont; did you mean 'ScanCount'?",
        ),
        (
            SCAN,
            {"count": (count("Fleet/query/listVessels", "name"),)},
            "name of Fleet/listVessels has the type string, and a count is of type integer; set ",
        ),
        (
            SCAN,
            {"size": (count(COUNT, "ScanCount"),)},
            "size: Fleet/countHullScans is not listed in count; list it there too.",
        ),
    ],
)
def test_roles_that_do_not_fit_the_documents_are_reported_in_one_sentence(
    fleet_documents: Mapping[str, JsonObject], address: str, roles: Any, message: str
) -> None:
    declared = {address: attrs.evolve(FileRoles(), **roles)}
    with pytest.raises(UsageProblem) as caught:
        resolve(fleet_documents, roles=declared)
    assert message in str(caught.value)
    assert str(caught.value).startswith("The configuration's files.")
    assert len(str(caught.value).splitlines()) == 1
    stale = resolve(fleet_documents, roles=declared, stale=True).contract
    assert len(stale.endpoints) == len(fleet_documents)


def test_contract_file_contains_roles(fleet: Resolution) -> None:
    roles = fleet.contract.by_address()[SCAN].roles
    assert roles.count == (count(COUNT, "ScanCount", "Number of Scans"),)
    read = from_json(to_json(fleet.contract), "contract.json")
    assert read.by_address()[SCAN].roles == roles


def test_another_role_is_a_change_of_the_contract(fleet: Resolution) -> None:
    other = Contract(tuple(attrs.evolve(e, roles=FileRoles()) for e in fleet.contract))
    (change,) = compare(other, fleet.contract)
    assert (change.rule, change.endpoint) == ("count-source-changed", SCAN)
    assert (change.severity, change.wire, change.bump) == ("docs", "ok", "patch")
    assert (change.before, change.after) == (None, (f"{COUNT} ScanCount, 'Number of Scans'",))
    assert digest(other) != digest(fleet.contract)
    assert compare(fleet.contract, fleet.contract) == ()
