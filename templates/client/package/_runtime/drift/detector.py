"""Detect that a server differs from the contract that the package was generated from.

Servers send the metadata of an endpoint in the header ``metadata`` of each response.
:class:`DriftDetector` compares it with the package's ``contract.json`` by meaning. It compares each
header once, and ignores a header that is absent, empty, malformed or huge. After the last row of a
response, it reports what the rows show beyond that.

The rules have the ids of ``tciagen rules``, which explains them.
"""

import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import attrs

from ..decoding.decoder import SNIFF_BYTES, Decoder
from ..decoding.formats import format_of, is_labelled
from ..display import short_json, visible
from ..endpoint import Endpoint, Value
from ..errors import ApiError
from ..http.options import Options
from ..http.request import Request
from ..naming import fold
from ..warn import warn_caller
from .compare import ContractChange, Json, compare
from .filters import Filters

OnDrift = Literal["warn", "raise", "off"] | Callable[["Drift"], object]

METADATA_HEADER = "metadata"
VERSION_HEADER = "bindaas-version"
MAX_HEADER_LENGTH = 256 * 1024
_MAX_CHANGES = 100
_MAX_LISTED = 8
_MAX_VERSIONS = 16
_MAX_VERSION_LENGTH = 100
_UPDATE = " Update or regenerate the package when convenient."

_MESSAGES = {
    "wire-metadata-differs": (
        "{endpoint} has changed since this package was generated ({changes}).{update}"
    ),
    "wire-attr-undeclared": (
        "{endpoint} sends {values}, unknown when this package was generated ({rule})."
        " The rows do not have it; everything else works.{update}"
    ),
    "wire-value-undeclared": (
        "{endpoint} sends {values} as {name}, not listed when this package was generated ({rule})."
        " The rows have the value unchanged; code that handles each listed value must handle one"
        " more.{update}"
    ),
    "wire-media-type-mismatch": (
        "{endpoint} returned the requested {before}, but with the media type {values} ({rule})."
        " The rows are complete; report it to the operator of the server or of the proxy."
    ),
    "wire-filter-ignored": (
        "{endpoint} was queried with {queries} and sends rows with {values} ({rule})."
        " The server may ignore the filter, so the result may have rows that do not match the"
        " query. Check the rows, and update or regenerate the package."
    ),
    "wire-format-ignored": (
        "{endpoint} returned {values} instead of the requested {before} ({rule})."
        " The raw response is unchanged. Request the received format, and update or regenerate the"
        " package."
    ),
}


@attrs.frozen
class Drift:
    """The differences of one endpoint from the package's contract.

    Attributes:
        endpoint: Address of the endpoint, such as ``Resource/query/name``.
        changes: The differences.
        rule: ``wire-metadata-differs`` if the metadata shows them, another rule if a response does.
    """

    endpoint: str
    changes: tuple[ContractChange, ...]
    rule: str = "wire-metadata-differs"

    @property
    def rules(self) -> tuple[str, ...]:
        """The ids of the rules of all changes, each once."""
        return tuple(dict.fromkeys(change.rule for change in self.changes))

    def __str__(self) -> str:
        first = self.changes[0]
        queries = [f"{_name(c)}={short_json(c.before)}" for c in self.changes]
        message = _MESSAGES[self.rule].format(
            endpoint=self.endpoint,
            rule=self.rule,
            changes=_listed([str(change) for change in self.changes], "; "),
            values=_listed([short_json(change.after) for change in self.changes], ", "),
            before=first.before,
            queries=_listed(queries, ", "),
            name=first.pointer.rpartition("/")[0].rpartition("/")[2],
            update=_UPDATE,
        )
        return visible(message)


class ContractDriftWarning(UserWarning):
    """An endpoint differs from the package's contract.

    Attributes:
        drift: The differences.
    """

    def __init__(self, drift: Drift) -> None:
        super().__init__(str(drift))
        self.drift = drift


