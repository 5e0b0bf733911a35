"""The scales of a change; members are listed from worst to best."""

from enum import StrEnum


class _Scale(StrEnum):
    """A string with a rank: 0 is the worst."""

    rank: int

    def __init__(self, _text: str) -> None:
        self.rank = len(type(self).__members__)


class Severity(_Scale):
    """The worse of the effects on the wire and on source code.

    The last three are not drift: ``fault`` and ``warning`` are about a document, ``unknown``
    means that nothing could be compared.
    """

    BREAKING = "breaking"
    DANGEROUS = "dangerous"
    NON_BREAKING = "non-breaking"
    DOCS = "docs"
    NONE = "none"
    FAULT = "fault"
    WARNING = "warning"
    UNKNOWN = "unknown"


DRIFT_LEVELS = tuple(Severity)[:5]
"""The levels that a change can have and that a configuration can give a rule."""


class Wire(_Scale):
    """The effect of the new server on the client of the old contract.

    ``silent`` is another response without an error.
    """

    ERROR = "error"
    SILENT = "silent"
    OK = "ok"


class Effect(_Scale):
    """The effect of the regenerated client on user code for the old one.

    ``build`` concerns only code that constructs records, such as fakes in tests.
    """

    RUNTIME = "runtime"
    TYPING = "typing"
    BUILD = "build"
    OK = "ok"


class Bump(_Scale):
    """The part of the generated client's version to raise (semver.org, from 1.0.0 on)."""

    MAJOR = "major"
    MINOR = "minor"
    PATCH = "patch"
    NONE = "none"
