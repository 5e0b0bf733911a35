"""The JSON Schema of ``tciagen.toml``: its keys, their forms and descriptions."""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

CONFIG_SCHEMA_NAME = "tciagen.schema.json"


@cache
def config_schema() -> Mapping[str, Any]:
    """Return the JSON Schema of ``tciagen.toml``."""
    text = files(__package__).joinpath(CONFIG_SCHEMA_NAME).read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def config_keys() -> Mapping[str, Mapping[str, Any]]:
    """Return the JSON Schema of each key of an API's table in ``tciagen.toml``."""
    keys: dict[str, Mapping[str, Any]] = config_schema()["definitions"]["api"]["properties"]
    return keys
