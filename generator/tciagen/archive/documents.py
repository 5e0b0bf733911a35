"""The metadata documents of the 15 query endpoints, from the API guide's table.

``v3.json`` beside this module lists each endpoint with its parameters,
attributes, DICOM tags and types, and the form of the values on the wire.
"""

import json
from functools import cache
from importlib.resources import files
from typing import Any

_RESULTS = {
    "getCollectionValues": ("CollectionValue", "One collection that the archive holds."),
    "getModalityValues": ("ModalityValue", "One modality that occurs among the series."),
    "getBodyPartValues": ("BodyPartValue", "One body part that occurs among the series."),
    "getManufacturerValues": (
        "ManufacturerValue",
        "One equipment maker that occurs among the series.",
    ),
    "getPatient": ("Patient", "One subject of a collection, with what de-identification left."),
    "PatientsByModality": (
        "PatientByModality",
        "One subject of a collection who has at least one series of a modality.",
    ),
    "getPatientStudy": (
        "PatientStudy",
        "One study: the series of one visit of a subject, together with the subject.",
    ),
    "getSeries": (
        "Series",
        "One series: images of one modality acquired in one go, with their equipment.",
    ),
    "getSeriesSize": ("SeriesSize", "Number and total size of the stored objects of one series."),
    "getImage": (
        "ImageArchive",
        "A ZIP archive of the DICOM files of one series, with a result list at its end.",
    ),
    "NewPatientsInCollection": (
        "NewPatient",
        "One subject whose first series came into the collection on or after the date.",
    ),
    "NewStudiesInPatientCollection": (
        "NewStudy",
        "One study whose first series came into the collection on or after the date.",
    ),
    "getSOPInstanceUIDs": ("SOPInstance", "One stored DICOM object of a series."),
    "getSingleImage": ("Image", "One stored DICOM object as a Part 10 file."),
    "ContentsByName": ("SharedListItem", "One series of a shared list."),
}
_FILES = {"ZIP", "DICOM"}


@cache
def guide() -> tuple[dict[str, Any], ...]:
    """Return the guide's table of endpoints, in its order."""
    text = files(__package__).joinpath("v3.json").read_text(encoding="utf-8")
    return tuple(json.loads(text))


def address(entry: dict[str, Any]) -> str:
    """Return the address of a guide's entry, such as ``TCIA/query/getSeries``."""
    return str(entry["resource"] + entry["queryEndpoint"]).removeprefix("/")


def full_documents() -> dict[str, dict[str, object]]:
    """Return the metadata document of each endpoint by its address, in the guide's order."""
    return {address(entry): _document(entry) for entry in guide()}


def bare(document: dict[str, Any]) -> dict[str, object]:
    """Return only a document's required members, with its parameters in the short form.

    A document that does not match the schema is returned unchanged.
    """
    try:
        return _bare(document)
    except (AttributeError, KeyError, TypeError):
        return document


def _bare(document: dict[str, Any]) -> dict[str, object]:
    result = document["Result"]
    return {
        "QueryName": document["QueryName"],
        "Description": document["Description"],
        "Parameters": [
            parameter["Name"] if isinstance(parameter, dict) else parameter.split(" (")[0]
            for parameter in document["Parameters"]
        ],
        "Result": {
            "Name": result["Name"],
            "Description": result["Description"],
            "Attributes": [
                {member: attribute[member] for member in ("Name", "Description", "DICOM")}
                for attribute in result["Attributes"]
            ],
        },
    }


def _document(entry: dict[str, Any]) -> dict[str, object]:
    name = address(entry).rpartition("/")[2]
    result_name, result_description = _RESULTS[name]
    formats = entry["formats"]
    return {
        "QueryName": name,
        "Description": entry["description"],
        "Parameters": [
            {
                "Name": parameter["name"],
                "Description": parameter["description"],
                "Required": parameter["required"],
                "Type": parameter["type"],
                "DICOM": parameter["dicom"],
            }
            for parameter in entry["parameters"]
        ],
        "Formats": formats,
        "DefaultFormat": formats[0] if formats[0] in _FILES else "JSON",
        "Result": {
            "Name": result_name,
            "Description": result_description,
            "Attributes": [_attribute(attribute) for attribute in entry["attributes"]],
        },
    }


def _attribute(entry: dict[str, Any]) -> dict[str, object]:
    example = str(entry.get("example", ""))
    return {
        "Name": entry["name"],
        "Description": entry["description"],
        "DICOM": entry["dicom"],
        "Type": entry["type"],
        "Optional": entry["optional"],
        **({"Example": example} if example else {}),
    }
