"""Clients of endpoints that a test declares, with the methods of a generated client."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import _runtime
from _runtime.client import AsyncView, SyncClient, SyncView
from _runtime.endpoint import Endpoint, FileEndpoint

Kind = TypeVar("Kind", bound=type)


def client_methods(*endpoints: Endpoint) -> Callable[[Kind], Kind]:
    """Add the methods of endpoints, and the views with them, to a class of clients."""

    def decorate(kind: Kind) -> Kind:
        base = SyncView if issubclass(kind, SyncClient) else AsyncView
        streaming = type("Streaming", (base,), {one.method: _streamed(one) for one in endpoints})
        raw = type("RawResponses", (base,), {one.method: _raw(one) for one in endpoints})
        for name, view in (("streaming", streaming), ("with_raw_response", raw)):
            setattr(kind, name, property(partial(_view, view)))
        for endpoint in endpoints:
            method = _downloaded if isinstance(endpoint, FileEndpoint) else _queried
            setattr(kind, endpoint.method, method(endpoint))
            if isinstance(endpoint, FileEndpoint):
                setattr(kind, endpoint.many, _downloaded_many(endpoint))
        return kind

    return decorate


def _in_package(method: Callable[..., Any]) -> Callable[..., Any]:
    """Return a method whose code is in the package, so that warnings point to its caller."""
    name = str(Path(_runtime.__path__[0]).parent / "client.py")
    method.__code__ = method.__code__.replace(co_filename=name)
    return method


def _view(view: type, client: Any) -> Any:
    return view(client._calls)


def _taken(endpoint: Endpoint, keywords: dict[str, Any]) -> dict[str, Any]:
    """Take the parameters of an endpoint out of keyword arguments, by their query keys."""
    return {p.name: keywords.pop(p.python_name, None) for p in endpoint.parameters}


def _queried(endpoint: Endpoint) -> Callable[..., Any]:
    def method(self: Any, *, format: str | None = None, **values: Any) -> Any:  # noqa: A002
        return self._calls.rows(endpoint, _taken(endpoint, values), format, **values)

    return _in_package(method)


def _downloaded(endpoint: Endpoint) -> Callable[..., Any]:
    def method(self: Any, target: Any, **options: Any) -> Any:
        return self._calls.download(endpoint, target, _taken(endpoint, options), options)

    return _in_package(method)


def _downloaded_many(endpoint: Endpoint) -> Callable[..., Any]:
    def method(
        self: Any, target: Any, items: Any, *, workers: int | None = None, **options: Any
    ) -> Any:
        values = _taken(endpoint, options)
        return self._calls.download_many(
            endpoint, target, items, values, workers=workers, options=options
        )

    return _in_package(method)


def _streamed(endpoint: Endpoint) -> Callable[..., Any]:
    def method(self: Any, **options: Any) -> Any:
        values = _taken(endpoint, options)
        if isinstance(endpoint, FileEndpoint):
            return self._calls.iter_bytes(endpoint, values, **options)
        return self._calls.iter_rows(endpoint, values, options.pop("format", None), **options)

    return _in_package(method)


def _raw(endpoint: Endpoint) -> Callable[..., Any]:
    def method(self: Any, **options: Any) -> Any:
        values = _taken(endpoint, options)
        return self._calls.raw(endpoint, values, options.pop("format", None), **options)

    return _in_package(method)
