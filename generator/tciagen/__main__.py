"""Run the command line as ``python -m tciagen``."""

from tciagen.cli import main

main()
