"""Messages about a change show the names that the generated client has, such as ``class_``."""

from typing import Any

import pytest
from tests.drift.benchmark import Documents, contract_of
from tests.drift.edits import edited

from tciagen.contract.model import Contract
from tciagen.drift.changelog import changelog_entry
from tciagen.drift.compare.contracts import compare
from tciagen.drift.names import python_name
from tciagen.python.names import Identifier
from tciagen.python.signature import keywords, reserved_parameters
from tciagen.python.view import build_view

SERIES, IMAGE = "TCIA/query/getSeries", "TCIA/query/getImage"
NAMES = ("class", "From", "id", "Format", "names", "Workers", "self", "Modalities")


def entry(old: Contract, new: Contract) -> str:
    return changelog_entry(compare(old, new), "2.0.0", old=old, new=new)


def with_names(base: Documents) -> Documents:
    """Return the documents with parameters, attributes and an endpoint of reserved names."""
    new = base
    for address in (SERIES, IMAGE):
        for name in NAMES:
            parameter = {"Name": name, "Type": "string", "Description": name}
            new = edited(new, ("insert", (address, "Parameters", 0), parameter))
    for name in NAMES:
        attribute = {"Name": name, "Description": f"The {name}.", "DICOM": "NA"}
        new = edited(new, ("insert", (SERIES, "Result", "Attributes", 0), attribute))
    new["TCIA/query/print"] = {**base[SERIES], "QueryName": "print"}
    return new


def test_names_in_messages_are_those_of_the_client(base: Documents) -> None:
    contract = contract_of(with_names(base))
    methods = {method.name: method for method in build_view(contract, ()).methods}
    assert {python_name(endpoint) for endpoint in contract} == methods.keys()
    for endpoint in contract:
        method = methods[Identifier(python_name(endpoint))]
        reserved = reserved_parameters(endpoint)
        shown = {python_name(parameter, reserved) for parameter in keywords(endpoint)}
        assert shown == {parameter.name for parameter in method.parameters}
        if method.record is not None:
            attributes = {python_name(attribute) for attribute in endpoint.result.attributes}
            assert attributes == {field.name for field in method.record.fields}


@pytest.mark.parametrize(("name", "published"), [("class", "class_"), ("From", "from_")])
def test_renamed_member_is_reported_by_its_published_name(
    base: Documents, name: str, published: str
) -> None:
    old = contract_of(base)
    parameter, attribute = (
        old.by_address()[SERIES].parameters[5],
        old.by_address()[SERIES].result.attributes[3],
    )
    edits: list[Any] = [
        ("set", (SERIES, "Parameters", 5, "Name"), name),
        ("set", (SERIES, "Result", "Attributes", 3, "Name"), name),
    ]
    new = contract_of(edited(edited(base, edits[0]), edits[1]))
    keyword, field = python_name(parameter), python_name(attribute)
    for before, after, words in (
        (old, new, (f"{keyword} is {published}.", f"{field} is {published}.")),
        (new, old, (f"{published} is {keyword}.", f"{published} is {field}.")),
    ):
        messages = " ".join(change.message for change in compare(before, after))
        assert all(word in messages for word in words)
    forth, back = entry(old, new), entry(new, old)
    assert (
        f"`client.get_series({keyword}=...)` is now `client.get_series({published}=...)`" in forth
    )
    assert f"`row.{field}` is now `row.{published}`" in forth
    assert f"`client.get_series({published}=...)` is now `client.get_series({keyword}=...)`" in back
    assert f"`row.{published}` is now `row.{field}`" in back


def test_removed_names_are_reported_as_published(base: Documents) -> None:
    old, new = contract_of(with_names(base)), contract_of(base)
    text = entry(old, new)
    for line in (
        "Remove `class_=...` from `client.get_series(...)`.",
        "Remove `names=...` from `client.get_series(...)`.",
        "Remove `names_=...` from `client.download_image(...)`.",
        "`row.from_` is gone.",
        "`client.print_(...)` is gone.",
    ):
        assert line in text


def test_name_that_the_client_itself_has_is_reported_with_the_published_one(
    base: Documents,
) -> None:
    parameter = {"Name": "Names", "Type": "string"}
    new = edited(base, ("insert", (IMAGE, "Parameters", 0), parameter))
    (change,) = compare(contract_of(base), contract_of(new))
    assert change.rule == "name-collision"
    assert "In Python it is names_, because the client itself has names." in change.message
