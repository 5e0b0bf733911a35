"""The expected number of files of a download, stated by the item or another endpoint."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, cast

import attrs

from ..drift.detector import ContractDriftError
from ..endpoint import CountSource, FileEndpoint
from ..errors import ApiError, ParameterError
from ..naming import fold
from ..warn import warn_caller
from .result import UNCHECKED, CompletenessWarning, Download

if TYPE_CHECKING:
    from ..calls_async import AsyncCalls
    from ..calls_sync import SyncCalls
    from ..http.request import Request

_NUMBER = re.compile(r"\+?([0-9]{1,18})(?:\.0+)?")
_NULLS = frozenset({"", "none", "null", "nan", "<na>", "nat"})
_ATTEMPTS = 3
"""Failures in succession after which a call stops to query the count."""


@attrs.frozen
class Count:
    """The number of files of one download, and who states it.

    Attributes:
        files: Number of files.
        stated_by: What states it, for messages.
        bytes: Size of these files in bytes, None if nothing states it.
    """

    files: int
    stated_by: str
    bytes: int | None = None

    def __str__(self) -> str:
        return f"{self.stated_by} {self.files}"


def parse_count(value: object) -> int | None:
    """Return a number of files or bytes, None for a missing value.

    A zero is a missing value as well: the v3 servers send a null of an integer column as 0.

    Raises:
        ValueError: It is no such number.
    """
    text = str(value).strip()
    if text.lower() in _NULLS:
        return None
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise ValueError(text)
    return int(match[1]) or None


def count_of_item(endpoint: FileEndpoint, number: int, item: Any) -> Count | None:
    """Return the number of files that a row or mapping states for its download.

    Args:
        endpoint: The file endpoint.
        number: Position of the item, counted from 1.
        item: The row, mapping or UID.

    Raises:
        ParameterError: The item states something that is no number of files.
    """
    try:
        return stated_count(endpoint, _named_values(endpoint, item))
    except CountError as error:
        raise ParameterError(
            f"{endpoint.many}: {error.reason(f'item {number}')}",
            method=endpoint.many,
            parameter="items",
            endpoint=endpoint.address,
            advice=error.advice,
        ) from None


class CountError(ValueError):
    """An item states no number of files where it should, or two that differ.

    Attributes:
        name: The name under which it states the value.
        advice: How to correct it.
    """

    def __init__(self, name: str, value: object, other: Count | None = None) -> None:
        super().__init__(name, value, other)
        self.name = name
        self._value = f"{value!r:.80}"
        self._other = other
        self.advice = f"Pass a whole number as {name}, or leave it out."
        if other is not None:
            self.advice = "Leave the outdated one out."

    def reason(self, item: str) -> str:
        """Return what is wrong with the item that messages call by this name."""
        if self._other is None:
            return f"{self.name} of {item} is {self._value}, which is no number of files"
        return f"{self.name} of {item} is {self._value}, where {self._other}"


def stated_count(endpoint: FileEndpoint, values: Iterable[tuple[str, Any]]) -> Count | None:
    """Return the number of files that an item states.

    Args:
        endpoint: The file endpoint.
        values: The item's values with their names.

    Raises:
        CountError: It states something that is no number of files, or two numbers.
    """
    known = {fold(name) for source in endpoint.counts for name in source.names}
    found: Count | None = None
    for name, value in values:
        if fold(name) not in known:
            continue
        try:
            count = parse_count(value)
        except ValueError:
            raise CountError(name, value) from None
        if count is None:
            continue
        if found is not None and found.files != count:
            raise CountError(name, value, found)
        found = found or Count(count, f"{name} of the item states")
    return found


def _named_values(endpoint: FileEndpoint, item: Any) -> Iterator[tuple[str, Any]]:
    """Return the values of an item by name; of an object, the attributes that state a count."""
    if hasattr(item, "keys") and hasattr(item, "__getitem__"):
        keys: Iterable[object] = item.keys()  # iterating over a pandas.Series gives its values
        yield from ((key, item[key]) for key in keys if isinstance(key, str))
    elif not isinstance(item, str):
        names = dict.fromkeys(name for source in endpoint.counts for name in source.names)
        yield from ((name, getattr(item, name)) for name in names if hasattr(item, name))


class Counter:
    """Queries the number of files of downloads whose count nobody states; one for each call.

    Args:
        endpoint: The file endpoint.
        calls: The calls of the client.
    """

    def __init__(self, endpoint: FileEndpoint, calls: "SyncCalls | AsyncCalls") -> None:
        self._endpoint = endpoint
        self._calls = calls
        self._failures = 0
        self._reason = "no other endpoint that states it is declared"

    def query(self, request: "Request") -> Count | None:
        """Query the number of files of a download; None if it could not be determined.

        Raises:
            ContractDriftError: As of any query, with ``on_drift="raise"``.
        """
        source = self._source(request)
        if source is None:
            return None
        try:
            calls = cast("SyncCalls", self._calls)
            return self._read(source, calls.rows(source.endpoint, _values(source, request)))
        except ContractDriftError:
            raise
        except ApiError as error:
            self._failed(error)
            return None

    async def async_query(self, request: "Request") -> Count | None:
        """Query the number of files of a download; see :meth:`query`."""
        source = self._source(request)
        if source is None:
            return None
        try:
            calls = cast("AsyncCalls", self._calls)
            rows = await calls.rows(source.endpoint, _values(source, request))
            return self._read(source, rows)
        except ContractDriftError:
            raise
        except ApiError as error:
            self._failed(error)
            return None

    def warn(self, results: Sequence[Download]) -> None:
        """Warn once of the results whose completeness was not checked."""
        unchecked = [result for result in results if UNCHECKED in result.checks]
        if not unchecked:
            return
        what = "the download is complete"
        if len(results) > 1:
            what = f"{len(unchecked)} of {len(results)} downloads are complete"
        warn_caller(
            f"{self._endpoint.address}: the client could not check that {what}: no response "
            f"states the number of files, and {self._reason}. {self._advice()}",
            CompletenessWarning,
        )

    def _advice(self) -> str:
        names = " or ".join(dict.fromkeys(source.attribute for source in self._endpoint.counts))
        if names:
            return f"To check it, state {names} in each row, or pass expect=Expected(count=…)."
        return "Pass the number with expect=Expected(count=…) to check it."

    def _source(self, request: "Request") -> CountSource | None:
        """Return the first endpoint that takes exactly the parameters that select the file."""
        if self._failures >= _ATTEMPTS:
            return None
        given = {name for name, value in request.arguments.values.items() if value is not None}
        for source in self._endpoint.counts:
            known = {parameter.name for parameter in source.endpoint.parameters}
            required = {one.name for one in source.endpoint.parameters if one.required}
            if required <= given <= known:
                return source
        return None

    def _read(self, source: CountSource, rows: Sequence[Any]) -> Count | None:
        self._failures = 0
        address = source.endpoint.address
        row = rows[0] if len(rows) == 1 else None
        count = parse_count(getattr(row, source.attribute, None))
        if count is None:
            self._reason = f"{address} states none"
            return None
        size = parse_count(getattr(row, source.size, None)) if source.size else None
        return Count(count, f"{address} states", size)

    def _failed(self, error: ApiError) -> None:
        self._failures += 1
        self._reason = f"{error.endpoint or 'the query for it'} failed: {error.reason}"


def _values(source: CountSource, request: "Request") -> dict[str, Any]:
    """Return the values of a request that the endpoint which states the count takes as well."""
    values = request.arguments.values
    return {one.name: values.get(one.name) for one in source.endpoint.parameters}
