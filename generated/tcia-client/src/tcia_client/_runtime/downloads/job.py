"""One download from its first byte to its final name, without the network.

The synchronous and the asynchronous function in :mod:`.download` both pass what they receive
to a :class:`Job`, a context manager that leaves nothing behind unless :meth:`Job.finish`
succeeds.
"""

import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from ..errors import ApiError, ReadTimeoutError
from ..http.request import Request
from ..server_message import is_page, summary
from ..warn import warn_caller
from .body import Body
from .count import Count
from .dicom_header import HeaderReader
from .errors import CorruptDownloadError, DownloadError, NotAFileError, VerificationError
from .options import DownloadOptions, Limits, Names, StrPath
from .part import Part
from .receipt import Existing, Inventory, asked_by, find_existing
from .result import NOT_COUNTED, UNCHECKED, Download, UncheckedWarning
from .stop import Stopped
from .target import choose_target
from .unpack import FreeSpace, Unpacker
from .verify import Checks

_BEGINNING = 4096


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
        OSError: The destination of a file is a folder, or that of a folder a file.
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
        self._target = choose_target(target, request, options, in_folder=in_folder)
        self._part = Part(self._target.path, folder=self._target.kind == "folder")
        self._body = Body(options.get("progress"))
        self._headers: Mapping[str, str] = {}
        self._unpacker: Unpacker | None = None
        self._reader: HeaderReader | None = None
        self._beginning = b""
        self._stated = stated
        self._existing: Existing | None = None
        self._checks = self._new_checks()
        self._space = FreeSpace(self._target.path.parent, self._limits.free_bytes)
        self._names: Names = options.get("names", "server")
        self._lock = threading.RLock()
        self._ended = self._in_body = False

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

        Raises:
            OSError: A file cannot be removed.
        """
        with self._lock:
            if not self._ended:
                if self._unpacker is not None:
                    self._unpacker.close()
                self._part.discard()
                self._ended = True

    def _go_on(self) -> None:
        if self._ended:
            raise Stopped

    def found(self) -> bool:
        """Look for an earlier download that was complete; :meth:`existing` judges it.

        Returns:
            Whether there is one, and the options allow to keep it.

        Raises:
            DownloadError: Another download to the same destination is in progress.
            OSError: An existing file cannot be read.
        """
        with self._lock:
            self._go_on()
            self._part.settle()
        if self._options.get("existing") == "keep":
            self._existing = find_existing(
                self._target, self._request, self._names, self._checks, self._limits
            )
        return self._existing is not None

    def existing(self, count: Count | None) -> Download | None:
        """Return the earlier download if it passes the checks.

        Else the partial file of a killed process is removed.

        Args:
            count: The number of files that another endpoint states, if it was queried.

        Raises:
            OSError: An existing file cannot be read.
        """
        existing = self._existing
        if existing is not None:
            lacks_count = self.lacks_count and count is None
            self._checks.finish(count)
            if not self._checks.differences:
                if lacks_count:
                    self._checks.note(UNCHECKED)
                return self._download(existing.files, self._target.path, kept=True)
        with self._lock:
            self._go_on()
            self._existing, self._checks = None, self._new_checks()
            self._part.clean()
        return None

    @property
    def lacks_count(self) -> bool:
        """Whether the number of files has to be queried, since nothing else states it."""
        counted_before = self._existing is not None and self._existing.counted
        return self._target.kind != "file" and self._checks.lacks_count and not counted_before

    def _new_checks(self) -> Checks:
        return Checks(self._request, self._options.get("expect"), self._stated)

    def request_headers(self) -> dict[str, str]:
        """Return the headers of the next request."""
        self._in_body = False
        return self._body.request_headers()

    def begin(self, status: int, headers: Mapping[str, str]) -> None:
        """Read the status and headers of a response.

        Raises:
            ApiError: The response is not the file.
            OSError: The file cannot be written.
        """
        with self._lock:
            self._go_on()
            if not self._body.begin(status, headers):
                if self._unpacker is not None:
                    self._unpacker.close()
                self._headers = headers
                self._part.begin()
                self._prepare()
                self._space.expect(self._body.total or 0)
            self._in_body = True

    def write(self, data: bytes) -> None:
        """Write and check the next chunk of the body.

        Raises:
            DownloadError: The chunk is damaged or invalid.
            OSError: It cannot be written.
        """
        with self._lock:
            self._go_on()
            if self._target.kind != "folder":
                self._space.write(len(data))
            self._part.write(data)
            self._see(data)
            self._body.add(len(data))

    def received(self) -> None:
        """Check the files and compare them with what the response states; the body has ended.

        Raises:
            DownloadError: The download is damaged, or there is no file.
        """
        with self._lock:
            self._go_on()
            self._received()

    def finish(self, count: Count | None) -> Download:
        """Complete the checks, and give the download its final name.

        Args:
            count: The number of files that another endpoint states, if it was queried.

        Raises:
            DownloadError: The download differs from the request.
            OSError: It cannot be renamed.
        """
        with self._lock:
            self._go_on()
            return self._finish(count)

    def _received(self) -> None:
        self._body.finish()
        if self._body.total is not None:
            self._checks.note("length")
        if self._unpacker is not None:
            self._unpacker.finish()
            if self._part.file is not None:
                self._part.file.flush()
            self._unpacker.check(self._part.path)
        elif self._reader is not None:
            self._refuse_other_content()
            self._checks.image(self._target.path.name, self._reader, self._body.count)
        self._checks.response(self._headers)
        if self._unpacker is not None:
            self._unpacker.refuse_empty()

    def _finish(self, count: Count | None) -> Download:
        if self.lacks_count and count is None:
            self._checks.note(UNCHECKED)
        self._checks.finish(count)
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
        if self._target.kind == "folder" and self._unpacker is not None:
            written = self._unpacker.files
        inventory = Inventory(
            asked=asked_by(self._request),
            names=self._names,
            whole=not self._checks.differences,
            counted=NOT_COUNTED not in self._checks.all_unchecked,
            files={name.as_posix(): size for name, size in written},
        )
        final = self._part.place(inventory, listed=self._options.get("existing") == "keep")
        if self._target.kind == "folder":
            files = [(final / name, size) for name, size in written]
        else:
            files = [(final, self._body.count)]
        return self._download(files, final)

    def failed(self, error: ApiError) -> ApiError:
        """Return the error of an attempt, with its endpoint and URL."""
        if isinstance(error, NotAFileError) and not error.server_message:
            text = self._beginning.decode("utf-8", "replace").strip()
            error.server_message = ("(HTML page) " if is_page(text) else "") + summary(text)
        if isinstance(error, CorruptDownloadError):
            self._body.forget()
        error.endpoint = self._request.endpoint.address
        error.url = self._request.url
        return error

    def broke(self, error: ApiError) -> bool:
        """Return whether an error interrupted a body, such as a silent server."""
        return self._in_body and isinstance(error, ReadTimeoutError)

    def range_refused(self) -> bool:
        """Discard the received bytes after status 416; return whether a range was requested."""
        return self._body.refused()

    @property
    def _limits(self) -> Limits:
        return self._options.get("limits", Limits())

    def _prepare(self) -> None:
        """Create what reads a body from its first byte."""
        self._beginning = b""
        self._checks = self._new_checks()
        self._space = FreeSpace(self._part.path.parent, self._limits.free_bytes)
        if self._target.kind == "file":
            self._reader = HeaderReader() if self._checks.dicom else None
            return
        folder = self._part.path if self._target.kind == "folder" else None
        self._unpacker = Unpacker(
            folder, self._names, self._limits, self._checks, space=self._space
        )

    def _see(self, data: bytes) -> None:
        if len(self._beginning) < _BEGINNING:
            self._beginning += data[:_BEGINNING]
        if self._unpacker is not None:
            self._unpacker.feed(data)
        elif self._reader is not None:
            self._reader.feed(data)

    def _refuse_other_content(self) -> None:
        if self._beginning[128:132] != b"DICM":
            raise NotAFileError("the response is no DICOM Part 10 file")

    def _download(
        self, files: list[tuple[Path, int]], path: Path, *, kept: bool = False
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
            kept=kept,
        )
