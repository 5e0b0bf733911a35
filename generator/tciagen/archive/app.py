"""The ASGI application: reads requests, sends responses with v3's headers and errors."""

import json
import sqlite3
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import attrs
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from tciagen.archive import documents, files, formats, zips
from tciagen.archive.connections import CatalogReader, ReadConnection
from tciagen.archive.cors import METHODS
from tciagen.archive.keys import Keys
from tciagen.archive.page import render_page
from tciagen.archive.queries import Endpoint
from tciagen.archive.request import Refused, checked_values, query_refused, request_values
from tciagen.archive.responses import (
    COMMON_HEADERS,
    ChunkedResponse,
    StreamResponse,
    accepts_gzip,
    attachment,
    gzipped,
    plain_error,
    with_type,
)
from tciagen.archive.zips import FileLayout
from tciagen.documents.schema import schema_text
from tciagen.errors import TciagenError

BASE_PATH = "/services/v3"
_NOT_FOUND = b"<HTML><BODY><H1>404 Not Found</H1></BODY></HTML>"


@attrs.frozen
class Settings:
    """Settings of one server.

    ``endpoints`` maps addresses to endpoints. With ``no_content``, an empty result has the
    status 204. ``files`` is the layout of files.
    """

    catalog: Path
    endpoints: Mapping[str, Endpoint]
    keys: Keys = attrs.field(factory=Keys)
    bare: bool = False
    no_content: bool = False
    zip_level: int = 1
    files: FileLayout = FileLayout.IMAGE


