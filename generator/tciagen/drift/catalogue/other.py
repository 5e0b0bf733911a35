"""Rules that are not about drift of a contract: faults, run-time events and policies."""

from tciagen.drift.catalogue.rule import Rule, words
from tciagen.drift.levels import Bump, Effect, Severity, Wire


def _other(
    id_: str,
    level: Severity,
    summary: str,
    why: str,
    example: tuple[str, str],
    *texts: str,
) -> Rule:
    """Return a rule; ``texts`` are its action and the message of a client."""
    action, client_message = (*texts, "", "")[:2]
    return Rule(
        id_,
        level,
        Wire.OK,
        Effect.OK,
        Bump.NONE,
        summary,
        why,
        words(*example),
        action=action,
        client_message=client_message,
    )


_F, _U = Severity.FAULT, Severity.UNKNOWN

FAULTS = (
    _other(
        "document-invalid",
        _F,
        "the document does not validate",
        "An invalid document cannot be compared; the last valid document stays.",
        ('"Parameters": []', '"Parameters": {}'),
    ),
    _other(
        "document-empty",
        _F,
        "no metadata was ever written",
        "The server sends {} for an endpoint without metadata; the last document stays.",
        ('{"QueryName": "getSeries", …}', "{}"),
    ),
    _other(
        "document-unreadable",
        _F,
        "not JSON, not UTF-8, or cut short",
        "The response cannot be read, so there is nothing to compare; the last document stays.",
        ('{"QueryName": "getSeries", …}', '{"QueryName": "getSer'),
    ),
    _other(
        "document-misplaced",
        _F,
        "the document names another endpoint",
        "QueryName differs from the requested path; the last document stays.",
        ('"QueryName": "getSeries"', '"QueryName": "getPatient"'),
    ),
    _other(
        "name-duplicated",
        _F,
        "a duplicate parameter or attribute",
        "A duplicate name is ambiguous; the last document stays.",
        ('"Parameters": ["Modality"]', '"Parameters": ["Modality", "Modality (R)"]'),
    ),
    _other(
        "default-format-unknown",
        _F,
        "DefaultFormat is not one of Formats",
        "The document contradicts itself; the last one stays.",
        (
            '"Formats": ["JSON"], "DefaultFormat": "JSON"',
            '"Formats": ["JSON"], "DefaultFormat": "CSV"',
        ),
    ),
    _other(
        "replacement-unknown",
        Severity.WARNING,
        "ReplacedBy names an endpoint that is not in the catalogue",
        "The deprecation is valid, but its replacement does not exist.",
        ('"Deprecated": true', '"Deprecated": true, "ReplacedBy": "getNothing"'),
    ),
    _other(
        "endpoint-unreachable",
        _U,
        "the server did not send a document",
        "A failed fetch is not a removal; the last document stays.",
        ("200 and a document", "503 and a proxy's HTML"),
    ),
    _other(
        "crawl-incomplete",
        _U,
        "too many endpoints are unreachable",
        "More endpoints than the permitted share are unreachable, so nothing is compared.",
        ("15 of 15 endpoints responded", "3 of 15 endpoints responded"),
    ),
)

_HEADER = "header metadata: the document that the client was generated from"
_N = Severity.NON_BREAKING

