"""Names as people and servers write them: one function decides which are the same."""

from dataclasses import make_dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from _runtime.downloads.items import ItemReader, match_columns, spellings
from _runtime.endpoint import FileEndpoint, Parameter
from _runtime.naming import fold
from tciagen.client_runtime import fold as fold_of_generator

SERIES = Parameter("SeriesInstanceUID", "series_instance_uid", "uid", required=True)
OBJECT = Parameter("SOPInstanceUID", "sop_instance_uid", "uid", required=True)
SPELLINGS = [
    "SeriesInstanceUID",
    "series_instance_uid",
    "SERIES_INSTANCE_UID",
    "Series Instance UID",
    "Series UID",
    "Series-UID",
    "seriesUID",
    " series_uid ",
    "Series.Instance.UID",
]


def test_fold_retains_only_letters_and_digits() -> None:
    assert {fold(name) for name in SPELLINGS} == {"seriesinstanceuid", "seriesuid"}
    assert fold("kVp 2") == "kvp2"
    assert fold("STRASSE") == fold("Straße")
    assert fold("_-. ") == ""
    assert fold("\u0130") == fold(fold("\u0130"))


@given(st.text(max_size=40))
def test_generator_and_client_fold_alike(name: str) -> None:
    assert fold_of_generator(name) == fold(name)
    assert fold(fold(name)) == fold(name)


@pytest.mark.parametrize("name", SPELLINGS)
def test_every_spelling_names_the_parameter(name: str) -> None:
    known = spellings([SERIES, OBJECT])
    assert match_columns(known, ["Study UID", name, "SOP UID"]) == {
        "series_instance_uid": 1,
        "sop_instance_uid": 2,
    }


@pytest.mark.parametrize("name", SPELLINGS)
def test_every_spelling_is_a_key_of_an_item(name: str) -> None:
    endpoint = FileEndpoint(resource="R", name="getFile", formats=("ZIP",), parameters=(SERIES,))
    reader = ItemReader(endpoint, ())
    assert reader.read(1, {name: "1.2", "Study UID": "1.3"}) == {"series_instance_uid": "1.2"}


@pytest.mark.parametrize("name", ["SeriesInstanceUID", "series_instance_uid"])
def test_attribute_of_an_item_is_named_as_on_the_wire_or_in_python(name: str) -> None:
    endpoint = FileEndpoint(resource="R", name="getFile", formats=("ZIP",), parameters=(SERIES,))
    reader = ItemReader(endpoint, ())
    item: Any = make_dataclass("Row", [name])("1.2")
    assert reader.read(1, item) == {"series_instance_uid": "1.2"}


@pytest.mark.parametrize("name", ["Study UID", "Series", "UID", "Series Instance", "Series UIDs"])
def test_other_names_are_no_spelling(name: str) -> None:
    assert match_columns(spellings([SERIES]), [name]) == {}
