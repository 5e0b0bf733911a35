"""Make the reference page of the command ``tciagen`` from its click commands."""

import inspect
import re
from collections.abc import Iterator

import click


def command_page(command: click.Command, name: str) -> str:
    """Return a Markdown page with every subcommand and option of a command.

    Args:
        command: The command.
        name: The word that starts it in a shell.
    """
    context = click.Context(command, info_name=name, **command.context_settings)
    intro = f"# {name} commands\n\nEvery command with its arguments and options.\n"
    return "\n".join([intro, *_group(command, context)])


def _group(command: click.Command, context: click.Context) -> Iterator[str]:
    yield from _help(command)
    if not isinstance(command, click.Group):
        yield from _usage(command, context)
        return
    for name in command.list_commands(context):
        child = command.get_command(context, name)
        if child is not None and not child.hidden:
            below = click.Context(child, info_name=name, parent=context)
            yield f"## {below.command_path}\n"
            yield from _group(child, below)


def _help(command: click.Command) -> Iterator[str]:
    text = inspect.cleandoc(command.help or "").replace("\b\n", "")
    if text:
        yield f"{_escaped(text)}\n"


def _usage(command: click.Command, context: click.Context) -> Iterator[str]:
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    yield f"```text\n{usage}\n```\n"
    options = [
        option
        for option in command.get_params(context)
        if isinstance(option, click.Option) and not option.hidden and "--help" not in option.opts
    ]
    if options:
        yield "| option | description |"
        yield "| --- | --- |"
    for option in options:
        yield _row(option, context)
    yield ""


def _row(option: click.Option, context: click.Context) -> str:
    names = ", ".join([*option.opts, *option.secondary_opts])
    value = "" if option.is_flag or option.count else f" {option.make_metavar(context)}"
    extra = option.get_help_extra(context)
    notes = [f"Default: `{extra['default']}`."] if "default" in extra else []
    notes += ["Required."] if option.required else []
    notes += ["Repeatable."] if option.multiple else []
    description = " ".join([_escaped(option.help or ""), *notes])
    return f"| `{names}{value}` | {description} |".replace(" |` ", " `").replace("\n", " ")


def _escaped(text: str) -> str:
    """Return help text as Markdown, in which words in capitals and options are code."""
    text = re.sub(r"([*_<>\[\]|])", r"\\\1", text)
    return re.sub(r"(?<![\w`-])(--[a-z][a-z-]*)(?![\w`])", r"`\1`", text)
