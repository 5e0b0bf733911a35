"""Read and inflate bytes that are received in chunks of any size."""

import zlib
from collections.abc import Generator, Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from .errors import CorruptDownloadError


def _fastest() -> Any:
    for name in ("isal.isal_zlib", "zlib_ng.zlib_ng"):
        with suppress(ImportError):
            library = import_module(name)
            if gives_back_the_rest(library):
                return library
    return zlib


def gives_back_the_rest(library: Any) -> bool:
    """Return whether a library returns the bytes behind a stream that is inflated in steps.

    zlib does; Python-ISAL before 1.9 does not.
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
"""Python-ISAL or zlib-ng if installed, otherwise the standard library's zlib."""


_BLOCK = 64 * 1024


def read_blocks(path: Path) -> Iterator[bytes]:
    """Yield a file in blocks of 64 kB.

    Raises:
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            yield block


class Input:
    """The bytes of an archive that are still to be read.

    Its generators yield None when they need more bytes, and continue after :meth:`_add`.

    Args:
        what: The part that is read first, for errors.
    """

    def __init__(self, what: str) -> None:
        self._data = b""
        self._at = 0
        self._before = 0
        self._ended = False
        self._what = what

    def _add(self, data: bytes) -> None:
        self._before += self._at
        self._data = self._data[self._at :] + data if self._at < len(self._data) else data
        self._at = 0

    def _need(self, count: int) -> Generator[None, None, None]:
        while len(self._data) - self._at < count:
            if self._ended:
                length = self._before + len(self._data)
                raise CorruptDownloadError(
                    f"the ZIP archive is cut short: it ends at byte {length}, in {self._what}"
                )
            yield None

    def _take(self, count: int) -> Generator[None, None, bytes]:
        yield from self._need(count)
        self._at += count
        return self._data[self._at - count : self._at]

    def _peek(self, count: int) -> bytes:
        return self._data[self._at : self._at + count]

    @property
    def _position(self) -> int:
        return self._before + self._at

    def _damaged(self, what: str) -> CorruptDownloadError:
        return CorruptDownloadError(f"the ZIP archive is damaged at byte {self._position}: {what}")
