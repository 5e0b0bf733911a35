"""The options of the command for :class:`..download.Limits`."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from ..downloads.public import LimitError, Limits

_SIZE = re.compile(r"([0-9]{1,18})(?:\s*([KMGT])(?:i?B)?)?", re.IGNORECASE)
_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
_OPTIONS = {
    "members": "--max-members",
    "member_bytes": "--max-member-size",
    "total_bytes": "--max-total-size",
    "free_bytes": "--min-free-space",
}

NAMES = frozenset(option.removeprefix("--") for option in _OPTIONS.values())
"""The names of the options."""


if TYPE_CHECKING:
    _IntegerType = click.ParamType[int]
else:  # the oldest click allowed has no type parameter here
    _IntegerType = click.ParamType


class Size(_IntegerType):
    """A number of bytes, such as 500000, 64K or 10G."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number of bytes."""
        match = _SIZE.fullmatch(str(value).strip())
        if match is None:
            self.fail(
                f"{value!r} is not a size. Write bytes, or a number with K, M, G or T, as 10G.",
                param,
                ctx,
            )
        return int(match[1]) * _UNITS[(match[2] or "").upper()]


def limit_options(*, archive: bool) -> list[click.Option]:
    """Return the options.

    Args:
        archive: Whether the endpoint sends archives.
    """
    of_disk = click.Option(
        [_OPTIONS["free_bytes"], "free_bytes"],
        type=Size(),
        metavar="SIZE",
        help="Space that stays free on the disk, by default 256M.",
    )
    if not archive:
        return [of_disk]
    return [
        click.Option(
            [_OPTIONS["members"], "members"],
            type=click.IntRange(min=1),
            metavar="NUMBER",
            help="Maximum number of members of an archive, by default 100,000.",
        ),
        click.Option(
            [_OPTIONS["member_bytes"], "member_bytes"],
            type=Size(),
            metavar="SIZE",
            help="Maximum size of one unpacked member, by default 16G.",
        ),
        click.Option(
            [_OPTIONS["total_bytes"], "total_bytes"],
            type=Size(),
            metavar="SIZE",
            help="Maximum size of an unpacked archive, by default 256G.",
        ),
        of_disk,
    ]


def limits_of(given: Mapping[str, Any]) -> Limits | None:
    """Return the limits that the options set, None if they set none."""
    values = {name: given[name] for name in _OPTIONS if given.get(name) is not None}
    try:
        return Limits(**values) if values else None
    except ValueError:
        raise click.UsageError(
            "a maximum must be at least 1", click.get_current_context()
        ) from None


def limit_advice(error: LimitError) -> str:
    """Return what to do about a limit on the command line."""
    option = _OPTIONS[error.limit]
    if error.limit == "free_bytes":
        return f"Free some space, write to another disk, or pass {option}."
    return f"If you trust the server, pass {option} with a larger value."
