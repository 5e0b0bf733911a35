"""Decode content encodings in chunks of bounded size, and verify that they are complete.

httpx accepts a truncated stream, reads only the first of several gzip members, and returns
what one received chunk decompresses to as one chunk, however large.
"""

import zlib
from collections.abc import Iterator

CHUNK_BYTES = 256 * 1024
"""Maximum number of bytes of one decompressed chunk."""

_GZIP = 31
_ZLIB = 15
_RAW = -15


class EncodingError(Exception):
    """The bytes do not have the declared encoding, or end too early."""


class Identity:
    """Returns the bytes as they are."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield the next bytes."""
        yield data

    def finish(self) -> None:
        """Accept the end of the bytes."""


class Inflater(Identity):
    """Decompresses gzip (RFC 1952), or deflate with or without the zlib header."""

    def __init__(self, *, gzip: bool) -> None:
        self._gzip = gzip
        self._inflate = zlib.decompressobj()
        self._started = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield the next bytes, decompressed.

        Raises:
            EncodingError: They do not have this encoding.
        """
        full = False
        while data or full:
            if not self._started:
                self._started = True
                self._inflate = zlib.decompressobj(self._window(data))
            try:
                chunk = self._inflate.decompress(data, CHUNK_BYTES)
            except zlib.error as error:
                raise EncodingError(f"is broken ({error})") from None
            if chunk:
                yield chunk
            full = len(chunk) == CHUNK_BYTES
            data = self._inflate.unconsumed_tail
            if self._inflate.eof:
                full = False
                data = self._inflate.unused_data.lstrip(b"\0")  # padding, which some writers add
                if data and not self._gzip:
                    raise EncodingError("is followed by other bytes")
                self._started = not data

    def finish(self) -> None:
        """Check that the last member is complete.

        Raises:
            EncodingError: The bytes end within a member.
        """
        if self._started and not self._inflate.eof:
            raise EncodingError("ends too early")

    def _window(self, data: bytes) -> int:
        if self._gzip:
            return _GZIP
        return _ZLIB if data[0] & 0x0F == 8 else _RAW


def decoder(encoding: str | None) -> Identity | None:
    """Return the decoder of a Content-Encoding header, None for an unsupported encoding."""
    match (encoding or "identity").strip().lower():
        case "identity":
            return Identity()
        case "gzip" | "x-gzip":
            return Inflater(gzip=True)
        case "deflate":
            return Inflater(gzip=False)
        case _:
            return None
