"""A client as it is generated, of endpoints that return files, and one that counts them."""

from pathlib import Path
from typing import Any, ClassVar, Unpack

import attrs

from _runtime.client import AsyncClientBase, Settings, SyncClient
from _runtime.downloads.public import DownloadOptions
from _runtime.endpoint import Arguments, Attribute, CountSource, Endpoint, Parameter
from _runtime.file_methods import files
from _runtime.methods import records
from _runtime.options import TransportName

_SERIES = Parameter("SeriesInstanceUID", "series_instance_uid", "uid", required=True)
_OBJECT = Parameter("SOPInstanceUID", "sop_instance_uid", "uid", required=True)
IMAGE = Endpoint(resource="TCIA", name="getImage", formats=("ZIP",), parameters=(_SERIES,))
SIZE = Endpoint(
    resource="TCIA",
    name="getSeriesSize",
    formats=("JSON",),
    default_format="JSON",
    parameters=(_SERIES,),
    attributes=(
        Attribute("ObjectCount", "object_count", "integer"),
        Attribute("TotalSizeInBytes", "total_size_in_bytes", "integer"),
    ),
)
SERIES = Endpoint(
    resource="TCIA",
    name="getSeries",
    formats=("JSON",),
    default_format="JSON",
    parameters=(Parameter("Collection", "collection", required=True),),
    attributes=(Attribute("ImageCount", "image_count", "integer"),),
)
COUNTED = attrs.evolve(
    IMAGE,
    counts=(
        CountSource(SERIES, "get_series", "image_count"),
        CountSource(SIZE, "get_series_size", "object_count", size="total_size_in_bytes"),
    ),
)
SINGLE = Endpoint(
    resource="TCIA", name="getSingleImage", formats=("DICOM",), parameters=(_SERIES, _OBJECT)
)
HULL = Endpoint(
    resource="Fleet",
    name="getHullScan",
    formats=("ZIP",),
    parameters=(Parameter("VesselID", "vessel_id", required=True),),
)
PLAN = Endpoint(
    resource="Fleet",
    name="getPlan",
    formats=("PDF",),
    parameters=(Parameter("VesselID", "vessel_id", required=True),),
)


@attrs.frozen(kw_only=True)
class SeriesSize:
    """The number of objects of a series."""

    object_count: int | None
    total_size_in_bytes: int | None


class Endpoints:
    """What both clients have."""

    @records(SIZE, SeriesSize)
    def get_series_size(self, *, series_instance_uid: str) -> Arguments:
        """Fetch the number of objects of a series."""
        return Arguments({"SeriesInstanceUID": series_instance_uid})

    @files(COUNTED)
    def download_counted(
        self, *, series_instance_uid: str, **options: Unpack[DownloadOptions]
    ) -> Arguments:
        """Fetch a series whose number of files other endpoints state."""
        return Arguments({"SeriesInstanceUID": series_instance_uid}, options=options)

    @files(IMAGE)
    def download_image(
        self, *, series_instance_uid: str, **options: Unpack[DownloadOptions]
    ) -> Arguments:
        """Fetch a series."""
        return Arguments({"SeriesInstanceUID": series_instance_uid}, options=options)

    @files(SINGLE)
    def download_single_image(
        self, *, series_instance_uid: str, sop_instance_uid: str, **options: Unpack[DownloadOptions]
    ) -> Arguments:
        """Fetch one object."""
        values = {"SeriesInstanceUID": series_instance_uid, "SOPInstanceUID": sop_instance_uid}
        return Arguments(values, options=options)

    @files(HULL)
    def download_hull_scan(
        self, *, vessel_id: str, **options: Unpack[DownloadOptions]
    ) -> Arguments:
        """Fetch an archive of no DICOM files."""
        return Arguments({"VesselID": vessel_id}, options=options)

    @files(PLAN)
    def download_plan(self, *, vessel_id: str, **options: Unpack[DownloadOptions]) -> Arguments:
        """Fetch a file of no known kind."""
        return Arguments({"VesselID": vessel_id}, options=options)


_SETTINGS = Settings(
    package="files_client", version="1", base_url="https://files.invalid/v3", environment="FILES"
)


class Client(Endpoints, SyncClient):
    """The synchronous client, over the transport that a test is run with."""

    _settings = _SETTINGS
    below: ClassVar[TransportName] = "httpx"

    def __init__(self, **options: Any) -> None:
        if options.get("http_client") is None:
            options.setdefault("transport", self.below)
        super().__init__(on_drift="off", **options)


class AsyncClient(Endpoints, AsyncClientBase):
    """The asynchronous client."""

    _settings = _SETTINGS

    def __init__(self, **options: Any) -> None:
        super().__init__(on_drift="off", **options)


def names(folder: Path) -> list[str]:
    """All that is below a folder, sorted, without the lists of what downloads wrote."""
    found = (path for path in folder.rglob("*") if not path.name.endswith(".download.json"))
    return sorted(path.relative_to(folder).as_posix() for path in found)
