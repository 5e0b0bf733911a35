"""What one call of the command line is about: a package, a server, and how to ask it."""

from collections.abc import Mapping
from typing import Any

import attrs
import click

from ..client import Settings, SyncClient
from ..errors import ParameterError
from ..http.request import checked_base_url
from ..http.retry import Retry
from ..options import has_urllib3
from .config import config_path, read_config
from .guard import tell


@attrs.frozen
class Package:
    """The package that the command line is for, and the name of its command."""

    command: str
    client: type[SyncClient]

    @property
    def completion_variable(self) -> str:
        """The environment variable by which a shell asks for completion."""
        return f"_{self.command}_COMPLETE".replace("-", "_").upper()

    @property
    def settings(self) -> Settings:
        """What the package says of itself."""
        settings: Settings = vars(self.client)["_settings"]
        return settings


@attrs.frozen
class Session:
    """The package, and the global options that were given for it."""

    package: Package
    given: Mapping[str, Any] = attrs.field(repr=False)
    silent: bool

    @classmethod
    def of(cls, context: click.Context) -> "Session":
        """The session of a command, or of one that is being completed."""
        root = context.find_root()
        return cls(root.obj, root.params, context.resilient_parsing)

    def server(self) -> tuple[str, str | None]:
        """The server to ask and the key for it: option, environment, file, default.

        A key from the file goes to the server of the file, and to no other.
        """
        command = self.package.command
        config = read_config(command)
        own = _checked(
            config.get("base-url") or self.package.settings.base_url, str(config_path(command))
        )
        given = (self.given["base_url"] or "").strip()
        base_url = _checked(given, "--base-url or the environment") if given else own
        key = self.given["api_key"]
        if key is None and "api-key" in config:
            if base_url == own:
                return base_url, config["api-key"]
            if not self.silent:
                message = f"the key of {own} is not sent to {base_url}."
                tell(command, "warning", message)
        return base_url, key

    def client(self, **options: Any) -> SyncClient:
        """A client for the server; options given here go before those of the command line."""
        base_url, key = self.server()
        if self.given["timeout"] is not None:
            options.setdefault("timeout", self.given["timeout"])
        if self.given["retries"] is not None:
            options.setdefault("retry", Retry(attempts=self.given["retries"] + 1))
        options.setdefault("on_mismatch", self.given["on_mismatch"])
        options.setdefault("transport", "urllib3" if has_urllib3() else "httpx")
        return self.package.client(base_url=base_url, api_key=key or "", **options)


def _checked(base_url: str, source: str) -> str:
    try:
        return checked_base_url(base_url)
    except ParameterError as error:
        reason = error.reason.removeprefix("base_url ")
        raise click.ClickException(f"the base URL of {source} {reason}") from None
