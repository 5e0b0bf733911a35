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
        "Responses are available in one more format.",
        members({"Formats": ["CSV", "JSON"]}, {"Formats": ["CSV", "XML", "JSON"]}),
    ),
    Rule(
        "format-removed",
        Severity.BREAKING,
        Wire.SILENT,
        Effect.TYPING,
        Bump.MAJOR,
        "one format less",
        "The server sends JSON for a format that it does not know; a type checker refuses the"
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
        "HTML responses do not escape their values and cannot be decoded into records reliably.",
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
        "The response to a request without a format has another one; the generated client always"
        " specifies a format.",
        members({"DefaultFormat": "JSON"}, {"DefaultFormat": "CSV"}),
    ),
    Rule(
        "default-format-removed",
        Severity.DANGEROUS,
        Wire.SILENT,
        Effect.OK,
        Bump.MINOR,
        "default format no longer declared",
        "The response to a request without a format may have any; the generated client always"
        " specifies a format.",
        members({"DefaultFormat": "JSON"}, {"DefaultFormat": None}),
    ),
    Rule(
        "default-format-added",
        Severity.DOCS,
        Wire.OK,
        Effect.OK,
        Bump.PATCH,
        "default format now declared",
        "The document now declares the format of the response to a request without one.",
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
        "The old client cannot read the response, and the regenerated method returns another type.",
        members({"Formats": _RECORDS, **_result()}, _file("ZIP")),
    ),
    Rule(
        "return-object-renamed",
        Severity.BREAKING,
        Wire.OK,
        Effect.RUNTIME,
        Bump.MAJOR,
        "record class has another name",
        "Responses are unchanged; code that imports or names the class fails with the regenerated"
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
        " accepts records of both must distinguish them.",
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
        "record described differently",
        "The class's docstring changes, nothing else.",
        members(_result(), _result(text="One series of images.")),
    ),
)
