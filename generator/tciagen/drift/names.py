"""The names that the generated client gives to what a contract describes."""

from functools import cache

from tciagen.contract.model import Attribute, Endpoint, Parameter
from tciagen.errors import DocumentProblem
from tciagen.python.names import snake_case, variable
from tciagen.python.signature import (
    RESERVED_FIELDS,
    RESERVED_METHODS,
    RESERVED_PARAMETERS,
    method_name,
)


def python_name(
    node: Parameter | Attribute | Endpoint, reserved: frozenset[str] | None = None
) -> str:
    """Return the name that the generated client gives a node, ``class_`` for ``class``.

    Args:
        node: The endpoint, parameter or attribute.
        reserved: Names that its kind cannot have, where the kind alone does not decide: those
            of :func:`~tciagen.python.signature.reserved_parameters`.
    """
    if isinstance(node, Endpoint):
        return _published(node.python_name or method_name(node), RESERVED_METHODS)
    if reserved is None:
        reserved = RESERVED_FIELDS if isinstance(node, Attribute) else RESERVED_PARAMETERS
    return _published(node.python_name or node.name, reserved)


@cache
def _published(name: str, reserved: frozenset[str]) -> str:
    try:
        return variable(name, reserved)
    except DocumentProblem:  # of which `generate` complains
        return snake_case(name)
