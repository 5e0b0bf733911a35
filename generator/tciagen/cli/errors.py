"""Errors of a command as sentences on stderr, and its exit status."""

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import click

from tciagen.errors import EXIT_FINE, EXIT_INTERRUPTED, EXIT_USAGE, TciagenError


def run_safely(command: Callable[[], Any]) -> int:
    """Run a command and return its exit status; tell its errors in sentences."""
    try:
        status = command()
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return EXIT_USAGE
    except click.ClickException as error:
        said = " ".join(error.format_message().split())
        context = error.ctx if isinstance(error, click.UsageError) else None
        hint = f" See `{context.command_path} --help`." if context else ""
        _tell(f"{said}{'' if said.endswith(('.', '?')) else '.'}{hint}")
        return EXIT_USAGE
    except TciagenError as error:
        for line in str(error).splitlines():
            _tell(line)
        return error.exit_status
    except (BrokenPipeError, SystemExit):  # which click makes of it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FINE
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        _tell(f"{where}{error.strerror or error}.")
        return EXIT_USAGE
    except (KeyboardInterrupt, click.Abort):
        _tell("interrupted.")
        return EXIT_INTERRUPTED
    return status if isinstance(status, int) else EXIT_FINE


def _tell(line: str) -> None:
    shown = "".join(c if c.isprintable() else f"<U+{ord(c):04X}>" for c in line)
    with suppress(OSError):  # the exit status says it, too
        click.echo(f"tciagen: error: {shown}", err=True)
