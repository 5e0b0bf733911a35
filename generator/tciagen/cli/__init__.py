"""The command line: one module for each group of commands, loaded when it is called."""

from tciagen.cli.application import main

__all__ = ["main"]
