"""What can go wrong, whose fault it is, and the exit status that says so.

TciagenError
├── UsageProblem      2  the call or the configuration is wrong
├── DocumentProblem   3  a document cannot be judged: unreadable or invalid
└── ServerProblem     4  the server is out of reach or the crawl is incomplete

Differences that a command was asked to look for are results, not errors: the
command returns exit status 1, as does a scan that could not read everything. Each
message is one sentence that says what is wrong, where, and what to do.
"""

EXIT_FINE = 0
EXIT_DIFFERENT = 1
EXIT_INCOMPLETE = 1
EXIT_USAGE = 2
EXIT_DOCUMENT = 3
EXIT_SERVER = 4
EXIT_INTERRUPTED = 130


class TciagenError(Exception):
    """Root of all errors that the command line turns into a sentence."""

    exit_status: int = EXIT_USAGE


class UsageProblem(TciagenError):
    """The call, an option or the configuration is wrong; nothing was done."""

    exit_status = EXIT_USAGE


class DocumentProblem(TciagenError):
    """A metadata document, overlay or schema is unreadable or invalid."""

    exit_status = EXIT_DOCUMENT


class ServerProblem(TciagenError):
    """The server did not answer, or not every endpoint could be crawled."""

    exit_status = EXIT_SERVER
