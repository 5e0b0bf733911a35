"""One thing that a server was seen to do otherwise than its contract says."""

import attrs

from tciagen.drift.catalogue.rules import get_rule
from tciagen.drift.levels import Severity


@attrs.frozen(order=True)
class Observation:
    """Where practice and contract differ; ``rule`` is the id of a run-time rule.

    ``place`` is a JSON pointer into the endpoint's document, empty for the endpoint
    as a whole; ``row`` is the number of the sample's first row that shows it, from 1.
    """

    endpoint: str
    pointer: str
    rule: str
    message: str
    row: int | None = None

    @property
    def level(self) -> Severity:
        """The rule's severity."""
        return get_rule(self.rule).level

    def __str__(self) -> str:
        row = f" (row {self.row})" if self.row else ""
        pointer = f"#{self.pointer}" if self.pointer else ""
        return f"{self.level} {self.rule} {self.endpoint}{pointer}: {self.message}{row}"
