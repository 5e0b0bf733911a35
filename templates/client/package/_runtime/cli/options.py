"""An endpoint's parameters as options of its subcommand."""

import re
from collections.abc import Collection, Generator, Iterable, Mapping
from contextlib import contextmanager
from typing import Any

import click

from ..display import visible
from ..endpoint import Endpoint, Kind, Parameter
from ..errors import ParameterError
from .complete import Completer, Methods, option_name
from .describe import Description

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
_SHOWN_VALUES = 12
_PYTHON = re.compile(r"a datetime\.\w+ or a text")


def endpoint_options(
    endpoint: Endpoint,
    description: Description,
    methods: Methods,
    own: frozenset[str],
    *,
    required: bool = True,
) -> list[click.Option]:
    """An option for each query key; one called as one of ``own`` gets ``query-`` in front."""
    names = titles([parameter.python_name for parameter in endpoint.parameters], own)
    return [
        click.Option(
            [f"--{name}", option_name(parameter.python_name)],
            required=parameter.required and required,
            metavar=_METAVARS[parameter.kind],
            help=_help(parameter, description),
            shell_complete=Completer(endpoint, parameter, methods),
        )
        for parameter, name in zip(endpoint.parameters, names, strict=True)
    ]


def titles(python_names: Iterable[str], own: Collection[str]) -> list[str]:
    """Return the command-line names: none is one of ``own``, and no two are the same.

    Each depends on its own Python name alone, so that a new endpoint moves none.
    """
    plain = [name.strip("_").replace("_", "-") for name in python_names]
    return [f"query-{name}" if _bare(name) in own else name for name in plain]


def _bare(name: str) -> str:
    """Return a name without any number of ``query-`` in front."""
    while name.startswith("query-"):
        name = name.removeprefix("query-")
    return name


def _help(parameter: Parameter, description: Description) -> str:
    parts = [description.arguments.get(parameter.python_name, "")]
    if values := parameter.allowed_values:
        shown = ", ".join(map(visible, values[:_SHOWN_VALUES]))
        more = ", …" * (len(values) > _SHOWN_VALUES)
        parts.append(f"One of {shown}{more}; another one is asked for with a warning.")
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
                said = error.reason.removeprefix(f"{error.method}({error.parameter}=…) ")
                raise click.UsageError(
                    f"{option.opts[0]} {said}. {advice}", click.get_current_context()
                ) from None
        raise


def arguments(endpoint: Endpoint, given: Mapping[str, Any]) -> dict[str, Any]:
    """What was given of an endpoint's parameters."""
    names = [parameter.python_name for parameter in endpoint.parameters]
    return {n: given[option_name(n)] for n in names if given.get(option_name(n)) is not None}
