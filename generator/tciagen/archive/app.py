"""The HTTP side: requests in, streamed answers out, with v3's headers and errors."""

import json
import secrets
import sqlite3
import time
import zlib
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

import attrs
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from tciagen import __version__
from tciagen.archive import documents, files, formats, zips
from tciagen.archive.catalog import open_for_reading
from tciagen.archive.formats import Blocks
from tciagen.archive.queries import Endpoint
from tciagen.archive.requested import Refused, checked_values, given_values
from tciagen.archive.zips import FileLayout
from tciagen.errors import TciagenError
from tciagen.schema import schema_text

BASE_PATH = "/services/v3"
_NOT_FOUND = b"<HTML><BODY><H1>404 Not Found</H1></BODY></HTML>"
_COMMON_HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Bindaas-version": f"tciagen {__version__}",
    "Vendor": "tciagen embedded archive",
    "tags": "[]",
}


@attrs.frozen
class Settings:
    """What one server serves and how.

    ``endpoints`` are by address; ``api_keys`` empty means that none is asked for;
    ``no_content`` answers 204 where nothing matches; ``files`` is the layout of files.
    """

    catalog: Path
    endpoints: Mapping[str, Endpoint]
    api_keys: tuple[str, ...] = ()
    bare: bool = False
    no_content: bool = False
    zip_level: int = 1
    files: FileLayout = FileLayout.IMAGE


class Closeable(Protocol):
    """An object that holds a resource until it is closed."""

    def close(self) -> object:
        """Release the resource."""


class _Stream(StreamingResponse):
    """Sends what is made on the way, and closes it and its sources however that ends."""

    def __init__(self, body: Blocks, headers: Mapping[str, str], *sources: Closeable) -> None:
        super().__init__(body, headers=headers)
        self._closed_at_end = (body, *sources)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            # A body that a thread still runs, at a forced stop, is left to the end of the process.
            with suppress(ValueError):
                for source in self._closed_at_end:
                    source.close()


