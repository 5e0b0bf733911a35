"""The names that the generated client gives to what a contract describes."""

from functools import cache

from tciagen.contract.model import Attribute, Endpoint, Parameter
from tciagen.python.names import snake_case
from tciagen.python.signature import method_name

_snake = cache(snake_case)


def python_name(node: Parameter | Attribute | Endpoint) -> str:
    """Return the name that the generated client gives a node."""
    if isinstance(node, Endpoint):
        return _snake(node.python_name or method_name(node))
    return _snake(node.python_name or node.name)
