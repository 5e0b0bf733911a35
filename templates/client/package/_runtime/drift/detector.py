"""What a server says and does now, held against what this package was generated from.

Servers of this kind send an endpoint's metadata as the header ``metadata`` of every
answer. :class:`DriftDetector` compares it with ``contract.json`` of the package, by meaning,
the first time that it sees it; the same header again costs one comparison of texts.
A header that is absent, ``{}``, huge or malformed says nothing. What the rows of an
answer show beyond that is told when the answer has been read to its end.

The rules have the ids of ``tciagen rules``, where each is explained.
"""

import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from itertools import islice
from typing import Any, Literal

import attrs

from ..decoding.decoder import SNIFF_BYTES, Decoder
from ..decoding.formats import format_of, is_labelled
from ..display import short_json, visible
from ..endpoint import Endpoint
from ..errors import ApiError
from ..http.options import Options
from ..http.request import Request
from ..naming import fold
from ..warn import warn_caller
from .compare import ContractChange, Json, compare
from .filters import Filters

HEADER = "metadata"
VERSION_HEADER = "bindaas-version"
LARGEST_HEADER = 256 * 1024
_MOST_CHANGES = 100
_MOST_SHOWN = 8
_MOST_VERSIONS = 16
_LONGEST_VERSION = 100

_SENTENCES = {
    "wire-metadata-differs": (
        "{endpoint} is described otherwise than when this package was generated ({changes})."
        " Update or regenerate the package when convenient."
    ),
    "wire-attr-undeclared": (
        "{endpoint} sends {values}, unknown when this package was generated ({rule})."
        " Nothing is broken, but the rows leave it out."
        " Update or regenerate the package when convenient."
    ),
    "wire-value-undeclared": (
        "{endpoint} sends {values} as {name}, not listed when this package was generated ({rule})."
        " It is delivered as it came; code with a case for each listed value meets one more."
        " Update or regenerate the package when convenient."
    ),
    "wire-media-type-mismatch": (
        "{endpoint} was asked for {before} and sent it, but calls it {values} ({rule})."
        " The rows are delivered; tell those who run the server, or the proxy before it."
    ),
    "wire-filter-ignored": (
        "{endpoint} was queried with {queries} and sends rows with {values} ({rule})."
        " The server may ignore the filter, so the result may have rows that do not match the"
        " query. Check the rows, and update or regenerate the package."
    ),
    "wire-format-ignored": (
        "{endpoint} was asked for {before} and sent {values} ({rule})."
        " The untouched answer is delivered. Ask for what the server gives, and update or"
        " regenerate the package."
    ),
}


@attrs.frozen
class Drift:
    """What of one endpoint is not as the package knows it.

    Attributes:
        endpoint: Address of the endpoint, such as ``Resource/query/name``.
        changes: Each difference.
        rule: How it was noticed: ``wire-metadata-differs`` by the endpoint's description,
            another one by an answer itself.
    """

    endpoint: str
    changes: tuple[ContractChange, ...]
    rule: str = "wire-metadata-differs"

    @property
    def rules(self) -> tuple[str, ...]:
        """The ids of the rules that fired, each once."""
        return tuple(dict.fromkeys(change.rule for change in self.changes))

    def __str__(self) -> str:
        first = self.changes[0]
        sentence = _SENTENCES[self.rule].format(
            endpoint=self.endpoint,
            rule=self.rule,
            changes=_listed([str(change) for change in self.changes], "; "),
            values=_listed([short_json(change.after) for change in self.changes], ", "),
            before=first.before,
            queries=_listed([_query(change) for change in self.changes], ", "),
            name=first.pointer.rpartition("/")[0].rpartition("/")[2],
        )
        return visible(sentence)


class ContractDriftWarning(UserWarning):
    """An endpoint is not as the package's contract has it; see ``drift``."""

    def __init__(self, drift: Drift) -> None:
        super().__init__(str(drift))
        self.drift = drift


