"""Names that all projections share."""

import re
from collections.abc import Hashable

from tciagen.contract.model import Contract, Endpoint
from tciagen.python.class_names import class_of, shape_of


def record_names(contract: Contract) -> dict[str, str]:
    """Return the record type of each endpoint that returns records, by address.

    As in the generated client: endpoints that name the same class share it if their
    attributes are the same, else each gets its endpoint's name in front.
    """
    shapes: dict[str, set[Hashable]] = {}
    record_endpoints = [endpoint for endpoint in contract if not endpoint.returns_file]
    for endpoint in record_endpoints:
        shapes.setdefault(class_of(endpoint), set()).add(_shape(endpoint))
    return {
        endpoint.address: class_of(endpoint)
        if len(shapes[class_of(endpoint)]) == 1
        else f"{symbol(endpoint.name)}{class_of(endpoint)}"
        for endpoint in record_endpoints
    }


def first_of_each(contract: Contract, names: dict[str, str]) -> dict[str, Endpoint]:
    """Return for each record type the endpoint that describes it, in the contract's order."""
    first: dict[str, Endpoint] = {}
    for endpoint in contract:
        if endpoint.address in names:
            first.setdefault(names[endpoint.address], endpoint)
    return first


def by_resource(contract: Contract) -> dict[str, list[Endpoint]]:
    """Return the endpoints of each resource."""
    resources: dict[str, list[Endpoint]] = {}
    for endpoint in contract:
        resources.setdefault(endpoint.resource, []).append(endpoint)
    return resources


def symbol(text: str) -> str:
    """Return a server's string as an identifier of every language."""
    plain = re.sub(r"\W", "_", text, flags=re.ASCII)
    return plain if plain and not plain[0].isdigit() else f"_{plain}"


def _shape(endpoint: Endpoint) -> Hashable:
    shape = shape_of(endpoint.result)
    assert isinstance(shape, Hashable)
    return shape
