"""Policy of a project: custom severities, and the changes that fail a run."""

from collections.abc import Iterable, Mapping

import attrs

from tciagen.drift.catalogue.rules import CONTRACT_RULES, get_rule
from tciagen.drift.change import Change, in_order
from tciagen.drift.levels import DRIFT_LEVELS, Severity
from tciagen.errors import EXIT_DIFFERENT, EXIT_FINE, UsageProblem
from tciagen.suggestions import suggestion

FAIL_ON = tuple(str(level) for level in DRIFT_LEVELS)
"""The values of ``--fail-on``; ``none`` never fails."""


def read_severities(given: Mapping[str, object]) -> dict[str, Severity]:
    """Return the severities that a configuration gives to rules.

    Raises:
        UsageProblem: A rule or level is unknown, or a rule is not about contracts; all findings
            are reported together.
    """
    problems: list[str] = []
    severities: dict[str, Severity] = {}
    for rule_id, level in given.items():
        try:
            rule = get_rule(rule_id)
        except UsageProblem as problem:
            problems.append(str(problem))
            continue
        if rule.id not in CONTRACT_RULES:
            problems.append(f"{rule_id} is not a rule for contract changes, so it has no severity.")
        elif level not in FAIL_ON:
            hint = suggestion(str(level), set(FAIL_ON))
            problems.append(f"The severity of {rule_id} cannot be {level!r}{hint}.")
        else:
            severities[rule_id] = Severity(str(level))
    if problems:
        raise UsageProblem("\n".join(problems))
    return severities


def with_severities(
    changes: Iterable[Change], severities: Mapping[str, Severity]
) -> tuple[Change, ...]:
    """Return the changes as a configuration rates them, in order."""
    return in_order([attrs.evolve(c, severity=severities.get(c.rule, c.severity)) for c in changes])


def exit_status(changes: Iterable[Change], fail_on: Severity) -> int:
    """Return 1 if a change that is not accepted is as bad as ``fail_on`` or worse, else 0."""
    if fail_on is Severity.NONE:
        return EXIT_FINE
    failing = any(c.severity.rank <= fail_on.rank for c in changes if c.accepted is None)
    return EXIT_DIFFERENT if failing else EXIT_FINE