class ContractDriftError(ApiError):
    """An endpoint differs from the package's contract, with ``on_drift="raise"``.

    Attributes:
        drift: The differences.
    """

    default_advice = 'Regenerate the package, or pass on_drift="warn".'

    def __init__(self, drift: Drift) -> None:
        super().__init__(str(drift), endpoint=drift.endpoint)
        self.drift = drift
        self.rule = drift.rule

    def __reduce__(self) -> Any:
        return type(self), (self.drift,)


_INVALID_HEADER = (
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    RecursionError,
    OSError,
    ImportError,
)
_LOCK = threading.Lock()
_WARNED: set[tuple[str, ...]] = set()
"""The warnings of this process, each by package, endpoint, rule and pointer."""


def response_drifts(
    endpoint: Endpoint, wanted: str, media_type: str, decoder: Decoder[Any], filters: Filters
) -> Iterator[Drift]:
    """Yield what a response of rows shows.

    Args:
        endpoint: The endpoint.
        wanted: The format that was requested.
        media_type: The header Content-Type.
        decoder: The decoder after the end of the response.
        filters: The filters, which have checked all rows.
    """
    address, rows = endpoint.address, decoder.rows
    if not is_labelled(media_type, wanted) and decoder.first_bytes.strip():
        rule = "wire-media-type-mismatch"
        yield Drift(address, (ContractChange(rule, "/Formats", wanted, media_type),), rule)
    attributes = "/Result/Attributes"
    if undeclared := rows.layouts.undeclared:
        rule = "wire-attr-undeclared"
        changes = (ContractChange(rule, f"{attributes}/{n}", None, n) for n in undeclared)
        yield Drift(address, tuple(changes), rule)
    for name, texts in rows.undeclared_values().items():
        rule = "wire-value-undeclared"
        wire_name = next(a.name for a in endpoint.attributes if a.python_name == name)
        pointer = f"{attributes}/{wire_name}/AllowedValues"
        yield Drift(address, tuple(ContractChange(rule, pointer, None, t) for t in texts), rule)
    if filters.found:
        yield Drift(address, tuple(filters.found), "wire-filter-ignored")


