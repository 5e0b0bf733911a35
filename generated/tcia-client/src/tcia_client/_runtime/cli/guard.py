"""What keeps tracebacks from people: every outcome as a sentence and an exit status."""

import os
import sys
import warnings
from typing import Any

import click

from ..download import (
    DamagedError,
    DownloadError,
    LimitError,
    ManifestError,
    UnsafeArchiveError,
    VerificationError,
)
from ..errors import (
    ApiError,
    DecodeError,
    MisfitValueError,
    MissingValueError,
    ParameterError,
    ShapeError,
    UnauthorizedError,
)
from ..text import visible

EXIT_FINE = 0
EXIT_DIFFERENT = 1
EXIT_USAGE = 2
EXIT_UNREADABLE = 3
EXIT_SERVER = 4
EXIT_INTERRUPTED = 130

_STATUS: tuple[tuple[type[ApiError], int], ...] = (
    (ParameterError, EXIT_USAGE),
    (ManifestError, EXIT_USAGE),
    (DamagedError, EXIT_DIFFERENT),
    (VerificationError, EXIT_DIFFERENT),
    (DownloadError, EXIT_UNREADABLE),
    (DecodeError, EXIT_UNREADABLE),
)
_ADVICE: dict[type[ApiError], str] = {
    DecodeError: "See the answer with --format raw.",
    ShapeError: "See the answer with --format raw.",
    MissingValueError: "With --on-mismatch warn such rows are delivered.",
    MisfitValueError: "With --on-mismatch warn such rows are delivered.",
    UnauthorizedError: "Give a valid key by the environment, or by `config set api-key`.",
    UnsafeArchiveError: "Nothing was unpacked; --keep-zip keeps the archive to look at it.",
    LimitError: "Nothing was unpacked; --keep-zip keeps the archive to look at it.",
    VerificationError: "Ask again later; --on-difference keep keeps what came.",
}
"""What to do about an error, where the error itself says it to programmers."""


def guarded(package: str, command: str) -> int:
    """Run the command line and return its exit status; tell its errors in sentences."""
    from .app import application  # noqa: PLC0415 - an interrupt while it loads is told, too

    def show(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
        if not issubclass(category, DeprecationWarning):  # which click tells by itself
            tell(command, "warning", str(message))

    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:  # a terminal may not have every character
        reconfigure(errors="backslashreplace")
    with warnings.catch_warnings():
        warnings.showwarning = show
        try:
            status = application(package, command).main(prog_name=command, standalone_mode=False)
            sys.stdout.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return EXIT_FINE
        except ModuleNotFoundError:  # an extra that is not installed
            raise
        except (KeyboardInterrupt, click.Abort):
            tell(command, "error", "interrupted")
            return EXIT_INTERRUPTED
        except (click.ClickException, ApiError, OSError, ValueError, ImportError) as error:
            sentence, status = outcome(error)
            tell(command, "error", sentence)
    return status if isinstance(status, int) else EXIT_FINE


def outcome(error: Exception) -> tuple[str, int]:
    """What to say of an error, and the exit status that goes with it."""
    if isinstance(error, click.ClickException):
        context = error.ctx if isinstance(error, click.UsageError) else None
        hint = f" See `{context.command_path} --help`." if context else ""
        return f"{error.format_message().rstrip('.')}.{hint}", EXIT_USAGE
    if isinstance(error, ApiError):
        for kind, advice in _ADVICE.items():
            if type(error) is kind:
                error.advice = advice
        return str(error), next((s for kind, s in _STATUS if isinstance(error, kind)), EXIT_SERVER)
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror}.", EXIT_USAGE
    misfit = type(error) is ValueError  # of a column in Parquet
    return f"{str(error).rstrip('.')}.", EXIT_UNREADABLE if misfit else EXIT_USAGE


def tell(command: str, kind: str, sentence: str) -> None:
    """Write a sentence to stderr; nothing in it reaches the terminal as a command."""
    click.echo(f"{command}: {kind}: {visible(sentence)}", err=True)
