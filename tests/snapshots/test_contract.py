"""The contract as it is understood, endpoint by endpoint.

A difference shows that a document, the overlay or their reading has changed. To accept
it: ``pytest tests/snapshots --snapshot-update``, and look at the diff before committing.
"""

import json
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from tciagen.config import read_config
from tciagen.contract.json import from_json, to_json
from tciagen.contract.model import Attribute, Contract, Endpoint, Result
from tciagen.contract.resolve import Resolution
from tciagen.documents.folder import read_folder
from tciagen.drift.compare.contracts import compare

ROOT = Path(__file__).parents[2]
ADDRESSES = read_config(ROOT / "pyproject.toml")["tcia-v3"].addresses


@pytest.fixture
def snapshot_json(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    return snapshot.use_extension(JSONSnapshotExtension)


@pytest.mark.parametrize("address", ADDRESSES, ids=lambda a: a.replace("/query/", "."))
def test_contract_of_each_endpoint(
    tcia: Resolution, address: str, snapshot_json: SnapshotAssertion
) -> None:
    endpoints = {
        f"{e['resource']}/query/{e['name']}": e
        for e in json.loads(to_json(tcia.contract))["endpoints"]
    }
    assert endpoints[address] == snapshot_json


def test_there_is_a_document_for_each_configured_endpoint_and_no_other(root: Path) -> None:
    folder = root / "generator/contracts/tcia-v3/documents"
    assert sorted(read_folder(folder)) == sorted(ADDRESSES)


def test_overlay_resolves_every_notice(tcia: Resolution) -> None:
    assert tcia.notices == ()


def test_contract_survives_its_file(tcia: Resolution, fleet: Resolution) -> None:
    for resolution in (tcia, fleet):
        body = to_json(resolution.contract)
        assert to_json(from_json(body, "contract.json")) == body


def test_diff_of_packages_reports_a_closed_set_that_opens() -> None:
    def packaged(values: tuple[str, ...] | None) -> Contract:
        attribute = Attribute(name="Sex", allowed_values=values)
        result = Result(name="Patient", attributes=(attribute,))
        endpoint = Endpoint(resource="R", name="q", formats=("JSON",), result=result)
        return from_json(to_json(Contract((endpoint,))), "contract.json")

    closed, free = packaged(("F", "M")), packaged(None)
    assert [c.rule for c in compare(closed, free)] == ["attr-enum-removed"]
    assert [c.rule for c in compare(free, closed)] == ["attr-enum-added"]
