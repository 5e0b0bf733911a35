"""Configuration: ``tciagen.toml``, or ``[tool.tciagen]`` of a pyproject.toml.

One table for each API; in a ``tciagen.toml`` the tables are at the top level. The JSON Schema
``tciagen.schema.json`` describes the keys.

Paths are relative to the file. All but changelog and test can be given on the command line instead.
"""

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import attrs

from tciagen.api_key import find_key
from tciagen.config_schema import config_keys
from tciagen.contract.roles import Roles, invalid_roles, read_roles
from tciagen.display import shorten
from tciagen.documents.address import name_conflicts, parse_endpoint
from tciagen.errors import UsageProblem
from tciagen.render import Target
from tciagen.suggestions import suggestion

_OWN_FILE = "tciagen.toml"
_KEYS = config_keys()
_PATHS = frozenset(key for key, schema in _KEYS.items() if schema.get("format") == "path")
_TEXTS = frozenset(_KEYS) - {"severity", "resources", "files"}
_SHOWN = 60

Value = TypeVar("Value")


@attrs.frozen(kw_only=True)
class Api:
    """The configuration of one API; None where neither file nor command line sets a value."""

    name: str = "api"
    base_url: str | None = None
    addresses: tuple[str, ...] = ()
    documents: Path | None = None
    overlay: Path | None = None
    schema: Path | None = None
    output: Path | None = None
    package: str | None = None
    distribution: str | None = None
    version: str = "0.1.0"
    environment: str | None = None
    command: str | None = None
    title: str | None = None
    severities: Mapping[str, str] = attrs.field(factory=dict)
    changelog: Path | None = None
    test: str | None = None
    api_key: str | None = attrs.field(default=None, repr=False)
    folder: Path | None = None
    """The folder of the file."""

    configured_url: str | None = None
    """The BaseURL of the file, without the option of the command line."""
    roles: Roles = attrs.field(factory=dict)

    def changelog_file(self) -> Path:
        """Return the path of the package's changelog, which need not exist yet.

        Raises:
            UsageProblem: No documents folder is configured.
        """
        return self.changelog or required(self.documents, "documents").parent / "CHANGELOG.md"

    def target(self) -> Target:
        """Return the names of the distribution.

        Raises:
            UsageProblem: The package or the BaseURL is not configured, or a name is invalid.
        """
        package = required(self.package, "package")
        return Target(
            package=package,
            distribution=self.distribution or package.replace("_", "-"),
            version=self.version,
            environment=self._prefix(package),
            command=self._command(package),
            title=self.title or self.name,
            base_url=required(self.base_url, "base-url"),
        )

    def key_for(self, base_url: str) -> str | None:
        """Return the API key for a server, or None.

        Raises:
            UsageProblem: The key or the client's configuration file is invalid.
        """
        package = self.package or "tciagen"
        return find_key(
            self.api_key,
            prefix=self._prefix(package),
            command=self._command(package),
            default_url=self.configured_url,
            base_url=base_url,
        )

    def _prefix(self, package: str) -> str:
        return self.environment or package.removesuffix("_client").upper()

    def _command(self, package: str) -> str:
        return self.command or package.removesuffix("_client").replace("_", "-")


def required(value: Value | None, key: str) -> Value:
    """Return a value that a command requires.

    Raises:
        UsageProblem: It is not set.
    """
    if value is None or value == ():
        option = {"addresses": "--endpoint Resource/QueryName", "output": "--out DIR"}.get(
            key, f"--{key}"
        )
        named = {"addresses": "resources"}.get(key, key)
        raise UsageProblem(f"Pass {option}, or set {named!r} in the configuration.")
    return value


def find_config(start: Path) -> Path | None:
    """Return the nearest tciagen.toml or pyproject.toml with ``[tool.tciagen]`` upwards."""
    for folder in (start, *start.parents):
        if (folder / _OWN_FILE).is_file():
            return folder / _OWN_FILE
        project = folder / "pyproject.toml"
        if project.is_file() and _tables(project):
            return project
    return None


def config_path(given: Path | None) -> Path:
    """Return the specified configuration file. Default: the nearest one upwards.

    Raises:
        UsageProblem: There is no configuration file.
    """
    path = given or find_config(Path.cwd())
    if path is None:
        raise UsageProblem(
            "There is no tciagen.toml or [tool.tciagen] here or above; pass --config FILE."
        )
    return path


