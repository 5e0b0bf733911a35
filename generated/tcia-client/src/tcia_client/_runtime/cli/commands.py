"""Commands that name the right word where a person slips, and accept no option twice."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import click

from ..naming import did_you_mean


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
    """A group of commands that suggests the command which a wrong word most likely means."""

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
            UsageError: There is none of this name.
        """
        name = args[0]
        if self.get_command(ctx, name) or ctx.resilient_parsing or name.startswith("-"):
            return super().resolve_command(ctx, args)
        if name == "help":
            known = args[1:] and self.get_command(ctx, args[1])
            words = [ctx.command_path, *args[1 : 2 if known else 1], "--help"]
            hint = f"; did you mean {' '.join(words)}?"
        else:
            hint = did_you_mean(name, self.spellings(ctx))
        raise click.UsageError(f"No such command {name!r}{hint}", ctx)


def refuse_without_effect(context: click.Context, names: Iterable[str], reason: str) -> None:
    """Refuse options that were passed and have no effect.

    Args:
        context: The context whose options they are.
        names: Names of the options' parameters.
        reason: Where they have no effect.

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


def _refuse_repeated(command: click.Command, context: click.Context, args: list[str]) -> None:
    if context.resilient_parsing:
        return
    _, _, order = command.make_parser(context).parse_args(args=list(args))
    passed: set[click.Parameter] = set()
    for option in order:
        if option in passed and isinstance(option, click.Option) and _holds_one(option):
            several = " with its values separated by commas" * ("," in (option.metavar or ""))
            raise click.UsageError(
                f"{option.opts[-1]} is passed twice; pass it once{several}", context
            )
        passed.add(option)


def _holds_one(option: click.Option) -> bool:
    return not (option.multiple or option.count or option.is_flag)
