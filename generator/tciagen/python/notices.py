"""Notices about a contract whose statements contradict each other."""

from collections.abc import Iterable, Iterator

from tciagen.client_runtime import text_fits
from tciagen.contract.model import Attribute, Contract, Parameter, Type
from tciagen.display import listed
from tciagen.python.signature import closed_set


def member_notices(contract: Contract) -> Iterator[str]:
    """Yield a sentence for each parameter or attribute whose statements are inconsistent."""
    for endpoint in contract:
        for parameter in endpoint.parameters:
            where = f"{endpoint.address}: parameter {parameter.name}"
            yield from _allowed_values(where, parameter)
            yield from _default(where, parameter)
        for attribute in endpoint.result.attributes:
            yield from _allowed_values(f"{endpoint.address}: attribute {attribute.name}", attribute)


def _allowed_values(where: str, member: Parameter | Attribute) -> Iterator[str]:
    allowed = member.allowed_values or ()
    invalid = [value for value in allowed if not text_fits(member.type, value)]
    if invalid:
        yield f"{where}: AllowedValues has {_listed(invalid)}, not of type {member.type}"
    every_boolean = member.type is Type.BOOLEAN and set(allowed) == {"true", "false"}
    if allowed and not closed_set(member) and not every_boolean:
        yield (
            f"{where}: the client has no Literal for AllowedValues of type {member.type}"
            f" ({_listed(allowed)}), so neither a type checker nor the client checks them"
        )


def _default(where: str, parameter: Parameter) -> Iterator[str]:
    default = parameter.default
    if default is None:
        return
    if not text_fits(parameter.type, default):
        yield f"{where}: the default {default!r} is not of type {parameter.type}"
    elif parameter.allowed_values and default not in parameter.allowed_values:
        yield (
            f"{where}: the default {default!r} is not among AllowedValues"
            f" ({_listed(parameter.allowed_values)})"
        )


def _listed(values: Iterable[str]) -> str:
    return listed([*map(repr, values)])
