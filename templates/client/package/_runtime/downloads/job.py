"""One download from its first byte to its final name, without the network.

The synchronous and the asynchronous function in :mod:`.download` both pass what they receive
to a :class:`Job`, a context manager that leaves nothing behind unless :meth:`Job.finish`
succeeds.
"""

import threading
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from logging import Logger
from pathlib import Path
from typing import Self

from ..errors import ApiError, HTTPStatusError, IncompleteResponseError, ReadTimeoutError
from ..http.request import Request
from ..http.retry import Attempts
from ..server_message import is_page, summary
from ..warn import warn_caller
from .body import Body
from .count import Count
from .dicom_header import HeaderReader
from .errors import CorruptDownloadError, DownloadError, NotAFileError, VerificationError
from .options import DownloadOptions, Limits, Names, StrPath
from .part import Part
from .receipt import Receipt, find_existing, request_values
from .result import NOT_COUNTED, UNCHECKED, Download, UncheckedWarning
from .target import choose_target
from .unpack import FreeSpace, Unpacker
from .verify import Checks

_BEGINNING = 4096


class Stopped(BaseException):
    """Raised in a download that another thread has cancelled."""


class Job:
    """A download in progress, in one thread at a time; another one may :meth:`abandon` it.

    Args:
        request: The request.
        target: The caller's target, see :class:`.options.DownloadOptions`.
        options: The caller's options.
        in_folder: Whether the target is a folder in any case.
        stated: The number of files that the caller's item states.

    Raises:
        ParameterError: An option cannot be used.
    """

    def __init__(
        self,
        request: Request,
        target: StrPath,
        options: DownloadOptions,
        *,
        in_folder: bool = False,
        stated: Count | None = None,
    ) -> None:
        self._started = time.perf_counter()
        self._request = request
        self._options = options
        self._stated = stated
        self._target = choose_target(target, request, options, in_folder=in_folder)
        self._is_folder = self._target.kind == "folder"
        self._part = Part(self._target.path, folder=self._is_folder)
        self._body = Body(options.get("progress"))
        self._names: Names = options.get("names", "server")
        self._limits = options.get("limits", Limits())
        self._headers: Mapping[str, str] = {}
        self._existing: Receipt | None = None
        self._lock = threading.RLock()
        self._ended = self._in_body = False
        self._reset()

    def _reset(self) -> None:
        """Create what reads and checks a body from its first byte."""
        self._beginning = b""
        self._checks = Checks(self._request, self._options.get("expect"), self._stated)
        self._space = FreeSpace(self._target.path.parent, self._limits.free_bytes)
        self._reader: HeaderReader | None = None
        self._unpacker: Unpacker | None = None
        if self._target.kind != "file":
            folder = self._part.path if self._is_folder else None
            self._unpacker = Unpacker(
                folder, self._names, self._limits, self._checks, space=self._space
            )
        elif self._checks.dicom:
            self._reader = HeaderReader()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        try:
            self.abandon()
        except KeyboardInterrupt:
            self.abandon()
            raise
        if isinstance(error, DownloadError):
            error.path = self._target.path
            error.bytes = self._body.count
            error.seconds = time.perf_counter() - self._started
            error.checks = self._checks.made
            error.differences = tuple(self._checks.differences)
            files = self._unpacker.files if self._unpacker is not None else ()
            error.files = tuple(name.as_posix() for name, _ in files)

    def abandon(self) -> None:
        """End the download and remove what is not placed, from any thread.

        The thread of the download raises :class:`Stopped` at its next step.
        """
        with self._lock:
            if not self._ended:
                if self._unpacker is not None:
                    self._unpacker.close()
                self._part.discard()
                self._ended = True

    @contextmanager
    def _step(self) -> Generator[None, None, None]:
        with self._lock:
            if self._ended:
                raise Stopped
            yield

    def find_existing(self) -> bool:
        """Look for an earlier complete download; return whether its count has to be queried.

        Raises:
            ParameterError: There is one, named in another way.
        """
        with self._step():
            self._part.settle()
        if self._options.get("existing") == "keep":
            self._existing = find_existing(self._target, self._request, self._names, self._checks)
        return self._existing is not None and self._lacks_count

    def existing(self, count: Count | None) -> Download | None:
        """Return the earlier download if it passes the checks, or prepare for a new one.

        Args:
            count: The number of files that another endpoint states, if it was queried.
        """
        if self._existing is not None:
            self._compare(count)
            if not self._checks.differences:
                files = self._target.files(self._existing.files)
                return self._download(files, self._target.path, existed=True)
        with self._step():
            self._existing = None
            self._reset()
            self._part.lock()
        return None

    @property
    def _lacks_count(self) -> bool:
        """Whether the number of files has to be queried, since nothing else states it."""
        counted_before = self._existing is not None and self._existing.counted
        return self._target.kind != "file" and self._checks.lacks_count and not counted_before

    def _compare(self, count: Count | None) -> None:
        if self._lacks_count and count is None:
            self._checks.note(UNCHECKED)
        self._checks.finish(count)

    def request_headers(self) -> dict[str, str]:
        """Return the headers of the next request."""
        self._in_body = False
        return self._body.request_headers()

    def begin(self, status: int, headers: Mapping[str, str]) -> None:
        """Read the status and headers of a response.

        Raises:
            ApiError: The response is not the file.
        """
        with self._step():
            if not self._body.begin(status, headers):
                if self._unpacker is not None:
                    self._unpacker.close()
                self._headers = headers
                self._part.begin()
                self._reset()
                self._space.expect(self._body.total or 0)
            self._in_body = True

    def write(self, data: bytes) -> None:
        """Write and check the next chunk of the body.

        Raises:
            DownloadError: The chunk is damaged or invalid.
        """
        with self._step():
            if self._part.file is not None:
                self._space.write(len(data))
                self._part.file.write(data)
            if len(self._beginning) < _BEGINNING:
                self._beginning += data[:_BEGINNING]
            reader = self._unpacker or self._reader
            if reader is not None:
                reader.feed(data)
            self._body.add(len(data))

    def received(self) -> bool:
        """Check the files after the end of the body; return whether their count has to be queried.

        Raises:
            DownloadError: The download is damaged, or there is no file.
        """
        with self._step():
            self._body.finish()
            if self._body.total is not None:
                self._checks.note("length")
            if self._unpacker is not None:
                self._unpacker.finish()
                if self._part.file is not None:
                    self._part.file.flush()
                self._unpacker.check(self._part.path)
            elif self._reader is not None:
                if self._beginning[128:132] != b"DICM":
                    raise NotAFileError("the response is no DICOM Part 10 file")
                self._checks.image(self._target.path.name, self._reader, self._body.count)
            self._checks.response(self._headers)
            if self._unpacker is not None:
                self._unpacker.refuse_empty()
            return self._lacks_count

    def finish(self, count: Count | None) -> Download:
        """Complete the checks, and give the download its final name.

        Args:
            count: The number of files that another endpoint states, if it was queried.

        Raises:
            DownloadError: The download differs from the request.
        """
        with self._step():
            self._compare(count)
            if self._checks.differences and self._options.get("on_difference") != "keep":
                error = VerificationError(
                    f"the download differs from the request: {self._checks.summary()}"
                )
                rules = (difference.rule for difference in self._checks.differences)
                error.rule = next(filter(None, rules), None)
                raise error
            return self._place()

    def _place(self) -> Download:
        written = [(Path(self._target.path.name), self._body.count)]
        if self._is_folder and self._unpacker is not None:
            written = self._unpacker.files
        receipt = Receipt(
            request=request_values(self._request),
            names=self._names,
            complete=not self._checks.differences,
            counted=NOT_COUNTED not in self._checks.all_unchecked,
            files={name.as_posix(): size for name, size in written},
        )
        final = self._part.place(receipt, listed=self._options.get("existing") == "keep")
        files = [(final / name if self._is_folder else final, size) for name, size in written]
        return self._download(files, final)

    def failed(self, error: ApiError, attempts: Attempts, logger: Logger) -> float:
        """Return the seconds until the next attempt.

        Raises:
            ApiError: There is no further attempt; it has the endpoint and the URL.
        """
        refused = isinstance(error, HTTPStatusError) and error.status == 416
        if refused and self._body.refused():
            error = IncompleteResponseError("the server refuses to resume the file")
        elif isinstance(error, CorruptDownloadError):
            self._body.forget()
        if isinstance(error, NotAFileError) and not error.server_message:
            text = self._beginning.decode("utf-8", "replace").strip()
            error.server_message = ("(HTML page) " if is_page(text) else "") + summary(text)
        error.endpoint = self._request.endpoint.address
        error.url = self._request.url
        broke = self._in_body and isinstance(error, ReadTimeoutError)
        try:
            wait = attempts.after(IncompleteResponseError(error.reason) if broke else error)
        except ApiError:
            raise error from error.__cause__
        logger.info("%s: %s; retrying in %.1f s", error.endpoint, error.reason, wait)
        return wait

    def _download(
        self, files: list[tuple[Path, int]], path: Path, *, existed: bool = False
    ) -> Download:
        checks = self._checks
        if checks.unchecked:
            warn_caller(f"{path}: {checks.warning()}", UncheckedWarning)
        return Download(
            arguments=self._request.keywords,
            path=path,
            files=tuple(name for name, _ in files),
            bytes=sum(size for _, size in files),
            seconds=time.perf_counter() - self._started,
            checks=checks.made,
            differences=tuple(checks.differences),
            unchecked=checks.all_unchecked,
            existed=existed,
        )
