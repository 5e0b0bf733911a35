"""Each query endpoint as columns, filters and a FROM clause over the catalog.

The guide leaves some rules open. Here, values match exactly and case-sensitively; an
empty value of an optional parameter does not filter; ``Date`` is inclusive, and a
subject or study was added when its first series was.
"""

import enum
from collections.abc import Mapping
from typing import Any

import attrs

from tciagen.archive import documents


class Kind(enum.Enum):
    """SQL type of a column; the value is the type name in an XML response."""

    TEXT = "VARCHAR"
    DATE = "DATE"
    DECIMAL = "DECIMAL"
    INTEGER = "BIGINT"


@attrs.frozen
class Column:
    """One attribute of the response: its name on the wire and its SQL expression."""

    name: str
    expression: str
    kind: Kind = Kind.TEXT


@attrs.frozen
class Parameter:
    """One query key; ``clause`` binds its value as ``:bind``, None does not filter.

    If set, a value must be of ``checked_type`` and one of ``allowed``.
    """

    name: str
    required: bool = False
    bind: str = ""
    clause: str | None = None
    checked_type: str = ""
    allowed: tuple[str, ...] = ()
    default: str = ""

    @property
    def of_group(self) -> bool:
        """Whether the clause applies to a group of rows."""
        return self.clause == _SINCE


@attrs.frozen
class Endpoint:
    """One query endpoint: its parameters, its rows and its metadata document.

    ``condition`` holds for each row of ``source`` that the endpoint returns.
    """

    address: str
    parameters: tuple[Parameter, ...]
    columns: tuple[Column, ...]
    source: str
    tail: str
    formats: tuple[str, ...]
    default_format: str
    document: Mapping[str, object]
    condition: str = ""

    @property
    def name(self) -> str:
        """Last segment of the address."""
        return self.address.rpartition("/")[2]

    @property
    def resource(self) -> str:
        """First segment of the address."""
        return self.address.partition("/")[0]

    def format_of(self, requested: str) -> str:
        """Return the response's format: the requested one, or the default if it is unsupported."""
        return requested.upper() if requested.upper() in self.formats else self.default_format

    def select(self, row: str, values_by_key: Mapping[str, str]) -> tuple[str, dict[str, str]]:
        """Return SQL that selects the expression ``row``, and the values to bind."""
        where = [self.condition] if self.condition else []
        having: list[str] = []
        values: dict[str, str] = {}
        for parameter in self.parameters:
            if parameter.clause is None or parameter.name not in values_by_key:
                continue
            (having if parameter.of_group else where).append(parameter.clause)
            values[parameter.bind] = values_by_key[parameter.name]
        sql = f"SELECT {row} FROM {self.source}"  # noqa: S608 - constant names, values are bound
        if where:
            sql += " WHERE " + " AND ".join(where)
        sql += self.tail
        if having:
            sql += " HAVING " + " AND ".join(having)
        return sql, values


_SINCE = "min(added) >= :Date"
_EXPRESSIONS = {
    "Collection": "collection",
    "Modality": "modality",
    "BodyPartExamined": "body_part_examined",
    "Manufacturer": "manufacturer",
    "PatientID": "patient_id",
    "PatientName": "patient_name",
    "PatientBirthDate": "patient_birth_date",
    "PatientSex": "patient_sex",
    "EthnicGroup": "ethnic_group",
    "StudyInstanceUID": "study_uid",
    "StudyDate": "study_date",
    "StudyDescription": "study_description",
    "AdmittingDiagnosesDescription": "admitting_diagnoses_description",
    "StudyID": "study_id",
    "PatientAge": "patient_age",
    "SeriesCount": (
        "(SELECT count(DISTINCT series.series_uid) FROM series"
        " WHERE series.study_uid = study.study_uid AND series.collection = study.collection"
        " AND series.patient_id = study.patient_id"
        " AND series.unidentified_name = study.unidentified_name)"
    ),
    "SeriesInstanceUID": "series_uid",
    "ProtocolName": "protocol_name",
    "SeriesDate": "series_date",
    "SeriesDescription": "series_description",
    "SeriesNumber": "series_number",
    "AnnotationsFlag": "annotations_flag",
    "ManufacturerModelName": "manufacturer_model_name",
    "SoftwareVersions": "software_versions",
    "Visibility": "visibility",
    "ImageCount": "image_count",
    "TotalSizeInBytes": "sum(total_size) || '.000000'",
    "ObjectCount": "sum(image_count)",
    "sop_instance_uid": "sop_uid",
    "SOPInstanceUID": "sop_uid",
    "name": "name",
}
_OWN = "own = 1"
_SERVED = "series_uid NOT NULL AND duplicate_of IS NULL"
_SOURCES = {
    "getCollectionValues": ("patient", "", " GROUP BY collection"),
    "getModalityValues": ("series", "", " GROUP BY modality"),
    "getBodyPartValues": ("series", "", " GROUP BY body_part_examined"),
    "getManufacturerValues": ("series", "", " GROUP BY manufacturer"),
    "getPatient": ("patient", "", ""),
    "PatientsByModality": ("series", "", " GROUP BY patient_id, collection, modality"),
    "getPatientStudy": (
        "study JOIN patient USING (collection, patient_id, unidentified_name)",
        "",
        "",
    ),
    "getSeries": ("series", _OWN, ""),
    "getSeriesSize": ("series", _OWN, ""),
    "getImage": ("file", _SERVED, ""),
    "NewPatientsInCollection": ("series", "", " GROUP BY patient_id, collection"),
    "NewStudiesInPatientCollection": ("series", "", " GROUP BY study_uid, patient_id, collection"),
    "getSOPInstanceUIDs": ("file", _SERVED, ""),
    "getSingleImage": ("file", _SERVED, ""),
    "ContentsByName": ("shared_list", "", ""),
}


def endpoints() -> dict[str, Endpoint]:
    """Return the 15 endpoints of the v3 API by their address."""
    served = documents.full_documents()
    return {
        documents.address(entry): _endpoint(entry, served[documents.address(entry)])
        for entry in documents.guide()
    }


def _endpoint(entry: dict[str, Any], document: dict[str, object]) -> Endpoint:
    address = documents.address(entry)
    source, condition, tail = _SOURCES[address.rpartition("/")[2]]
    return Endpoint(
        address=address,
        parameters=tuple(_parameter(parameter) for parameter in entry["parameters"]),
        columns=tuple(_column(attribute) for attribute in entry["attributes"]),
        source=source,
        tail=tail,
        formats=tuple(entry["formats"]),
        default_format=str(document["DefaultFormat"]),
        document=document,
        condition=condition,
    )


def _parameter(entry: dict[str, Any]) -> Parameter:
    name = entry["name"]
    if entry["type"] == "date":
        return Parameter(name, entry["required"], name, _SINCE, checked_type="date")
    return Parameter(name, entry["required"], name, f"{_EXPRESSIONS[name]} = :{name}")


def _column(entry: dict[str, Any]) -> Column:
    name = entry["name"]
    wire_name = entry.get("alsoSeenAs", name) if name == "SeriesInstanceUID" else name
    if entry["type"] == "date":
        kind = Kind.DATE
    elif entry["wireType"] == "number":
        kind = Kind.INTEGER
    elif "decimal" in entry.get("wireFormat", ""):
        kind = Kind.DECIMAL
    else:
        kind = Kind.TEXT
    return Column(wire_name, _EXPRESSIONS[name], kind)
