"""Parameter values of examples: one for each type, and its form in a call."""

import re
from collections.abc import Mapping

from tciagen.contract.model import NO_TAG, Attribute, Contract, Parameter, Type
from tciagen.python.text import ServerText, literal, plain

_EXAMPLES = {
    Type.UID: "1.2.840.10008.1.1",
    Type.INTEGER: "1",
    Type.DECIMAL: "1.5",
    Type.BOOLEAN: "true",
    Type.DATE: "2020-01-31",
    Type.DATE_TIME: "2020-01-31 12:00:00",
    Type.TIME: "12:00:00",
}
_NUMBERS: Mapping[str, re.Pattern[str]] = {
    Type.INTEGER: re.compile(r"-?(?:0|[1-9][0-9]*)"),
    Type.DECIMAL: re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?"),
}
_BOOLEANS = {"true": "True", "1": "True", "false": "False", "0": "False"}


class Examples:
    """Values to show for the parameters of a contract."""

    def __init__(self, contract: Contract) -> None:
        attributes = [a for e in contract for a in e.result.attributes if a.example]
        self._by_name: dict[str, list[tuple[int, Attribute]]] = {}
        self._by_tag: dict[str, tuple[int, Attribute]] = {}
        for number, attribute in enumerate(attributes):
            self._by_name.setdefault(attribute.name, []).append((number, attribute))
            if attribute.dicom not in (None, NO_TAG):
                self._by_tag.setdefault(str(attribute.dicom), (number, attribute))

    def of(self, parameter: Parameter) -> str:
        """Return a value to show: the parameter's, else that of an attribute of its name."""
        if parameter.example or parameter.allowed_values:
            return parameter.example or (parameter.allowed_values or ("",))[0]
        same = (
            (number, attribute)
            for number, attribute in self._by_name.get(parameter.name, ())
            if parameter.undeclared or attribute.type is parameter.type
        )
        found = [next(same, None), self._by_tag.get(str(parameter.dicom))]
        first = min((f for f in found if f is not None), key=lambda f: f[0], default=None)
        return str(first[1].example) if first else _EXAMPLES.get(parameter.type, "value")


def argument(kind: str, value: str | ServerText) -> str:
    """Return a value as a call in Python has it."""
    shown = plain(value)
    number = _NUMBERS.get(kind)
    if number is not None and number.fullmatch(shown):
        return shown
    if kind == Type.BOOLEAN and shown in _BOOLEANS:
        return _BOOLEANS[shown]
    return literal(value)
