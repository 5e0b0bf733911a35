"""What a server says of an endpoint now, held against what this package was generated from.

Servers of this kind send an endpoint's metadata as the header ``metadata`` of every
answer. :class:`Sensor` compares it with ``contract.json`` of the package, by meaning,
the first time that it sees it; the same header again costs one comparison of texts.
A header that is absent, ``{}``, huge or malformed says nothing.

The rules have the ids of ``tciagen rules``, where each is explained.
"""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from importlib.resources import files
from logging import Logger
from typing import Any, Literal

import attrs

from .endpoint import Endpoint
from .errors import ApiError
from .warn import warn_caller

HEADER = "metadata"
LARGEST_HEADER = 256 * 1024
_RECORDS = frozenset({"CSV", "HTML", "XML", "JSON"})
_NUMBERS = ("integer", "decimal")
_SHORT = {"R": True, "O": False}

Json = Mapping[str, Any]


@attrs.frozen
class Difference:
    """One change: the rule, where in the metadata (a JSON pointer), what was and what is."""

    rule: str
    pointer: str
    before: object
    after: object

    def __str__(self) -> str:
        if self.before is None or self.after is None:
            what = self.after if self.before is None else self.before
            return f"{self.rule} at {self.pointer}: {_shown(what)}"
        return f"{self.rule} at {self.pointer}: {_shown(self.before)} → {_shown(self.after)}"


@attrs.frozen
class Drift:
    """All differences of one endpoint."""

    endpoint: str
    differences: tuple[Difference, ...]

    @property
    def rules(self) -> tuple[str, ...]:
        """The ids of the rules that fired, each once."""
        return tuple(dict.fromkeys(difference.rule for difference in self.differences))

    def __str__(self) -> str:
        told = "; ".join(map(str, self.differences))
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


OnDrift = Literal["warn", "raise", "off"] | Callable[[Drift], object]


class Sensor:
    """Compares the metadata of answers with the contract that the package carries."""

    _told: set[tuple[str, str]] = set()  # noqa: RUF012 - one warning for each process
    _lock = threading.Lock()

    def __init__(self, package: str, on_drift: OnDrift, logger: Logger) -> None:
        self._package = package
        self._on_drift = on_drift
        self._logger = logger
        self._seen: dict[str, tuple[str, Drift | None]] = {}

    def observe(self, endpoint: Endpoint, headers: Mapping[str, str]) -> None:
        """See the headers of an answer.

        Raises:
            ContractDriftError: they differ, and ``on_drift`` is ``"raise"``.
        """
        if self._on_drift == "off":
            return
        header = headers.get(HEADER, "")
        address = endpoint.address
        text, drift = self._seen.get(address, ("", None))
        if text != header or not header:
            drift = self._read(address, header)
            self._seen[address] = (header, drift)
        elif drift is None:
            return
        if drift is not None:
            self._tell(drift)

    def _read(self, address: str, header: str) -> Drift | None:
        try:
            if len(header) > LARGEST_HEADER:
                raise ValueError(f"{len(header):,} characters")
            document = json.loads(header) if header else {}
            differences = compare(_contract(self._package)[address], document) if document else ()
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            self._logger.debug("%s: the metadata header says nothing: %r", address, error)
            return None
        return Drift(address, tuple(differences)) if differences else None

    def _tell(self, drift: Drift) -> None:
        if self._on_drift == "raise":
            raise ContractDriftError(drift)
        key = (self._package, drift.endpoint)
        with self._lock:
            told = key in self._told
            self._told.add(key)
        if callable(self._on_drift):
            self._on_drift(drift)
        elif not told:
            warn_caller(ContractDriftWarning(drift))