RUN_TIME = (
    _other(
        "wire-metadata-differs",
        Severity.DANGEROUS,
        "the metadata header is not the document that the client was generated from",
        "The server has changed; the differences are classified by the rules of the contract.",
        (_HEADER, "header metadata: one optional parameter more"),
        "ContractDriftWarning once for each endpoint; `on_drift` changes this",
        "ContractDriftWarning: TCIA/query/getModalityValues has changed since this package was "
        "generated (param-added-optional at /Parameters/StationName: "
        '"StationName"). Update or regenerate the package when convenient.',
    ),
    _other(
        "wire-metadata-unreadable",
        Severity.NONE,
        "the metadata header is absent, {}, cut or not JSON",
        "A proxy may remove or truncate headers; this is not a change of the server.",
        (_HEADER, "no header metadata"),
        "debug message, never an error",
        "DEBUG: TCIA/query/getBodyPartValues: the metadata header cannot be used: it is absent "
        "or empty (wire-metadata-unreadable)",
    ),
    _other(
        "wire-attr-undeclared",
        _N,
        "a record has a key that the contract lacks",
        "The record is built without it.",
        ('{"Modality": "CT"}', '{"Modality": "CT", "StationName": "A"}'),
        "ContractDriftWarning once for each endpoint, unless the header has reported it; "
        "`on_drift` changes this",
        'ContractDriftWarning: TCIA/query/getManufacturerValues sends "StationName", unknown '
        "when this package was generated (wire-attr-undeclared). The rows do not have it; "
        "everything else works. Update or regenerate the package when convenient.",
    ),
    _other(
        "wire-attr-missing",
        Severity.DANGEROUS,
        "an attribute that is never optional is absent",
        "The record has less than the contract declares.",
        ('{"Modality": "CT"}', "{}"),
        'error; with `on_mismatch="warn"` MismatchWarning once for each attribute',
        "MissingValueError: TCIA/query/getPatient: row 1: patient_id (PatientID) is missing, "
        'but is always present (wire-attr-missing). With on_mismatch="warn" the client '
        "returns such rows, with None instead. [URL]",
    ),
    _other(
        "wire-attr-never-sent",
        Severity.DOCS,
        "a documented attribute is in none of the sampled records",
        "It may be null in this data, or the server may not send it at all.",
        ('{"Modality": "CT", "ProtocolName": "A"}', '{"Modality": "CT"}'),
        "note of `check --live`",
    ),
    _other(
        "wire-type-mismatch",
        Severity.BREAKING,
        "a value does not fit its type",
        "Even the lenient rules cannot decode it; the error names endpoint, attribute and value.",
        ('{"ImageCount": "12.000000"}', '{"ImageCount": "12.5"}'),
        'error; with `on_mismatch="warn"` MismatchWarning once for each attribute',
        "InvalidValueError: TCIA/query/getSeries: row 1: image_count (ImageCount) must be an "
        "integer, not '2.25.1' (wire-type-mismatch). With on_mismatch=\"warn\" the client "
        "returns such rows, with the value as sent. [URL]",
    ),
    _other(
        "wire-value-undeclared",
        Severity.DANGEROUS,
        "a value is outside AllowedValues",
        "The client returns the value unchanged.",
        ('{"PatientSex": "F"}', '{"PatientSex": "U"}'),
        "ContractDriftWarning once for each attribute, unless the header has reported it; "
        "`on_drift` changes this",
        'ContractDriftWarning: TCIA/query/getPatientStudy sends "U" as PatientSex, not listed'
        " when this package was generated (wire-value-undeclared). The rows have the value "
        "unchanged; code that handles each listed value must handle one more. Update or "
        "regenerate the package when convenient.",
    ),
    _other(
        "wire-format-ignored",
        Severity.BREAKING,
        "the response has another format than the requested one",
        "The server sends JSON for a format that it does not know.",
        ("requested CSV, received CSV", "requested CSV, received JSON"),
        "error; ContractDriftWarning for a raw response",
        "FormatIgnoredError: TCIA/query/PatientsByModality: the client requested csv, and the "
        "server sent json (wire-format-ignored). Request the received format, and update or "
        "regenerate the package. [URL]",
    ),
    _other(
        "wire-filter-ignored",
        Severity.BREAKING,
        "a record contradicts a parameter of the same name",
        "A server ignores keys that it does not know, so the result has records that do not match "
        "the query. Text is compared without case, blanks and punctuation, and in part; dates and "
        "decimal numbers may be bounds; patterns and ranges are not judged.",
        (
            'Collection=TCGA-GBM, {"Collection": "TCGA-GBM"}',
            'Collection=TCGA-GBM, {"Collection": "LIDC-IDRI"}',
        ),
        "ContractDriftWarning once for each endpoint, unless the header has reported it; "
        "`on_drift` changes this",
        "ContractDriftWarning: TCIA/query/NewStudiesInPatientCollection was queried with "
        'Collection="DEMO-PET-CT" and sends rows with "DEMO-BRAIN-MR" (wire-filter-ignored). The '
        "server may ignore the filter, so the result may have rows that do not match the query. "
        "Check the rows, and update or regenerate the package.",
    ),
    _other(
        "wire-media-type-mismatch",
        Severity.DANGEROUS,
        "Content-Type does not fit the format",
        "The client reads the body in the requested format.",
        ("application/csv", "text/plain"),
        "ContractDriftWarning once for each endpoint; `on_drift` changes this",
        "ContractDriftWarning: TCIA/query/getCollectionValues returned the requested json, but "
        'with the media type "text/plain" (wire-media-type-mismatch). The rows are complete; '
        "report it to the operator of the server or of the proxy.",
    ),
    _other(
        "wire-required-undeclared",
        Severity.BREAKING,
        "471 although all required keys were sent",
        "The contract is out of date: the server requires a key that it does not declare.",
        ("200", "471"),
        "error",
        "MissingParameterError: TCIA/query/getSOPInstanceUIDs: status 471: a required query "
        'parameter is missing (wire-required-undeclared). The server reported: "Required query '
        'parameter [Site] is missing". The request had all parameters that this package knows '
        "as required, so the server has changed. Pass the parameter that it names, or update "
        "or regenerate the package. [URL]",
    ),
    _other(
        "wire-required-not-enforced",
        Severity.DOCS,
        "the server does not require a key that is declared as required",
        "The client requires more of its callers than the server does.",
        ("471", "200"),
        "note of `check --live`",
    ),
    _other(
        "wire-endpoint-gone",
        Severity.BREAKING,
        "the server has no such endpoint",
        "It responds with status 500 and `QueryEndpoint [x] not found`.",
        ("200", "500 QueryEndpoint [getSeries] not found"),
        "error",
        "UnknownEndpointError: TCIA/query/getSingleImage: status 500: the server does not "
        'know this endpoint (wire-endpoint-gone). The server reported: "QueryEndpoint '
        '[getSingleImage] not found". This server does not have the endpoint: check the base '
        "URL, or use a client generated for this server. If it has dropped or renamed it, "
        "update or regenerate the package. [URL]",
    ),
    _other(
        "wire-count-mismatch",
        Severity.DANGEROUS,
        "the archive has another number of images than its header states",
        "The server omits files that it cannot read, without an error status.",
        ("imageCount: 12, 12 members", "imageCount: 12, 11 members"),
        'error; with `on_difference="keep"` a difference of the result',
        "VerificationError: TCIA/query/getImage: the download differs from the request: UID: the "
        "server reports: error retrieving file; 3 DICOM files are there, the server announced 4 "
        "(wire-count-mismatch). Retry later, or report it to the operator of the server; "
        'on_difference="keep" saves the received files. [URL]',
    ),
    _other(
        "wire-server-changed",
        Severity.NONE,
        "the server's version is not the recorded one",
        "Bindaas-version differs from that of the client's first response, which is not an error.",
        ("Bindaas-version: 3.0", "Bindaas-version: 3.1"),
        "info message",
        "INFO: the server's version is 3, and was 2 (wire-server-changed)",
    ),
)

