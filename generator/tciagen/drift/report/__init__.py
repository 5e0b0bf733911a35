"""Reports of changes, for people and for machines, without dates and in stable order."""

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from types import MappingProxyType

from tciagen.drift.change import Change, in_order
from tciagen.drift.levels import Severity
from tciagen.drift.report.model import Report
from tciagen.errors import UsageProblem
from tciagen.suggestions import suggestion

FORMATS: Mapping[str, str] = MappingProxyType(
    {
        "text": "tciagen.drift.report.text",
        "json": "tciagen.drift.report.json",
        "markdown": "tciagen.drift.report.markdown",
        "html": "tciagen.drift.report.html",
        "github": "tciagen.drift.report.github",
        "gitlab": "tciagen.drift.report.gitlab",
        "junit": "tciagen.drift.report.junit",
        "sarif": "tciagen.drift.report.sarif",
    }
)
"""Each format and the module whose function ``render`` writes it."""


def render(
    changes: Iterable[Change],
    format_: str,
    *,
    old: str = "old",
    new: str = "new",
    notices: Iterable[str] = (),
    folder: str = "",
    fail_on: Severity = Severity.BREAKING,
    color: bool = False,
    partial: bool = False,
) -> str:
    """Return a report of changes.

    Args:
        changes: The changes; accepted ones are marked.
        format_: one of :data:`FORMATS`.
        old: Name of the old contract.
        new: Name of the new contract.
        notices: Further sentences, such as those about entries of accepted changes.
        folder: Folder of the documents, for formats with file locations.
        fail_on: Lowest severity that is a failure.
        color: Whether the text has ANSI colors.
        partial: Whether something could not be compared; the notices report it.

    Raises:
        UsageProblem: There is no such format.
    """
    if format_ not in FORMATS:
        raise UsageProblem(f"There is no format {format_!r}{suggestion(format_, dict(FORMATS))}.")
    report = Report(
        changes=in_order(list(changes)),
        old=old,
        new=new,
        notices=tuple(notices),
        folder=folder,
        fail_on=fail_on,
        color=color,
        partial=partial,
    )
    writer: Callable[[Report], str] = import_module(FORMATS[format_]).render
    return writer(report)
