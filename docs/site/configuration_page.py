"""Make the reference page of ``tciagen.toml`` from its JSON Schema."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tciagen.config_schema import CONFIG_SCHEMA_NAME, config_keys

_INTRO = f"""\
# Keys of tciagen.toml

`tciagen` reads the nearest `tciagen.toml`, or `pyproject.toml` with `[tool.tciagen]`, in the
working folder and above. `--config FILE` specifies another one. There is one table for each API:
`[fleet]` in a `tciagen.toml`, `[tool.tciagen.fleet]` in a `pyproject.toml`. Paths are relative to
the file. An unknown key is an error that suggests the closest one. Most values can be passed on the
command line instead, see [tciagen commands](commands.md); `changelog` and `test` cannot.
[Generate a client](configuration.md) shows how to use the keys.

The JSON Schema [{CONFIG_SCHEMA_NAME}]({CONFIG_SCHEMA_NAME}) describes the file for editors. With an
editor that uses Taplo, such as VS Code with *Even Better TOML*, put the schema beside the file and
begin the file with this line:

```toml
#:schema ./{CONFIG_SCHEMA_NAME}
```
"""
_TYPES = {"object": "table", "array": "array"}


def configuration_page() -> str:
    """Return a Markdown page with every key of an API's table."""
    return "\n".join([_INTRO, *_keys(config_keys())])


def _keys(keys: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for key, schema in keys.items():
        kind = (
            "path"
            if schema.get("format") == "path"
            else _TYPES.get(schema.get("type", ""), "string")
        )
        yield f"## {key}\n"
        yield f"{schema['description']}\n"
        yield f"- Type: {kind}"
        if "default" in schema:
            yield f"- Default: `{schema['default']}`"
        for values in _enums(schema):
            yield f"- Values: {', '.join(f'`{value}`' for value in values)}"
        yield ""
        for example in schema["examples"]:
            yield f"```toml\n{key} = {_toml(example)}\n```\n"


def _enums(schema: Mapping[str, Any]) -> Iterator[list[str]]:
    values = schema.get("additionalProperties", {})
    if isinstance(values, dict) and "enum" in values:
        yield values["enum"]


def _toml(value: object) -> str:
    """Return a value as inline TOML."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_name(k)} = {_toml(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value)


def _name(key: str) -> str:
    return key if key.replace("-", "").replace("_", "").isalnum() else json.dumps(key)
