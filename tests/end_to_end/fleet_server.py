"""The invented harbour API as a server: metadata, rows and one file. Run as a script."""

import io
import sys
import zipfile
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

Rows = list[dict[str, object]]

VESSELS: Rows = [
    {
        "VesselID": "V-7",
        "name": 'Meridian "II"',
        "Flag": "NL",
        "GrossTonnage": "1234.500000",
        "CrewCount": "12.000000",
        "BuiltOn": "1998-12-08",
        "LastSeenAt": "2020-01-31 12:00:00.5",
        "WatchBegins": "06:30:00",
        "IsMoored": "1",
        "SurveyUID": "1.2.840.7",
        "id": 1,
    },
    {"VesselID": "V-8", "name": "Grüße & <病院> ", "CrewCount": 0},
]
CREW: Rows = [{"Name": "Doe", "Rank": "mate"}, {"Name": "Roe"}]
SAILORS: Rows = [{"FAMILY_NAME": "Doe", "BirthDate": "1970-01-01", "Weight": "80.100000"}]
ROWS: dict[str, Rows] = {
    "countHullScans": [{"ScanCount": "1.000000"}],
    "listVessels": VESSELS,
    "listCrew": CREW,
    "listSailors": SAILORS,
}


def hull_scan() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("scan.txt", "a hull")
    return buffer.getvalue()


def create_app(documents: Path) -> Starlette:
    async def metadata(request: Request) -> Response:
        parts = request.path_params
        path = documents / parts["resource"] / f"{parts['name']}.json"
        return Response(path.read_bytes(), media_type="application/json")

    async def query(request: Request) -> Response:
        name = request.path_params["name"]
        if name == "getHullScan":
            return Response(hull_scan(), media_type="application/zip")
        return JSONResponse(ROWS[name])

    return Starlette(
        routes=[
            Route("/api/{resource}/query/{name}/metadata", metadata),
            Route("/api/{resource}/query/{name}", query),
        ]
    )


if __name__ == "__main__":
    config = uvicorn.Config(create_app(Path(sys.argv[1])), port=0, log_level="error")
    server = uvicorn.Server(config)
    config.load()
    sock = config.bind_socket()
    print(f"http://127.0.0.1:{sock.getsockname()[1]}/api", flush=True)
    server.run(sockets=[sock])
