"""Every endpoint once, with nothing but the generated client.

Run by ``__main__.py`` in a fresh interpreter that knows the folder of the
package and the server's address (``TCIA_BASE_URL``). Prints a JSON array
``[endpoint, result]`` for each.
"""

import json
import tempfile
from pathlib import Path
from typing import Any

from tcia_client import Client, __version__

SHARED_LIST = "demo-first-look"


def summary(endpoint: str, result: str) -> None:
    """Print one line."""
    print(json.dumps([endpoint, result]), flush=True)


def main() -> None:
    """Query every endpoint, download one whole series and one image."""
    summary("import", f"tcia_client {__version__}")
    with Client() as client, tempfile.TemporaryDirectory() as folder:
        series = client.get_series()
        largest = max(series, key=lambda one: one.image_count)
        uid, collection = largest.series_instance_uid, largest.collection
        images = client.get_sop_instance_uids(series_instance_uid=uid)
        since = "2000-01-01"
        results: dict[str, list[Any]] = {
            "getCollectionValues": client.get_collection_values(),
            "getModalityValues": client.get_modality_values(collection=collection),
            "getBodyPartValues": client.get_body_part_values(modality=largest.modality),
            "getManufacturerValues": client.get_manufacturer_values(),
            "getPatient": client.get_patient(collection=collection),
            "PatientsByModality": client.patients_by_modality(
                collection=collection, modality=largest.modality
            ),
            "getPatientStudy": client.get_patient_study(collection=collection),
            "getSeries": series,
            "getSeriesSize": client.get_series_size(series_instance_uid=uid),
            "getSOPInstanceUIDs": images,
            "NewPatientsInCollection": client.new_patients_in_collection(
                date=since, collection=collection
            ),
            "NewStudiesInPatientCollection": client.new_studies_in_patient_collection(
                date=since, collection=collection
            ),
            "ContentsByName": client.contents_by_name(name=SHARED_LIST),
        }
        for endpoint, rows in results.items():
            summary(endpoint, f"{len(rows):,} row" + ("" if len(rows) == 1 else "s"))
        archive = client.download_image(Path(folder) / "series.zip", series_instance_uid=uid)
        summary("getImage", f"{archive.bytes:,} bytes, one series of {largest.image_count} images")
        image = client.download_single_image(
            Path(folder) / "image.dcm",
            series_instance_uid=uid,
            sop_instance_uid=images[0].sop_instance_uid,
        )
        summary("getSingleImage", f"{image.bytes:,} bytes")


if __name__ == "__main__":
    main()
