"""Find rows that contradict a parameter of the same name, because the server ignores the filter.

A server that no longer knows a parameter ignores it and sends more rows than were queried, without
an error. A server may also match in other ways than by equality. Only what no usual way explains
is a contradiction:

- Text matches without case, accents, blanks and punctuation, and in part: a server may compare a
  prefix, truncate values, or accept lists of values. Patterns, ranges and negations are not judged.
- Dates, times and decimal numbers may be bounds, such as "since". They contradict only if some
  rows are below the value and others above it.
- An integer matches an equal number. A null may be sent as 0, which shows nothing.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from operator import attrgetter
from typing import Any

from ..endpoint import Endpoint
from ..naming import fold
from .compare import ContractChange

RULE = "wire-filter-ignored"

_MAX_CACHED = 10_000
_NOT_JUDGED = re.compile(r"[*?%!~<>^|=\[\]]")
_RANGE = re.compile(r"\s*[0-9]\w*(?:\s*[-\u2013/:]+\s*|\s*\.\.+\s*|\s+to\s+)[0-9]\w*.*", re.DOTALL)


class _Filter:
    """One parameter of a request, and the attribute of the rows that has its name."""

    def __init__(self, parameter: str, attribute: str, value: Any) -> None:
        self.parameter = parameter
        self.sent = str(value).strip()
        self.get: Callable[[Any], Any] = attrgetter(attribute)
        self._text = _fold(self.sent)
        self._number = _number(self.sent)
        self._moment = value if isinstance(value, date | time) else _moment(self.sent)
        self._is_judged = not isinstance(value, bool) and (
            self._moment is not None or (bool(self._text) and not _is_pattern(self.sent))
        )
        self._consistent: set[Any] = set()
        self._sides: dict[bool, Any] = {}

    def contradiction(self, rows: Sequence[Any]) -> Any:
        """Return a value of the rows that contradicts the value that was sent, None without one."""
        try:
            values = dict.fromkeys(map(self.get, rows))
        except TypeError:  # an invalid value, with on_mismatch="warn"
            return None
        for found in values:
            if found in self._consistent or found is None:
                continue
            if self._contradicts(found):
                return found
        if len(self._consistent) < _MAX_CACHED:
            self._consistent.update(values)
        return None

    def _contradicts(self, found: Any) -> bool:
        if isinstance(found, bool):
            return self.sent.lower() in ("0", "1", "true", "false") and found != (
                self.sent.lower() in ("1", "true")
            )
        if isinstance(found, date | time):
            return self._moment is not None and self._is_on_both_sides(found, self._moment)
        if isinstance(found, int):
            return self._number is not None and found not in (0, self._number)
        if isinstance(found, Decimal):
            return self._number is not None and self._is_on_both_sides(found, self._number)
        return isinstance(found, str) and self._is_judged and self._is_other_text(found)

    def _is_on_both_sides(self, found: Any, sent: Any) -> bool:
        """Return whether this value and an earlier one are on different sides of the sent value."""
        if isinstance(found, datetime) != isinstance(sent, datetime):
            found, sent = _day(found), _day(sent)
        try:
            if found != sent and found:
                self._sides[found > sent] = found
        except TypeError:  # one with a time zone and one without, or a date and a time
            return False
        return len(self._sides) > 1

    def _is_other_text(self, found: str) -> bool:
        if self._moment is not None:
            moment = _moment(found)
            return moment is not None and self._is_on_both_sides(moment, self._moment)
        if self._number is not None and self._number == _number(found):
            return False
        text = _fold(found)
        return bool(text) and text not in self._text and self._text not in text


class Filters:
    """The parameters of a request that rows of its response can contradict.

    Args:
        endpoint: The endpoint.
        values: The value of each parameter, by its name on the wire.

    Attributes:
        found: A change per contradicted parameter, with the value sent and that of a row.
    """

    def __init__(self, endpoint: Endpoint, values: Mapping[str, Any]) -> None:
        self.found: list[ContractChange] = []
        self._filters = [
            _Filter(parameter, attribute, values[parameter])
            for parameter, attribute in _same_names(endpoint)
            if values.get(parameter) is not None
        ]

    def check(self, rows: Sequence[Any]) -> None:
        """Check rows of the response."""
        for one in list(self._filters):
            if (found := one.contradiction(rows)) is not None:
                pointer = f"/Parameters/{one.parameter}"
                self.found.append(ContractChange(RULE, pointer, one.sent, str(found)))
                self._filters.remove(one)


@lru_cache(maxsize=1024)
def _same_names(endpoint: Endpoint) -> list[tuple[str, str]]:
    """Return the wire names of parameters, each with the only attribute of the same name."""
    attributes: dict[str, list[str]] = {}
    for attribute in endpoint.attributes:
        for name in {fold(one) for one in (attribute.name, *attribute.aliases)}:
            attributes.setdefault(name, []).append(attribute.python_name)
    pairs = ((p.name, attributes.get(fold(p.name), ())) for p in endpoint.parameters)
    return [(name, found[0]) for name, found in pairs if len(found) == 1]


def _is_pattern(text: str) -> bool:
    """Return whether a text may be a pattern, a range or a negation."""
    return _NOT_JUDGED.search(text) is not None or _RANGE.fullmatch(text) is not None


def _fold(text: str) -> str:
    """Return the letters and digits of a text, without case and accents."""
    return fold(unicodedata.normalize("NFKD", text))


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _moment(text: str) -> date | None:
    """Return a text as a date, or as a date and time; None for another text."""
    text = text.strip()
    for read in (date.fromisoformat, datetime.fromisoformat):
        try:
            return read(text)
        except ValueError:
            continue
    return None


def _day(moment: Any) -> Any:
    return moment.date() if isinstance(moment, datetime) else moment
