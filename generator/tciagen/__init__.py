"""tciagen: typed clients from the metadata that a query API serves about itself.

The way through is one way: crawl, validate, contract, Python view, render,
publish. Each step is a module of this package; ``docs/architecture.md`` draws it.
"""

from importlib.metadata import version

__version__ = version("tciagen")
