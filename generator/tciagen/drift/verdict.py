"""Comparison of a contract with crawled documents: faults first, then changes.

The last document replaces an unreachable or invalid one, so that a failed fetch is never
reported as a removal.
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
"""A crawl is incomplete where more than this share of the endpoints is unreachable."""


@attrs.frozen
class Fault:
    """Why an endpoint, or the whole crawl (no address), cannot be compared."""

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
    """The changes, the faults, and the new contract.

    ``contract`` has the old endpoint where the new document has a fault.
    """

    changes: tuple[Change, ...]
    faults: tuple[Fault, ...]
    contract: Contract

    @property
    def incomplete(self) -> bool:
        """Whether so many endpoints are unreachable that nothing was compared."""
        return any(fault.rule == "crawl-incomplete" for fault in self.faults)

    @property
    def exit_status(self) -> int:
        """The exit status of the faults; that of a warning is 0."""
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
    """Compare a contract with newer documents, as far as they are valid.

    Args:
        old: The old contract.
        documents: The new documents by address, valid or not.
        failures: The endpoints without a document, as a crawl reports them.
        overlay: Statements that the new documents leave out.
        roles: Declarations of the configuration about file endpoints.
        validator: Validator of the documents. Default: that of the published schema.
        unreachable_share: Share of unreachable endpoints above which nothing is compared.

    Raises:
        DocumentProblem: an overlay entry does not fit the documents.
    """
    faults = [Fault(f.rule, f.address, f.reason) for f in failures]
    for address, document in sorted(documents.items()):
        findings = validate(address, document, validator)
        faults += [Fault(f.rule, address, str(f.violation)) for f in findings]
    faulty = {fault.endpoint for fault in faults}
    unreachable = {f.endpoint for f in faults if f.level is Severity.UNKNOWN}
    total = len(documents.keys() | faulty)
    if len(unreachable) > unreachable_share * total:
        message = f"{len(unreachable)} of {total} endpoints are unreachable; nothing was compared"
        return Verdict((), (*faults, Fault("crawl-incomplete", "", message)), old)
    good = {a: d for a, d in documents.items() if a not in faulty}
    retained = tuple(endpoint for endpoint in old if endpoint.address in faulty)
    resolved = resolve(good, overlay, roles=roles, stale=True).contract
    new = Contract((*resolved.endpoints, *retained))
    faults += _unknown_replacements(old, new)
    return Verdict(compare(old, new), tuple(faults), new)


def _unknown_replacements(old: Contract, new: Contract) -> Iterator[Fault]:
    """Yield a warning for each ReplacedBy whose endpoint does not exist, if that is new."""
    before = {endpoint.name for endpoint in old}
    dangling = {(e.address, e.replaced_by) for e in old if e.replaced_by not in before}
    known = {endpoint.name for endpoint in new}
    for endpoint in new:
        name = endpoint.replaced_by
        if name and name not in known and (endpoint.address, name) not in dangling:
            yield Fault("replacement-unknown", endpoint.address, f"there is no endpoint {name}")
