"""Sampling of a server: a few rows of every endpoint, and tests of its metadata."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Self

import attrs
import httpx

from tciagen.api_key import without_key
from tciagen.client_runtime import fold, runtime
from tciagen.contract.model import NO_TAG, Contract, Endpoint, Parameter, Type
from tciagen.documents.address import check_base_url
from tciagen.http import REQUEST_ERRORS, open_client, unreachable
from tciagen.live.observation import Observation
from tciagen.live.rows import Row, client_endpoint, decode
from tciagen.python.signature import keywords

SAMPLE_BYTES = 2 * 1024 * 1024
"""Maximum size of a response that is read; of longer ones the first rows count."""

MISSING_PARAMETER = 471
_SNIFF_BYTES = 4096
_FILE_TYPES = {"ZIP": "application/zip", "DICOM": "application/dicom"}
_GUESSES = {Type.DATE: "1900-01-01", Type.DATE_TIME: "1900-01-01 00:00:00"}

Arguments = Mapping[str, str]


@attrs.frozen
class Sample:
    """Rows of one endpoint and the arguments of the request; a file endpoint has no rows.

    ``rows`` are as sent, ``values`` are the client's values by name of the attribute.
    """

    arguments: Arguments
    rows: Sequence[Row] = ()
    values: Sequence[Row] = ()


@attrs.frozen
class Report:
    """Observations, samples, and the endpoints that could not be sampled."""

    observations: tuple[Observation, ...]
    samples: Mapping[str, Sample]
    skipped: tuple[str, ...]


def schema_differs(
    base_url: str, schema: object, name: str, api_key: str | None = None
) -> str | None:
    """Return how the server's schema differs from ours, or None.

    Args:
        base_url: BaseURL of the server.
        schema: The schema of the documents.
        name: Its name in the message.
        api_key: API key, sent as a header.

    Raises:
        ServerProblem: The server is unreachable.
    """
    with _Server(base_url, api_key) as server:
        status, _, body = server.get("schema", {})
    if status != httpx.codes.OK:
        return f"the server has no schema to compare: it responded with status {status}"
    try:
        same = json.loads(body) == schema
    except ValueError:
        return "the server's schema is not JSON"
    return None if same else f"the server's schema differs from {name}"


def sample(
    base_url: str,
    contract: Contract,
    known: Mapping[str, Arguments] | None = None,
    api_key: str | None = None,
) -> Report:
    """Request rows of every endpoint and compare them with the contract.

    Args:
        base_url: BaseURL of the server.
        contract: The contract.
        known: Recorded arguments by address, for values that no other endpoint returns.
        api_key: API key, sent as a header.

    Raises:
        ServerProblem: The server is unreachable.
    """
    with _Server(base_url, api_key) as server:
        return _Sampler(server, contract, known or {}).run()


class _Server:
    def __init__(self, base_url: str, api_key: str | None = None) -> None:
        check_base_url(base_url)
        self.api_key = api_key
        self.base_url = base_url.rstrip("/")
        self.client = open_client(base_url, api_key)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    def get(self, path: str, query: Arguments, limit: int = SAMPLE_BYTES) -> tuple[int, str, bytes]:
        """Return status, content type and the first bytes of a response."""
        url = f"{self.base_url}/{path}"
        body = bytearray()
        try:
            with self.client.stream("GET", url, params=dict(query)) as response:
                for chunk in response.iter_bytes():
                    body += chunk
                    if len(body) >= limit:
                        break
        except REQUEST_ERRORS as error:
            raise unreachable(url, error) from error
        kind = response.headers.get("Content-Type", "").split(";")[0].strip().lower()
        return response.status_code, kind, without_key(bytes(body), self.api_key)


class _Sampler:
    def __init__(self, server: _Server, contract: Contract, known: Mapping[str, Arguments]) -> None:
        self.server = server
        self.contract = contract
        self.known = known
        self.pool: dict[str, str] = {}
        self.observations: list[Observation] = []
        self.samples: dict[str, Sample] = {}

    def run(self) -> Report:
        # Records with most attributes first, since arguments should come from one row.
        waiting = sorted(
            self.contract,
            key=lambda e: (_required(e) != [], -len(e.result.attributes), e.address),
        )
        while waiting:
            ready = next((e for e in waiting if self._arguments(e) is not None), None)
            if ready is None:
                break
            waiting.remove(ready)
            self._endpoint(ready, self._arguments(ready) or {})
        return Report(
            tuple(sorted(self.observations)),
            dict(sorted(self.samples.items())),
            tuple(sorted(endpoint.address for endpoint in waiting)),
        )

    def _arguments(self, endpoint: Endpoint) -> Arguments | None:
        """Return values for all required parameters, or None while one is unknown."""
        recorded = self.known.get(endpoint.address, {})
        found = {p.name: self._value(p, recorded.get(p.name)) for p in _required(endpoint)}
        reported = {name: value for name, value in found.items() if value is not None}
        return reported if len(reported) == len(found) else None

    def _value(self, parameter: Parameter, recorded: str | None) -> str | None:
        for key in (parameter.dicom, fold(parameter.name)):
            if key is not None and key != NO_TAG and key in self.pool:
                return self.pool[key]
        reported = (recorded, parameter.example, *(parameter.allowed_values or ()))
        return next(filter(None, reported), _GUESSES.get(parameter.type))

    def _report(self, endpoint: Endpoint, rule: str, message: str, pointer: str = "") -> None:
        self.observations.append(Observation(endpoint.address, pointer, rule, message))

    def _endpoint(self, endpoint: Endpoint, arguments: Arguments) -> None:
        limit = 1 if endpoint.returns_file else SAMPLE_BYTES
        status, kind, body = self.server.get(endpoint.address, arguments, limit)
        if status == MISSING_PARAMETER:
            sent = ", ".join(arguments) or "no key"
            message = f"471 although every required key was sent ({sent})"
            self._report(endpoint, "wire-required-undeclared", message)
            return
        if status >= httpx.codes.BAD_REQUEST:
            gone = status == httpx.codes.INTERNAL_SERVER_ERROR and b"not found" in body
            rule = "wire-endpoint-gone" if gone else "endpoint-unreachable"
            self._report(endpoint, rule, f"the server responded with status {status}")
            return
        if endpoint.returns_file:
            self.samples[endpoint.address] = Sample(arguments)
        else:
            is_complete = len(body) < SAMPLE_BYTES
            decoded = decode(
                endpoint, body, arguments=arguments, media_type=kind, is_complete=is_complete
            )
            self.observations += decoded.observations
            if not decoded.is_valid:
                return
            self.samples[endpoint.address] = Sample(arguments, _rows(body), decoded.rows)
            self._remember(endpoint, decoded.rows)
        self._formats(endpoint, arguments, kind, body)
        self._requirements(endpoint, arguments)

    def _remember(self, endpoint: Endpoint, rows: Iterable[Row]) -> None:
        """Store the values of the fullest row, as arguments for other endpoints."""
        fullest = max(rows, key=lambda row: sum(v is not None for v in row.values()), default={})
        for attribute in endpoint.result.attributes:
            value = fullest.get(attribute.name)
            if value and isinstance(value, str | date):
                self.pool.setdefault(fold(attribute.name), str(value))
                if attribute.dicom not in (None, NO_TAG):
                    self.pool.setdefault(str(attribute.dicom), str(value))

    def _formats(self, endpoint: Endpoint, arguments: Arguments, kind: str, body: bytes) -> None:
        formats = endpoint.formats or ()
        for format_ in formats:
            if len(formats) > 1:
                query = {**arguments, "format": format_}
                status, kind, body = self.server.get(endpoint.address, query, _SNIFF_BYTES)
                if status >= httpx.codes.BAD_REQUEST:
                    kind, body = f"status {status}", b""
            if not _is_format(endpoint, format_, kind, body):
                message = f"requested {format_}, received {kind or 'no content type'}"
                self._report(endpoint, "wire-format-ignored", message, "/Formats")

    def _requirements(self, endpoint: Endpoint, arguments: Arguments) -> None:
        for parameter in _required(endpoint):
            query = {k: v for k, v in arguments.items() if k != parameter.name}
            status, _, _ = self.server.get(endpoint.address, query, limit=1)
            if status < httpx.codes.BAD_REQUEST:
                message = (
                    f"{parameter.name} is declared as required, but the server does not require it"
                )
                pointer = f"/Parameters/{parameter.name}"
                self._report(endpoint, "wire-required-not-enforced", message, pointer)


def _required(endpoint: Endpoint) -> list[Parameter]:
    """Return the required keywords, without the API key and the format."""
    return [p for p in keywords(endpoint) if p.required]


def _is_format(endpoint: Endpoint, format_: str, kind: str, body: bytes) -> bool:
    """Return whether the client takes a response for one of the requested format."""
    if format_ in _FILE_TYPES:
        return kind == _FILE_TYPES[format_]
    formats, wanted = runtime("decoding.formats"), format_.lower()
    found = formats.format_of(body[:_SNIFF_BYTES], client_endpoint(endpoint))
    is_labelled: bool = formats.is_labelled(kind, wanted)
    return is_labelled and found in (None, wanted)


def _rows(body: bytes) -> list[Row]:
    """Return the rows of a valid JSON response, the complete ones of a truncated response."""
    text = body or b"[]"
    if len(body) >= SAMPLE_BYTES:
        text = body[: body.rfind(b"},") + 1] + b"]"
    rows: list[Row] = json.loads(text)
    return rows
