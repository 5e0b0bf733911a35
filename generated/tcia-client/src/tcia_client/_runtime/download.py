"""Files of an answer on disk: whole under their name, or not there at all."""

import os
import re
import time
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import aclosing, closing
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

import attrs

from .errors import BrokenStreamError
from .request import Request
from .retry import Attempts

if TYPE_CHECKING:
    from .transport import Answer, AsyncAnswer, AsyncTransport, SyncTransport

StrPath = str | os.PathLike[str]
Progress = Callable[[int, int | None], None]
"""Called with the bytes that have arrived and those expected, None if that is not known."""

_SUFFIXES = {"ZIP": ".zip", "DICOM": ".dcm"}
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")
_HEADERS = {"Accept-Encoding": "identity"}


class DownloadOptions(TypedDict, total=False):
    """Options of a download.

    Attributes:
        progress: Called for every piece, with the bytes so far and in all.
    """

    progress: Progress


@attrs.frozen
class Download:
    """A file that has arrived whole: where it is, its size in bytes, and how long it took."""

    path: Path
    bytes: int
    seconds: float


def target_path(target: StrPath, request: Request) -> Path:
    """The file to write: the target itself, or a name of the request's own in a folder.

    A folder is one that exists, or a text that ends in a separator. The name in it comes
    from the last value asked for, never from the server.
    """
    path = Path(target)
    separators = tuple(filter(None, (os.sep, os.altsep)))
    if not (path.is_dir() or os.fspath(target).endswith(separators)):
        return path
    endpoint = request.endpoint
    given = [
        str(value)
        for parameter in endpoint.parameters
        if (value := request.arguments.values.get(parameter.name)) is not None
    ]
    stem = _UNSAFE.sub("_", given[-1] if given else endpoint.name).lstrip(".")[:120]
    return path / f"{stem or 'file'}{_SUFFIXES.get(next(iter(endpoint.formats), ''), '')}"


class _Counter:
    """Counts the bytes of a body, reports them, and holds them against what was promised."""

    def __init__(self, request: Request, answer: "Answer | AsyncAnswer") -> None:
        length = answer.headers.get("content-length", "")
        self.raw = "content-encoding" not in answer.headers
        self.count = 0
        self._total = int(length) if self.raw and length.isdigit() else None
        self._request = request
        self._progress: Progress | None = request.arguments.options.get("progress")

    def add(self, chunk: bytes) -> None:
        self.count += len(chunk)
        if self._progress is not None:
            self._progress(self.count, self._total)

    def finish(self) -> None:
        if self._total is not None and self.count != self._total:
            raise BrokenStreamError(
                f"{self.count} of {self._total} bytes arrived",
                endpoint=self._request.endpoint.address,
                url=self._request.url,
            )


class _Part:
    """A file beside the target until it is whole; removed if it never becomes so."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._part = path.with_name(path.name + ".part")

    def __enter__(self) -> Callable[[bytes], int]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._part.open("wb")
        return self._file.write

    def __exit__(self, kind: type[BaseException] | None, *_rest: object) -> None:
        self._file.close()
        if kind is None:
            self._part.replace(self.path)
        else:
            self._part.unlink(missing_ok=True)


def chunks(
    transport: "SyncTransport", request: Request, attempts: Attempts | None = None
) -> Generator[bytes, None, None]:
    """The pieces of a file as they arrive.

    Raises:
        ApiError: The file did not come, or not whole.
    """
    with transport.open(request, _HEADERS, attempts) as answer:
        counter = _Counter(request, answer)
        for chunk in answer.chunks(raw=counter.raw):
            counter.add(chunk)
            yield chunk
        counter.finish()


async def async_chunks(
    transport: "AsyncTransport", request: Request, attempts: Attempts | None = None
) -> AsyncGenerator[bytes, None]:
    """The pieces of a file as they arrive; see :func:`chunks`."""
    async with transport.open(request, _HEADERS, attempts) as answer:
        counter = _Counter(request, answer)
        async for chunk in answer.chunks(raw=counter.raw):
            counter.add(chunk)
            yield chunk
        counter.finish()


def download(transport: "SyncTransport", request: Request, target: StrPath) -> Download:
    """Write a file to a path; one whose connection breaks is begun again.

    Raises:
        ApiError: The file did not come, or not whole; nothing is left of it.
        OSError: It cannot be written; nothing is left of it.
    """
    started = time.perf_counter()
    attempts = transport.options.attempts()
    path = target_path(target, request)
    while True:
        try:
            with _Part(path) as write, closing(chunks(transport, request, attempts)) as pieces:
                size = sum(write(piece) for piece in pieces)
            return Download(path, size, time.perf_counter() - started)
        except BrokenStreamError as error:
            transport.sleep(attempts.after(error))


async def async_download(
    transport: "AsyncTransport", request: Request, target: StrPath
) -> Download:
    """Write a file to a path; see :func:`download`."""
    started = time.perf_counter()
    attempts = transport.options.attempts()
    path = target_path(target, request)
    while True:
        try:
            with _Part(path) as write:
                async with aclosing(async_chunks(transport, request, attempts)) as pieces:
                    size = 0
                    async for piece in pieces:
                        size += write(piece)
            return Download(path, size, time.perf_counter() - started)
        except BrokenStreamError as error:
            await transport.sleep(attempts.after(error))
