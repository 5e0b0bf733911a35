"""Roles of attributes: which ones state the number and size of the files of a download.

In the table of an API::

    [tool.tciagen.fleet.files."Fleet/getHullScan"]
    count = [{ endpoint = "Fleet/countHullScans", attribute = "ScanCount" }]
    size = [{ endpoint = "Fleet/countHullScans", attribute = "ScanBytes" }]

``count`` is the number of files of one download, ``size`` the sum of their sizes in bytes;
``columns = ["Number of Scans"]`` in an entry of ``count`` names columns that state the same number
in tables of other tools. An endpoint that states the size has to be one that states the count.
No document states this, and neither the generator nor the generated client knows an endpoint by
name.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs

from tciagen.contract.model import Contract, Endpoint, FileRoles, StatedBy, Type
from tciagen.documents.address import parse_endpoint
from tciagen.errors import UsageProblem
from tciagen.suggestions import suggestion

Roles = Mapping[str, FileRoles]
"""The roles of each file endpoint, by its address."""

EXAMPLE = '{ "Fleet/getHullScan" = { count = [{ endpoint = "…", attribute = "…" }] } }'
_KEYS = ("count", "size")
_SOURCE_KEYS = frozenset({"endpoint", "attribute"})
_FURTHER_KEYS = {"count": frozenset({"columns"}), "size": frozenset[str]()}


def invalid_roles(table: object) -> Iterator[str]:
    """Yield a clause for each part of the table ``files`` that has the wrong form."""
    if not isinstance(table, dict) or not all(isinstance(v, dict) for v in table.values()):
        yield f"files must be a table such as {EXAMPLE}"
        return
    for name, roles in table.items():
        where = f'files."{name}"'
        try:
            parse_endpoint(name)
        except UsageProblem as problem:
            yield f"files: {problem}"
        for key in sorted(roles.keys() - set(_KEYS)):
            yield f"{where}: unknown key {key!r}{suggestion(key, set(_KEYS))}"
        for key in _KEYS:
            yield from (f"{where}: {reason}" for reason in _invalid_list(key, roles.get(key, [])))


def _invalid_list(key: str, sources: object) -> Iterator[str]:
    if not isinstance(sources, list) or not all(_is_source(key, one) for one in sources):
        example = '[{ endpoint = "Fleet/countHullScans", attribute = "ScanCount" }]'
        yield f"{key} must be a list such as {example}"
        return
    for source in sources:
        try:
            parse_endpoint(source["endpoint"])
        except UsageProblem as problem:
            yield f"{key}: {problem}"


def _is_source(key: str, source: object) -> bool:
    if not isinstance(source, dict):
        return False
    columns = source.get("columns", [])
    return (
        _SOURCE_KEYS <= source.keys() <= _SOURCE_KEYS | _FURTHER_KEYS[key]
        and all(isinstance(source[name], str) for name in _SOURCE_KEYS)
        and isinstance(columns, list)
        and all(isinstance(name, str) and name.strip() for name in columns)
    )


def read_roles(table: Mapping[str, Any]) -> dict[str, FileRoles]:
    """Return the roles of a table in which :func:`invalid_roles` found nothing."""
    return {
        parse_endpoint(name): FileRoles(
            **{
                key: tuple(
                    StatedBy(
                        endpoint=parse_endpoint(s["endpoint"]),
                        attribute=s["attribute"],
                        columns=tuple(s.get("columns", ())),
                    )
                    for s in sources
                )
                for key, sources in roles.items()
            }
        )
        for name, roles in table.items()
    }


def with_roles(contract: Contract, roles: Roles) -> Contract:
    """Return the contract whose file endpoints have these roles."""
    return Contract(
        tuple(
            attrs.evolve(endpoint, roles=roles[endpoint.address])
            if endpoint.address in roles
            else endpoint
            for endpoint in contract
        )
    )


def check_roles(contract: Contract, roles: Roles) -> None:
    """Refuse roles that do not fit the contract.

    Raises:
        UsageProblem: An endpoint or attribute does not exist or is of the wrong kind; all
            findings are reported together.
    """
    endpoints = contract.by_address()
    problems: list[str] = []
    for address, one in roles.items():
        where = f'The configuration\'s files."{_short(address)}"'
        endpoint = endpoints.get(address)
        if endpoint is None:
            hint = suggestion(_short(address), set(map(_short, endpoints)))
            problems.append(f"{where}: the API has no such endpoint{hint}.")
        elif not endpoint.returns_file:
            problems.append(f"{where}: the endpoint returns records, not a file.")
        for key, sources in (("count", one.count), ("size", one.size)):
            problems += (f"{where}: {key}: {why}" for why in _unfit(endpoints, key, sources))
        counting = {source.endpoint for source in one.count}
        problems += (
            f"{where}: size: {_short(source.endpoint)} is not listed in count; list it there too."
            for source in one.size
            if source.endpoint not in counting
        )
    if problems:
        raise UsageProblem("\n".join(problems))


def _unfit(
    endpoints: Mapping[str, Endpoint], key: str, sources: Sequence[StatedBy]
) -> Iterator[str]:
    for source in sources:
        name = _short(source.endpoint)
        endpoint = endpoints.get(source.endpoint)
        if endpoint is None:
            hint = suggestion(name, set(map(_short, endpoints)))
            yield f"the API has no endpoint {name}{hint}."
            continue
        if endpoint.returns_file:
            yield f"{name} returns a file, so that no attribute of it states a {key}."
            continue
        attributes = {attribute.name: attribute for attribute in endpoint.result.attributes}
        attribute = attributes.get(source.attribute)
        if attribute is None:
            hint = suggestion(source.attribute, set(attributes))
            yield f"{name} has no attribute {source.attribute}{hint}."
        elif attribute.type is not Type.INTEGER:
            yield (
                f"{source.attribute} of {name} has the type {attribute.type}, and a {key} is of"
                f" type {Type.INTEGER}; set the type in the overlay, or name another attribute."
            )


def _short(address: str) -> str:
    return address.replace("/query/", "/")
