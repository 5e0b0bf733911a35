"""``config``: the server and the key that a command uses when nothing else is said."""

import sys

import click

from ..http.request import checked_base_url, checked_key
from .commands import SuggestingGroup, refuse_without_effect
from .config import KEYS, config_path, read_config, write_config
from .guard import tell
from .session import Session

_KEY = click.Argument(["key"], type=click.Choice(KEYS))


def config_command() -> click.Group:
    """The group of commands about the configuration file."""
    commands = [
        click.Command(
            "get",
            callback=_get,
            params=[_KEY],
            help="Show what is in effect; of a key, whether there is one.",
        ),
        click.Command(
            "set",
            callback=_set,
            params=[_KEY, click.Argument(["value"], required=False)],
            help="Keep a value. Without one it is asked for, or read from a pipe: so a key "
            "is seen by nobody.",
        ),
        click.Command("unset", callback=_unset, params=[_KEY], help="Forget a value."),
        click.Command("path", callback=_path, help="Show where the file is."),
    ]
    return SuggestingGroup(
        "config",
        commands={str(command.name): command for command in commands},
        help="Show, set or remove the server and the key to use. A key from here goes to the "
        "server from here, and to no other.",
    )


def _session() -> Session:
    context = click.get_current_context()
    unused = ("timeout", "retries", "on_mismatch")
    refuse_without_effect(context.find_root(), unused, "on config, which sends no request")
    return Session.of(context)


def _get(key: str) -> None:
    session = _session()
    base_url, api_key = session.server()
    click.echo(base_url if key == "base-url" else "set" if api_key else "not set")


def _set(key: str, value: str | None) -> None:
    command = _session().package.command
    if value is not None and key == "api-key":
        tell(
            command,
            "warning",
            "a key on the command line is seen by others and kept by the shell; "
            f"better call `{command} config set api-key` without it.",
        )
    if value is not None:
        text = value
    elif sys.stdin.isatty():
        text = str(click.prompt(key, hide_input=key == "api-key", err=True))
    else:
        text = sys.stdin.readline()
    checked = checked_base_url(text.strip()) if key == "base-url" else checked_key(text)
    if checked is None:
        raise click.UsageError("api-key is empty; `config unset api-key` removes it")
    write_config(command, {**read_config(command), key: checked})


def _unset(key: str) -> None:
    command = _session().package.command
    kept = {name: value for name, value in read_config(command).items() if name != key}
    write_config(command, kept)


def _path() -> None:
    click.echo(config_path(_session().package.command))
