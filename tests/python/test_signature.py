"""Annotations of keywords and fields, and the notices where statements do not fit together."""

from collections.abc import Sequence

import attrs
import pytest

from tciagen.contract.model import Attribute, Contract, Endpoint, Parameter, Result, Source, Type
from tciagen.python.notices import member_notices
from tciagen.python.text import literal
from tciagen.python.view import build_view

UNION = "str | int | decimal.Decimal | float | datetime.date | datetime.time"


def contract(parameters: Sequence[Parameter], *attributes: Attribute) -> Contract:
    result = Result(name="Row", attributes=attributes or (Attribute(name="a"),))
    return Contract(
        (
            Endpoint(
                resource="Fleet",
                name="listRows",
                formats=("JSON",),
                parameters=tuple(parameters),
                result=result,
            ),
        )
    )


def choices(member: Parameter | Attribute) -> list[str]:
    """Return the values of the member's Literal as source text."""
    if isinstance(member, Parameter):
        (method,) = build_view(contract([member]), []).methods
        return [literal(value) for value in method.parameters[0].choices]
    (view,) = build_view(contract([], member), []).classes
    return [literal(value) for value in view.fields[0].choices]


@pytest.mark.parametrize(
    ("type_", "allowed", "shown"),
    [
        (Type.STRING, ("CT", 'M"R'), ['"CT"', '"M\\"R"']),
        (Type.UID, ("1.2", "1.3"), ['"1.2"', '"1.3"']),
        (Type.INTEGER, ("1", "-2", "0"), ["1", "-2", "0"]),
        (Type.INTEGER, ("01", "2"), []),
        (Type.INTEGER, ("9" * 5_000,), []),
        (Type.BOOLEAN, ("true",), ["True"]),
        (Type.BOOLEAN, ("true", "false"), []),
        (Type.DATE, ("2020-01-31",), []),
        (Type.DECIMAL, ("1.5",), []),
    ],
)
def test_closed_set_of_a_parameter_is_a_literal_or_a_notice(
    type_: Type, allowed: tuple[str, ...], shown: list[str]
) -> None:
    parameter = Parameter(name="p", type=type_, allowed_values=allowed)
    assert choices(parameter) == shown
    notices = list(member_notices(contract([parameter])))
    complete = type_ is Type.BOOLEAN and len(allowed) == 2
    assert any("has no Literal" in n for n in notices) == (not shown and not complete)


@pytest.mark.parametrize("type_", list(Type))
def test_closed_set_of_an_attribute_is_a_literal_or_a_notice(type_: Type) -> None:
    attribute = Attribute(name="a", type=type_, allowed_values=("1", "2"))
    notices = list(member_notices(contract([], attribute)))
    assert bool(choices(attribute)) == (type_ is Type.STRING)
    assert any("has no Literal" in n for n in notices) == (type_ is not Type.STRING)


@pytest.mark.parametrize(
    ("type_", "allowed", "default", "notice"),
    [
        (Type.STRING, ("CT",), "PT", "the default 'PT' is not among AllowedValues ('CT')"),
        (Type.INTEGER, None, "many", "the default 'many' is not of type integer"),
        (Type.DATE, None, "2020-02-30", "the default '2020-02-30' is not of type date"),
        (Type.STRING, ("CT",), "CT", None),
        (Type.DECIMAL, None, "0", None),
    ],
)
def test_default_that_contradicts_its_parameter_is_a_notice(
    type_: Type, allowed: tuple[str, ...] | None, default: str, notice: str | None
) -> None:
    parameter = Parameter(name="p", type=type_, allowed_values=allowed, default=default)
    expected = [f"Fleet/query/listRows: parameter p: {notice}"] if notice else []
    assert list(member_notices(contract([parameter]))) == expected


def test_allowed_value_of_another_type_is_a_notice() -> None:
    parameter = Parameter(name="p", type=Type.INTEGER, allowed_values=("1", "x"))
    first, _ = member_notices(contract([parameter]))
    assert first.endswith("AllowedValues has 'x', not of type integer")


@pytest.mark.parametrize(
    ("attribute", "annotation", "words"),
    [
        (None, UNION, "The server states no type: text"),
        (Attribute(name="Imo", type=Type.INTEGER), UNION, "has the type integer"),
        (Attribute(name="Imo", type=Type.DATE), UNION, "has the type date"),
        (Attribute(name="Imo", type=Type.BOOLEAN), f"{UNION} | bool", "has the type boolean"),
        (Attribute(name="Imo", type_source=Source.ASSUMED), UNION, "states no type: text"),
    ],
)
def test_undeclared_parameter_takes_every_type_and_its_namesake_only_widens(
    attribute: Attribute | None, annotation: str, words: str
) -> None:
    parameter = Parameter(name="imo", type_source=Source.ASSUMED)
    api = build_view(contract([parameter], *([attribute] if attribute else [])), [])
    (method,) = api.methods
    (view,) = method.parameters
    assert (view.kind, view.annotation) == ("undeclared", annotation)
    assert view.takes_bool == annotation.endswith("bool")
    # A ServerText shows itself to a filter only.
    assert words in " ".join(literal(method.doc).replace("\\n", " ").split())


def test_attribute_of_another_endpoint_does_not_affect_a_parameter() -> None:
    (one,) = contract([Parameter(name="imo", type_source=Source.ASSUMED)])
    (other,) = contract([], Attribute(name="imo", type=Type.BOOLEAN))
    both = Contract((one, attrs.evolve(other, name="others")))
    (method,) = (m for m in build_view(both, []).methods if m.name == "list_rows")
    assert method.parameters[0].annotation == UNION
