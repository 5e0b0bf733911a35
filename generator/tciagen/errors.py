"""Errors, and the exit status of each.

TciagenError
├── UsageProblem      2  the call or the configuration is invalid
├── DocumentProblem   3  a document is unreadable or invalid
└── ServerProblem     4  the server is unreachable or the crawl is incomplete

Differences are results, not errors: the command returns exit status 1, as does a scan that
could not read everything. A message states what failed, on which thing, and how to fix it.
"""

EXIT_FINE = 0
EXIT_DIFFERENT = 1
EXIT_INCOMPLETE = 1
EXIT_USAGE = 2
EXIT_DOCUMENT = 3
EXIT_SERVER = 4
EXIT_INTERRUPTED = 130


class TciagenError(Exception):
    """Base class of all errors that the command line prints as a sentence."""

    exit_status: int = EXIT_USAGE


class UsageProblem(TciagenError):
    """The call, an option or the configuration is invalid; nothing was done."""

    exit_status = EXIT_USAGE


class DocumentProblem(TciagenError):
    """A metadata document, overlay or schema is unreadable or invalid."""

    exit_status = EXIT_DOCUMENT


class ServerProblem(TciagenError):
    """The server is unreachable, or not every endpoint could be crawled."""

    exit_status = EXIT_SERVER
