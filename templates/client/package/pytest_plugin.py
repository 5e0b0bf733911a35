"""Registers the marker ``drift`` with pytest; loaded by its entry point."""

from typing import Protocol


class _Config(Protocol):
    def addinivalue_line(self, name: str, line: str) -> None: ...


def pytest_configure(config: _Config) -> None:
    """Let ``--strict-markers`` know the marker."""
    config.addinivalue_line("markers", "drift: compares the contract of a server with the package")