def read_config(path: Path) -> dict[str, Api]:
    """Return the APIs of a configuration file by name.

    Raises:
        UsageProblem: The file is unreadable, not TOML, or invalid; all findings are reported
            together.
    """
    problems: list[str] = []
    apis: dict[str, Api] = {}
    for name, table in _tables(path).items():
        wrong = list(_wrong(table)) if isinstance(table, dict) else ["it must be a table"]
        if not name.strip() or not name.isprintable():
            wrong.append("an API needs a name without control characters")
        problems += [f"{path}: [{name}]: {reason}" for reason in wrong]
        if not wrong:
            apis[name] = _api(name, table, path.parent)
    problems += [f"{path}: {reason}" for reason in _shared_outputs(apis)]
    if problems:
        raise UsageProblem("\n".join(problems))
    if not apis:
        raise UsageProblem(f"{path} configures no API; add a table [tool.tciagen.<name>].")
    return apis


def _tables(path: Path) -> dict[str, Any]:
    try:
        data: Any = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UsageProblem(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:  # not UTF-8, not TOML, or a number of thousands of digits
        raise UsageProblem(f"{path} is not TOML: {error}.") from error
    except RecursionError as error:
        raise UsageProblem(f"{path} is not TOML: its values are nested too deeply.") from error
    if path.name == "pyproject.toml":
        for key in ("tool", "tciagen"):
            data = data.get(key, {})
            if not isinstance(data, dict):
                name = "tool" if key == "tool" else "tool.tciagen"
                raise UsageProblem(f"{path}: [{name}] must be a table, not {_shown(data)}.")
    return dict(data)


def _shared_outputs(apis: Mapping[str, Api]) -> Iterable[str]:
    """Yield a sentence for each API whose output folder is inside another one's, or the same."""
    folders = {n: api.output.resolve() for n, api in apis.items() if api.output is not None}
    for name, folder in folders.items():
        for other, outer in folders.items():
            if folder == outer and other < name:
                yield f"[{name}]: output is that of [{other}]; set a separate folder for each API"
            elif outer in folder.parents:
                yield f"[{name}]: output is inside that of [{other}]; use a separate folder"


def _wrong(table: Mapping[str, Any]) -> Iterable[str]:
    for key, value in table.items():
        if key == "api-key":
            yield "an API key must not be in a shared file; set <PREFIX>_API_KEY instead"
        elif key not in _KEYS:
            yield f"unknown key {_shown(key)}{suggestion(key, set(_KEYS))}"
        elif key in _TEXTS and (not isinstance(value, str) or not value.strip()):
            yield f"{key} must be a string, not {_shown(value)}"
        elif (
            key in _TEXTS
            and not (value if key != "test" else " ".join(value.split())).isprintable()
        ):
            yield f"{key} must not contain control characters"
    severity = table.get("severity", {})
    if not isinstance(severity, dict) or not all(isinstance(v, str) for v in severity.values()):
        yield "severity must be a table such as { param-added-optional = 'docs' }"
    yield from invalid_roles(table.get("files", {}))
    resources = table.get("resources", {})
    if not isinstance(resources, dict):
        yield "resources must be a table such as { Fleet = ['listVessels'] }"
        return
    addresses: list[str] = []
    for resource, names in resources.items():
        if not isinstance(names, list) or not all(isinstance(n, str) for n in names):
            yield f"resources.{resource} must be a list of QueryNames"
            continue
        for name in names:
            try:
                addresses.append(parse_endpoint(f"{resource}/{name}"))
            except UsageProblem as problem:
                yield f"resources: {problem}"
    twice = sorted({address for address in addresses if addresses.count(address) > 1})
    yield from (f"resources names {address} twice" for address in twice)
    yield from (f"resources: {conflict}" for conflict in name_conflicts(addresses))


def _shown(value: object) -> str:
    return shorten(repr(value), _SHOWN)


def _api(name: str, table: Mapping[str, Any], folder: Path) -> Api:
    values: dict[str, Any] = {
        key.replace("-", "_"): folder / value if key in _PATHS else value
        for key, value in table.items()
        if key not in ("resources", "severity", "files")
    }
    addresses = [
        parse_endpoint(f"{resource}/{query}")
        for resource, names in table.get("resources", {}).items()
        for query in names
    ]
    return Api(
        name=name,
        addresses=tuple(sorted(addresses)),
        severities=table.get("severity", {}),
        folder=folder,
        configured_url=table.get("base-url"),
        roles=read_roles(table.get("files", {})),
        **values,
    )
