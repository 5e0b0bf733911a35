"""Endpoints that answer a file, as methods; those of rows are in :mod:`.methods`.

``files`` makes a descriptor of a function, as ``records`` does::

    client.download_thing("folder", uid=…)      Download, or an awaitable of one
    client.download_thing.many("folder", …)     list of Downloads, some at a time
    client.download_thing.iter(uid=…)           chunks of bytes as they arrive
    client.download_thing.raw(uid=…)            the untouched answer, in memory
"""

from collections.abc import AsyncGenerator, Callable, Generator, Iterable
from inspect import Parameter as SignatureParameter
from inspect import Signature
from typing import Any, Concatenate, ParamSpec, Self, cast, overload

from .bound import AsyncBound, Method, SyncBound
from .client import AsyncClientBase, SyncClient
from .downloads.public import Download, ManyProgress, StrPath
from .endpoint import Arguments, Endpoint
from .http.response import RawResponse

P = ParamSpec("P")


class FilesMethod(Method[P]):
    """A method that answers a file."""

    @property
    def returns(self) -> Any:
        """What a call gives."""
        return Download

    def whole_signature(self) -> Signature:
        """The function's own signature, with the target in front."""
        inner = super().whole_signature()
        receiver, *others = inner.parameters.values()
        target = SignatureParameter(
            "target", SignatureParameter.POSITIONAL_ONLY, annotation=StrPath
        )
        positional = receiver.replace(kind=SignatureParameter.POSITIONAL_ONLY)
        return inner.replace(parameters=[positional, target, *others])

    @overload
    def __get__(self, client: None, owner: Any = None) -> Self: ...
    @overload
    def __get__(self, client: SyncClient, owner: Any = None) -> "Files[P]": ...
    @overload
    def __get__(self, client: AsyncClientBase, owner: Any = None) -> "AsyncFiles[P]": ...
    def __get__(self, client: Any, owner: Any = None) -> Any:
        if client is None:
            return self
        if isinstance(client, SyncClient):
            return Files(self, client)
        return AsyncFiles(self, client)

    def __call__(self, client: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Call the method of a client, as functions of a class can be called."""
        return cast("Callable[..., Any]", self.__get__(client))(*args, **kwargs)


class Files(SyncBound[P]):
    """Fetches a file to a path; ``iter`` gives its bytes, ``raw`` the answer in memory."""

    def __call__(self, target: StrPath, /, *args: P.args, **kwargs: P.kwargs) -> Download:
        """Fetch a file, or unpack an archive; the target and options are told in DownloadOptions.

        Raises:
            ApiError: See :mod:`.errors`; nothing is left of it but what a later call goes on with.
            OSError: It cannot be written; nothing is left of it.
        """
        request = self._request(self._arguments(*args, **kwargs), file=True)
        from .downloads.download import download  # noqa: PLC0415 - late, as the transport is

        counter = self._counter()
        done = download(self._core.transport, request, target, self._observe, counter.query)
        counter.warn([done])
        return done

    def iter(self, *args: P.args, **kwargs: P.kwargs) -> Generator[bytes, None, None]:
        """Fetch the file as chunks of bytes; closing the iterator closes the answer.

        Raises:
            ApiError: See :mod:`.errors`.
        """
        request = self._request(self._arguments(*args, **kwargs), file=True)
        from .downloads.download import chunks  # noqa: PLC0415 - as above

        return chunks(self._core.transport, request, self._observe)

    def many(
        self,
        target: StrPath,
        items: Iterable[Any],
        *,
        workers: int | None = None,
        progress: Callable[[ManyProgress], None] | None = None,
        **options: Any,
    ) -> list[Download]:
        """Fetch many into a folder, some at a time; each one is whole there, or not there.

        What is there already and known to be whole is kept, so that a call which was ended
        is gone on with by the same call. That is ``existing="keep"``, the default here.

        Args:
            target: The folder; it is made if need be.
            items: What to ask for: mappings of keyword arguments, rows that have them as
                attributes, or UIDs where the endpoint requires no more than one.
            workers: Downloads at a time, by default 4; the client opens a connection for each.
            progress: Told of every piece, from one thread at a time.
            **options: Options of every download, see :class:`.download.DownloadOptions`.

        Returns:
            The downloads in the order of the items.

        Raises:
            ParameterError: An item that cannot be asked for; nothing was fetched.
            DownloadsError: Some failed, the others are done; it carries both.
            OSError: One could not be written. Those under way are ended; those that are done stay,
                and the same call keeps them.
        """
        from .downloads.download import download_many  # noqa: PLC0415 - as above

        counter = self._counter()
        done = download_many(
            self._core.transport,
            self._items(items, options),
            target,
            self._observe,
            counter.query,
            workers=workers,
            progress=progress,
        )
        counter.warn(done)
        return done

    def raw(self, *args: P.args, **kwargs: P.kwargs) -> RawResponse:
        """Fetch the file into memory, with the answer's headers.

        Raises:
            ApiError: See :mod:`.errors`.
        """
        request = self._request(self._arguments(*args, **kwargs), file=True)
        return self._raw(request)


class AsyncFiles(AsyncBound[P]):
    """Fetches a file; see :class:`Files`."""

    async def __call__(self, target: StrPath, /, *args: P.args, **kwargs: P.kwargs) -> Download:
        """Fetch the file to a path; see :meth:`Files.__call__`."""
        request = self._request(self._arguments(*args, **kwargs), file=True)
        from .downloads.download import async_download  # noqa: PLC0415 - as above

        counter = self._counter()
        done = await async_download(
            self._core.transport, request, target, self._observe, counter.async_query
        )
        counter.warn([done])
        return done

    def iter(self, *args: P.args, **kwargs: P.kwargs) -> AsyncGenerator[bytes, None]:
        """Fetch the file as chunks of bytes; see :meth:`Files.iter`."""
        request = self._request(self._arguments(*args, **kwargs), file=True)
        from .downloads.download import async_chunks  # noqa: PLC0415 - as above

        return async_chunks(self._core.transport, request, self._observe)

    async def many(
        self,
        target: StrPath,
        items: Iterable[Any],
        *,
        workers: int | None = None,
        progress: Callable[[ManyProgress], None] | None = None,
        **options: Any,
    ) -> list[Download]:
        """Fetch many into a folder, some at a time; see :meth:`Files.many`.

        They run as tasks: to cancel the one that waits for this ends them all.
        """
        from .downloads.download import async_download_many  # noqa: PLC0415 - as above

        counter = self._counter()
        done = await async_download_many(
            self._core.transport,
            self._items(items, options),
            target,
            self._observe,
            counter.async_query,
            workers=workers,
            progress=progress,
        )
        counter.warn(done)
        return done

    async def raw(self, *args: P.args, **kwargs: P.kwargs) -> RawResponse:
        """Fetch the file into memory; see :meth:`Files.raw`."""
        request = self._request(self._arguments(*args, **kwargs), file=True)
        return await self._raw(request)


def files(
    endpoint: Endpoint,
) -> Callable[[Callable[Concatenate[Any, P], Arguments]], FilesMethod[P]]:
    """Make a method that answers a file."""

    def decorate(function: Callable[Concatenate[Any, P], Arguments]) -> FilesMethod[P]:
        return FilesMethod(endpoint, function)

    return decorate
