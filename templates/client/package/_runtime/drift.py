"""What a server says of an endpoint now, held against what this package was generated from.

Servers of this kind send an endpoint's metadata as the header ``metadata`` of every
answer. :class:`Sensor` compares it with ``contract.json`` of the package, by meaning,
the first time that it sees it; the same header again costs one comparison of texts.
A header that is absent, ``{}``, huge or malformed says nothing.

The rules have the ids of ``tciagen rules``, where each is explained.
"""

import json
import threading
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from logging import Logger
from typing import Any, Literal

import attrs

from .compare import ContractChange, Json, compare
from .endpoint import Endpoint
from .errors import ApiError
from .warn import warn_caller

HEADER = "metadata"
LARGEST_HEADER = 256 * 1024


@attrs.frozen
class Drift:
    """All changes of one endpoint."""

    endpoint: str
    changes: tuple[ContractChange, ...]

    @property
    def rules(self) -> tuple[str, ...]:
        """The ids of the rules that fired, each once."""
        return tuple(dict.fromkeys(change.rule for change in self.changes))

    def __str__(self) -> str:
        told = "; ".join(map(str, self.changes))
        return (
            f"{self.endpoint} is described otherwise than when this package was generated"
            f" ({told}). Update or regenerate the package when convenient."
        )


class ContractDriftWarning(UserWarning):
    """A server describes an endpoint otherwise than the package's contract; see ``drift``."""

    def __init__(self, drift: Drift) -> None:
        super().__init__(str(drift))
        self.drift = drift


class ContractDriftError(ApiError):
    """The same, where ``on_drift="raise"`` asks for an error; see ``drift``."""

    default_advice = 'Regenerate the package, or give on_drift="warn".'

    def __init__(self, drift: Drift) -> None:
        super().__init__(str(drift), endpoint=drift.endpoint)
        self.drift = drift

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
_WARNED: set[tuple[str, str]] = set()
"""Which endpoints of which package this process has warned of."""

OnDrift = Literal["warn", "raise", "off"] | Callable[[Drift], object]


class Sensor:
    """Compares the metadata of answers with the contract that the package carries."""

    def __init__(self, package: str, on_drift: OnDrift, logger: Logger) -> None:
        self._package = package
        self._on_drift = on_drift
        self._logger = logger
        self._seen: dict[str, tuple[str | None, Drift | None]] = {}
        self._told: set[tuple[str, str]] = set()

    def observe(self, endpoint: Endpoint, headers: Mapping[str, str]) -> None:
        """See the headers of an answer.

        Raises:
            ContractDriftError: they differ, and ``on_drift`` is ``"raise"``.
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
        if drift is not None:
            self._tell(drift)

    def _read(self, address: str, header: str) -> Drift | None:
        try:
            document: Any = json.loads(header) if len(header) <= LARGEST_HEADER else None
            contract = contract_of(self._package)
            changes = tuple(compare(contract[address], document)) if document != {} else ()
        except _UNREADABLE as error:
            self._logger.debug("%s: the metadata header says nothing: %r", address, error)
            return None
        return Drift(address, changes) if changes else None

    def _tell(self, drift: Drift) -> None:
        if self._on_drift == "raise":
            raise ContractDriftError(drift)
        told = self._told if callable(self._on_drift) else _WARNED
        key = (self._package, drift.endpoint)
        with _LOCK:
            if key in told:
                return
            told.add(key)
        if callable(self._on_drift):
            self._on_drift(drift)
        else:
            warn_caller(ContractDriftWarning(drift))


@cache
def contract_of(package: str) -> Mapping[str, Json]:
    """The endpoints of a package's ``contract.json``, by address."""
    body = files(package).joinpath("contract.json").read_bytes()
    return {f"{e['resource']}/query/{e['name']}": e for e in json.loads(body)["endpoints"]}
