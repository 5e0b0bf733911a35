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
        "The server answers 500 (QueryEndpoint not found), and the regenerated client has no"
        " such method.",
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
        " answers 500, and the regenerated client has no such method.",
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
        "Everything works on; the regenerated method gives a DeprecationWarning.",
        members({}, _DEPRECATED),
    ),
    Rule(
        "endpoint-undeprecated",
        Severity.NON_BREAKING,
        Wire.OK,
        Effect.OK,
        Bump.PATCH,
        "endpoint no longer deprecated",
        "The regenerated method gives no DeprecationWarning any more.",
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
        "endpoint described otherwise",
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
        "It came or went; the generator does not read it, so a newer schema may be worth a look.",
        members({}, {"Owner": "imaging team"}),
    ),
    Rule(
        "declaration-lost",
        Severity.DOCS,
        Wire.OK,
        Effect.OK,
        Bump.NONE,
        "no longer said",
        "The document is silent where it spoke, and silence does not overrule: the old value"
        " stays until it is contradicted. Write it into the overlay to keep it in the generated"
        " client.",
        members({}, {"Formats": None, "DefaultFormat": None}),
    ),
    Rule(
        "declaration-gained",
        Severity.DOCS,
        Wire.OK,
        Effect.OK,
        Bump.NONE,
        "now said",
        "The document says now what the overlay told or what nobody contradicted; an overlay"
        " entry for it can go.",
        members({"Formats": None, "DefaultFormat": None}, {}),
    ),
    Rule(
        "type-declared",
        Severity.DANGEROUS,
        Wire.OK,
        Effect.TYPING,
        Bump.MINOR,
        "type now declared",
        "Nobody stated the type before. The old client works on; in the regenerated one the"
        " parameter takes values of this type alone, and the attribute delivers them.",
        parameters([{"Name": "Size"}], [{"Name": "Size", "Type": "integer"}]),
    ),
    Rule(
        "name-collision",
        Severity.DANGEROUS,
        Wire.OK,
        Effect.OK,
        Bump.MINOR,
        "new name meets another in Python",
        "Two names of the server become one in Python. The existing one keeps its spelling; give"
        " the newcomer a name in the overlay.",
        parameters(
            [{"Name": "PatientID", "Type": "string"}],
            [{"Name": "PatientID", "Type": "string"}, {"Name": "patientId", "Type": "string"}],
        ),
    ),
)
