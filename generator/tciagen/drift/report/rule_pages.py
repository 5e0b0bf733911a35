"""Pages of the rules, from the catalogue: each example is run, and its finding is shown."""

import json
from textwrap import wrap
from typing import Any

from tciagen.contract.resolve import resolve
from tciagen.drift.catalogue.rule import Rule
from tciagen.drift.catalogue.rules import CONTRACT_RULES, RULES
from tciagen.drift.compare.contracts import compare
from tciagen.drift.display import code_span, step
from tciagen.drift.levels import Bump, Effect, Wire

_WIDTH = 96
_WIRE = {
    Wire.ERROR: "error",
    Wire.SILENT: "silent: another response without an error",
    Wire.OK: "ok",
}
_EFFECT = {
    Effect.RUNTIME: "fails at run time",
    Effect.TYPING: "fails the type checker",
    Effect.BUILD: "fails only where it constructs records",
    Effect.OK: "ok",
}
_BUMP = {
    Bump.MAJOR: "major (minor below 1.0.0)",
    Bump.MINOR: "minor (patch below 1.0.0)",
    Bump.PATCH: "patch",
    Bump.NONE: "none",
}


def rule_page(rule: Rule) -> str:
    """Return the Markdown page of a rule: what, why, effects, and an example before and after."""
    lines = [f"# {rule.id}", "", f"{_sentence(rule.summary)} {rule.why}", ""]
    if rule.id in CONTRACT_RULES:
        lines += [
            f"- Severity: {rule.level}",
            f"- Old client against the new server: {_WIRE[rule.wire]}",
            f"- Old user code against the regenerated client: {_EFFECT[rule.source]}",
            f"- Version bump: {_BUMP[rule.bump]}",
        ]
    else:
        lines.append(f"- Kind: {rule.group}, {rule.level}")
    if rule.action:
        lines.append(f"- By default: {rule.action}")
    lines += ["", "Before:", "", *_fragment(rule.example.before)]
    lines += ["", "After:", "", *_fragment(rule.example.after)]
    if rule.client_message:
        lines += ["", "Message of the generated client:", "", "```text"]
        lines += [
            *wrap(rule.client_message, _WIDTH, break_long_words=False, break_on_hyphens=False),
            "```",
        ]
    lines += _finding(rule)
    return "\n".join(lines) + "\n"


def catalogue_page() -> str:
    """Return the Markdown page of the whole catalogue."""
    lines = ["# Drift rules", ""]
    for group in dict.fromkeys(rule.group for rule in RULES.values()):
        rules = [rule for rule in RULES.values() if rule.group == group]
        lines += [f"## {group.capitalize()}", ""]
        if rules[0].id in CONTRACT_RULES:
            lines += [
                "| rule | severity | wire | source | bump | what |",
                "|---|---|---|---|---|---|",
            ]
            lines += [
                f"| `{r.id}` | {r.level} | {r.wire} | {r.source} | {r.bump} | {r.summary} |"
                for r in rules
            ]
        else:
            lines += ["| rule | level | what |", "|---|---|---|"]
            lines += [f"| `{r.id}` | {r.level} | {r.summary} |" for r in rules]
        lines.append("")
    return "\n".join(lines)


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:] + "."


def _fragment(fragment: Any) -> list[str]:
    if isinstance(fragment, str):
        return ["```text", fragment, "```"]
    return ["```json", json.dumps(fragment, indent=2), "```"]


def _finding(rule: Rule) -> list[str]:
    if rule.id not in CONTRACT_RULES:
        return []
    old, new = (resolve(documents).contract for documents in rule.example.documents())
    change = next(change for change in compare(old, new) if change.rule == rule.id)
    location = code_span(change.endpoint + (f"#{change.pointer}" if change.pointer else ""))
    return ["", f"Reported at {location}, {step(change)}:", "", f"> {change.message}"]
