"""A client as it is generated, of endpoints that return files, and one that counts them."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import attrs
from tests.client_methods import client_methods

from _runtime.client import AsyncClientBase, Settings, SyncClient
from _runtime.endpoint import Attribute, CountSource, FileEndpoint, Parameter, RecordEndpoint
from _runtime.http.options import TransportName


@attrs.frozen(kw_only=True)
class SeriesSize:
    """The number of objects of a series."""

    object_count: int | None
    total_size_in_bytes: int | None


@attrs.frozen(kw_only=True)
class Series:
    """The number of images of a series."""

    image_count: int | None


_SERIES = Parameter("SeriesInstanceUID", "series_instance_uid", "uid", required=True)
_OBJECT = Parameter("SOPInstanceUID", "sop_instance_uid", "uid", required=True)
IMAGE = FileEndpoint(
    resource="TCIA",
    name="getImage",
    method="download_image",
    many="download_images",
    formats=("ZIP",),
    parameters=(_SERIES,),
)
SIZE = RecordEndpoint(
    resource="TCIA",
    name="getSeriesSize",
    method="get_series_size",
    model=SeriesSize,
    formats=("JSON",),
    default_format="JSON",
    parameters=(_SERIES,),
    attributes=(
        Attribute("ObjectCount", "object_count", "integer"),
        Attribute("TotalSizeInBytes", "total_size_in_bytes", "integer"),
    ),
)
SERIES = RecordEndpoint(
    resource="TCIA",
    name="getSeries",
    method="get_series",
    model=Series,
    formats=("JSON",),
    default_format="JSON",
    parameters=(Parameter("Collection", "collection", required=True),),
    attributes=(Attribute("ImageCount", "image_count", "integer"),),
)
COUNTED = attrs.evolve(
    IMAGE,
    method="download_counted",
    many="download_counteds",
    counts=(
        CountSource(SERIES, "image_count"),
        CountSource(SIZE, "object_count", size="total_size_in_bytes"),
    ),
)
SINGLE = FileEndpoint(
    resource="TCIA",
    name="getSingleImage",
    method="download_single_image",
    many="download_single_images",
    formats=("DICOM",),
    parameters=(_SERIES, _OBJECT),
)
HULL = FileEndpoint(
    resource="Fleet",
    name="getHullScan",
    method="download_hull_scan",
    many="download_hull_scans",
    formats=("ZIP",),
    parameters=(Parameter("VesselID", "vessel_id", required=True),),
)
PLAN = FileEndpoint(
    resource="Fleet",
    name="getPlan",
    method="download_plan",
    many="download_plans",
    formats=("PDF",),
    parameters=(Parameter("VesselID", "vessel_id", required=True),),
)
_SETTINGS = Settings(
    package="files_client",
    version="1",
    base_url="https://files.invalid/v3",
    environment="FILES",
    endpoints=(SIZE, COUNTED, IMAGE, SINGLE, HULL, PLAN),
)


@client_methods(*_SETTINGS.endpoints)
class Client(SyncClient):
    """The synchronous client, over the transport that a test is run with."""

    _settings = _SETTINGS
    below: ClassVar[TransportName] = "httpx"

    def __init__(self, **options: Any) -> None:
        if options.get("http_client") is None:
            options.setdefault("transport", self.below)
        super().__init__(on_drift="off", **options)

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...


@client_methods(*_SETTINGS.endpoints)
class AsyncClient(AsyncClientBase):
    """The asynchronous client."""

    _settings = _SETTINGS

    def __init__(self, **options: Any) -> None:
        super().__init__(on_drift="off", **options)

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...


def names(folder: Path) -> list[str]:
    """Return the sorted names below a folder, without the lists of downloaded files."""
    found = (path for path in folder.rglob("*") if not path.name.endswith(".download.json"))
    return sorted(path.relative_to(folder).as_posix() for path in found)
