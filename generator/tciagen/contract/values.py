"""The texts that are valid values of each type, as the client reads them."""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, time

from tciagen.contract.model import Type

_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_TEXTS = {
    Type.UID: re.compile(r"(?=.{1,64}\Z)[0-9]+(\.[0-9]+)*"),
    Type.INTEGER: re.compile(r"[+-]?[0-9]+(\.0*)?"),
    Type.DECIMAL: re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?"),
    Type.BOOLEAN: re.compile(r"true|false|0|1", re.IGNORECASE),
    Type.DATE: re.compile(rf"({_DATE}|[0-9]{{8}})([ T]00:00(:00(\.0+)?)?)?"),
    Type.DATE_TIME: re.compile(rf"({_DATE}([ T].+)?)", re.DOTALL),
    Type.TIME: re.compile(r"(.*:.*|[0-9]{4}([0-9]{2}(\.[0-9]+)?)?)", re.DOTALL),
}
"""The form of a text on the wire by its type; a STRING has any form."""

_CALENDAR: Mapping[Type, Callable[[str], object]] = {
    Type.DATE: date.fromisoformat,
    Type.DATE_TIME: datetime.fromisoformat,
    Type.TIME: time.fromisoformat,
}


def text_fits(type_: Type, text: str) -> bool:
    """Return whether the client accepts a text as a value of a type."""
    if type_ is Type.STRING:
        return True
    match = _TEXTS[type_].fullmatch(text if type_ is Type.UID else text.strip())
    if match and type_ in _CALENDAR:
        try:
            _CALENDAR[type_](match[1])
        except ValueError:
            return False
    return match is not None
