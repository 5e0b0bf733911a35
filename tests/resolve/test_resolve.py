"""Documents, DICOM dictionary and overlay are the sources of each value, in that order."""

import copy
from collections.abc import Mapping

import pytest

from tciagen.contract.dicom import type_of_tag
from tciagen.contract.model import Source, Type
from tciagen.contract.overlay import Entry, Overlay, parse_overlay
from tciagen.contract.resolve import Resolution, resolve
from tciagen.documents.parsing import JsonObject
from tciagen.errors import DocumentProblem

ADDRESS = "TCIA/query/getSeries"


@pytest.fixture
def documents(tcia_documents: Mapping[str, JsonObject]) -> dict[str, JsonObject]:
    return {ADDRESS: copy.deepcopy(tcia_documents[ADDRESS])}


def entry(kind: str, member: str, **values: object) -> Entry:
    return Entry(1, ADDRESS, kind, member, values, "because")


def problems(documents: Mapping[str, JsonObject], *entries: Entry) -> list[str]:
    with pytest.raises(DocumentProblem) as caught:
        resolve(documents, Overlay("overlay.toml", entries))
    return str(caught.value).splitlines()


@pytest.mark.parametrize(
    ("tag", "type_"),
    [
        ("0008 0021", Type.DATE),
        ("0008 002A", Type.DATE_TIME),
        ("0008 0031", Type.TIME),
        ("0020 000E", Type.UID),
        ("0020 0011", Type.INTEGER),
        ("0028 0010", Type.INTEGER),
        ("0010 1030", Type.DECIMAL),
        ("0010 1010", Type.STRING),
        ("0018 1020", Type.STRING),
        ("0020 0032", Type.STRING),
        ("0028 0106", Type.INTEGER),
        ("0009 0001", None),
    ],
)
def test_type_of_tag_follows_from_the_value_representation(tag: str, type_: Type | None) -> None:
    assert type_of_tag(tag) is type_


def test_resolve_type_is_that_of_document_then_tag_then_overlay(
    documents: dict[str, JsonObject],
) -> None:
    attributes = {a["Name"]: a for a in documents[ADDRESS]["Result"]["Attributes"]}
    del attributes["SeriesDate"]["Type"]
    del attributes["Visibility"]["Type"]
    del attributes["Collection"]["Type"]
    overlay = Overlay("o", (entry("attribute", "Visibility", type="integer"),))
    resolution = resolve(documents, overlay)
    (endpoint,) = resolution.contract
    sources = {a.name: (a.type, a.type_source) for a in endpoint.result.attributes}
    assert sources["Modality"] == (Type.STRING, Source.DOCUMENT)
    assert sources["SeriesDate"] == (Type.DATE, Source.TAG)
    assert sources["Visibility"] == (Type.INTEGER, Source.OVERLAY)
    assert sources["Collection"] == (Type.STRING, Source.ASSUMED)
    (notice,) = resolution.notices
    assert notice.startswith(
        f"{ADDRESS}: no document states the type of attribute Collection; its values are strings."
    )


def test_resolve_pasted_overlay_lines_remove_the_notice(documents: dict[str, JsonObject]) -> None:
    document = documents[ADDRESS]
    del document["Formats"], document["DefaultFormat"]
    document["Parameters"] = ["Collection", "BodyPartExamined (O)"]
    for attribute in document["Result"]["Attributes"]:
        attribute.pop("Type", None)
    notices = resolve(documents).notices
    assert len(notices) > 5
    pasted = "\n".join(notice.partition("overlay")[2].partition(":\n")[2] for notice in notices)
    assert pasted.count("[[entry]]") == len(notices)
    overlay = parse_overlay(pasted.replace("…", "The handbook.").encode(), "overlay.toml")
    assert resolve(documents, overlay).notices == ()


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (entry("attribute", "Modalty", optional=False), "has no attribute Modalty; did you mean"),
        (
            Entry(1, "TCIA/query/getSerie", "endpoint", "", {"name": "x"}, "because"),
            "there is no endpoint TCIA/query/getSerie; did you mean 'TCIA/query/getSeries'?",
        ),
        (
            Entry(1, "Fleet/*", "attribute", "Modality", {"name": "x"}, "because"),
            "there is no endpoint Fleet/*",
        ),
        (
            entry("parameter", "SeriesDate", description="x"),
            "has no parameter SeriesDate; write `attribute = …`, which has this name",
        ),
    ],
    ids=["attribute", "endpoint", "glob", "other kind"],
)
def test_resolve_entry_without_match_names_the_closest(
    documents: dict[str, JsonObject], wrong: Entry, reason: str
) -> None:
    (reported,) = problems(documents, wrong)
    assert " matches nothing: " in reported
    assert reason in reported


