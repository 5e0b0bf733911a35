"""Rules for endpoints and for the document as a whole."""

from tciagen.drift.catalogue.rule import Rule, documents, members, parameters
from tciagen.drift.levels import Bump, Effect, Severity, Wire

_OLD = "TCIA/query/getSeries"
_OTHER = {
    "Description": "Lists the collections.",
    "Result": {
        "Name": "Collection",
        "Description": "One collection.",
        "Attributes": [
            {"Name": "Collection", "Description": "Name.", "DICOM": "NA", "Type": "string"}
        ],
    },
}
_DEPRECATED = {"Deprecated": True}

RULES = (
    Rule(
        "endpoint-added",
        Severity.NON_BREAKING,
        Wire.OK,
        Effect.OK,
        Bump.MINOR,
        "new endpoint",
        "The regenerated client has one method more; nothing that exists changes.",
        documents({_OLD: {}}, {_OLD: {}, "TCIA/query/getCollectionValues": _OTHER}),
    ),
    Rule(
        "endpoint-removed",
        Severity.BREAKING,
        Wire.ERROR,
        Effect.RUNTIME,
        Bump.MAJOR,
        "endpoint gone",
        "The server responds with status 500 (QueryEndpoint not found), and the regenerated client"
        " has no such method.",
        documents({_OLD: {}, "TCIA/query/getCollectionValues": _OTHER}, {_OLD: {}}),
    ),
    Rule(
        "endpoint-removed-deprecated",
        Severity.BREAKING,
        Wire.ERROR,
        Effect.RUNTIME,
        Bump.MAJOR,
        "deprecated endpoint gone",
        "It was announced by a deprecation, yet a client that still calls it fails: the server"
        " responds with status 500, and the regenerated client has no such method.",
        documents(
            {_OLD: {}, "TCIA/query/getCollectionValues": {**_OTHER, **_DEPRECATED}}, {_OLD: {}}
        ),
    ),
    Rule(
        "endpoint-renamed",
        Severity.BREAKING,
        Wire.ERROR,
        Effect.RUNTIME,
        Bump.MAJOR,
        "endpoint has another name",
        "The old path is gone, and the method has another name in the regenerated client.",
        documents({_OLD: {}}, {"TCIA/query/listSeries": {}}),
    ),
    Rule(
        "endpoint-moved",
        Severity.BREAKING,
        Wire.ERROR,
        Effect.OK,
        Bump.PATCH,
        "endpoint under another resource",
        "The path changes, the method does not: the old client fails, the regenerated one works"
        " with the same user code.",
        documents({_OLD: {}}, {"Archive/query/getSeries": {}}),
    ),
    Rule(
        "endpoint-deprecated",
        Severity.NON_BREAKING,
        Wire.OK,
        Effect.OK,
        Bump.MINOR,
        "endpoint deprecated",
        "Calls work as before; the regenerated method raises a DeprecationWarning.",
        members({}, _DEPRECATED),
    ),
    Rule(
        "endpoint-undeprecated",
        Severity.NON_BREAKING,
        Wire.OK,
        Effect.OK,
        Bump.PATCH,
        "endpoint no longer deprecated",
        "The regenerated method no longer raises a DeprecationWarning.",
        members(_DEPRECATED, {}),
    ),
    Rule(
        "endpoint-replacement-changed",
        Severity.DOCS,
        Wire.OK,
        Effect.OK,
        Bump.PATCH,
        "another replacement is named",
        "The deprecation names another endpoint to use; calls work as before.",
        members(
            {**_DEPRECATED, "ReplacedBy": "getSeries"},
            {**_DEPRECATED, "ReplacedBy": "listSeries"},
        ),
    ),
    Rule(
        "endpoint-description-changed",
        Severity.DOCS,
        Wire.OK,
        Effect.OK,
        Bump.PATCH,
        "endpoint described differently",
        "The method's docstring changes, nothing else.",
        members({"Description": "Lists series."}, {"Description": "Lists all series."}),
    ),
    Rule(
        "unknown-member",
        Severity.NONE,
        Wire.OK,
        Effect.OK,
        Bump.NONE,
        "a member that the schema does not know",
        "It was added or removed. The generator does not read it; there may be a newer schema.",
        members({}, {"Owner": "imaging team"}),
    ),
    Rule(
        "declaration-lost",
        Severity.DOCS,
        Wire.OK,
        Effect.OK,
        Bump.NONE,
        "no longer declared",
        "The document no longer has the declaration. The old value is retained until the server"
        " contradicts it. Add it to the overlay to make it permanent in the generated client.",
        members({}, {"Formats": None, "DefaultFormat": None}),
    ),
    Rule(
        "declaration-gained",
        Severity.DOCS,
        Wire.OK,
        Effect.OK,
        Bump.NONE,
        "now declared",
        "The document now declares a value that came from the overlay or was assumed; delete its"
        " overlay entry.",
        members({"Formats": None, "DefaultFormat": None}, {}),
    ),
    Rule(
        "type-declared",
        Severity.DANGEROUS,
        Wire.OK,
        Effect.TYPING,
        Bump.MINOR,
        "type now declared",
        "The type was undeclared before. The old client works as before; in the regenerated one"
        " the parameter accepts only values of this type, and the attribute has this type.",
        parameters([{"Name": "Size"}], [{"Name": "Size", "Type": "integer"}]),
    ),
    Rule(
        "name-collision",
        Severity.DANGEROUS,
        Wire.OK,
        Effect.OK,
        Bump.MINOR,
        "new name collides with another in Python",
        "Two names of the server become one in Python. The existing one keeps its spelling; set"
        " a name for the new one in the overlay.",
        parameters(
            [{"Name": "PatientID", "Type": "string"}],
            [{"Name": "PatientID", "Type": "string"}, {"Name": "patientId", "Type": "string"}],
        ),
    ),
)
