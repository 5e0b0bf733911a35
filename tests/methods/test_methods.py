"""The generated methods at run time: signatures, help, mocks, partial calls and subclasses."""

import asyncio
import functools
import inspect
import typing
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from tcia_client import AsyncClient, Client, Download, DownloadOptions, _endpoints, models
from tcia_client._runtime.endpoint import Endpoint, FileEndpoint
from tcia_client.raw_response import AsyncRawResponses, RawResponses
from tcia_client.streaming import AsyncStreaming, Streaming
from tciagen.archive.running import RunningArchive

every_endpoint = pytest.mark.parametrize("endpoint", _endpoints.ALL, ids=lambda one: one.name)


def names(endpoint: Endpoint) -> list[str]:
    """Return the names of the clients' methods for an endpoint."""
    return [endpoint.method, *filter(None, [getattr(endpoint, "many", "")])]


@every_endpoint
def test_methods_are_functions_of_both_clients_and_coroutines_of_one(endpoint: Endpoint) -> None:
    for name in names(endpoint):
        assert inspect.isfunction(vars(Client)[name])
        assert not inspect.iscoroutinefunction(vars(Client)[name])
        assert inspect.iscoroutinefunction(vars(AsyncClient)[name])
    assert inspect.isfunction(vars(Streaming)[endpoint.method])
    assert not inspect.iscoroutinefunction(vars(AsyncStreaming)[endpoint.method])
    assert not inspect.iscoroutinefunction(vars(RawResponses)[endpoint.method])
    assert inspect.iscoroutinefunction(vars(AsyncRawResponses)[endpoint.method])


@every_endpoint
def test_both_clients_and_all_views_take_the_same_keywords(endpoint: Endpoint) -> None:
    keywords = [parameter.python_name for parameter in endpoint.parameters]
    for kind in (Client, AsyncClient, Streaming, AsyncStreaming, RawResponses, AsyncRawResponses):
        parameters = inspect.signature(getattr(kind, endpoint.method)).parameters
        found = [p.name for p in parameters.values() if p.kind is p.KEYWORD_ONLY]
        assert [name for name in found if name not in ("format", "progress")] == keywords
    for name in names(endpoint):
        assert inspect.signature(getattr(Client, name)) == inspect.signature(
            getattr(AsyncClient, name)
        )


@every_endpoint
def test_type_hints_of_every_method_resolve(endpoint: Endpoint) -> None:
    for kind in (Client, AsyncClient, Streaming, AsyncStreaming, RawResponses, AsyncRawResponses):
        hints = typing.get_type_hints(getattr(kind, endpoint.method))
        assert {parameter.python_name for parameter in endpoint.parameters} < {*hints, "self"}
        assert hints["return"] is not None


def test_type_hints_name_rows_downloads_and_options() -> None:
    hints = typing.get_type_hints(Client.get_series)
    assert typing.get_args(hints["return"]) == (models.Series,)
    hints = typing.get_type_hints(Client.download_image)
    assert hints["return"] is Download
    assert hints["options"] == typing.Unpack[DownloadOptions]
    hints = typing.get_type_hints(Client.download_images)
    assert hints["return"] == list[Download]


@every_endpoint
def test_help_describes_each_parameter(endpoint: Endpoint) -> None:
    for name in names(endpoint):
        docs = inspect.getdoc(getattr(Client, name)) or ""
        assert docs == inspect.getdoc(getattr(AsyncClient, name))
        arguments = docs.partition("Args:\n")[2].partition("\nReturns:")[0]
        for parameter in endpoint.parameters:
            assert f"    {parameter.python_name}: " in arguments
        if isinstance(endpoint, FileEndpoint):
            assert "    target: " in arguments
            assert "    **options: " in arguments


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_autospec_refuses_what_the_client_refuses(kind: type[Any]) -> None:
    client = mock.create_autospec(kind, instance=True)
    for result in (
        client.get_series(collection="DEMO-CHEST-CT"),
        client.download_image("folder", series_instance_uid="1.2", keep_zip=True),
        client.download_images("folder", ["1.2"], workers=2),
    ):
        assert inspect.iscoroutine(result) is (kind is AsyncClient)
        if inspect.iscoroutine(result):
            result.close()
    for method, positional, keywords in (
        ("get_series", (), {"Collection": "DEMO-CHEST-CT"}),
        ("get_series", ("DEMO-CHEST-CT",), {}),
        ("get_series_size", (), {}),
        ("download_image", (), {"series_instance_uid": "1.2"}),
    ):
        with pytest.raises(TypeError):
            getattr(client, method)(*positional, **keywords)
    assert not hasattr(client, "get_serie")


def test_partial_call_and_subclass_with_super(archive: RunningArchive) -> None:
    class Demo(Client):
        def get_series(self, **query: Any) -> Any:
            return super().get_series(**{"collection": "DEMO-CHEST-CT", **query})

    with Demo(base_url=archive.base_url) as demo, Client(base_url=archive.base_url) as client:
        whole = client.get_series()
        part = {row for row in whole if row.collection == "DEMO-CHEST-CT"}
        assert 0 < len(part) < len(whole)
        assert set(demo.get_series()) == part
        assert set(functools.partial(client.get_series, collection="DEMO-CHEST-CT")()) == part
        assert set(Client.get_series(client, collection="DEMO-CHEST-CT")) == part


def test_subclass_of_the_asynchronous_client_with_super(archive: RunningArchive) -> None:
    class Demo(AsyncClient):
        async def get_collection_values(self, **query: Any) -> Any:
            return [row.collection for row in await super().get_collection_values(**query)]

    async def run() -> Any:
        async with Demo(base_url=archive.base_url) as demo:
            return await demo.get_collection_values()

    assert "DEMO-CHEST-CT" in asyncio.run(run())


def test_views_return_the_same_rows_and_bytes(archive: RunningArchive, tmp_path: Path) -> None:
    with Client(base_url=archive.base_url) as client:
        rows = client.get_series(collection="DEMO-CHEST-CT")
        assert list(client.streaming.get_series(collection="DEMO-CHEST-CT")) == list(rows)
        response = client.with_raw_response.get_series(collection="DEMO-CHEST-CT", format="csv")
        assert response.status == 200
        assert len(response.content.splitlines()) == len(rows) + 1
        assert client.streaming is client.streaming
        uid = rows[0].series_instance_uid
        chunks = b"".join(client.streaming.download_image(series_instance_uid=uid))
        assert chunks.startswith(b"PK")
        done = client.download_images(tmp_path, rows[:2])
        assert [one.state for one in done] == ["complete"] * 2


@pytest.mark.skipif("sys.version_info < (3, 13)", reason="Python suggests keywords since 3.13")
def test_wrong_keyword_is_python_s_own_error_with_a_suggestion() -> None:
    sentence = r"'Collection'.*Did you mean 'collection'"
    with Client() as client, pytest.raises(TypeError, match=sentence):
        client.get_series(Collection="x")  # type: ignore[call-arg]
