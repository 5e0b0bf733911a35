"""What keeps tracebacks from people: every outcome as a sentence and an exit status."""

import os
import signal
import sys
import warnings
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
from .limits import limit_advice

EXIT_FINE = 0
EXIT_DIFFERENT = 1
EXIT_USAGE = 2
EXIT_UNREADABLE = 3
EXIT_SERVER = 4
EXIT_INTERRUPTED = 130

_STATUS: tuple[tuple[type[ApiError], int], ...] = (
    (ParameterError, EXIT_USAGE),
    (ManifestError, EXIT_USAGE),
    (NoFileError, EXIT_UNREADABLE),
    (NotAFileError, EXIT_UNREADABLE),
    (UnsafeArchiveError, EXIT_UNREADABLE),
    (LimitError, EXIT_UNREADABLE),
    (DownloadError, EXIT_DIFFERENT),
    (InvalidResponseError, EXIT_UNREADABLE),
)
_ADVICE: dict[type[ApiError], str] = {
    InvalidResponseError: "See the answer with --format raw.",
    ShapeError: "See the answer with --format raw.",
    MissingValueError: "With --on-mismatch warn such rows are delivered.",
    InvalidValueError: "With --on-mismatch warn such rows are delivered.",
    AuthenticationError: (
        "Set a valid key in the environment, or with `config set api-key`. If you did, check any "
        f"proxy in front of the server: {NGINX_DROPS_KEY}."
    ),
    UnsafeArchiveError: "Nothing was unpacked. To look at the archive, keep it packed with "
    "--keep-zip, without --names.",
    VerificationError: "Retry later; --on-difference keep saves the received files.",
}
"""What to do about an error, where the error itself says it to programmers."""


def guarded(package: str, command: str) -> int:
    """Run the command line and return its exit status; tell its errors in sentences."""
    from .app import application  # noqa: PLC0415 - an interrupt while it loads is told, too

    _end_by_signals()
    if sys.stdout is None:  # pyright: ignore[reportUnnecessaryComparison] - it was closed
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - for good

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
        except (BrokenPipeError, SystemExit):  # which click makes of it
            forget_reader()
            return EXIT_FINE
        except ModuleNotFoundError:  # an extra that is not installed
            raise
        except _Ended as ended:
            tell(command, "error", f"ended by {ended.signal.name}")
            return 128 + ended.signal
        except (KeyboardInterrupt, click.Abort):
            tell(command, "error", "interrupted")
            return EXIT_INTERRUPTED
        except click.exceptions.NoArgsIsHelpError as error:
            click.echo(error.format_message(), err=True)
            return EXIT_USAGE
        except (click.ClickException, ApiError, OSError, ValueError, ImportError) as error:
            sentence, status = outcome(error)
            tell(command, "error", sentence)
    return status if isinstance(status, int) else EXIT_FINE


def outcome(error: Exception) -> tuple[str, int]:
    """What to say of an error, and the exit status that goes with it."""
    if isinstance(error, click.ClickException):
        return _of_usage(error), EXIT_USAGE
    if isinstance(error, ApiError):
        for kind, advice in _ADVICE.items():
            if type(error) is kind:
                error.advice = advice
        if isinstance(error, LimitError):
            error.advice = limit_advice(error)
        return str(error), next((s for kind, s in _STATUS if isinstance(error, kind)), EXIT_SERVER)
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror}.", EXIT_USAGE
    misfit = type(error) is ValueError  # of a column in Parquet
    return f"{str(error).rstrip('.')}.", EXIT_UNREADABLE if misfit else EXIT_USAGE


def _of_usage(error: click.ClickException) -> str:
    said = " ".join(error.format_message().split())
    if said[-1:] not in ".?":
        said += "."
    context = error.ctx if isinstance(error, click.UsageError) else None
    if context is None:
        return said
    root = context.find_root()
    if isinstance(error, click.NoSuchOption) and root is not context:
        for option in root.command.params:
            if error.option_name in option.opts:
                where = f"{root.command_path} {error.option_name} … {context.info_name}"
                said = f"{error.option_name} stands before the subcommand: {where}."
    return f"{said} See `{context.command_path} --help`."


def tell(command: str, kind: str, sentence: str) -> None:
    """Write a sentence to stderr; nothing in it reaches the terminal as a command."""
    with suppress(OSError):  # the exit status says it, too
        click.echo(f"{command}: {kind}: {visible(sentence)}", err=True)


def forget_reader() -> None:
    """Write what is still to come to nobody, since who read it has gone."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _Ended(BaseException):
    """Ends what goes on as Ctrl-C does, with nothing left half-written."""

    def __init__(self, number: int) -> None:
        self.signal = signal.Signals(number)


def _end_by_signals() -> None:
    """Clean up also where a terminal is closed or the process is told to end."""

    def end(number: int, _frame: object) -> NoReturn:
        raise _Ended(number)

    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, end)
