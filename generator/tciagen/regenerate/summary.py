"""The results of a run: lines for people, a report, and outputs for a workflow."""

import os
from collections.abc import Sequence
from pathlib import Path

from tciagen.config import required
from tciagen.display import count
from tciagen.drift.levels import Bump, Severity
from tciagen.drift.report import render
from tciagen.errors import UsageProblem
from tciagen.regenerate.release import Release

LABEL = "drift"
BRANCH = "tciagen/regenerate"
"""The branch of the pull request that a workflow opens."""

JOINED = ("text", "markdown")
"""The report formats that allow several APIs in one file."""


def report(releases: Sequence[Release], format_: str, root: Path) -> str:
    """Return one report of all APIs; paths are as seen from ``root``.

    Raises:
        UsageProblem: no such format, or one that cannot hold several APIs.
    """
    if len(releases) > 1 and format_ not in JOINED:
        raise UsageProblem(f"A {format_} report is for one API; specify it with --api.")
    parts = (
        render(
            release.changes,
            format_,
            old=f"{release.api.name} {release.version_before}",
            new=f"{release.api.name} {release.api.version}",
            notices=release.notices,
            folder=os.path.relpath(required(release.api.documents, "documents"), root),
        )
        for release in releases
    )
    return "\n".join(parts)


def severity(releases: Sequence[Release]) -> Severity:
    """Return the worst severity of the applied changes."""
    return min((r.severity for r in releases), key=lambda s: s.rank, default=Severity.NONE)


def labels(releases: Sequence[Release]) -> list[str]:
    """Return the labels of the pull request; empty if nothing changes."""
    changing = [release for release in releases if release.writes]
    if not changing:
        return []
    worst = severity(changing)
    drifted = any(release.applied for release in changing)
    return [LABEL, f"{LABEL}:{worst}"] if drifted else ["generator-changed"]


def title(releases: Sequence[Release]) -> str:
    """Return the title of the pull request. It contains no text of a server."""
    changing = [release for release in releases if release.writes]
    steps = ", ".join(f"{release.api.name} {release.api.version}" for release in changing)
    worst = severity(changing)
    return f"Regenerate {steps} ({worst})" if worst is not Severity.NONE else f"Regenerate {steps}"


def outputs(releases: Sequence[Release]) -> dict[str, str]:
    """Return the values for a workflow that opens a pull request, one line each."""
    bumps = (release.bump for release in releases)
    return {
        "changed": str(any(release.writes for release in releases)).lower(),
        "branch": BRANCH,
        "title": title(releases),
        "labels": ",".join(labels(releases)),
        "severity": severity(releases),
        "bump": min(bumps, key=lambda b: b.rank, default=Bump.NONE),
    }


def lines(releases: Sequence[Release], root: Path, verb: str) -> list[str]:
    """Return a line for each API, and one for each file as seen from ``root``."""
    found = []
    for release in releases:
        name = release.api.name
        lost = sum(c.rule == "declaration-lost" for c in release.changes)
        if lost:
            found.append(f"{name}: {count(lost, 'declaration')} lost and retained")
        if not release.writes:
            accepted = sum(c.accepted is not None for c in release.changes)
            why = f"{accepted} accepted for now" if accepted else "no change of meaning"
            found.append(f"{name}: nothing to do, {why}")
            continue
        found += [
            f"{verb if body is not None else verb + ', as deleted,'} {os.path.relpath(path, root)}"
            for path, body in release.writes.items()
        ]
        step = f"{release.version_before} → {release.api.version}"
        found.append(
            f"{name}: {count(len(release.applied), 'change')}, worst {release.severity};"
            f" version {step} ({release.bump}), {count(len(release.writes), 'file')}"
        )
    return found
