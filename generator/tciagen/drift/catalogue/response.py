"""Rules for formats and for the result as a whole."""

from typing import Any

from tciagen.drift.catalogue.rule import Rule, documents, members
from tciagen.drift.levels import Bump, Effect, Severity, Wire

_RECORDS = ["CSV", "HTML", "XML", "JSON"]
_KEY = {
    "Name": "SeriesInstanceUID",
    "Description": "UID of the series.",
    "DICOM": "0020 000E",
    "Type": "uid",
    "Optional": False,
}
_EXTRA = {"Name": "Collection", "Description": "Collection.", "DICOM": "NA", "Type": "string"}


def _result(name: str = "Series", *more: Any, text: str = "One series.") -> dict[str, Any]:
    return {"Result": {"Name": name, "Description": text, "Attributes": [_KEY, *more]}}


def _two(*more: Any) -> dict[str, Any]:
    return {
        "TCIA/query/getSeries": _result(),
        "SharedList/query/ContentsByName": _result("Series", *more),
    }


def _file(format_: str) -> dict[str, Any]:
    result = {"Name": "Archive", "Description": "An archive.", "Attributes": []}
    return {"Formats": [format_], "DefaultFormat": format_, "Result": result}


FORMATS = (
    Rule(
        "format-added",
        Severity.NON_BREAKING,
        Wire.OK,
        Effect.OK,
        Bump.MINOR,
        "one format more",
        "Answers can be had in one format more.",
        members({"Formats": ["CSV", "JSON"]}, {"Formats": ["CSV", "XML", "JSON"]}),
    ),
    Rule(
        "format-removed",
        Severity.BREAKING,
        Wire.SILENT,
        Effect.TYPING,
        Bump.MAJOR,
        "one format less",
        "The server answers JSON to a format that it does not know; a type checker refuses the"
        " value of the keyword format.",
        members({"Formats": ["CSV", "XML", "JSON"]}, {"Formats": ["CSV", "JSON"]}),
    ),
    Rule(
        "format-undecodable",
        Severity.BREAKING,
        Wire.ERROR,
        Effect.RUNTIME,
        Bump.MAJOR,
        "only HTML is left",
        "HTML answers do not escape their values and cannot be decoded into records reliably.",
        members(
            {"Formats": _RECORDS, "DefaultFormat": "JSON"},
            {"Formats": ["HTML"], "DefaultFormat": "HTML"},
        ),
    ),
    Rule(
        "file-format-changed",
        Severity.BREAKING,
        Wire.ERROR,
        Effect.OK,
        Bump.MINOR,
        "another kind of file",
        "The download is a file of another kind: code that opens it fails.",
        members(_file("ZIP"), _file("DICOM")),
    ),
    Rule(
        "default-format-changed",
        Severity.DANGEROUS,
        Wire.SILENT,
        Effect.OK,
        Bump.MINOR,
        "another default format",
        "A request that names no format is answered in another one; the generated client always"
        " names one.",
        members({"DefaultFormat": "JSON"}, {"DefaultFormat": "CSV"}),
    ),
    Rule(
        "default-format-removed",
        Severity.DANGEROUS,
        Wire.SILENT,
        Effect.OK,
        Bump.MINOR,
        "default format no longer said",
        "A request that names no format may be answered in any; the generated client always"
        " names one.",
        members({"DefaultFormat": "JSON"}, {"DefaultFormat": None}),
    ),
    Rule(
        "default-format-added",
        Severity.DOCS,
        Wire.OK,
        Effect.OK,
        Bump.PATCH,
        "default format now said",
        "The document says now in which format a request without one is answered.",
        members({"DefaultFormat": None}, {"DefaultFormat": "JSON"}),
    ),
)

RESULTS = (
    Rule(
        "return-kind-changed",
        Severity.BREAKING,
        Wire.ERROR,
        Effect.RUNTIME,
        Bump.MAJOR,
        "records became a file, or a file records",
        "The old client cannot read the answer, and the regenerated method returns something else.",
        members({"Formats": _RECORDS, **_result()}, _file("ZIP")),
    ),
    Rule(
        "return-object-renamed",
        Severity.BREAKING,
        Wire.OK,
        Effect.RUNTIME,
        Bump.MAJOR,
        "record class has another name",
        "The wire is untouched; code that imports or names the class fails with the regenerated"
        " client.",
        members(_result("Series"), _result("SeriesRecord")),
    ),
    Rule(
        "return-object-diverged",
        Severity.DANGEROUS,
        Wire.OK,
        Effect.TYPING,
        Bump.MINOR,
        "one class of several endpoints became several",
        "Endpoints that shared a record class no longer have the same attributes, so code that"
        " takes records of both must tell them apart.",
        documents(_two(), _two(_EXTRA)),
    ),
    Rule(
        "return-object-merged",
        Severity.DANGEROUS,
        Wire.OK,
        Effect.OK,
        Bump.MINOR,
        "several classes of one name became alike",
        "Endpoints whose records differed have the same attributes now. Each class keeps its name,"
        " so a record of one is not an instance of the other.",
        documents(_two(_EXTRA), _two()),
    ),
    Rule(
        "result-description-changed",
        Severity.DOCS,
        Wire.OK,
        Effect.OK,
        Bump.PATCH,
        "record described otherwise",
        "The class's docstring changes, nothing else.",
        members(_result(), _result(text="One series of images.")),
    ),
)
