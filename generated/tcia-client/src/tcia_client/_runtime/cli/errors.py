"""Report every outcome of the command as a sentence and an exit status."""

import os
import signal
import sys
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

import click

from ..display import visible
from ..downloads.public import (
    DownloadError,
    LimitError,
    ManifestError,
    NoFileError,
    NotAFileError,
    UnsafeArchiveError,
    VerificationError,
)
from ..errors import (
    NGINX_DROPS_KEY,
    ApiError,
    AuthenticationError,
    InvalidResponseError,
    InvalidValueError,
    MissingValueError,
    ParameterError,
    ShapeError,
)

EXIT_SUCCESS = 0
EXIT_INCOMPLETE = 1
EXIT_USAGE = 2
EXIT_UNREADABLE = 3
EXIT_SERVER = 4
EXIT_INTERRUPTED = 130

KEY_WARNING = (
    "others can see a key on the command line, and the shell stores it; "
    "set it in the environment or with `config set api-key` instead."
)
LIMIT_OPTIONS = {
    "members": "--max-members",
    "member_bytes": "--max-member-size",
    "total_bytes": "--max-total-size",
    "free_bytes": "--min-free-space",
}
"""The option for each limit of a download."""

_STATUS: tuple[tuple[type[ApiError], int], ...] = (
    (ParameterError, EXIT_USAGE),
    (ManifestError, EXIT_USAGE),
    (NoFileError, EXIT_UNREADABLE),
    (NotAFileError, EXIT_UNREADABLE),
    (UnsafeArchiveError, EXIT_UNREADABLE),
    (LimitError, EXIT_UNREADABLE),
    (DownloadError, EXIT_INCOMPLETE),
    (InvalidResponseError, EXIT_UNREADABLE),
)
_ADVICE: dict[type[ApiError], str] = {
    InvalidResponseError: "See the response with --format raw.",
    ShapeError: "See the response with --format raw.",
    MissingValueError: "With --on-mismatch warn the command accepts such rows.",
    InvalidValueError: "With --on-mismatch warn the command accepts such rows.",
    AuthenticationError: (
        "Set a valid key in the environment, or with `config set api-key`. If you did, check any "
        f"proxy in front of the server: {NGINX_DROPS_KEY}."
    ),
    UnsafeArchiveError: "Nothing was unpacked. To look at the archive, keep it packed with "
    "--keep-zip, without --names.",
    VerificationError: "Retry later; --on-difference keep saves the received files.",
}
"""The advice of errors whose own advice is for Python code."""


def guarded(command: str, load: Callable[[], click.Command]) -> int:
    """Load and run the command line, report its errors, and return its exit status."""
    _terminate_by_signals()
    if sys.stdout is None:  # pyright: ignore[reportUnnecessaryComparison] - it was closed
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - until the end
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:  # a terminal may not have every character
        reconfigure(errors="backslashreplace")

    def show(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
        if not issubclass(category, DeprecationWarning):  # click reports those itself
            report(command, "warning", str(message))

    with warnings.catch_warnings():
        warnings.showwarning = show
        try:
            status = load().main(prog_name=command, standalone_mode=False)
            sys.stdout.flush()
        except (BrokenPipeError, SystemExit):  # click raises the latter for the former
            discard_stdout()
            return EXIT_SUCCESS
        except ModuleNotFoundError:  # an extra that is not installed
            raise
        except _Terminated as terminated:
            report(command, "error", f"terminated by {terminated.signal.name}")
            return 128 + terminated.signal
        except (KeyboardInterrupt, click.Abort):
            report(command, "error", "interrupted")
            return EXIT_INTERRUPTED
        except click.exceptions.NoArgsIsHelpError as error:
            click.echo(error.format_message(), err=True)
            return EXIT_USAGE
        except (click.ClickException, ApiError, OSError, ValueError, ImportError) as error:
            sentence, status = outcome(error)
            report(command, "error", sentence)
    return status if isinstance(status, int) else EXIT_SUCCESS


def outcome(error: Exception) -> tuple[str, int]:
    """Return the sentence that reports an error, and the exit status."""
    if isinstance(error, click.ClickException):
        return _usage_sentence(error), EXIT_USAGE
    if isinstance(error, ApiError):
        error.advice = _ADVICE.get(type(error), error.advice)
        if isinstance(error, LimitError):
            option = LIMIT_OPTIONS[error.limit]
            error.advice = f"If you trust the server, pass {option} with a larger value."
            if error.limit == "free_bytes":
                error.advice = f"Free some space, write to another disk, or pass {option}."
        return str(error), next((s for kind, s in _STATUS if isinstance(error, kind)), EXIT_SERVER)
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror}.", EXIT_USAGE
    is_value_of_parquet = type(error) is ValueError
    return f"{str(error).rstrip('.')}.", EXIT_UNREADABLE if is_value_of_parquet else EXIT_USAGE


def _usage_sentence(error: click.ClickException) -> str:
    sentence = " ".join(error.format_message().split())
    if sentence[-1:] not in ".?":
        sentence += "."
    context = error.ctx if isinstance(error, click.UsageError) else None
    if context is None:
        return sentence
    root = context.find_root()
    if isinstance(error, click.NoSuchOption) and root is not context:
        for option in root.command.params:
            if error.option_name in option.opts:
                where = f"{root.command_path} {error.option_name} … {context.info_name}"
                sentence = f"{error.option_name} belongs before the subcommand: {where}."
    return f"{sentence} See `{context.command_path} --help`."


def report(command: str, kind: str, sentence: str) -> None:
    """Write a sentence to standard error, without control characters."""
    with suppress(OSError):  # the exit status still reports the error
        click.echo(f"{command}: {kind}: {visible(sentence)}", err=True)


def discard_stdout() -> None:
    """Discard further output, since its reader has gone."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _Terminated(BaseException):
    """Unwinds the stack for a signal as Ctrl-C does, so that no partial file remains."""

    def __init__(self, number: int) -> None:
        self.signal = signal.Signals(number)


def _terminate_by_signals() -> None:
    def terminate(number: int, _frame: object) -> NoReturn:
        raise _Terminated(number)

    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, terminate)
