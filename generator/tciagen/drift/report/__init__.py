"""Reports of changes, for people and for machines. None has a date; all are in stable order."""

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
        changes: what changed; accepted ones are told apart.
        format_: one of :data:`FORMATS`.
        old: what the old contract is called.
        new: what the new contract is called.
        notices: what else there is to say, such as of entries of accepted changes.
        folder: of the documents, for formats that point at a file.
        fail_on: what a machine is to take for a failure.
        color: whether a terminal shows the text.
        partial: whether something could not be judged; the notices say what.

    Raises:
        UsageProblem: there is no such format.
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
