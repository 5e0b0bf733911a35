"""Wire names become Python names that a reader of the API would have chosen."""

import builtins
import keyword

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tciagen.errors import DocumentProblem
from tciagen.python.names import (
    RESERVED,
    Identifier,
    class_name,
    pascal_case,
    snake_case,
    variable,
)

WIRE_NAME = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,63}", fullmatch=True)


@pytest.mark.parametrize(
    ("wire", "python"),
    [
        ("getSOPInstanceUIDs", "get_sop_instance_uids"),
        ("PatientID", "patient_id"),
        ("PatientIDs", "patient_ids"),
        ("sop_instance_uid", "sop_instance_uid"),
        ("SERIES_INSTANCE_UID", "series_instance_uid"),
        ("TotalSizeInBytes", "total_size_in_bytes"),
        ("NewStudiesInPatientCollection", "new_studies_in_patient_collection"),
        ("DICOMwebURL", "dicomweb_url"),
        ("kVp", "kvp"),
        ("PeakVpValue", "peak_vp_value"),
        ("SoftwareVersions", "software_versions"),
        ("AreaMass", "area_mass"),
        ("T1Weighted", "t1_weighted"),
        ("URLs", "urls"),
        ("HTTPServer", "http_server"),
        ("__init__", "init"),
        ("x", "x"),
        ("___", ""),
    ],
)
def test_snake_case_retains_acronyms_together(wire: str, python: str) -> None:
    assert snake_case(wire) == python


def test_pascal_case_retains_acronyms() -> None:
    assert pascal_case("getSOPInstanceUIDs") == "GetSOPInstanceUIDs"


@pytest.mark.parametrize("wire", ["class", "Class", "id", "Type", "match", "print", "from"])
def test_keywords_and_builtins_get_an_underscore(wire: str) -> None:
    name = variable(wire)
    assert name.endswith("_")
    assert not keyword.iskeyword(name)
    assert not hasattr(builtins, name)


def test_reserved_names_contain_those_of_the_running_python() -> None:
    # The list of a newer Python may be longer; then the constant has to be, too.
    own = {name for name in dir(builtins) if not name.startswith("_")}
    assert own | {*keyword.kwlist, *keyword.softkwlist} <= RESERVED
    assert {"exit", "license", "PythonFinalizationError", "type"} <= RESERVED


@pytest.mark.parametrize("wire", ["___", "_1", "__9_a"])
def test_variable_name_without_leading_letter_is_refused(wire: str) -> None:
    with pytest.raises(DocumentProblem, match="set `name` for it in the overlay"):
        variable(wire)


@pytest.mark.parametrize(
    ("wire", "python"),
    [
        ("Series", "Series"),
        ("series", "Series"),
        ("Client", "ClientRecord"),
        ("None", "NoneRecord"),
    ],
)
def test_class_names_do_not_take_names_of_python_or_the_package(wire: str, python: str) -> None:
    assert class_name(wire, frozenset({"Client"})) == python


@given(WIRE_NAME)
def test_every_wire_name_gives_a_free_identifier_or_is_refused(wire: str) -> None:
    try:
        name = variable(wire)
    except DocumentProblem:
        assert not snake_case(wire).isidentifier()
    else:
        assert name.isidentifier()
        assert name == name.lower()
        assert not keyword.iskeyword(name)
        assert name not in dir(builtins)


@pytest.mark.parametrize("text", ["", "a b", "a-b", "1a", "class", "naïve", "a\n", "a."])
def test_identifier_is_checked(text: str) -> None:
    with pytest.raises(ValueError, match="not a Python identifier"):
        Identifier(text)
