"""The scales on which a change is judged; members are listed from worst to best."""

from enum import StrEnum


class _Scale(StrEnum):
    """A text that also has a rank: 0 is the worst."""

    rank: int

    def __init__(self, _text: str) -> None:
        self.rank = len(type(self).__members__)


class Severity(_Scale):
    """The worse of the effects on the wire and on source code.

    The last three are no drift: ``fault`` and ``warning`` judge a document,
    ``unknown`` says that nothing could be judged.
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
    """What the client generated from the old contract meets at the new server.

    ``silent`` is another answer without an error.
    """

    ERROR = "error"
    SILENT = "silent"
    OK = "ok"


class Effect(_Scale):
    """What user code written for the old client meets in the regenerated one.

    ``build`` concerns only code that constructs records, such as fakes in tests.
    """

    RUNTIME = "runtime"
    TYPING = "typing"
    BUILD = "build"
    OK = "ok"


class Bump(_Scale):
    """What the version of the generated client must rise by (semver.org, from 1.0.0 on)."""

    MAJOR = "major"
    MINOR = "minor"
    PATCH = "patch"
    NONE = "none"