class DriftDetector:
    """Compares the responses to one client with the contract of its package.

    Args:
        package: Name of the package.
        on_drift: What happens with a difference.
        options: The options of the client.
    """

    def __init__(self, package: str, on_drift: OnDrift, options: Options) -> None:
        self._package = package
        self._on_drift = on_drift
        self._logger = options.logger
        self._redactor = options.redactor
        self._headers: dict[str, tuple[str | None, Drift | None]] = {}
        self._reported: set[tuple[str, ...]] = set()
        self._version: str | None = None
        self._versions: set[str] = set()

    def check_headers(self, endpoint: Endpoint, headers: Mapping[str, str]) -> None:
        """Check the headers of a response.

        Raises:
            ContractDriftError: The metadata differs, and ``on_drift`` is ``"raise"``.
        """
        if self._on_drift == "off":
            return
        header, address = headers.get(METADATA_HEADER), endpoint.address
        known = self._headers.get(address)
        if known is None or known[0] != header:
            known = header, self._compare(address, header or "{}")
            self._headers[address] = known
        if (version := headers.get(VERSION_HEADER)) != self._version and version:
            self._log_version(version)
        if known[1] is not None:
            self._report(known[1])

    def filters(self, request: Request) -> Filters:
        """Return the filters that check the rows of a response."""
        values: Mapping[str, Value] = request.arguments.values
        return Filters(request.endpoint, {} if self._on_drift == "off" else values)

    def check_rows(
        self,
        request: Request,
        headers: Mapping[str, str],
        decoder: Decoder[Any],
        filters: Filters,
    ) -> None:
        """Check a response of rows after its end.

        Raises:
            ContractDriftError: The response differs, and ``on_drift`` is ``"raise"``.
        """
        if self._on_drift == "off":
            return
        endpoint, media_type = request.endpoint, headers.get("content-type", "")
        wanted = request.format or "json"
        for drift in response_drifts(endpoint, wanted, media_type, decoder, filters):
            _, described = self._headers.get(endpoint.address, (None, None))
            known = described.changes if described else ()
            new = [change for change in drift.changes if not _is_known(change, known)]
            if new:
                self._report(attrs.evolve(drift, changes=tuple(new[:_MAX_CHANGES])))

    def check_raw(self, request: Request, content: bytes) -> None:
        """Check a response of records that is returned unchanged.

        Raises:
            ContractDriftError: It has another format, and ``on_drift`` is ``"raise"``.
        """
        if self._on_drift == "off":
            return
        found = format_of(content[:SNIFF_BYTES], request.endpoint)
        if found not in (None, request.format):
            rule = "wire-format-ignored"
            change = ContractChange(rule, "/Formats", request.format, found)
            self._report(Drift(request.endpoint.address, (change,), rule))

    def _compare(self, address: str, header: str) -> Drift | None:
        try:
            document: Any = json.loads(header) if len(header) <= MAX_HEADER_LENGTH else None
            if document == {}:
                self._log_unreadable(address, "it is absent or empty")
                return None
            changes = tuple(compare(contract_of(self._package)[address], document))
        except _INVALID_HEADER as error:
            self._log_unreadable(address, self._redactor(repr(error)))
            return None
        return Drift(address, changes) if changes else None

    def _log_unreadable(self, address: str, reason: str) -> None:
        self._logger.debug(
            "%s: the metadata header cannot be used: %s (wire-metadata-unreadable)", address, reason
        )

    def _log_version(self, version: str) -> None:
        version = self._redactor(version)[:_MAX_VERSION_LENGTH]
        with _LOCK:
            before, self._version = self._version, version
            new = version not in self._versions and len(self._versions) < _MAX_VERSIONS
            if new:
                self._versions.add(version)
        if before is not None and new:
            self._logger.info(
                "the server's version is %s, and was %s (wire-server-changed)", version, before
            )

    def _report(self, drift: Drift) -> None:
        drift = attrs.evolve(drift, changes=tuple(map(self._redacted, drift.changes)))
        if self._on_drift == "raise":
            raise ContractDriftError(drift)
        subject = drift.changes[0].pointer if drift.rule == "wire-value-undeclared" else ""
        key = (self._package, drift.endpoint, drift.rule, subject)
        reported = self._reported if callable(self._on_drift) else _WARNED
        with _LOCK:
            if key in reported:
                return
            reported.add(key)
        if callable(self._on_drift):
            self._on_drift(drift)
        else:
            warn_caller(ContractDriftWarning(drift))

    def _redacted(self, change: ContractChange) -> ContractChange:
        """Return a change without the key in what the server sent."""
        pointer, after = change.pointer, self._redactor.value(change.after)
        parent, _, name = pointer.rpartition("/")
        if change.before is None and name == change.after:
            pointer = f"{parent}/{self._redactor(name)}"
        return attrs.evolve(change, pointer=pointer, after=after)


def _is_known(change: ContractChange, known: Iterable[ContractChange]) -> bool:
    """Return whether changes of the metadata explain what a response shows."""
    for other in known:
        if change.rule == "wire-attr-undeclared":
            explains = other.rule.startswith(("attr-added", "attr-renamed")) and (
                fold(str(other.after)) == fold(str(change.after))
            )
        elif change.rule == "wire-value-undeclared":
            explains = (other.pointer, other.after) == (change.pointer, change.after)
        else:
            explains = other.rule.startswith(("param-removed", "param-renamed")) and (
                other.pointer.split("/")[2] == _name(change)
            )
        if explains:
            return True
    return False


def _name(change: ContractChange) -> str:
    return change.pointer.rpartition("/")[2]


def _listed(texts: Sequence[str], separator: str) -> str:
    shown = list(texts[:_MAX_LISTED])
    if further := len(texts) - len(shown):
        shown.append(f"and {further if len(texts) < _MAX_CHANGES else 'many'} more")
    return separator.join(shown)


@cache
def contract_of(package: str) -> Mapping[str, Json]:
    """Return the endpoints of a package's ``contract.json`` by address."""
    body = files(package).joinpath("contract.json").read_bytes()
    return {f"{e['resource']}/query/{e['name']}": e for e in json.loads(body)["endpoints"]}
