"""Rules for parameters, which the client sends: a narrower type or set is breaking."""

from collections.abc import Mapping, Sequence
from typing import Any

from tciagen.drift.catalogue.rule import Rule, parameters
from tciagen.drift.levels import Bump, Effect, Severity, Wire

_B, _D, _N = Severity.BREAKING, Severity.DANGEROUS, Severity.NON_BREAKING


def _modality(**given: Any) -> Sequence[Mapping[str, Any]]:
    base = {"Name": "Modality", "Type": "string", "DICOM": "0008 0060"}
    return [{k: v for k, v in {**base, **given}.items() if v is not None}]


def _docs(id_: str, summary: str, why: str, before: Any, after: Any) -> Rule:
    return Rule(
        id_,
        Severity.DOCS,
        Wire.OK,
        Effect.OK,
        Bump.PATCH,
        summary,
        why,
        parameters(before, after),
    )


RULES = (
    Rule(
        "param-added-required",
        _B,
        Wire.ERROR,
        Effect.RUNTIME,
        Bump.MAJOR,
        "new required query key",
        "The server responds with status 471 to every call without it; the regenerated method"
        " cannot be called without this keyword.",
        parameters([], _modality(Required=True)),
    ),
    Rule(
        "param-added-optional",
        _N,
        Wire.OK,
        Effect.OK,
        Bump.MINOR,
        "new optional query key",
        "The regenerated method has one keyword more.",
        parameters([], _modality()),
    ),
    Rule(
        "param-removed",
        _B,
        Wire.SILENT,
        Effect.RUNTIME,
        Bump.MAJOR,
        "query key gone",
        "The server ignores keys that it does not know: a call that filters by it returns"
        " unfiltered rows. The regenerated method refuses the keyword.",
        parameters(_modality(), []),
    ),
    Rule(
        "param-removed-deprecated",
        _B,
        Wire.SILENT,
        Effect.RUNTIME,
        Bump.MAJOR,
        "deprecated query key gone",
        "It was announced by a deprecation, yet the server ignores keys that it does not know: a"
        " call that filters by it returns unfiltered rows. The regenerated method refuses the"
        " keyword.",
        parameters(_modality(Deprecated=True), []),
    ),
    Rule(
        "param-renamed",
        _B,
        Wire.SILENT,
        Effect.RUNTIME,
        Bump.MAJOR,
        "query key has another name",
        "Keys are case sensitive and unknown ones are ignored: a call with the old key returns"
        " unfiltered rows.",
        parameters(_modality(), _modality(Name="ModalityCode")),
    ),
    Rule(
        "param-became-required",
        _B,
        Wire.ERROR,
        Effect.RUNTIME,
        Bump.MAJOR,
        "query key became required",
        "The server responds with status 471 to calls without it, and the regenerated method"
        " cannot be called without this keyword.",
        parameters(_modality(), _modality(Required=True)),
    ),
    Rule(
        "param-became-optional",
        _N,
        Wire.OK,
        Effect.OK,
        Bump.MINOR,
        "query key became optional",
        "Calls that pass it work as before; it is optional now.",
        parameters(_modality(Required=True), _modality()),
    ),
    Rule(
        "param-type-widened",
        _D,
        Wire.OK,
        Effect.TYPING,
        Bump.MINOR,
        "query key takes more than before",
        "Old values still fit on the wire; the keyword's annotation changes, so a type checker"
        " may object.",
        parameters(_modality(Type="integer"), _modality(Type="string")),
    ),
    Rule(
        "param-type-narrowed",
        _B,
        Wire.ERROR,
        Effect.TYPING,
        Bump.MAJOR,
        "query key takes less than before",
        "The server refuses values that it accepted, and the keyword's annotation changes.",
        parameters(_modality(Type="string"), _modality(Type="integer")),
    ),
    Rule(
        "param-type-changed",
        _B,
        Wire.ERROR,
        Effect.TYPING,
        Bump.MAJOR,
        "query key takes another type",
        "No value of the old type is one of the new: the server refuses them, and the keyword's"
        " annotation changes.",
        parameters(_modality(Type="date"), _modality(Type="integer")),
    ),
    Rule(
        "param-enum-added",
        _B,
        Wire.ERROR,
        Effect.TYPING,
        Bump.MAJOR,
        "free query key became a closed set",
        "Values outside the set are refused, and the keyword's annotation becomes a Literal.",
        parameters(_modality(), _modality(AllowedValues=["CT", "MR"])),
    ),
    Rule(
        "param-enum-removed",
        _N,
        Wire.OK,
        Effect.OK,
        Bump.MINOR,
        "closed set of a query key became free",
        "Every string is allowed now.",
        parameters(_modality(AllowedValues=["CT", "MR"]), _modality()),
    ),
    Rule(
        "param-enum-value-added",
        _N,
        Wire.OK,
        Effect.OK,
        Bump.MINOR,
        "query key allows one value more",
        "Calls work as before.",
        parameters(_modality(AllowedValues=["CT"]), _modality(AllowedValues=["CT", "MR"])),
    ),
    Rule(
        "param-enum-value-removed",
        _B,
        Wire.ERROR,
        Effect.TYPING,
        Bump.MAJOR,
        "query key allows one value less",
        "A call with this value fails or finds nothing, and a type checker refuses it.",
        parameters(_modality(AllowedValues=["CT", "MR"]), _modality(AllowedValues=["CT"])),
    ),
    Rule(
        "param-default-added",
        _D,
        Wire.SILENT,
        Effect.OK,
        Bump.MINOR,
        "query key has a default",
        "A call without the key now has the result of a call with this value.",
        parameters(_modality(), _modality(Default="CT")),
    ),
    Rule(
        "param-default-removed",
        _D,
        Wire.SILENT,
        Effect.OK,
        Bump.MINOR,
        "query key has no default any more",
        "A call without the key no longer has the result of a call with this value.",
        parameters(_modality(Default="CT"), _modality()),
    ),
    Rule(
        "param-default-changed",
        _D,
        Wire.SILENT,
        Effect.OK,
        Bump.MINOR,
        "query key has another default",
        "A call without the key has another result.",
        parameters(_modality(Default="CT"), _modality(Default="MR")),
    ),
    Rule(
        "param-deprecated",
        _N,
        Wire.OK,
        Effect.OK,
        Bump.MINOR,
        "query key deprecated",
        "Calls work as before; expect the key to go.",
        parameters(_modality(), _modality(Deprecated=True)),
    ),
    Rule(
        "param-undeprecated",
        _N,
        Wire.OK,
        Effect.OK,
        Bump.PATCH,
        "query key no longer deprecated",
        "Calls work as before; the key stays.",
        parameters(_modality(Deprecated=True), _modality()),
    ),
    Rule(
        "param-dicom-tag-changed",
        _D,
        Wire.SILENT,
        Effect.OK,
        Bump.MINOR,
        "query key filters by another DICOM tag",
        "The same call selects by another element of the images.",
        parameters(_modality(), _modality(DICOM="0008 1030")),
    ),
    _docs(
        "param-dicom-tag-added",
        "query key has a DICOM tag",
        "The documentation names the element that the key filters by.",
        _modality(DICOM="NA"),
        _modality(),
    ),
    _docs(
        "param-dicom-tag-removed",
        "query key has no DICOM tag any more",
        "The documentation no longer names the element that the key filters by.",
        _modality(),
        _modality(DICOM="NA"),
    ),
    _docs(
        "param-origin-changed",
        "query key has another origin",
        "Only the documentation of where the value comes from (stored or computed) changes.",
        _modality(DICOM="NA"),
        _modality(DICOM="Computed"),
    ),
    Rule(
        "param-reordered",
        Severity.NONE,
        Wire.OK,
        Effect.OK,
        Bump.NONE,
        "query keys in another order",
        "Methods are keyword-only, so their order means nothing to a caller.",
        parameters(
            [{"Name": "PatientID", "Type": "string"}, *_modality()],
            [*_modality(), {"Name": "PatientID", "Type": "string"}],
        ),
    ),
    _docs(
        "param-description-changed",
        "query key described differently",
        "The method's docstring changes, nothing else.",
        _modality(Description="Modality."),
        _modality(Description="DICOM modality code."),
    ),
    _docs(
        "param-example-changed",
        "another example for a query key",
        "The method's docstring changes, nothing else.",
        _modality(Example="CT"),
        _modality(Example="MR"),
    ),
)
