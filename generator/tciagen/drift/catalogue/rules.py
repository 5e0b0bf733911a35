"""All rules by id: changes of a contract, faults, run-time events and policies."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

import attrs

from tciagen.drift.catalogue import attribute, endpoint, other, parameter
from tciagen.drift.catalogue import response as answer
from tciagen.drift.catalogue.rule import Rule
from tciagen.errors import UsageProblem
from tciagen.suggestions import suggestion

_GROUPS: Mapping[str, Iterable[Rule]] = {
    "endpoint": endpoint.RULES,
    "parameter": parameter.RULES,
    "format": answer.FORMATS,
    "result": answer.RESULTS,
    "attribute": attribute.RULES,
    "fault": other.FAULTS,
    "run time": other.RUN_TIME,
    "configuration": other.CONFIGURATION,
    "policy": other.POLICY,
}

RULES: Mapping[str, Rule] = MappingProxyType(
    {rule.id: attrs.evolve(rule, group=group) for group, rules in _GROUPS.items() for rule in rules}
)
"""Every rule by its id, in the order of the catalogue."""

CONTRACT_RULES: Mapping[str, Rule] = MappingProxyType(
    {
        rule.id: rule
        for rule in RULES.values()
        if rule.group in ("endpoint", "parameter", "format", "result", "attribute")
    }
)
"""The rules that :func:`tciagen.drift.compare.compare` reports."""


def get_rule(rule_id: str) -> Rule:
    """Return the rule of an ID.

    Raises:
        UsageProblem: There is no such rule; the sentence names the closest IDs.
    """
    try:
        return RULES[rule_id]
    except KeyError:
        close = suggestion(rule_id, set(RULES))
        hint = close if "did you mean" in close else "; `tciagen rules` lists them"
        raise UsageProblem(f"There is no drift rule {rule_id!r}{hint}") from None