class ContractDriftError(ApiError):
    """The same, where ``on_drift="raise"`` asks for an error; see ``drift``."""

    default_advice = 'Regenerate the package, or give on_drift="warn".'

    def __init__(self, drift: Drift) -> None:
        super().__init__(str(drift), endpoint=drift.endpoint)
        self.drift = drift
        self.rule = drift.rule

    def __reduce__(self) -> Any:
        return type(self), (self.drift,)


_UNREADABLE = (
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
"""What of which endpoint and package this process has warned of."""

OnDrift = Literal["warn", "raise", "off"] | Callable[[Drift], object]


class DriftDetector:
    """Compares what answers are with the contract that the package carries."""

    def __init__(self, package: str, on_drift: OnDrift, options: Options) -> None:
        self._package = package
        self._on_drift = on_drift
        self._logger = options.logger
        self._redactor = options.redactor
        self._seen: dict[str, tuple[str | None, Drift | None]] = {}
        self._told: set[tuple[str, ...]] = set()
        self._version: str | None = None
        self._versions: set[str] = set()

    def check_headers(self, endpoint: Endpoint, headers: Mapping[str, str]) -> None:
        """See the headers of an answer.

        Raises:
            ContractDriftError: They differ, and ``on_drift`` is ``"raise"``.
        """
        if self._on_drift == "off":
            return
        header = headers.get(HEADER)
        address = endpoint.address
        known = self._seen.get(address)
        if known is not None and known[0] == header:
            drift = known[1]
        else:
            drift = self._read(address, header or "{}")
            self._seen[address] = (header, drift)
        if (version := headers.get(VERSION_HEADER)) != self._version and version:
            self._note_version(version)
        if drift is not None:
            self._tell(drift)

    def filters(self, request: Request) -> Filters:
        """What looks at the rows of a response for a filter that the server ignores."""
        return Filters(None if self._on_drift == "off" else request)

    def check_rows(
        self,
        request: Request,
        headers: Mapping[str, str],
        reader: Decoder[Any],
        filters: Filters,
    ) -> None:
        """See an answer whose rows have all been built, and seen by its filters.

        Raises:
            ContractDriftError: It is not as the contract says, and ``on_drift`` is ``"raise"``.
        """
        if self._on_drift == "off":
            return
        endpoint, wanted = request.endpoint, request.format or "json"
        label = self._redactor(headers.get("content-type", ""))
        if not is_labelled(label, wanted) and reader.first_bytes.strip():
            self._tell(_drift(endpoint, "wire-media-type-mismatch", "/Formats", wanted, [label]))
        rows = reader.rows
        if rows.layouts.undeclared or rows.blueprint.listed:
            for drift in self._undeclared(endpoint, reader):
                self._tell(drift)
        if filters.found and (ignored := self._ignored(endpoint, filters)) is not None:
            self._tell(ignored)

    def check_raw(self, request: Request, content: bytes) -> None:
        """See an answer of records that is delivered as it came.

        Raises:
            ContractDriftError: It is in another format, and ``on_drift`` is ``"raise"``.
        """
        found = None
        if self._on_drift != "off":
            found = format_of(content[:SNIFF_BYTES], request.endpoint)
        if found not in (None, request.format):
            drift = _drift(
                request.endpoint, "wire-format-ignored", "/Formats", request.format, [found]
            )
            self._tell(drift)

    def _ignored(self, endpoint: Endpoint, filters: Filters) -> Drift | None:
        """Parameters that rows contradict, but for those that a header has told."""
        told = {
            change.pointer.split("/")[2]
            for change in self._described(endpoint)
            if change.rule.startswith(("param-removed", "param-renamed"))
        }
        found = [change for change in filters.found if change.pointer.split("/")[2] not in told]
        changes = tuple(map(self._redacted, found))
        return Drift(endpoint.address, changes, "wire-filter-ignored") if changes else None

    def _described(self, endpoint: Endpoint) -> tuple[ContractChange, ...]:
        """The changes that the last header of an endpoint has told."""
        _, described = self._seen.get(endpoint.address, (None, None))
        return described.changes if described else ()

    def _undeclared(self, endpoint: Endpoint, reader: Decoder[Any]) -> Iterator[Drift]:
        """Names and values that the contract lacks, but for those that a header has told."""
        changes = self._described(endpoint)
        names = {
            fold(str(c.after)) for c in changes if c.rule.startswith(("attr-added", "attr-renamed"))
        }
        rows = reader.rows
        place = "/Result/Attributes"
        undeclared = map(self._redactor, rows.layouts.undeclared)
        new = [name for name in undeclared if fold(name) not in names]
        if new:
            found = [
                ContractChange("wire-attr-undeclared", f"{place}/{name}", None, name)
                for name in new[:_MOST_CHANGES]
            ]
            yield Drift(endpoint.address, tuple(found), "wire-attr-undeclared")
        values = {(c.pointer, c.after) for c in changes if c.rule == "attr-enum-value-added"}
        for name, texts in rows.undeclared_values().items():
            wire_name = next(a.name for a in endpoint.attributes if a.python_name == name)
            pointer = f"{place}/{wire_name}/AllowedValues"
            new = [text for text in map(self._redactor, texts) if (pointer, text) not in values]
            if new:
                yield _drift(endpoint, "wire-value-undeclared", pointer, None, new)

    def _read(self, address: str, header: str) -> Drift | None:
        try:
            document: Any = json.loads(header) if len(header) <= LARGEST_HEADER else None
            if document == {}:
                self._says_nothing(address, "it is absent or empty")
                return None
            contract = contract_of(self._package)
            changes = tuple(map(self._redacted, compare(contract[address], document)))
        except _UNREADABLE as error:
            self._says_nothing(address, self._redactor(repr(error)))
            return None
        return Drift(address, changes) if changes else None

    def _redacted(self, change: ContractChange) -> ContractChange:
        """A change without the key in what the server wrote of it."""
        pointer, after = change.pointer, self._redactor.value(change.after)
        parent, _, name = pointer.rpartition("/")
        if change.before is None and name == change.after:
            pointer = f"{parent}/{self._redactor(name)}"
        return attrs.evolve(change, pointer=pointer, after=after)

    def _says_nothing(self, address: str, reason: str) -> None:
        self._logger.debug(
            "%s: the metadata header says nothing: %s (wire-metadata-unreadable)", address, reason
        )

    def _note_version(self, version: str) -> None:
        """Record the version of the server; tell at info level when it is another one."""
        version = self._redactor(version)[:_LONGEST_VERSION]
        with _LOCK:
            before, self._version = self._version, version
            new = version not in self._versions and len(self._versions) < _MOST_VERSIONS
            if new:
                self._versions.add(version)
        if before is not None and new:
            self._logger.info(
                "the server's version is %s, and was %s (wire-server-changed)", version, before
            )

    def _tell(self, drift: Drift) -> None:
        if self._on_drift == "raise":
            raise ContractDriftError(drift)
        told = self._told if callable(self._on_drift) else _WARNED
        subject = drift.changes[0].pointer if drift.rule == "wire-value-undeclared" else ""
        key = (self._package, drift.endpoint, drift.rule, subject)
        with _LOCK:
            if key in told:
                return
            told.add(key)
        if callable(self._on_drift):
            self._on_drift(drift)
        else:
            warn_caller(ContractDriftWarning(drift))


def _query(change: ContractChange) -> str:
    return f"{change.pointer.rpartition('/')[2]}={short_json(change.before)}"


def _listed(texts: Sequence[str], joint: str) -> str:
    shown = list(texts[:_MOST_SHOWN])
    if further := len(texts) - len(shown):
        shown.append(f"and {further if len(texts) < _MOST_CHANGES else 'many'} more")
    return joint.join(shown)


def _drift(
    endpoint: Endpoint, rule: str, pointer: str, before: object, after: Iterable[object]
) -> Drift:
    """A drift of one place, with a change for each of what is there now."""
    changes = (ContractChange(rule, pointer, before, one) for one in islice(after, _MOST_CHANGES))
    return Drift(endpoint.address, tuple(changes), rule)


@cache
def contract_of(package: str) -> Mapping[str, Json]:
    """The endpoints of a package's ``contract.json``, by address."""
    body = files(package).joinpath("contract.json").read_bytes()
    return {f"{e['resource']}/query/{e['name']}": e for e in json.loads(body)["endpoints"]}
