"""The settings of a call of the command: options, environment, and the settings file."""

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import click

from ..client import Settings, SyncClient
from ..errors import ParameterError
from ..http.options import has_urllib3
from ..http.request import checked_base_url
from ..http.retry import Retry
from .errors import report
from .output import replacing

KEYS = ("base-url", "api-key")


def config_path(command: str) -> Path:
    """Return the path of the settings file."""
    from platformdirs import user_config_path  # noqa: PLC0415 - only where it is needed

    return user_config_path(command, appauthor=False) / "config.toml"


def read_config(command: str) -> dict[str, str]:
    """Return the settings of the file, none if it does not exist.

    Raises:
        ClickException: The file is invalid.
    """
    path = config_path(command)
    try:
        settings = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (ValueError, RecursionError):  # not UTF-8, not TOML, or beyond Python's limits
        raise click.ClickException(f"{path} is not TOML; fix or delete it") from None
    for key, value in settings.items():
        if key not in KEYS or not isinstance(value, str):
            raise click.ClickException(
                f"{path}: {key!r} is not one of {' and '.join(KEYS)} with a string; fix the file"
            )
    return settings


def write_config(command: str, values: Mapping[str, str]) -> None:
    """Replace the settings file, which only the user can read."""
    path = config_path(command)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with replacing(path, mode=0o600) as file:
        for key, value in values.items():  # a string of JSON is one of TOML
            file.write(f"{key} = {json.dumps(value, ensure_ascii=False)}\n".encode())


@attrs.frozen
class Package:
    """The client package of the command line, and the name of its command."""

    command: str
    client: type[SyncClient]

    @property
    def completion_variable(self) -> str:
        """Name of the environment variable by which a shell requests completion."""
        return f"_{self.command}_COMPLETE".replace("-", "_").upper()

    @property
    def settings(self) -> Settings:
        """The settings of the package."""
        settings: Settings = vars(self.client)["_settings"]
        return settings


@attrs.frozen
class Session:
    """The package and the global options of one call."""

    package: Package
    options: Mapping[str, Any] = attrs.field(repr=False)
    silent: bool

    @classmethod
    def of(cls, context: click.Context) -> "Session":
        """Return the session of a command, or of one that is being completed."""
        root = context.find_root()
        return cls(root.obj, root.params, context.resilient_parsing)

    def server(self) -> tuple[str, str | None]:
        """Return the base URL and the key: of an option, the environment, the file, the default.

        A key in the file is for the server in the file only.
        """
        command = self.package.command
        config = read_config(command)
        stored = config.get("base-url") or self.package.settings.base_url
        own = _checked(stored, str(config_path(command)))
        chosen = (self.options["base_url"] or "").strip()
        base_url = _checked(chosen, "--base-url or the environment") if chosen else own
        key = self.options["api_key"]
        if key is None and "api-key" in config:
            if base_url == own:
                return base_url, config["api-key"]
            if not self.silent:
                report(command, "warning", f"the key of {own} is not sent to {base_url}.")
        return base_url, key

    def client(self, **options: Any) -> SyncClient:
        """Return a client for the server; ``options`` override those of the command line."""
        base_url, key = self.server()
        if self.options["timeout"] is not None:
            options.setdefault("timeout", self.options["timeout"])
        if self.options["retries"] is not None:
            options.setdefault("retry", Retry(attempts=self.options["retries"] + 1))
        options.setdefault("on_mismatch", self.options["on_mismatch"])
        options.setdefault("transport", "urllib3" if has_urllib3() else "httpx")
        return self.package.client(base_url=base_url, api_key=key or "", **options)


def _checked(base_url: str, source: str) -> str:
    try:
        return checked_base_url(base_url)
    except ParameterError as error:
        reason = error.reason.removeprefix("base_url ")
        raise click.ClickException(f"the base URL of {source} {reason}") from None
