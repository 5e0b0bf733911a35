"""The command line of every client package, with a subcommand for each endpoint.

It is built at run time from the endpoints and docstrings of the package, and needs the
extra ``cli``. Errors are one sentence each on standard error. Exit status: see ``app.py``.
"""

import sys
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    import click

_EXTRA = ("click", "platformdirs", "rich")


def run(package: str, command: str) -> NoReturn:
    """Run the command line of a package under the name of its command, and exit."""

    def load() -> "click.Command":
        from .app import application  # noqa: PLC0415 - so that an interrupt is reported

        return application(package, command)

    try:
        from .errors import guarded  # noqa: PLC0415 - click may be missing

        status = guarded(command, load)
    except KeyboardInterrupt:
        sys.stderr.write(f"{command}: error: interrupted\n")
        status = 130
    except ModuleNotFoundError as error:
        if error.name not in _EXTRA:
            raise
        sys.stderr.write(
            f"{command}: error: the command line needs {error.name}; "
            f"install {package} with its extra 'cli'.\n"
        )
        status = 2
    sys.exit(status)
