"""Rules for attributes, which the client reads: a wider type or set is dangerous."""

from collections.abc import Mapping, Sequence
from typing import Any

from tciagen.drift.catalogue.rule import Rule, attributes
from tciagen.drift.levels import Bump, Effect, Severity, Wire

_B, _D, _N = Severity.BREAKING, Severity.DANGEROUS, Severity.NON_BREAKING


def _modality(**given: Any) -> Sequence[Mapping[str, Any]]:
    base = {
        "Name": "Modality",
        "Description": "Modality.",
        "DICOM": "0008 0060",
        "Type": "string",
        "Optional": True,
    }
    return [{k: v for k, v in {**base, **given}.items() if v is not None}]


_COUNT = {"Name": "ImageCount", "Description": "Images.", "DICOM": "Computed", "Type": "integer"}


def _docs(id_: str, summary: str, why: str, before: Any, after: Any) -> Rule:
    return Rule(
        id_,
        Severity.DOCS,
        Wire.OK,
        Effect.OK,
        Bump.PATCH,
        summary,
        why,
        attributes(before, after),
    )


RULES = (
    Rule(
        "attr-added-optional",
        _N,
        Wire.OK,
        Effect.OK,
        Bump.MINOR,
        "new optional attribute",
        "The old client ignores it, the regenerated record has one attribute more.",
        attributes([], _modality()),
    ),
    Rule(
        "attr-added-required",
        _D,
        Wire.OK,
        Effect.BUILD,
        Bump.MINOR,
        "new attribute in every record",
        "Code that reads records is not touched; code that constructs them, such as fakes in"
        " tests, must give the new attribute.",
        attributes([], _modality(Optional=False)),
    ),
    Rule(
        "attr-removed",
        _B,
        Wire.ERROR,
        Effect.RUNTIME,
        Bump.MAJOR,
        "attribute gone",
        "Records come without it, and the regenerated class has no such attribute.",
        attributes(_modality(Optional=False), []),
    ),
    Rule(
        "attr-removed-deprecated",
        _B,
        Wire.ERROR,
        Effect.RUNTIME,
        Bump.MAJOR,
        "deprecated attribute gone",
        "It was announced by a deprecation, yet records come without it, and the regenerated"
        " class has no such attribute.",
        attributes(_modality(Optional=False, Deprecated=True), []),
    ),
    Rule(
        "attr-renamed",
        _B,
        Wire.ERROR,
        Effect.RUNTIME,
        Bump.MAJOR,
        "attribute has another name",
        "The old client looks for a key that no longer comes.",
        attributes(_modality(Optional=False), _modality(Optional=False, Name="ModalityCode")),
    ),
    Rule(
        "attr-type-widened",
        _B,
        Wire.ERROR,
        Effect.TYPING,
        Bump.MAJOR,
        "attribute holds more than before",
        "The old client cannot decode values of the wider type, and the attribute's Python type"
        " changes.",
        attributes(_modality(Type="integer"), _modality(Type="string")),
    ),
    Rule(
        "attr-type-narrowed",
        _B,
        Wire.OK,
        Effect.TYPING,
        Bump.MAJOR,
        "attribute holds less than before",
        "The old client reads the values as before; in the regenerated one they have another"
        " Python type.",
        attributes(_modality(Type="string"), _modality(Type="integer")),
    ),
    Rule(
        "attr-type-changed",
        _B,
        Wire.ERROR,
        Effect.TYPING,
        Bump.MAJOR,
        "attribute holds another type",
        "The old client cannot decode the values, and the attribute's Python type changes.",
        attributes(_modality(Type="integer"), _modality(Type="date")),
    ),
    Rule(
        "attr-became-optional",
        _B,
        Wire.ERROR,
        Effect.TYPING,
        Bump.MAJOR,
        "attribute may be missing",
        "The old client takes a record without it for an error; in the regenerated one it may be"
        " None.",
        attributes(_modality(Optional=False), _modality(Optional=True)),
    ),
    Rule(
        "attr-became-required",
        _N,
        Wire.OK,
        Effect.OK,
        Bump.PATCH,
        "attribute is never missing any more",
        "Records are read as before; it is no longer None.",
        attributes(_modality(Optional=True), _modality(Optional=False)),
    ),
    Rule(
        "attr-enum-added",
        _N,
        Wire.OK,
        Effect.BUILD,
        Bump.MINOR,
        "free attribute became a closed set",
        "Records are read as before; code that constructs them must keep to the set.",
        attributes(_modality(), _modality(AllowedValues=["CT", "MR"])),
    ),
    Rule(
        "attr-enum-removed",
        _D,
        Wire.SILENT,
        Effect.TYPING,
        Bump.MINOR,
        "closed set of an attribute became free",
        "Values that no code was written for may come; an exhaustive match no longer checks.",
        attributes(_modality(AllowedValues=["CT", "MR"]), _modality()),
    ),
    Rule(
        "attr-enum-value-added",
        _D,
        Wire.SILENT,
        Effect.TYPING,
        Bump.MINOR,
        "attribute takes one value more",
        "A value that no code was written for may come; an exhaustive match no longer checks.",
        attributes(_modality(AllowedValues=["CT"]), _modality(AllowedValues=["CT", "MR"])),
    ),
    Rule(
        "attr-enum-value-removed",
        _D,
        Wire.OK,
        Effect.BUILD,
        Bump.MINOR,
        "attribute takes one value less",
        "Records are read as before; code that compares with or constructs this value is dead.",
        attributes(_modality(AllowedValues=["CT", "MR"]), _modality(AllowedValues=["CT"])),
    ),
    Rule(
        "attr-dicom-tag-changed",
        _D,
        Wire.SILENT,
        Effect.OK,
        Bump.MINOR,
        "attribute holds another DICOM tag",
        "Another element of the images arrives under the same name.",
        attributes(_modality(), _modality(DICOM="0008 1030")),
    ),
    _docs(
        "attr-dicom-tag-added",
        "attribute has a DICOM tag",
        "The documentation names the element that the value comes from.",
        _modality(DICOM="NA"),
        _modality(),
    ),
    _docs(
        "attr-dicom-tag-removed",
        "attribute has no DICOM tag any more",
        "The documentation no longer names the element that the value comes from.",
        _modality(),
        _modality(DICOM="NA"),
    ),
    _docs(
        "attr-origin-changed",
        "attribute has another origin",
        "Only the documentation of where the value comes from (stored or computed) changes.",
        _modality(DICOM="NA"),
        _modality(DICOM="Computed"),
    ),
    Rule(
        "attr-deprecated",
        _N,
        Wire.OK,
        Effect.OK,
        Bump.MINOR,
        "attribute deprecated",
        "Records are read as before; expect the attribute to go.",
        attributes(_modality(), _modality(Deprecated=True)),
    ),
    Rule(
        "attr-undeprecated",
        _N,
        Wire.OK,
        Effect.OK,
        Bump.PATCH,
        "attribute no longer deprecated",
        "Records are read as before; the attribute stays.",
        attributes(_modality(Deprecated=True), _modality()),
    ),
    Rule(
        "attr-reordered",
        Severity.NONE,
        Wire.OK,
        Effect.OK,
        Bump.NONE,
        "attributes in another order",
        "CSV is read by its header and classes are keyword-only, so order means nothing.",
        attributes([_COUNT, *_modality()], [*_modality(), _COUNT]),
    ),
    _docs(
        "attr-description-changed",
        "attribute described otherwise",
        "The class's docstring changes, nothing else.",
        _modality(),
        _modality(Description="DICOM modality code."),
    ),
    _docs(
        "attr-example-changed",
        "another example for an attribute",
        "The class's docstring changes, nothing else.",
        _modality(Example="CT"),
        _modality(Example="MR"),
    ),
)
