"""The words of errors: a user meets them more often than the code."""

from collections.abc import Callable

import attrs
import pytest
from syrupy.assertion import SnapshotAssertion

from tciagen.contract.model import Attribute, Contract, Endpoint, Parameter, Result
from tciagen.errors import DocumentProblem
from tciagen.python.view import build_view

ONE = Endpoint(
    resource="Fleet",
    name="listVessels",
    formats=("JSON",),
    result=Result(name="Vessel", attributes=(Attribute(name="Name"),)),
)


def parameters(*names: str) -> Endpoint:
    return attrs.evolve(ONE, parameters=tuple(Parameter(name=name) for name in names))


def attributes(*names: str, result: str = "Vessel", name: str = "listVessels") -> Endpoint:
    made = tuple(Attribute(name=n) for n in names)
    return attrs.evolve(ONE, name=name, result=Result(name=result, attributes=made))


COLLISIONS: dict[str, tuple[Endpoint, ...]] = {
    "parameters": (parameters("PatientID", "patientId"),),
    "keyword and its escape": (parameters("class", "class_"),),
    "attributes": (attributes("a__b", "a_b", "A_B"),),
    "methods": (ONE, attrs.evolve(ONE, name="ListVessels")),
    "methods of two resources": (ONE, attrs.evolve(ONE, resource="Crew")),
    "classes": (
        attributes("A"),
        attributes("B", name="other"),
        attributes("C", result="OtherVessel", name="a"),
    ),
    "nameless": (parameters("___"),),
    "several at once": (parameters("a", "A", "b", "B"), attributes("_1", name="other")),
}


@pytest.mark.parametrize("case", COLLISIONS)
def test_collision_names_both_sources(case: str, snapshot: SnapshotAssertion) -> None:
    with pytest.raises(DocumentProblem) as caught:
        build_view(Contract(COLLISIONS[case]), ["Client"])
    assert str(caught.value) == snapshot


HELP = ["crawl", "validate", "generate", "check"]


@pytest.mark.parametrize("command", HELP)
def test_help_of_each_command(
    command: str, tciagen: Callable[..., object], snapshot: SnapshotAssertion
) -> None:
    done = tciagen(command, "--help", env={"COLUMNS": "80"})
    assert getattr(done, "stdout", None) == snapshot