CONFIGURATION = (
    Rule(
        "count-source-changed",
        Severity.DOCS,
        Wire.OK,
        Effect.OK,
        Bump.PATCH,
        "another attribute states the count or size",
        "The configuration declares another attribute that states how many files a download has,"
        " or how large they are; the regenerated client checks downloads against that one.",
        words("count = TCIA/query/getSeries ImageCount", "count = TCIA/query/getSeriesSize Count"),
    ),
)

POLICY = (
    _other(
        "code-stale",
        Severity.BREAKING,
        "regenerating gives other bytes",
        "The committed client differs from the committed contract; run `tciagen generate`.",
        ("generated from this contract", "generated from an older contract"),
        "fails the gate of a pull request",
    ),
    _other(
        "code-edited",
        Severity.BREAKING,
        "a generated file has a manual edit",
        "Its digest differs from the manifest's; the next generation would lose the edit.",
        ("digest as in the manifest", "another digest"),
        "fails the gate of a pull request",
    ),
    _other(
        "contract-missing",
        Severity.BREAKING,
        "there is no contract to compare with",
        "The folder, revision or package holds no contract.",
        ("a folder of documents", "an empty folder"),
        "usage error",
    ),
    _other(
        "generator-changed",
        Severity.DOCS,
        "same contract, other generator",
        "The client differs because the generator does; that is no drift.",
        ("tciagen 0.1.0", "tciagen 0.2.0"),
        "label",
    ),
    _other(
        "version-not-bumped",
        Severity.BREAKING,
        "the version rose less than the drift requires",
        "Users read from the version what an update breaks.",
        ("1.2.0 → 2.0.0 for a major change", "1.2.0 → 1.2.1 for a major change"),
        "fails the gate of a release",
    ),
    _other(
        "suppression-unused",
        Severity.DOCS,
        "an accepted change was not found",
        "An entry of drift-accept.toml that matches nothing may hide a later change; delete it.",
        ("the accepted change is found", "it is not"),
        "warn, fails with --strict",
    ),
    _other(
        "suppression-expired",
        Severity.DOCS,
        "an accepted change is past its date",
        "An entry of drift-accept.toml past its date is not applied; fix the drift or renew it.",
        ("until = 2027-03-31, before that day", "until = 2027-03-31, after that day"),
        "warn, fails with --strict",
    ),
)
