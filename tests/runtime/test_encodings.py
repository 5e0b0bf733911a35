"""Content encodings: decoded to their end, in chunks of bounded size."""

import gzip
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from _runtime.errors import IncompleteResponseError
from _runtime.http.content_encoding import CHUNK_BYTES, EncodingError, decoder
from _runtime.http.retry import Retry

if TYPE_CHECKING:
    from tests.runtime.conftest import RunClient, Runtime, Server

CSV = b'"ShipUID","ShipName"\n' + b"".join(b'"1.2.%d","Fram"\n' % n for n in range(1, 400))
ROWS = 399


def in_members(data: bytes) -> bytes:
    """Return data compressed in several members, as of joined files (RFC 1952, 2.2)."""
    return b"".join(gzip.compress(data[at : at + 1000]) for at in range(0, len(data), 1000))


def bare_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


PACKERS: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("gzip", gzip.compress),
    ("x-gzip", gzip.compress),
    ("GZIP", in_members),
    ("deflate", zlib.compress),
    ("deflate", bare_deflate),
    ("identity", bytes),
]


@pytest.mark.parametrize(("name", "pack"), PACKERS)
def test_each_encoding_is_decoded(
    run_client: "RunClient",
    rt: "Runtime",
    server: "Server",
    name: str,
    pack: Callable[[bytes], bytes],
) -> None:
    server.respond_with(rt.Reply(pack(CSV), headers={"Content-Encoding": name}, chunks=7))
    assert len(run_client(lambda c: c.list_ships(format="csv"))) == ROWS
    assert run_client(lambda c: c.with_raw_response.list_ships(format="csv")).content == CSV


@pytest.mark.parametrize("pack", [gzip.compress, in_members])
def test_body_truncated_at_any_byte_is_an_error(
    run_client: "RunClient", rt: "Runtime", server: "Server", pack: Callable[[bytes], bytes]
) -> None:
    body = pack(CSV)
    ends = {n for n in range(1, len(body)) if body[n : n + 3] == b"\x1f\x8b\x08"}
    for cut in sorted({*range(1, 30), *range(30, len(body), 61), len(body) - 1} - ends):
        server.respond_with(rt.Reply(body[:cut], headers={"Content-Encoding": "gzip"}))
        for action in (
            lambda c: c.list_ships(format="csv"),
            lambda c: c.with_raw_response.list_ships(),
        ):
            with pytest.raises(
                IncompleteResponseError, match="compression of the response ends too early"
            ):
                run_client(action, retry=Retry(attempts=1))


def test_damaged_body_is_an_error(run_client: "RunClient", rt: "Runtime", server: "Server") -> None:
    body = bytearray(gzip.compress(CSV))
    body[-6] ^= 1  # of the checksum
    server.respond_with(rt.Reply(bytes(body), headers={"Content-Encoding": "gzip"}))
    with pytest.raises(IncompleteResponseError, match="compression of the response is broken"):
        run_client(lambda c: c.list_ships(format="csv"), retry=Retry(attempts=1))


def test_empty_body_is_valid_in_every_encoding(
    run_client: "RunClient", rt: "Runtime", server: "Server"
) -> None:
    server.respond_with(rt.Reply(b"", headers={"Content-Encoding": "gzip"}))
    assert run_client(lambda c: c.list_ships()) == []


@given(st.binary(max_size=3000), st.integers(1, 500), st.sampled_from(PACKERS[:-1]))
def test_chunks_of_any_size_decode_to_the_original(
    data: bytes, step: int, packer: tuple[str, Callable[[bytes], bytes]]
) -> None:
    name, pack = packer
    packed = pack(data)
    decode = decoder(name)
    assert decode is not None
    out = b""
    for at in range(0, len(packed), step):
        out += b"".join(decode.feed(packed[at : at + step]))
    decode.finish()
    assert out == data


def test_chunk_that_expands_is_returned_in_bounded_chunks() -> None:
    decode = decoder("gzip")
    assert decode is not None
    sizes = [len(chunk) for chunk in decode.feed(gzip.compress(bytes(20_000_000)))]
    decode.finish()
    assert sum(sizes) == 20_000_000
    assert max(sizes) == CHUNK_BYTES


def test_decoder_accepts_only_zeros_after_the_end() -> None:
    decode = decoder("gzip")
    assert decode is not None
    assert b"".join(decode.feed(gzip.compress(CSV) + bytes(500))) == CSV
    decode.finish()
    with pytest.raises(EncodingError, match="is broken"):
        list(decode.feed(b"<html>"))


MEASURED = """
import resource, sys
from tests.runtime.conftest import Client
unit = 1 if sys.platform == "darwin" else 1024
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
with Client(base_url=sys.argv[1]) as client:
    client.list_ships()
    before = peak()
    count = sum(map(len, client.streaming.download_plans(ship_uid="1.2")))
print(count, peak() - before)
"""


def test_memory_is_constant_for_a_response_that_expands(
    rt: "Runtime", server: "Server", root: Path
) -> None:
    large = gzip.compress(bytes(300_000_000), 1)
    server.respond_with(b"[]", rt.Reply(large, headers={"Content-Encoding": "gzip"}))
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, server.base_url],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    count, rise = map(int, done.stdout.split())
    assert count == 300_000_000
    assert rise < 30_000_000
