"""The next version of the generated client."""

import re
from collections.abc import Iterable

from tciagen.drift.change import Change
from tciagen.drift.levels import Bump
from tciagen.errors import UsageProblem

_VERSION = re.compile(r"(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})")


def worst_bump(changes: Iterable[Change]) -> Bump:
    """Return the highest bump of the changes, before the shift below 1.0.0."""
    return min((change.bump for change in changes), key=lambda b: b.rank, default=Bump.NONE)


def bump(version: str, step: Bump) -> str:
    """Return the next version; below 1.0.0 major becomes minor, and minor patch.

    Raises:
        UsageProblem: ``version`` is not MAJOR.MINOR.PATCH.
    """
    major, minor, patch = parse_version(version)
    match _shifted(major, step):
        case Bump.MAJOR:
            return f"{major + 1}.0.0"
        case Bump.MINOR:
            return f"{major}.{minor + 1}.0"
        case Bump.PATCH:
            return f"{major}.{minor}.{patch + 1}"
        case _:
            return version


def version_not_bumped(old: str, new: str, changes: Iterable[Change]) -> str | None:
    """Return a finding if a version rose less than the changes require, else None.

    Raises:
        UsageProblem: one of the versions is not MAJOR.MINOR.PATCH.
    """
    step = worst_bump(changes)
    wanted = bump(old, step)
    if parse_version(new) >= parse_version(wanted):
        return None
    return f"version-not-bumped: {old} became {new}, but the changes require {wanted} ({step})"


def parse_version(version: str) -> tuple[int, int, int]:
    """Return the three numbers of a version.

    Raises:
        UsageProblem: it is not MAJOR.MINOR.PATCH.
    """
    found = _VERSION.fullmatch(version)
    if found is None:
        raise UsageProblem(f"The version {version!r} is not MAJOR.MINOR.PATCH, such as 1.4.0.")
    return int(found[1]), int(found[2]), int(found[3])


def _shifted(major: int, step: Bump) -> Bump:
    if major > 0:
        return step
    return {Bump.MAJOR: Bump.MINOR, Bump.MINOR: Bump.PATCH}.get(step, step)
