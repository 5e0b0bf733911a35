"""Lists of downloads in files: manifests, tables, JSON lines and plain lists of UIDs.

The form is recognised by the first line that is not blank, not by the name of the file:

- ``key=value``: a ``.tcia`` manifest, see :mod:`.manifest`;
- ``{`` or ``[``: objects of JSON, one a line or in one array;
- a UID: one UID a line;
- anything else: the header of a table, whose cells are separated by commas, semicolons or tabs.
"""

import codecs
import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import StringIO
from itertools import chain
from typing import Any, BinaryIO, NoReturn, cast

import attrs

from ..decoding.csv import quoted_values
from .errors import ManifestError
from .items import AmbiguousColumnsError, match_columns, missing

LIST = "ListOfSeriesToDownload"
SERIES = "SeriesInstanceUID"

_LONGEST_LINE = 64 * 1024 * 1024
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_UID = re.compile(r"[0-9]+(?:\.[0-9]+)+")
_FIELD = re.compile(r"\s*[A-Za-z0-9_.-]{1,100}\s*=")
_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs"}
_ADVICE = (
    f"Pass a table whose header has a column such as {SERIES}, JSON lines, a list of UIDs, "
    f"or a manifest with {LIST}=."
)

Lines = Iterator[tuple[int, str]]


@attrs.frozen
class Record:
    """One row of a list: the names of its columns, its values, and its location.

    Attributes:
        location: The file, and the line or the item of an array, for errors.
        names: Names of the columns; one empty name in a list of UIDs.
        values: A value for each name.
        positions: The position of each parameter's column, by keyword.
    """

    location: str
    names: tuple[str, ...]
    values: tuple[Any, ...]
    positions: Mapping[str, int]


def read_lines(file: BinaryIO, title: str) -> Lines:
    """Yield the number and the text of each line, with its end.

    Raises:
        ManifestError: The bytes are no text in UTF-8.
    """
    number = 0
    while raw := file.readline(_LONGEST_LINE + 1):
        if number == 0 and raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise ManifestError(f"{title} is UTF-16", advice="Save it as UTF-8.")
        if number == 0 and raw.startswith(b"PAR1"):
            raise ManifestError(f"{title} is Parquet", advice="Convert it to CSV or JSON lines.")
        if len(raw) > _LONGEST_LINE:
            fail(title, number + 1, f"longer than {_LONGEST_LINE} bytes")
        try:
            text = raw.decode("utf-8-sig" if number == 0 else "utf-8")
        except UnicodeDecodeError as error:
            before = raw[: error.start].decode("utf-8", "replace")
            number += max(1, len(_LINE.findall(f"{before}x")))
            fail(title, number, "bytes that are not UTF-8", "Save it as UTF-8.")
        for line in _LINE.findall(text):
            number += 1
            if "\0" in line:
                fail(title, number, "a NUL character, which no list has", "Pass a text file.")
            yield number, line


def first_line(lines: Lines, title: str) -> tuple[str, Lines]:
    """Return the first line that is not blank, and the lines from it on.

    Raises:
        ManifestError: All lines are blank.
    """
    for number, line in lines:
        if line.strip():
            return line.strip(), chain([(number, line)], lines)
    raise ManifestError(f"{title} is empty", advice=_ADVICE)


def is_manifest(line: str) -> bool:
    """Return whether a first line is that of a ``.tcia`` manifest."""
    return _FIELD.match(line) is not None


def is_uid(text: str) -> bool:
    """Return whether a string is a UID; a number without a dot is not."""
    return len(text) <= 64 and text.isascii() and _UID.fullmatch(text) is not None


def read_records(
    lines: Lines, title: str, known: Mapping[str, str], required: Sequence[str]
) -> Iterator[Record]:
    """Yield the rows of a list that is no manifest.

    Args:
        lines: What :func:`first_line` returned.
        title: What errors call the file.
        known: The keyword of each parameter by its folded spellings.
        required: Keywords that each row has to have a column for.

    Raises:
        ManifestError: The list cannot be read, or can be read in two ways.
    """
    first, lines = first_line(lines, title)
    if first[0] in "{[":
        rows = _read_array(lines, title) if first[0] == "[" else _read_objects(lines, title)
        yield from _matched(rows, title, known, required)
    elif is_uid(first):
        yield from _read_uids(lines, title, required)
    else:
        yield from _matched(_read_table(lines, title, known, required), title, known, required)


def fail(title: str, line: int, reason: str, advice: str = "") -> NoReturn:
    """Raise the error of one line."""
    raise ManifestError(f"{title}, line {line}: {reason}", line=line, advice=advice)


def shown(text: str) -> str:
    """Return a text for an error, shortened and in quotes."""
    return ascii(text if len(text) <= 80 else text[:80] + "...")


_Row = tuple[int, str, tuple[str, ...], tuple[Any, ...]]
"""The line, the location in it, the names of the columns and the values."""


