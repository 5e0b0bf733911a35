"""Subcommands of endpoints: their options, and errors that suggest the right word."""

import re
from collections.abc import Collection, Generator, Iterable, Mapping
from contextlib import contextmanager
from inspect import cleandoc
from pathlib import Path
from typing import Any

import attrs
import click

from ..display import visible
from ..endpoint import Endpoint, Kind, Parameter
from ..errors import ParameterError
from ..naming import did_you_mean
from .completion import Completer, option_name

_METAVARS: dict[Kind, str] = {
    "string": "TEXT",
    "integer": "INTEGER",
    "decimal": "NUMBER",
    "boolean": "true|false",
    "date": "YYYY-MM-DD",
    "dateTime": "DATE-TIME",
    "time": "HH:MM:SS",
    "uid": "UID",
    "undeclared": "VALUE",
}
_MAX_LISTED_VALUES = 12
_SECTION = re.compile(r"\n\n(?:Args|Returns|Raises):\n")
_ARGUMENT = re.compile(r"^    (\w+):(.*\n?(?:        .+\n?)*)", re.MULTILINE)
_PYTHON = re.compile(r"a datetime\.\w+ or a string")


class EndpointCommand(click.Command):
    """A subcommand whose values are passed by options."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the options.

        Raises:
            UsageError: An option is unknown or passed twice, or a value has no option.
        """
        ctx.allow_extra_args = True
        try:
            _refuse_repeated(self, ctx, args)
            rest = super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            options = [option for one in self.params for option in one.opts]
            hint = did_you_mean(error.option_name, {option: option for option in options})
            of_group = [o for one in ctx.find_root().command.params for o in one.opts]
            if not hint or error.option_name in of_group:
                raise
            raise click.UsageError(f"No such option {error.option_name}{hint}", ctx) from None
        if rest and not ctx.resilient_parsing:
            raise click.UsageError(
                f"unexpected argument {rest[0]!r}{self._option_for(rest[0])}", ctx
            )
        return rest

    def _option_for(self, value: str) -> str:
        options = {one.name: one.opts[0] for one in self.params}
        if "source" in options and (value == "-" or Path(value).is_file()):
            return f"; did you mean {options['source']} {value}?"
        return f"; pass values by options, such as {self.params[0].opts[0]} {value}"


class SuggestingGroup(click.Group):
    """A group of commands that suggests the command for a misspelt word."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the options before the subcommand.

        Raises:
            UsageError: An option is unknown or passed twice.
        """
        _refuse_repeated(self, ctx, args)
        return super().parse_args(ctx, args)

    def spellings(self, ctx: click.Context) -> Mapping[str, str]:
        """Return the command for each word that means one."""
        return {name: name for name in self.list_commands(ctx)}

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the subcommand.

        Raises:
            UsageError: None has this name.
        """
        name = args[0]
        if self.get_command(ctx, name) or ctx.resilient_parsing or name.startswith("-"):
            return super().resolve_command(ctx, args)
        hint = did_you_mean(name, self.spellings(ctx))
        if name == "help":
            known = args[1:] and self.get_command(ctx, args[1])
            words = [ctx.command_path, *args[1 : 2 if known else 1], "--help"]
            hint = f"; did you mean {' '.join(words)}?"
        raise click.UsageError(f"No such command {name!r}{hint}", ctx)


def _refuse_repeated(command: click.Command, context: click.Context, args: list[str]) -> None:
    if context.resilient_parsing:
        return
    _, _, order = command.make_parser(context).parse_args(args=list(args))
    passed: set[click.Parameter] = set()
    for option in order:
        if option in passed and isinstance(option, click.Option) and _has_one_value(option):
            several = " with its values separated by commas" * ("," in (option.metavar or ""))
            raise click.UsageError(
                f"{option.opts[-1]} is passed twice; pass it once{several}", context
            )
        passed.add(option)


def _has_one_value(option: click.Option) -> bool:
    return not (option.multiple or option.count or option.is_flag)


def refuse_without_effect(context: click.Context, names: Iterable[str], reason: str) -> None:
    """Refuse options of a context that were passed and have no effect for a reason.

    Raises:
        UsageError: One was passed on the command line.
    """
    for parameter in context.command.params:
        if parameter.name in names and was_passed(context, parameter.name):
            raise click.UsageError(
                f"{parameter.opts[-1]} has no effect {reason}", click.get_current_context()
            )


def was_passed(context: click.Context, name: str) -> bool:
    """Return whether an option was passed on the command line."""
    source = context.get_parameter_source(name)
    return source is click.core.ParameterSource.COMMANDLINE


@attrs.frozen
class Description:
    """The parts of a method's docstring, each on one line."""

    summary: str
    details: str
    arguments: dict[str, str]


def describe(client: type, endpoint: Endpoint) -> Description:
    """Return the parts of the docstring of an endpoint's method."""
    docstring: str | None = getattr(client, endpoint.method).__doc__
    head, *sections = _SECTION.split(cleandoc(docstring or ""))
    summary, *details = [_line(paragraph) for paragraph in head.split("\n\n")]
    arguments = _ARGUMENT.findall(sections[0]) if sections else []
    return Description(
        summary,
        " ".join(details).strip().replace("``", ""),
        {name: _line(text) for name, text in arguments},
    )


def _line(text: str) -> str:
    return visible(" ".join(text.split()))


def endpoint_options(
    endpoint: Endpoint,
    description: Description,
    own: frozenset[str],
    *,
    required: bool = True,
) -> list[click.Option]:
    """Return an option for each parameter; a name among ``own`` gets the prefix ``query-``."""
    names = titles([parameter.python_name for parameter in endpoint.parameters], own)
    return [
        click.Option(
            [f"--{name}", option_name(parameter.python_name)],
            required=parameter.required and required,
            metavar=_METAVARS[parameter.kind],
            help=_help(parameter, description),
            shell_complete=Completer(endpoint, parameter),
        )
        for parameter, name in zip(endpoint.parameters, names, strict=True)
    ]


def titles(python_names: Iterable[str], own: Collection[str]) -> list[str]:
    """Return the command-line names: none is one of ``own``, and no two are the same.

    Each depends only on its Python name, so that a new endpoint changes no other name.
    """
    plain = [name.strip("_").replace("_", "-") for name in python_names]
    return [f"query-{n}" if re.sub("^(query-)*", "", n) in own else n for n in plain]


def _help(parameter: Parameter, description: Description) -> str:
    parts = [description.arguments.get(parameter.python_name, "")]
    if values := parameter.allowed_values:
        listed = ", ".join(map(visible, values[:_MAX_LISTED_VALUES]))
        more = ", …" * (len(values) > _MAX_LISTED_VALUES)
        parts.append(f"One of {listed}{more}; other values are sent with a warning.")
    return " ".join(filter(None, parts))


@contextmanager
def parameters_as_options(command: click.Command) -> Generator[None]:
    """Report the error of a keyword argument under the name of its option."""
    try:
        yield
    except ParameterError as error:
        own = "to" if error.parameter == "target" else error.parameter
        for option in command.params:
            if option.name in (option_name(error.parameter or ""), own):
                advice = _PYTHON.sub("one", error.advice or "")
                reason = error.reason.removeprefix(f"{error.method}({error.parameter}=…) ")
                raise click.UsageError(
                    f"{option.opts[0]} {reason}. {advice}", click.get_current_context()
                ) from None
        raise


def arguments(endpoint: Endpoint, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of the endpoint's parameters by keyword."""
    names = [parameter.python_name for parameter in endpoint.parameters]
    return {n: v for n in names if (v := values.get(option_name(n))) is not None}
