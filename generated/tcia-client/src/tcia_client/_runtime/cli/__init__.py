"""The command line that every client package has: its endpoints as subcommands.

It is built at run time from the endpoints and docstrings of the package, and needs the
extra ``cli``. Exit status: 0 fine, 1 downloads incomplete or different, 2 usage or
configuration, 3 an answer that cannot be read, 4 server out of reach or an error status,
130 interrupted, 128 + n ended by signal n. Errors are one sentence each on stderr.
"""

import sys
from typing import NoReturn

_EXTRA = ("click", "platformdirs", "rich")


def run(package: str, command: str) -> NoReturn:
    """Run the command line of a package under the name of its command, and exit."""
    try:
        from .guard import guarded  # noqa: PLC0415 - click may be missing

        status = guarded(package, command)
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
