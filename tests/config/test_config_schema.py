"""The JSON Schema of ``tciagen.toml`` accepts what ``read_config`` accepts."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from tciagen.config import read_config
from tciagen.config_schema import config_keys, config_schema
from tciagen.drift.levels import DRIFT_LEVELS
from tciagen.errors import UsageProblem

SOURCE = {"endpoint": "Fleet/countHullScans", "attribute": "ScanCount"}
INVALID: list[tuple[str, Any]] = [
    ("packge", "fleet_client"),
    ("api-key", "secret"),
    *((key, value) for key in config_keys() for value in (7, True, "")),
    ("title", " "),
    ("title", "Harbour\u0007"),
    ("documents", "a\nb"),
    ("severity", {"attr-renamed": 1}),
    ("resources", {"Fleet": "listVessels"}),
    ("resources", {"Fleet": ["list/Vessels"]}),
    ("resources", {"9": ["listVessels"]}),
    ("resources", {"Fleet": ["listVessels", "listVessels"]}),
    ("files", {"Fleet/getHullScan": {"number": []}}),
    ("files", {"Fleet/getHullScan": {"count": [{"endpoint": "Fleet/countHullScans"}]}}),
    ("files", {"Fleet/getHullScan": {"count": [SOURCE | {"unit": "bytes"}]}}),
    *(
        ("files", {"Fleet/getHullScan": {"count": [SOURCE | {"columns": columns}]}})
        for columns in ("Scans", [1], [" "])
    ),
    ("files", {"Fleet/getHullScan": {"size": [SOURCE | {"columns": ["Scans"]}]}}),
]
VALID: list[tuple[str, Any]] = [
    *((key, example) for key, schema in config_keys().items() for example in schema["examples"]),
    ("test", "python -m pytest\ntests"),
    ("resources", {}),
    ("files", {"Fleet/getHullScan": {"count": [SOURCE], "size": [SOURCE]}}),
    ("files", {"Fleet/getHullScan": {"count": [SOURCE | {"columns": ["Number of Scans"]}]}}),
]


def accepted(folder: Path, key: str, value: object) -> tuple[bool, bool]:
    """Return whether the schema and ``read_config`` accept a table with one key."""
    by_schema = Draft7Validator(config_schema()).is_valid({"fleet": {key: value}})
    path = folder / "tciagen.toml"
    path.write_text(f"[fleet]\n{json.dumps(key)} = {toml(value)}\n", encoding="utf-8")
    try:
        read_config(path)
    except UsageProblem:
        return by_schema, False
    return by_schema, True


def toml(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)} = {toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value)


@pytest.mark.parametrize(("key", "value"), VALID)
def test_schema_and_config_accept_valid_value(tmp_path: Path, key: str, value: object) -> None:
    assert accepted(tmp_path, key, value) == (True, True)


@pytest.mark.parametrize(("key", "value"), INVALID)
def test_schema_and_config_refuse_invalid_value(tmp_path: Path, key: str, value: object) -> None:
    assert accepted(tmp_path, key, value) == (False, False)


def test_schema_is_valid_and_describes_every_key() -> None:
    Draft7Validator.check_schema(config_schema())
    for schema in config_keys().values():
        assert schema["description"].endswith((".", "`"))
        assert schema["examples"]
    levels = config_keys()["severity"]["additionalProperties"]["enum"]
    assert levels == [str(level) for level in DRIFT_LEVELS]
