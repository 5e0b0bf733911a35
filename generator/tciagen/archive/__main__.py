"""``python -m tciagen.archive``: the archive's commands without the main command line."""

import sys

import click

from tciagen.archive.cli import archive
from tciagen.errors import EXIT_FINE, EXIT_INTERRUPTED, TciagenError


def main() -> int:
    """Run the command line and return its exit status."""
    try:
        status = archive(prog_name="python -m tciagen.archive", standalone_mode=False)
    except TciagenError as error:
        print(f"tciagen: error: {error}", file=sys.stderr)
        return error.exit_status
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        print("tciagen: interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED
    return status if isinstance(status, int) else EXIT_FINE


if __name__ == "__main__":
    sys.exit(main())
