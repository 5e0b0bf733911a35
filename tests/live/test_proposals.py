"""Proposals of `check --live` for attributes without a declared type."""

import json
import tomllib
from collections.abc import Sequence

import pytest

from tciagen.contract.model import Attribute, Endpoint, Result, Source
from tciagen.live.proposals import type_proposals
from tciagen.live.rows import decode

ENDPOINT = Endpoint(
    resource="Fleet",
    name="listRows",
    formats=("JSON",),
    result=Result(
        name="Row",
        attributes=(Attribute(name="Value", type_source=Source.ASSUMED), Attribute(name="Known")),
    ),
)


@pytest.mark.parametrize(
    ("values", "type_"),
    [
        ([1, 2, None], "integer"),
        (["1", "20", ""], "integer"),
        ([1, 2.5], "decimal"),
        (["1.5", "-2"], "decimal"),
        ([True, False], "boolean"),
        (["true", "FALSE"], "boolean"),
        (["1.2.840.1", "2.25.7"], "uid"),
        (["2020-01-31", "1998-12-08 00:00:00.0"], "date"),
        (["2020-01-31", "1998-12-08 13:05:00.0"], "dateTime"),
        (["13:05:00", "06:30"], "time"),
        (["CT", "MR"], "string"),
        (["007", "V-7"], "string"),
        (["2020-02-30"], "string"),
        (["1", "CT"], None),
        ([1, "CT"], None),
        ([True, 1], None),
        ([None, ""], None),
        ([[1], [2]], None),
        ([], None),
    ],
    ids=repr,
)
def test_proposals_type_of_all_rows_is_proposed_as_overlay_entry(
    values: Sequence[object], type_: str | None
) -> None:
    body = json.dumps([{"Value": value, "Known": "x"} for value in values]).encode()
    proposals = list(type_proposals(ENDPOINT, decode(ENDPOINT, body).rows))
    assert len(proposals) == (type_ is not None)
    for proposal in proposals:
        sentence, _, lines = proposal.partition(":\n")
        assert f"the sampled rows agree on {type_} " in sentence
        (entry,) = tomllib.loads(lines)["entry"]
        assert (entry["endpoint"], entry["attribute"]) == ("Fleet/query/listRows", "Value")
        assert entry["set"] == {"type": type_}
        assert "agree" in entry["reason"]


@pytest.mark.parametrize("value", [1, 2.5, True, "text"])
def test_value_of_undeclared_type_is_no_observation(value: object) -> None:
    body = json.dumps([{"Value": value, "Known": "x"}]).encode()
    assert decode(ENDPOINT, body).observations == []


def test_list_of_undeclared_type_is_a_mismatch() -> None:
    (reported,) = decode(ENDPOINT, b'[{"Value": [1], "Known": "x"}]').observations
    assert reported.rule == "wire-type-mismatch"
