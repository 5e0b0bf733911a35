"""Options that several commands share: the configuration, its values, and the API key."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from tciagen.api_key import checked_key

Command = TypeVar("Command", bound=Callable[..., Any])


def _checked(context: click.Context, parameter: click.Parameter, value: Any) -> Any:
    if value is not None:
        checked_key(value, "--api-key")
        if context.get_parameter_source(parameter.name or "") is ParameterSource.COMMANDLINE:
            click.echo(
                "tciagen: warning: other users of this machine can see a key on the command line,"
                " and the shell stores it; set the environment variable instead.",
                err=True,
            )
    return value


api_key_option = click.option(
    "--api-key",
    metavar="KEY",
    callback=_checked,
    help="API key of the server. Prefer the client's variable <PREFIX>_API_KEY"
    " (TCIAGEN_API_KEY without a configured package), or its stored key.",
)


_PATH = click.Path(path_type=Path)
_OPTIONS: dict[str, Callable[[Command], Command]] = {
    "base_url": click.option("--base-url", metavar="URL", help="BaseURL of the API."),
    "api_key": api_key_option,
    "endpoint": click.option(
        "--endpoint",
        "endpoints",
        multiple=True,
        metavar="Resource/QueryName",
        help="Endpoint of the API. Repeat the option for each endpoint.",
    ),
    "documents": click.option(
        "--documents", type=_PATH, metavar="DIR", help="Folder of the metadata documents."
    ),
    "overlay": click.option(
        "--overlay",
        type=_PATH,
        metavar="FILE",
        help="TOML file with statements that the documents leave out.",
    ),
    "schema": click.option(
        "--schema",
        type=_PATH,
        metavar="FILE",
        help="JSON Schema of the documents. Default: the published one.",
    ),
    "output": click.option(
        "--out", "output", type=_PATH, metavar="DIR", help="Folder of the generated distribution."
    ),
    "package": click.option("--package", metavar="NAME", help="Import name of the package."),
    "distribution": click.option(
        "--distribution", metavar="NAME", help="Name of the distribution on an index."
    ),
    "version": click.option(
        "--package-version", "version", metavar="X.Y.Z", help="Version of the distribution."
    ),
    "environment": click.option(
        "--environment", metavar="PREFIX", help="Prefix of the client's environment variables."
    ),
    "command": click.option("--command", metavar="NAME", help="Name of the client's command."),
    "title": click.option("--title", metavar="TEXT", help="Name of the API in documentation."),
}


def config_options(command: Command) -> Command:
    """Add the options --config and --api to a command."""
    command = click.option("--api", metavar="NAME", help="Only this API of the configuration.")(
        command
    )
    return click.option(
        "--config",
        "config_file",
        type=_PATH,
        metavar="FILE",
        help="Configuration file. Default: the nearest tciagen.toml or pyproject.toml.",
    )(command)


def api_options(*names: str) -> Callable[[Command], Command]:
    """Add the options --config and --api, and those that replace the API's configuration."""

    def decorate(command: Command) -> Command:
        for name in reversed(names):
            command = _OPTIONS[name](command)
        return config_options(command)

    return decorate
