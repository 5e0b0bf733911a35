"""Converters from values of a response to values of Python.

A server may write a value in several ways, but never with another meaning: ``2``, ``"2"`` and
``"2.000000"`` are the same integer, ``"12.5"`` is no integer. Dates and times are those of
ISO 8601, or the DA and TM of DICOM PS3.5 section 6.2.
"""

import re
from collections.abc import Callable, Collection
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any, NewType

from .endpoint import Kind

_UID = re.compile(r"[0-9]++(?:\.[0-9]++)*+")
_DATE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{8})(?:[ T]00:00(?::00(?:\.0+)?)?)?")
_DATE_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[ T].+)?", re.DOTALL)
_TIME = re.compile(r".*:.*|[0-9]{4}(?:[0-9]{2}(?:\.[0-9]+)?)?", re.DOTALL)
_INTEGER = re.compile(r"([+-]?[0-9]+)(?:\.0*)?")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_LONGEST_NUMBER = 400
_TRUE = frozenset({"true", "1"})
_FALSE = frozenset({"false", "0"})


def is_uid(text: str) -> bool:
    """Whether a text is a UID of DICOM PS3.5 section 9.1: at most 64 characters.

    Leading zeros are against the standard, and yet in real objects: servers have those.
    """
    return 0 < len(text) <= 64 and (_UID.fullmatch(text) is not None)


UID = NewType("UID", str)
"""A string that is a DICOM unique identifier; the values of rows are checked."""


def are_uids(texts: Collection[str]) -> bool:
    """Whether all texts are UIDs, at a fraction of the cost of one by one.

    It may say no where a longer look at each one says yes.

    Raises:
        TypeError: Something is no text.
    """
    joined = f".{'.'.join(texts)}."
    return (
        joined.isascii()
        and not joined.encode().translate(None, b"0123456789.")
        and max(map(len, texts), default=0) <= 64
        and joined.rfind("..") < 0  # three times as fast as ``in``
    )


class InvalidValue(Exception):
    """A wire value that does not fit its kind; ``needed`` says what would."""

    def __init__(self, needed: str) -> None:
        super().__init__(needed)
        self.needed = needed


def _string(value: Any) -> Any:
    if type(value) is not str:
        raise InvalidValue("text")
    return value


class SpelledNumber(Decimal):
    """A JSON number whose spelling is not that of its Decimal, such as ``1e-8``."""

    __slots__ = ("spelling",)
    spelling: str


def json_number(text: str) -> Decimal | str:
    """Return a number of JSON that is no integer; a text where no Decimal holds it."""
    try:
        number = Decimal(text)
        if str(number) == text:
            return number
        spelled = SpelledNumber(text)
    except InvalidOperation:
        return text
    spelled.spelling = text
    return spelled


def _undeclared(value: Any) -> Any:
    """Return a text as it is, a number or a boolean of JSON as its spelling."""
    if type(value) is str:
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, SpelledNumber):
        return value.spelling
    if isinstance(value, int | Decimal):
        return str(value)
    raise InvalidValue("text, a number, true or false")


def _uid(value: Any) -> Any:
    if type(value) is not str or not is_uid(value):
        if value == "":
            return None
        raise InvalidValue("a UID")
    return value


def _integer(value: Any) -> Any:
    if type(value) is int:
        return value
    if type(value) is str and len(value) <= _LONGEST_NUMBER:
        if not value.strip():
            return None
        if match := _INTEGER.fullmatch(value.strip()):
            return int(match[1])
    if isinstance(value, Decimal) and abs(value.adjusted()) < _LONGEST_NUMBER:
        whole = int(value)
        if whole == value:
            return whole
    raise InvalidValue("an integer")


def _decimal(value: Any) -> Any:
    if type(value) is int or isinstance(value, Decimal):
        return Decimal(value)
    if type(value) is str and len(value) <= _LONGEST_NUMBER:
        if not value.strip():
            return None
        if _DECIMAL.fullmatch(value.strip()):
            try:
                return Decimal(value.strip())
            except InvalidOperation:  # an exponent beyond the limits of decimal
                pass
    raise InvalidValue("a decimal number")


def _boolean(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    if type(value) is int and value in (0, 1):
        return value == 1
    if type(value) is str:
        text = value.strip().lower()
        if not text:
            return None
        if text in _TRUE or text in _FALSE:
            return text in _TRUE
    raise InvalidValue("true or false")


def _date(value: Any) -> Any:
    if type(value) is str:
        if not value.strip():
            return None
        if match := _DATE.fullmatch(value.strip()):
            try:
                return date.fromisoformat(match[1])
            except ValueError:
                pass
    raise InvalidValue("a date such as 1998-12-08")


def _date_time(value: Any) -> Any:
    if type(value) is str:
        text = value.strip()
        if not text:
            return None
        if _DATE_TIME.fullmatch(text):
            try:
                return datetime.fromisoformat(text)
            except ValueError:
                pass
    raise InvalidValue("a date and time such as 1998-12-08 13:05:00.0")


def _time(value: Any) -> Any:
    if type(value) is str:
        text = value.strip()
        if not text:
            return None
        if _TIME.fullmatch(text):
            try:
                return time.fromisoformat(text)
            except ValueError:
                pass
    raise InvalidValue("a time such as 13:05:00")


CONVERTERS: dict[Kind, Callable[[Any], Any]] = {
    "string": _string,
    "integer": _integer,
    "decimal": _decimal,
    "boolean": _boolean,
    "date": _date,
    "dateTime": _date_time,
    "time": _time,
    "uid": _uid,
    "undeclared": _undeclared,
}
"""The converter of each kind; it returns None for an empty value.

It raises InvalidValue for an invalid one. Missing values (None) are not passed to it.
"""
