"""A difference between a server and its contract."""

import attrs

from tciagen.drift.catalogue.rules import get_rule
from tciagen.drift.levels import Severity


@attrs.frozen(order=True)
class Observation:
    """A difference of a response from the contract.

    ``rule`` is the id of a run-time rule. ``pointer`` is a JSON pointer into the endpoint's
    document, empty for the endpoint itself. ``row`` is the number of the first row with the
    difference, from 1.
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
