"""The choice of APIs: the command line before the configuration file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from tciagen import config
from tciagen.documents.address import name_conflicts, parse_endpoint
from tciagen.errors import UsageProblem
from tciagen.suggestions import suggestion


def selected_apis(config_file: Path | None, name: str | None, **overrides: Any) -> list[config.Api]:
    """Return the APIs that a command is about, or the named one.

    Args:
        config_file: The configuration. Default: the nearest one upwards.
        name: Name of an API of the configuration.
        **overrides: Values of the command line, which replace those of the configuration.

    Raises:
        UsageProblem: No such API or file, or overrides for several APIs at once.
    """
    values = {key: value for key, value in overrides.items() if value not in (None, ())}
    if "endpoints" in values:
        values["addresses"] = tuple(sorted(map(parse_endpoint, values.pop("endpoints"))))
        if conflicts := name_conflicts(values["addresses"]):
            raise UsageProblem("\n".join(f"{conflict}." for conflict in conflicts))
    path = config_file or (None if "documents" in values else config.find_config(Path.cwd()))
    if path is None:
        if name is not None or not values:
            raise UsageProblem(
                "There is no tciagen.toml or [tool.tciagen] here or above;"
                " pass --config FILE, or --documents DIR and the other options of the command."
            )
        return [config.Api(**values)]
    apis = config.read_config(path)
    chosen = [_named(apis, name, path)] if name is not None else list(apis.values())
    if values and len(chosen) > 1:
        raise UsageProblem(
            f"{path} configures {', '.join(apis)}; specify one with --api, since"
            " these options are for a single API."
        )
    return [attrs.evolve(one, **values) for one in chosen]


def selected_api(config_file: Path | None, name: str | None) -> config.Api:
    """Return the only API of the configuration, or the named one; else an empty one.

    Raises:
        UsageProblem: No such API or file.
    """
    path = config_file or config.find_config(Path.cwd())
    if path is None:
        if name is not None:
            raise UsageProblem(
                "--api needs a configuration; there is no tciagen.toml or [tool.tciagen]."
            )
        return config.Api()
    apis = config.read_config(path)
    if name is None and len(apis) > 1:
        return config.Api(folder=path.parent)
    return _named(apis, name, path) if name is not None else next(iter(apis.values()))


def _named(apis: Mapping[str, config.Api], name: str, path: Path) -> config.Api:
    if name not in apis:
        raise UsageProblem(f"{path} has no API {name!r}{suggestion(name, apis)}.")
    return apis[name]
