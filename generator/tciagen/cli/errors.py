"""Errors of a command as sentences on stderr, and its exit status."""

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import click

from tciagen.display import printable
from tciagen.errors import EXIT_FINE, EXIT_INTERRUPTED, EXIT_USAGE, TciagenError


def run_safely(command: Callable[[], Any]) -> int:
    """Run a command and return its exit status; print its errors as sentences."""
    try:
        status = command()
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return EXIT_USAGE
    except click.ClickException as error:
        message = " ".join(error.format_message().split())
        context = error.ctx if isinstance(error, click.UsageError) else None
        hint = f" See `{context.command_path} --help`." if context else ""
        _print_error(f"{message}{'' if message.endswith(('.', '?')) else '.'}{hint}")
        return EXIT_USAGE
    except TciagenError as error:
        for line in str(error).splitlines():
            _print_error(line)
        return error.exit_status
    except (BrokenPipeError, SystemExit):  # click raises either
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FINE
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        _print_error(f"{where}{error.strerror or error}.")
        return EXIT_USAGE
    except (KeyboardInterrupt, click.Abort):
        _print_error("interrupted.")
        return EXIT_INTERRUPTED
    return status if isinstance(status, int) else EXIT_FINE


def _print_error(line: str) -> None:
    with suppress(OSError):  # the exit status reports it, too
        click.echo(f"tciagen: error: {printable(line)}", err=True)
