"""Read the list of downloads of ``--from``, from a file or a pipe."""

import sys
import warnings
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import attrs

from ..downloads.count import Count, CountError, stated_count
from ..downloads.errors import ManifestError
from ..downloads.items import spellings
from ..downloads.manifest import (
    SERIES,
    Record,
    is_manifest,
    parse_manifest,
    read_lines,
    read_records,
)
from ..downloads.options import OPTION_NAMES
from ..endpoint import Arguments, FileEndpoint
from ..errors import ParameterError
from ..http.request import prepare
from ..naming import fold

_OPTIONS = frozenset(map(fold, OPTION_NAMES))


def required(endpoint: FileEndpoint) -> list[str]:
    """Return the keywords of the required parameters."""
    return [parameter.python_name for parameter in endpoint.parameters if parameter.required]


def read_jobs(
    endpoint: FileEndpoint, source: Path, fixed: Mapping[str, Any], options: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Return the items of ``many``, each once.

    Args:
        endpoint: The endpoint of the files.
        source: The file, ``-`` for standard input.
        fixed: Values for all downloads.
        options: The option of each parameter, by keyword.

    Returns:
        For each row, the columns that are not parameters by their own names, and then the
        values of the parameters by keyword.

    Raises:
        ManifestError: The file is invalid, or has a row that cannot be downloaded.
        OSError: The file cannot be opened.
    """
    if str(source) == "-":
        file: BinaryIO = sys.stdin.buffer if sys.stdin else BytesIO()
        return _jobs(endpoint, file, "standard input", fixed, options)
    with source.open("rb") as file:
        return _jobs(endpoint, file, str(source), fixed, options)


def _jobs(
    endpoint: FileEndpoint,
    file: BinaryIO,
    title: str,
    fixed: Mapping[str, Any],
    options: Mapping[str, str],
) -> list[dict[str, Any]]:
    needed = [name for name in required(endpoint) if name not in fixed]
    jobs: dict[tuple[tuple[str, Any], ...], _Job] = {}
    for record in _records(endpoint, file, title, needed):
        values: dict[str, Any] = {}
        for name, position in record.positions.items():
            value = record.values[position]
            if name in fixed and str(value) not in ("", fixed[name]):
                _refuse(record, name, f"{value!r} contradicts {options[name]} {fixed[name]}")
            if value not in (None, ""):
                values[name] = value
        values |= fixed
        key = tuple(sorted((name, str(value)) for name, value in values.items()))
        job = _Job(record, values, _count(endpoint, record))
        first = jobs.setdefault(key, job)
        if first is job:
            _check(endpoint, values, record)
        elif first.count is None:
            jobs[key] = job
        elif job.count is not None and job.count.files != first.count.files:
            raise ManifestError(
                f"{record.location}: {job.count} files, where {first.record.location} states "
                f"{first.count.files} for the same download",
                advice="Remove the outdated one.",
            )
    return [job.arguments() for job in jobs.values()]


@attrs.frozen
class _Job:
    """One download: its row, the values of its parameters, and its number of files."""

    record: Record
    values: Mapping[str, Any]
    count: Count | None

    def arguments(self) -> dict[str, Any]:
        """Return the item of ``many``; columns that are not parameters come first."""
        taken = set(self.record.positions.values())
        named = zip(self.record.names, self.record.values, strict=True)
        others = {
            name: value
            for position, (name, value) in enumerate(named)
            if position not in taken and fold(name) not in _OPTIONS
        }
        return {**others, **self.values}


def _records(
    endpoint: FileEndpoint, file: BinaryIO, title: str, needed: list[str]
) -> Iterator[Record]:
    known = spellings(endpoint.parameters)
    lines = read_lines(file, title)
    if not is_manifest(lines):
        yield from read_records(lines, title, known, needed)
        return
    series = known.get(fold(SERIES))
    if needed != [series]:
        raise ManifestError(
            f"{title} is a manifest, which lists series only, where "
            f"{' and '.join(needed) or 'no value'} must be stated"
        )
    for uid in parse_manifest(lines, title).series:
        yield Record(title, (SERIES,), (uid,), {needed[0]: 0})


def _count(endpoint: FileEndpoint, record: Record) -> Count | None:
    """Return the number of files in a row."""
    try:
        return stated_count(endpoint, zip(record.names, record.values, strict=True))
    except CountError as error:
        raise ManifestError(
            f"{record.location}: {error.reason('the row')}", advice=error.advice
        ) from None


def _check(endpoint: FileEndpoint, values: Mapping[str, Any], record: Record) -> None:
    """Refuse invalid values before the first download."""
    wires = {parameter.python_name: parameter.name for parameter in endpoint.parameters}
    arguments = Arguments({wires[name]: value for name, value in values.items()})
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # shown when the request is sent
            prepare("", endpoint, arguments)
    except ParameterError as error:
        reason = error.reason.removeprefix(f"{endpoint.method}({error.parameter}=…) ")
        _refuse(record, error.parameter, f"{error.parameter} {reason}. {error.advice}")


def _refuse(record: Record, parameter: str, reason: str) -> None:
    position = record.positions.get(parameter)
    name = "" if position is None else record.names[position]
    column = f", column {name!r}" if name else ""
    raise ManifestError(f"{record.location}{column}: {reason}")