class Server:
    """Answers requests from a catalog."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._resources = {endpoint.resource for endpoint in settings.endpoints.values()}
        self._documents = {
            address: json.dumps(
                documents.bare(dict(endpoint.document)) if settings.bare else endpoint.document,
                separators=(",", ":"),
            )
            for address, endpoint in settings.endpoints.items()
        }

    async def answer(self, request: Request) -> Response:
        """Answer any request below the BaseURL."""
        started = time.perf_counter()
        try:
            given = await given_values(request)
        except ClientDisconnect:
            return Response(status_code=400)  # read by the log alone
        if given is None:
            return Response(status_code=413)
        if not self._may_enter(request, given):
            return Response(status_code=401)
        path = request.path_params["path"]
        if path == "schema" and request.method == "GET":
            return _with_type("application/json", schema_text().encode())
        match path.split("/"):
            case [resource, "query", name] if resource in self._resources:
                wants_metadata = False
            case [resource, "query", name, "metadata"] if resource in self._resources:
                wants_metadata = True
            case _:
                return _with_type("text/html", _NOT_FOUND, 404)
        address = f"{resource}/query/{name}"
        endpoint = self._settings.endpoints.get(address)
        if endpoint is None:
            return _plain_error(f"QueryEndpoint [{name}] not found")
        if wants_metadata:
            response = _with_type("application/json", self._documents[address].encode())
            response.headers.update(_COMMON_HEADERS)
            return response
        try:
            response = await run_in_threadpool(self._query, endpoint, given, request)
        except Refused as refused:
            response = _with_type(
                "application/json", json.dumps(refused.body).encode(), refused.status
            )
        response.headers.update(_COMMON_HEADERS)
        response.headers["metadata"] = self._documents[address]
        response.headers["responseTime"] = str(round(1000 * (time.perf_counter() - started)))
        return response

    def _may_enter(self, request: Request, given: Mapping[str, str]) -> bool:
        if not self._settings.api_keys:
            return True
        header = request.headers.get("api_key")
        offered = given.get("api_key", "").encode() if header is None else header.encode("latin-1")
        return any(secrets.compare_digest(offered, key.encode()) for key in self._settings.api_keys)

    def _query(self, endpoint: Endpoint, given: Mapping[str, str], request: Request) -> Response:
        values = checked_values(endpoint, given)
        answer_format = endpoint.format_of(given.get("format", ""))
        try:
            connection = open_for_reading(self._settings.catalog)
        except TciagenError as error:
            raise Refused(573, "Database is out of reach", "Try again later", "") from error
        with ExitStack() as held:
            held.callback(connection.close)
            try:
                if answer_format == "ZIP":
                    return self._zip(connection, endpoint, values, request)
                if answer_format == "DICOM":
                    return self._single_file(connection, endpoint, values)
                layout = formats.LAYOUTS[answer_format]
                sql, bound = endpoint.select(layout.row(endpoint.columns), values)
                rows = connection.execute(sql, bound)
                batch = formats.first_batch(rows)
            except sqlite3.Error as error:
                raise Refused(
                    571, "Query failed", "Check the query's values", str(error)
                ) from error
            if not batch and self._settings.no_content:
                return Response(status_code=204)
            body = formats.stream(layout, endpoint.columns, batch, rows)
            headers = {"Content-Type": layout.media_type, "Vary": "Accept-Encoding"}
            if _takes_gzip(request.headers.get("accept-encoding", "")):
                headers["Content-Encoding"] = "gzip"
                body = _gzipped(body)
            held.pop_all()
            return _Stream(body, headers, connection)

    def _zip(
        self,
        connection: sqlite3.Connection,
        endpoint: Endpoint,
        values: Mapping[str, str],
        request: Request,
    ) -> Response:
        objects = files.stored_objects(connection, *endpoint.select("sop_uid, path", values))
        faults = request.scope.get("tciagen.zip_faults", zips.ZipFaults())
        layout = self._settings.files
        body = zips.zip_blocks(
            objects, layout=layout, level=self._settings.zip_level, faults=faults
        )
        response = _Stream(body, {"Content-Type": "application/zip"})
        if layout is FileLayout.BLOB:
            response.headers["Content-Disposition"] = _attachment("bindaas-blob-download.zip")
        else:
            response.headers["Content-Disposition"] = _attachment(f"images-{len(objects)}.zip")
            response.headers["imageCount"] = str(len(objects))
        return response

    def _single_file(
        self, connection: sqlite3.Connection, endpoint: Endpoint, values: Mapping[str, str]
    ) -> Response:
        objects = files.stored_objects(connection, *endpoint.select("sop_uid, path", values))
        if not objects:
            return _plain_error("No image found for the given UIDs")
        stored = objects[0]
        try:
            file = files.open_file(stored)
        except OSError:
            return _plain_error("error retrieving file")
        if self._settings.files is FileLayout.BLOB:
            media_type, name = "application/octet-stream", stored.safe_name
        else:
            media_type, name = "application/dicom", f"{stored.sop_uid}.dcm"
        response = _Stream(files.read_blocks(file), {"Content-Type": media_type}, file)
        response.headers["Content-Disposition"] = _attachment(name)
        return response


def create_app(settings: Settings) -> Starlette:
    """Return the ASGI application that serves a catalog below ``/services/v3``."""
    server = Server(settings)
    return Starlette(
        routes=[Route(BASE_PATH + "/{path:path}", server.answer, methods=["GET", "POST"])]
    )


def _attachment(name: str) -> str:
    """Return a Content-Disposition; RFC 6266 has another form for names beyond ASCII."""
    plain = name.encode("ascii", "replace").decode().replace("?", "_")
    extended = "" if name.isascii() else f"; filename*=UTF-8''{quote(name, safe='')}"
    return f'attachment;filename="{plain}"{extended}'


def _takes_gzip(accepted: str) -> bool:
    for offer in accepted.split(","):
        name, _, weight = offer.replace(" ", "").lower().partition(";q=")
        if name in ("gzip", "x-gzip"):
            return weight.strip("0.") != "" or not weight
    return False


def _gzipped(body: Blocks) -> Blocks:
    packer = zlib.compressobj(1, wbits=31)
    for chunk in body:
        if packed := packer.compress(chunk):
            yield packed
    yield packer.flush()


def _plain_error(message: str) -> Response:
    return _with_type("application/json", json.dumps({"errorMessage": message}).encode(), 500)


def _with_type(media_type: str, body: bytes, status: int = 200) -> Response:
    """Starlette would name a charset; v3 names none."""
    return Response(body, status, headers={"Content-Type": media_type})