class Server:
    """The ASGI application that serves a catalog."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._catalog = CatalogReader(settings.catalog)
        self._resources = {endpoint.resource for endpoint in settings.endpoints.values()}
        self._documents = {
            address: json.dumps(
                documents.bare(dict(endpoint.document)) if settings.bare else endpoint.document,
                separators=(",", ":"),
            )
            for address, endpoint in settings.endpoints.items()
        }
        self._row_expressions = {
            (address, name): layout.row(endpoint.columns)
            for address, endpoint in settings.endpoints.items()
            for name, layout in formats.LAYOUTS.items()
            if endpoint.columns
        }
        self._page = render_page(
            settings.endpoints.values(), base_path=BASE_PATH, needs_key=bool(settings.keys)
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        request = Request(scope, receive)
        try:
            response = await self._respond(request)
        except Refused as refused:
            body = json.dumps(refused.body).encode()
            response = with_type("application/json", body, refused.status)
        except ClientDisconnect:
            response = Response(status_code=400)  # only the log reads it
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        if request.method not in METHODS:
            return Response(status_code=405, headers={"Allow": ", ".join(METHODS)})
        path = request.scope["path"]
        if path.rstrip("/") == BASE_PATH and request.method != "POST":
            return with_type("text/html", self._page)
        values_by_key = await request_values(request)
        if not self._may_enter(request, values_by_key):
            return Response(status_code=401)
        below, _, path = path.partition(BASE_PATH + "/")
        if path == "schema" and not below and request.method != "POST":
            return with_type("application/json", schema_text().encode())
        match path.split("/"):
            case [resource, "query", name] if not below and resource in self._resources:
                return await self._query_response(
                    request, f"{resource}/query/{name}", values_by_key
                )
            case [resource, "query", name, "metadata"] if not below and resource in self._resources:
                return self._metadata(f"{resource}/query/{name}")
            case _:
                return with_type("text/html", _NOT_FOUND, 404)

    def _may_enter(self, request: Request, values_by_key: Mapping[str, str]) -> bool:
        if not self._settings.keys:
            return True
        header = request.headers.get("api_key")
        # Headers arrive as Latin-1, a key may be UTF-8.
        sent = None if header is None else header.encode("latin-1").decode("utf-8", "replace")
        return self._settings.keys.accept(
            values_by_key.get("api_key", "") if sent is None else sent
        )

    def _metadata(self, address: str) -> Response:
        if address not in self._documents:
            return _no_endpoint(address)
        response = with_type("application/json", self._documents[address].encode())
        response.headers.update(COMMON_HEADERS)
        return response

    async def _query_response(
        self, request: Request, address: str, values_by_key: Mapping[str, str]
    ) -> Response:
        started = time.perf_counter()
        endpoint = self._settings.endpoints.get(address)
        if endpoint is None:
            return _no_endpoint(address)
        try:
            response = await run_in_threadpool(self._query, endpoint, values_by_key, request)
        except Refused as refused:
            body = json.dumps(refused.body).encode()
            response = with_type("application/json", body, refused.status)
        response.headers.update(COMMON_HEADERS)
        response.headers["metadata"] = self._documents[address]
        response.headers["responseTime"] = str(round(1000 * (time.perf_counter() - started)))
        return response

    def _query(
        self, endpoint: Endpoint, values_by_key: Mapping[str, str], request: Request
    ) -> Response:
        values = checked_values(endpoint, values_by_key)
        response_format = endpoint.format_of(values_by_key.get("format", ""))
        try:
            connection = self._catalog.connection()
        except TciagenError as error:
            raise query_refused(573, "Database is unreachable", "Retry later", "") from error
        with ExitStack() as stack:
            stack.callback(connection.close)
            try:
                if response_format == "ZIP":
                    return self._zip(connection, endpoint, values, request)
                if response_format == "DICOM":
                    return self._single_file(connection, endpoint, values)
                layout = formats.LAYOUTS[response_format]
                row = self._row_expressions[endpoint.address, response_format]
                rows = connection.execute(*endpoint.select(row, values))
                batch = formats.first_batch(rows)
            except sqlite3.Error as error:
                raise query_refused(
                    571, "Query failed", "Check the query's values", str(error)
                ) from error
            if not batch and self._settings.no_content:
                return Response(status_code=204)
            body = formats.stream(layout, endpoint.columns, batch, rows)
            headers = {"Content-Type": layout.media_type, "Vary": "Accept-Encoding"}
            if accepts_gzip(request.headers.get("accept-encoding", "")):
                headers["Content-Encoding"] = "gzip"
                body = gzipped(body)
            if formats.is_all(batch):
                return ChunkedResponse(b"".join(body), headers)
            stack.pop_all()
            return StreamResponse(body, headers, connection)

    def _zip(
        self,
        connection: ReadConnection,
        endpoint: Endpoint,
        values: Mapping[str, str],
        request: Request,
    ) -> Response:
        objects = files.stored_objects(connection, *endpoint.select(files.COLUMNS, values))
        faults = request.scope.get("tciagen.zip_faults", zips.ZipFaults())
        layout = self._settings.files
        level = self._settings.zip_level
        body = zips.zip_blocks(objects, layout=layout, level=level, faults=faults)
        response = StreamResponse(body, {"Content-Type": "application/zip"})
        if layout is FileLayout.BLOB:
            response.headers["Content-Disposition"] = attachment("bindaas-blob-download.zip")
        else:
            response.headers["Content-Disposition"] = attachment(f"images-{len(objects)}.zip")
            response.headers["imageCount"] = str(len(objects))
        return response

    def _single_file(
        self, connection: ReadConnection, endpoint: Endpoint, values: Mapping[str, str]
    ) -> Response:
        objects = files.stored_objects(connection, *endpoint.select(files.COLUMNS, values))
        if not objects:
            return plain_error("No image found for the given UIDs")
        stored = objects[0]
        try:
            file = files.open_file(stored)
        except OSError:
            return plain_error("error retrieving file")
        if self._settings.files is FileLayout.BLOB:
            media_type, name = "application/octet-stream", stored.safe_name
        else:
            media_type, name = "application/dicom", f"{stored.sop_uid}.dcm"
        response = StreamResponse(
            files.read_blocks(file, stored.size), {"Content-Type": media_type}, file
        )
        response.headers["Content-Disposition"] = attachment(name)
        return response


def create_app(settings: Settings) -> ASGIApp:
    """Return the ASGI application that serves a catalog below ``/services/v3``."""
    return Server(settings)


def _no_endpoint(address: str) -> Response:
    return plain_error(f"QueryEndpoint [{address.rpartition('/')[2]}] not found")
