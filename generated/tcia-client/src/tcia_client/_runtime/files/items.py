"""What a caller passes to download many files, one item for each download."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

import attrs

from ..endpoint import Endpoint
from ..errors import ParameterError
from ..request import Request


@attrs.frozen(kw_only=True)
class Item:
    """One download that was requested among many.

    Attributes:
        source: The row, mapping or UID that the caller passed.
        request: The request for it.
    """

    source: Any
    request: Request


def keyword_arguments(endpoint: Endpoint, method: str, source: Any) -> dict[str, Any]:
    """Return the keyword arguments that one item stands for.

    Args:
        endpoint: The file endpoint.
        method: Name of the client's method, for the error message.
        source: A mapping of keyword arguments; a row, whose attributes are used for the
            required parameters; or a string, for the only required parameter.

    Raises:
        ParameterError: The item is none of these.
    """
    required = [parameter.python_name for parameter in endpoint.parameters if parameter.required]
    if isinstance(source, Mapping):
        return dict(cast("Mapping[str, Any]", source))
    if isinstance(source, str) and len(required) == 1:
        return {required[0]: source}
    if required and all(hasattr(source, name) for name in required):
        return {name: getattr(source, name) for name in required}
    needed = " and ".join(required) or "none"
    raise ParameterError(
        f"{method}.many cannot ask with {source!r:.80}",
        method=method,
        parameter="items",
        endpoint=endpoint.address,
        advice=f"Give mappings of keyword arguments, or rows that have what is required: {needed}.",
    )


def each_item(items: Iterable[Any]) -> Iterator[Any]:
    """Yield each item; a single string or mapping is one item."""
    yield from cast("Iterable[Any]", (items,) if isinstance(items, str | Mapping) else items)