def _matched(
    rows: Iterable[_Row], title: str, known: Mapping[str, str], required: Sequence[str]
) -> Iterator[Record]:
    """Match the columns of each row with the parameters; equal headers are matched once."""
    names: tuple[str, ...] = ()
    positions: dict[str, int] | None = None
    for line, location, own_names, values in rows:
        if positions is None or own_names != names:
            names = own_names
            positions = _positions(names, title, line, known)
            for keyword in required:
                if keyword not in positions:
                    fail(title, line, missing(keyword, names), _ADVICE)
        yield Record(location, names, values, positions)


def _positions(
    names: Sequence[str], title: str, line: int, known: Mapping[str, str]
) -> dict[str, int]:
    try:
        return match_columns(known, names)
    except AmbiguousColumnsError as error:
        fail(title, line, str(error))


def _read_uids(lines: Lines, title: str, required: Sequence[str]) -> Iterator[Record]:
    for number, line in lines:
        uid = line.strip()
        if len(required) != 1:
            needed = " and ".join(required) or "no value"
            fail(title, number, f"a list of UIDs, where {needed} must be stated", _ADVICE)
        if uid and not is_uid(uid):
            fail(title, number, f"{shown(uid)} is no UID, as the first line is")
        if uid:
            yield Record(f"{title}, line {number}", ("",), (uid,), {required[0]: 0})


def _read_table(
    lines: Lines, title: str, known: Mapping[str, str], required: Sequence[str]
) -> Iterator[_Row]:
    first, lines = first_line(lines, title)
    numbers: list[int] = []

    def texts() -> Iterator[str]:
        for number, line in lines:
            numbers.append(number)
            yield line if names is None or '"' in first else _plain(line, len(names))

    number, header = next(lines)
    lines = chain([(number, header)], lines)
    reader = csv.reader(
        texts(), delimiter=_delimiter(first, title, number, known, required), strict=True
    )
    names: tuple[str, ...] | None = None
    try:
        for cells in reader:
            values = tuple(cell.strip() for cell in cells)
            if names is None:
                names = values
            elif len(values) not in (0, len(names)):
                fail(title, numbers[-1], f"{len(values)} values for {len(names)} columns")
            elif values:
                yield numbers[-1], f"{title}, line {numbers[-1]}", names, values
    except csv.Error as error:
        fail(title, numbers[-1], f"no table: {error}")


def _plain(line: str, width: int) -> str:
    """Return a line with doubled quotes, where it has the escapes of the v3 servers' CSV.

    Their header has no quotes, and each of their values has them.
    """
    if "\\" not in line:
        return line
    values = quoted_values(line.rstrip("\r\n"))
    if values is None or len(values) != width:
        return line
    plain = StringIO()
    csv.writer(plain).writerow(values)
    return plain.getvalue()


def _delimiter(
    header: str, title: str, line: int, known: Mapping[str, str], required: Sequence[str]
) -> str:
    """Return what separates the cells of a header: what makes columns of it that are known."""
    found: dict[str, set[str]] = {}
    most: list[str] = []
    for delimiter in _DELIMITERS:
        try:
            names = [name.strip() for name in next(csv.reader([header], delimiter=delimiter))]
        except csv.Error:
            names = [header]
        if len(names) > len(most):
            most = names
        if any(map(is_uid, names)):
            fail(title, line, f"{shown(header)} has a UID where a header is expected", _ADVICE)
        found[delimiter] = set(_positions(names, title, line, known))
    best = max(map(len, found.values()))
    if not best:
        if len(most) > 1 and required:
            fail(title, line, missing(required[0], most), _ADVICE)
        columns = ", ".join(dict.fromkeys(known.values()))
        reason = f"{shown(header)} is neither a column of {columns}, nor a UID, nor key=value"
        fail(title, line, reason, _ADVICE)
    choices = [delimiter for delimiter, names in found.items() if len(names) == best]
    separating = [delimiter for delimiter in choices if delimiter in header]
    if len(separating) > 1:
        either = " or ".join(_DELIMITERS[delimiter] for delimiter in separating)
        fail(title, line, f"{either} may separate the columns of {shown(header)}", "Use one.")
    return separating[0] if separating else choices[0]


def _read_objects(lines: Lines, title: str) -> Iterator[_Row]:
    for number, line in lines:
        if line.strip():
            yield _row(_parsed(line, title, number), title, number, f"line {number}")


def _read_array(lines: Lines, title: str) -> Iterator[_Row]:
    first, text = next(lines)
    found = _parsed(text + "".join(line for _, line in lines), title, first)
    for number, one in enumerate(cast("list[object]", found), 1):
        yield _row(one, title, first, f"item {number}")


class _Members(tuple[tuple[str, Any], ...]):
    """The members of an object of JSON, in their order and with each that comes again."""

    __slots__ = ()


def _parsed(text: str, title: str, line: int) -> object:
    try:
        return json.loads(text, object_pairs_hook=_Members)
    except (ValueError, RecursionError) as error:
        reason = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
        where = line + (error.lineno - 1 if isinstance(error, json.JSONDecodeError) else 0)
        fail(title, where, f"not JSON: {reason}")


def _row(found: object, title: str, line: int, location: str) -> _Row:
    if not isinstance(found, _Members):
        fail(title, line, "JSON that is no object with a member for each column", _ADVICE)
    names, values = tuple(name for name, _ in found), tuple(value for _, value in found)
    return line, f"{title}, {location}", names, values
