"""Run the command line as ``python -m tciagen``."""

from tciagen.cli.application import main

main()
