"""Judge what a crawl brought: faults first, then the changes of what can be judged.

A document that is out of reach or at fault says nothing about the endpoint, so the
last one stands in for it: a failed fetch is never told as a removal.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

import attrs
from jsonschema import Draft202012Validator

from tciagen.contract.model import Contract
from tciagen.contract.overlay import Overlay
from tciagen.contract.resolve import resolve
from tciagen.contract.roles import Roles
from tciagen.documents.parsing import JsonObject
from tciagen.documents.validation import validate
from tciagen.drift.catalogue.rules import get_rule
from tciagen.drift.change import Change
from tciagen.drift.compare.contracts import compare
from tciagen.drift.levels import Severity
from tciagen.errors import EXIT_DOCUMENT, EXIT_FINE, EXIT_SERVER

if TYPE_CHECKING:
    from tciagen.crawl import Failure

UNREACHABLE_SHARE = 0.2
"""A crawl is incomplete where more than this share of the endpoints is out of reach."""


@attrs.frozen
class Fault:
    """Why an endpoint, or the whole crawl (no address), cannot be judged."""

    rule: str
    endpoint: str
    message: str

    @property
    def level(self) -> Severity:
        """``fault``, ``warning`` or ``unknown``."""
        return get_rule(self.rule).level

    def __str__(self) -> str:
        return f"{self.endpoint or 'crawl'}: {self.rule}: {self.message}"


@attrs.frozen
class Verdict:
    """The changes that could be judged, the faults, and the new contract.

    ``contract`` holds the old endpoints where the new document is at fault.
    """

    changes: tuple[Change, ...]
    faults: tuple[Fault, ...]
    contract: Contract

    @property
    def incomplete(self) -> bool:
        """Whether so much is out of reach that nothing was compared."""
        return any(fault.rule == "crawl-incomplete" for fault in self.faults)

    @property
    def exit_status(self) -> int:
        """The status that the faults ask for; a warning asks for none."""
        levels = {fault.level for fault in self.faults}
        if Severity.UNKNOWN in levels:
            return EXIT_SERVER
        return EXIT_DOCUMENT if Severity.FAULT in levels else EXIT_FINE


def compare_documents(
    old: Contract,
    documents: Mapping[str, JsonObject],
    failures: "Iterable[Failure]" = (),
    *,
    overlay: Overlay | None = None,
    roles: Roles | None = None,
    validator: Draft202012Validator | None = None,
    unreachable_share: float = UNREACHABLE_SHARE,
) -> Verdict:
    """Compare a contract with newer documents, as far as they can be judged.

    Args:
        old: what the documents were.
        documents: what was read, by address, valid or not.
        failures: the endpoints without a usable document, as a crawl tells them.
        overlay: what the new documents do not say.
        roles: what the configuration declares about file endpoints.
        validator: of another schema than the published one.
        unreachable_share: above it nothing is compared.

    Raises:
        DocumentProblem: an overlay entry does not fit the documents.
    """
    faults = [Fault(f.rule, f.address, f.reason) for f in failures]
    for address, document in sorted(documents.items()):
        findings = validate(address, document, validator)
        faults += [Fault(f.rule, address, str(f.violation)) for f in findings]
    silent = {fault.endpoint for fault in faults}
    unreachable = {f.endpoint for f in faults if f.level is Severity.UNKNOWN}
    total = len(documents.keys() | silent)
    if len(unreachable) > unreachable_share * total:
        message = f"{len(unreachable)} of {total} endpoints are out of reach; nothing was compared"
        return Verdict((), (*faults, Fault("crawl-incomplete", "", message)), old)
    good = {a: d for a, d in documents.items() if a not in silent}
    kept = tuple(endpoint for endpoint in old if endpoint.address in silent)
    resolved = resolve(good, overlay, roles=roles, stale=True).contract
    new = Contract((*resolved.endpoints, *kept))
    faults += _unknown_replacements(old, new)
    return Verdict(compare(old, new), tuple(faults), new)


def _unknown_replacements(old: Contract, new: Contract) -> Iterator[Fault]:
    """Yield a warning for each ReplacedBy that leads nowhere and did not before."""
    before = {endpoint.name for endpoint in old}
    dangling = {(e.address, e.replaced_by) for e in old if e.replaced_by not in before}
    known = {endpoint.name for endpoint in new}
    for endpoint in new:
        name = endpoint.replaced_by
        if name and name not in known and (endpoint.address, name) not in dangling:
            yield Fault("replacement-unknown", endpoint.address, f"there is no endpoint {name}")