def test_glob_that_states_what_every_document_states_is_an_error(
    documents: dict[str, JsonObject],
) -> None:
    glob = Entry(1, "TCIA/*", "attribute", "Modality", {"type": "string"}, "because")
    assert problems(documents, glob) == [
        "overlay.toml: entry 1 (attribute Modality of TCIA/*): the documents state type already;"
        " delete the entry"
    ]


def test_key_of_a_glob_that_has_no_effect_is_an_error(documents: dict[str, JsonObject]) -> None:
    values = {"type": "string", "aliases": ["MODALITY"]}
    glob = Entry(1, "TCIA/*", "attribute", "Modality", values, "because")
    (reported,) = problems(documents, glob)
    assert reported.endswith("the documents state type already; delete it from the entry")


def test_resolve_entry_that_repeats_the_document_is_an_error(
    documents: dict[str, JsonObject],
) -> None:
    (reported,) = problems(documents, entry("attribute", "Modality", optional=False))
    assert reported.endswith(
        "the document states optional = False already; delete it from the entry"
    )


def test_resolve_overlay_cannot_override_a_document(documents: dict[str, JsonObject]) -> None:
    (reported,) = problems(documents, entry("attribute", "Modality", type="integer"))
    assert "the document states type = 'string', and an overlay cannot override it" in reported


def test_resolve_overlay_cannot_override_a_tag(documents: dict[str, JsonObject]) -> None:
    del next(a for a in documents[ADDRESS]["Result"]["Attributes"] if a["Name"] == "SeriesDate")[
        "Type"
    ]
    (reported,) = problems(documents, entry("attribute", "SeriesDate", type="string"))
    assert "the tag 0008 0021 of attribute SeriesDate" in reported
    assert "delete `type` from the entry" in reported


def test_resolve_two_entries_for_one_value_are_an_error(documents: dict[str, JsonObject]) -> None:
    one = entry("attribute", "Modality", aliases=["A"])
    two = Entry(2, "TCIA/query/*", "attribute", "Modality", {"aliases": ["B"]}, "because")
    reported = problems(documents, one, two)
    assert any("both set aliases" in line for line in reported)


@pytest.mark.parametrize("alias", ["SeriesDate", "Other"])
def test_resolve_alias_of_two_attributes_is_an_error(
    documents: dict[str, JsonObject], alias: str
) -> None:
    one = Entry(1, ADDRESS, "attribute", "SeriesDate", {"aliases": ["Other"]}, "because")
    two = Entry(2, ADDRESS, "attribute", "Modality", {"aliases": [alias]}, "because")
    assert any(
        f"the alias {alias} of the attribute" in line for line in problems(documents, one, two)
    )


def test_resolve_short_form_parameters_declare_required(fleet: Resolution) -> None:
    endpoint = fleet.contract.by_address()["Crew/query/listSailors"]
    reported = {p.name: (p.required, "Required" in p.declared) for p in endpoint.parameters}
    assert reported == {"VesselID": (True, True), "rank": (False, True), "from": (False, False)}


def test_resolve_unknown_members_are_notices(documents: dict[str, JsonObject]) -> None:
    documents[ADDRESS]["Owner"] = "x"
    resolution = resolve(documents)
    assert resolution.notices == (f"{ADDRESS}/Owner: the schema does not know this member",)


def test_resolve_tags_are_in_capitals(documents: dict[str, JsonObject]) -> None:
    documents[ADDRESS]["Result"]["Attributes"][0]["DICOM"] = "0020 000e"
    (endpoint,) = resolve(documents).contract
    assert endpoint.result.attributes[0].dicom == "0020 000E"


def test_resolve_default_format_outside_formats_is_an_error(
    documents: dict[str, JsonObject],
) -> None:
    del documents[ADDRESS]["DefaultFormat"]
    documents[ADDRESS]["Formats"] = ["CSV", "JSON"]
    assert problems(documents, entry("endpoint", "", default_format="XML")) == [
        f"overlay.toml: the default format XML of {ADDRESS} is not one of its formats: CSV, JSON"
    ]


@pytest.mark.parametrize("reported", ["document", "overlay"])
def test_resolve_records_without_attributes_are_an_error(
    documents: dict[str, JsonObject], reported: str
) -> None:
    document = documents[ADDRESS]
    document["Result"]["Attributes"] = []
    del document["Formats"]
    if reported == "overlay":
        del document["DefaultFormat"]
    else:
        document["DefaultFormat"] = "CSV"
    entries = [entry("endpoint", "", formats=["JSON"])] if reported == "overlay" else []
    with pytest.raises(DocumentProblem) as caught:
        resolve(documents, Overlay("overlay.toml", tuple(entries)))
    prefix = "overlay.toml: " if reported == "overlay" else ""
    said = f"{ADDRESS} returns records, by its formats, but describes no attribute of them"
    assert str(caught.value) == prefix + said
