"""Content encodings undone as the bytes come: in pieces of bounded size, and to their very end.

httpx takes what has come of a stream for all of it, the first member of several for the
last, and gives what one piece of the wire becomes in one piece, however large.
"""

import zlib
from collections.abc import Iterator

PIECE = 256 * 1024
"""Bytes that come out at a time at most."""

_GZIP = 31
_ZLIB = 15
_RAW = -15


class EncodingError(Exception):
    """The bytes are not of their encoding, or end too early."""


class Inflater:
    """Undoes ``gzip`` (RFC 1952) or ``deflate``, with or without zlib's header: both are found."""

    def __init__(self, *, gzip: bool) -> None:
        self._gzip = gzip
        self._inflate = zlib.decompressobj()
        self._begun = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Give what the next bytes become.

        Raises:
            EncodingError: They are not of this encoding.
        """
        full = False
        while data or full:
            if not self._begun:
                self._begun = True
                self._inflate = zlib.decompressobj(self._window(data))
            try:
                piece = self._inflate.decompress(data, PIECE)
            except zlib.error as error:
                raise EncodingError(f"is broken ({error})") from None
            if piece:
                yield piece
            full = len(piece) == PIECE
            data = self._inflate.unconsumed_tail
            if self._inflate.eof:
                full = False
                data = self._inflate.unused_data.lstrip(b"\0")  # padding, which some writers add
                if data and not self._gzip:
                    raise EncodingError("is followed by something else")
                self._begun = not data

    def end(self) -> None:
        """Know that no more bytes will come.

        Raises:
            EncodingError: The last member has not ended.
        """
        if self._begun and not self._inflate.eof:
            raise EncodingError("ends too early")

    def _window(self, data: bytes) -> int:
        if self._gzip:
            return _GZIP
        return _ZLIB if data[0] & 0x0F == 8 else _RAW


def inflater(encoding: str) -> Inflater | None:
    """What undoes an encoding, None if this module does not."""
    name = encoding.strip().lower()
    if name in ("gzip", "x-gzip"):
        return Inflater(gzip=True)
    return Inflater(gzip=False) if name == "deflate" else None
