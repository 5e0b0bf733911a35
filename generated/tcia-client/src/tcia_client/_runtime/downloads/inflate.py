"""The fastest of the libraries at hand that inflate and count CRC-32 as :mod:`zlib` does."""

import zlib
from contextlib import suppress
from importlib import import_module
from typing import Any


def _fastest() -> Any:
    for name in ("isal.isal_zlib", "zlib_ng.zlib_ng"):
        with suppress(ImportError):
            library = import_module(name)
            if gives_back_the_rest(library):
                return library
    return zlib


def gives_back_the_rest(library: Any) -> bool:
    """Whether what follows a stream is given back where it was inflated in steps, as zlib does.

    Python-ISAL before 1.9 does not.
    """
    deflater = zlib.compressobj(wbits=-15)
    given = deflater.compress(bytes(64)) + deflater.flush() + b"rest"
    inflater = library.decompressobj(-15)
    for _ in range(8):
        inflater.decompress(given, 16)
        if inflater.eof:
            break
        given = inflater.unconsumed_tail
    return bytes(inflater.unused_data) == b"rest"


LIBRARY: Any = _fastest()
"""Python-ISAL or zlib-ng where they are installed, else the standard library's zlib."""
