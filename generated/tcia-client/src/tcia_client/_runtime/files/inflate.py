"""The fastest of the libraries at hand that inflate and count CRC-32 as :mod:`zlib` does."""

import zlib
from importlib import import_module
from typing import Any


def _fastest() -> Any:
    for name in ("isal.isal_zlib", "zlib_ng.zlib_ng"):
        try:
            return import_module(name)
        except ImportError:
            continue
    return zlib


LIBRARY: Any = _fastest()
"""Python-ISAL or zlib-ng where they are installed, else the standard library's zlib."""
