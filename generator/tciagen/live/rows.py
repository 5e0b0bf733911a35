"""Comparison of a response with the contract, by the decoders and drift rules of the client."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs

from tciagen.client_runtime import runtime
from tciagen.contract.model import Endpoint
from tciagen.display import listed, shorten
from tciagen.live.observation import Observation

Row = Mapping[str, Any]


@attrs.frozen
class Decoded:
    """The rows and the reports of the client for a response.

    ``rows`` have the client's values by the documented names of the attributes. ``is_valid`` is
    false if the client raises an error for the whole response.
    """

    rows: Sequence[Row]
    observations: Sequence[Observation]
    is_valid: bool = True


def decode(
    endpoint: Endpoint,
    body: bytes,
    *,
    arguments: Mapping[str, str] | None = None,
    media_type: str = "application/json",
    is_complete: bool = True,
) -> Decoded:
    """Decode a JSON response and compare it with the contract.

    Args:
        endpoint: The endpoint.
        body: The body, or the beginning of it.
        arguments: The arguments of the request.
        media_type: The header Content-Type.
        is_complete: Whether the body has its end.
    """
    plan = client_endpoint(endpoint)
    mismatches: list[Any] = []
    names = [attribute.python_name for attribute in plan.attributes]
    model = attrs.make_class(
        "Row", {name: attrs.field() for name in names}, frozen=True, slots=True
    )
    reader = runtime("decoding.rows").RowReader(
        runtime("decoding.rows").Blueprint(plan, model), mismatches.append
    )
    decoder = runtime("decoding.formats").decoder("json", reader)
    filters = runtime("drift.filters").Filters(plan, arguments or {})
    try:
        records = decoder.feed(body)
        if is_complete:
            records += decoder.finish()
        decoder.check()
    except runtime("errors").InvalidResponseError as error:
        rule = error.rule or "wire-media-type-mismatch"
        return Decoded((), [Observation(endpoint.address, "", rule, error.reason)], is_valid=False)
    filters.check(records)
    rows = [{a.name: getattr(record, a.python_name) for a in plan.attributes} for record in records]
    drifts = runtime("drift.detector").response_drifts(plan, "json", media_type, decoder, filters)
    found = [
        *(_mismatch(endpoint, error) for error in mismatches),
        *(one for drift in drifts for one in _drift(endpoint, drift)),
        *_never_sent(endpoint, rows),
    ]
    return Decoded(rows, sorted(found))


def client_endpoint(endpoint: Endpoint) -> Any:
    """Return an endpoint of the contract as the runtime describes it."""
    client = runtime("endpoint")
    result = endpoint.result
    return client.Endpoint(
        resource=endpoint.resource,
        name=endpoint.name,
        parameters=tuple(client.Parameter(p.name, p.name, p.type) for p in endpoint.parameters),
        attributes=tuple(
            client.Attribute(
                attribute.name,
                f"attribute_{index}",
                "undeclared" if attribute.undeclared else attribute.type.value,
                optional=attribute.optional,
                aliases=attribute.aliases,
                allowed_values=attribute.allowed_values or (),
            )
            for index, attribute in enumerate(result.attributes)
        ),
    )


def _mismatch(endpoint: Endpoint, error: Any) -> Observation:
    attribute = endpoint.result.attributes[int(error.attribute.removeprefix("attribute_"))]
    if error.value is None:
        message = f"{attribute.name} is declared as always present, but is missing"
    else:
        message = f"{_short(error.value)} is not a valid {attribute.type}"
    pointer = f"/Result/Attributes/{attribute.name}"
    return Observation(endpoint.address, pointer, error.rule, message, error.row)


def _drift(endpoint: Endpoint, drift: Any) -> Iterator[Observation]:
    if drift.rule == "wire-value-undeclared":
        values = listed([_short(change.after) for change in drift.changes])
        message = f"not among the allowed values: {values}"
        yield Observation(endpoint.address, drift.changes[0].pointer, drift.rule, message)
        return
    for change in drift.changes:
        if drift.rule == "wire-attr-undeclared":
            message = f"the contract has no {change.after}"
        else:
            message = f"requested {_short(change.before)}, received {_short(change.after)}"
        yield Observation(endpoint.address, change.pointer, drift.rule, message)


def _never_sent(endpoint: Endpoint, rows: Sequence[Row]) -> Iterator[Observation]:
    for attribute in endpoint.result.attributes:
        never = rows and all(row[attribute.name] is None for row in rows)
        if attribute.optional and never:
            pointer = f"/Result/Attributes/{attribute.name}"
            message = f"{attribute.name} is in none of {len(rows)} sampled rows"
            yield Observation(endpoint.address, pointer, "wire-attr-never-sent", message)


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return json.dumps(shorten(text, 40))
