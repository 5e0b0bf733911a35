"""Lists of downloads in files: manifests, tables, JSON lines and plain lists of UIDs.

The first line that is not blank decides the form, not the name of the file:

- ``key=value``: a ``.tcia`` manifest: such lines up to ``ListOfSeriesToDownload=``, then one
  SeriesInstanceUID a line;
- ``{`` or ``[``: objects of JSON, one a line or in one array;
- a UID: one UID a line;
- anything else: the header of a table, whose cells are separated by commas, semicolons or tabs.
"""

import codecs
import csv
import io
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, NoReturn, cast

import attrs

from ..decoding.csv import quoted_values
from ..display import short_repr
from ..endpoint import Parameter
from ..values import is_uid as is_dicom_uid
from .errors import ManifestError
from .items import AmbiguousColumnsError, match_columns, missing, spellings
from .options import StrPath

LIST = "ListOfSeriesToDownload"
SERIES = "SeriesInstanceUID"

_SERIES = Parameter(SERIES, "series_instance_uid", "uid", required=True)
_KEY = re.compile(r"[A-Za-z0-9_.-]{1,100}")
_LINE_END = re.compile(rb"\r\n|\r|\n")
_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs"}
_ADVICE = (
    f"Pass a table whose header has a column such as {SERIES}, JSON lines, a list of UIDs, "
    f"or a manifest with {LIST}=."
)

Lines = list[tuple[int, str]]  # with their numbers, from the first one on that is not blank


def _each_once(uids: Iterable[str]) -> tuple[str, ...]:
    if isinstance(uids, str):
        raise TypeError("series is one string; pass a list of UIDs")
    return tuple(dict.fromkeys(map(str, uids)))


@attrs.frozen
class Manifest:
    """A list of series, and what the portal states about it.

    Attributes:
        series: SeriesInstanceUIDs in the order of the file, each once.
        fields: The ``key=value`` lines above the list.
    """

    series: tuple[str, ...] = attrs.field(
        converter=_each_once, repr=lambda series: f"<{len(series)} series>"
    )
    fields: Mapping[str, str] = attrs.field(factory=dict[str, str])


@attrs.frozen
class Record:
    """One row of a list; ``positions`` are those of the parameters' columns, by keyword."""

    location: str
    names: tuple[str, ...]
    values: tuple[Any, ...]
    positions: Mapping[str, int]


def read_manifest(source: StrPath) -> Manifest:
    """Read a list of series from a file.

    The file is a ``.tcia`` manifest; a table with a column ``SeriesInstanceUID`` or ``Series
    UID``, such as the server's own CSV; JSON lines; or a list of UIDs.

    Raises:
        ManifestError: It has no such format; the error names the line.
        OSError: The file cannot be read.
    """
    title, keyword = str(source), _SERIES.python_name
    with Path(source).open("rb") as file:
        lines = read_lines(file, title)
    if is_manifest(lines):
        return parse_manifest(lines, title)
    series: list[str] = []
    for record in read_records(lines, title, spellings([_SERIES]), [keyword]):
        uid = record.values[record.positions[keyword]]
        if not isinstance(uid, str) or not is_uid(uid):
            raise ManifestError(f"{record.location}: {short_repr(str(uid))} is not a {SERIES}")
        series.append(uid)
    return Manifest(series)


def write_manifest(
    target: StrPath, series: Iterable[str], fields: Mapping[str, str] | None = None
) -> Path:
    """Write a manifest file completely or not at all.

    Args:
        target: Its path; of a link, what that leads to is written.
        series: SeriesInstanceUIDs; repeated ones are left out.
        fields: Lines to put above the list.

    Raises:
        ManifestError: A UID is invalid, or a key or value cannot be written in one line.
        OSError: The file cannot be written.
    """
    manifest = Manifest(series, fields or {})
    for uid in manifest.series:
        if not is_uid(uid):
            raise ManifestError(f"{short_repr(uid)} is not a {SERIES}")
    for key, value in manifest.fields.items():
        if not _KEY.fullmatch(key) or key == LIST or not value.isprintable():
            raise ManifestError(f"{short_repr(f'{key}={value}')} is not allowed in a manifest")
    lines = [f"{key}={value.strip()}" for key, value in manifest.fields.items()]
    text = "\n".join([*lines, f"{LIST}=", *manifest.series]) + "\n"
    path = Path(os.path.realpath(target))
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        part.write_text(text, encoding="utf-8", newline="\n")
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return Path(target)


def read_lines(file: BinaryIO, title: str) -> Lines:
    """Return the lines of a file; raise ManifestError if it is no text or all are blank."""
    raw = file.read()
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise ManifestError(f"{title} is UTF-16", advice="Save it as UTF-8.")
    if raw.startswith(b"PAR1"):
        raise ManifestError(f"{title} is Parquet", advice="Convert it to CSV or JSON lines.")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = len(_LINE_END.findall(raw[: error.start])) + 1
        _fail(title, number, "bytes that are not UTF-8", "Save it as UTF-8.")
    lines = list(enumerate(io.StringIO(text, newline=None), 1))
    for number, line in lines:
        if "\0" in line:
            _fail(title, number, "a NUL character, which no list has", "Pass a text file.")
    first = next((index for index, (_, line) in enumerate(lines) if line.strip()), None)
    if first is None:
        raise ManifestError(f"{title} is empty", advice=_ADVICE)
    return lines[first:]


def is_manifest(lines: Lines) -> bool:
    """Return whether the lines are those of a ``.tcia`` manifest."""
    key, equals, _ = lines[0][1].partition("=")
    return bool(equals) and _KEY.fullmatch(key.strip()) is not None


def parse_manifest(lines: Lines, title: str) -> Manifest:
    """Return the manifest of these lines; raise ManifestError if they are not a manifest."""
    fields: dict[str, str] = {}
    series: list[str] = []
    in_list = False
    for number, line in lines:
        text = line.strip()
        key, equals, value = map(str.strip, text.partition("="))
        if in_list and text:
            if not is_uid(text):
                _fail(title, number, f"{short_repr(text)} is not a {SERIES}")
            series.append(text)
        elif equals and key == LIST and not value:
            in_list = True
        elif equals and _KEY.fullmatch(key) and text.isprintable():
            fields[key] = value
        elif text:
            _fail(title, number, f"{short_repr(text)} is neither key=value nor {LIST}=")
    if not in_list:
        advice = "Pass a manifest file as the portal made it."
        raise ManifestError(f"{title} has no line {LIST}=", advice=advice)
    return Manifest(series, fields)


def is_uid(text: str) -> bool:
    """Return whether a string is a UID; a number without a dot is not."""
    return "." in text and is_dicom_uid(text)


def read_records(
    lines: Lines, title: str, known: Mapping[str, str], required: Sequence[str]
) -> Iterator[Record]:
    """Yield the rows of a list that is no manifest.

    Args:
        lines: What :func:`read_lines` returned.
        title: What errors call the file.
        known: The keyword of each parameter by its folded spellings.
        required: Keywords that each row has to have a column for.

    Raises:
        ManifestError: The list cannot be read, or can be read in two ways.
    """
    number, line = lines[0]
    first = line.strip()
    if is_uid(first):
        yield from _read_uids(lines, title, required)
        return
    if first[0] in "{[":
        rows = _read_json(lines, title)
    else:
        rows = _read_table(lines, title, _delimiter(first, title, number, known, required))
    names: tuple[str, ...] = ()
    positions: dict[str, int] | None = None
    for number, location, own_names, values in rows:
        if positions is None or own_names != names:  # equal headers are matched once
            names = own_names
            positions = _positions(names, title, number, known)
            for keyword in required:
                if keyword not in positions:
                    _fail(title, number, missing(keyword, names), _ADVICE)
        yield Record(f"{title}, {location}", names, values, positions)


# The line, the location in the file, the names of the columns and the values.
_Row = tuple[int, str, tuple[str, ...], tuple[Any, ...]]


def _positions(
    names: Sequence[str], title: str, line: int, known: Mapping[str, str]
) -> dict[str, int]:
    try:
        return match_columns(known, names)
    except AmbiguousColumnsError as error:
        _fail(title, line, str(error))


def _read_uids(lines: Lines, title: str, required: Sequence[str]) -> Iterator[Record]:
    for number, line in lines:
        uid = line.strip()
        if len(required) != 1:
            needed = " and ".join(required) or "no value"
            _fail(title, number, f"a list of UIDs, where {needed} must be stated", _ADVICE)
        if uid and not is_uid(uid):
            _fail(title, number, f"{short_repr(uid)} is no UID, as the first line is")
        if uid:
            yield Record(f"{title}, line {number}", ("",), (uid,), {required[0]: 0})


def _read_table(lines: Lines, title: str, delimiter: str) -> Iterator[_Row]:
    names: tuple[str, ...] | None = None
    is_quoted = '"' in lines[0][1]  # that of the v3 servers is not, and each of their values is
    texts = (text if not names or is_quoted else _plain(text, len(names)) for _, text in lines)
    reader = csv.reader(texts, delimiter=delimiter, strict=True)
    try:
        for cells in reader:
            values = tuple(cell.strip() for cell in cells)
            number = lines[reader.line_num - 1][0]
            if names is None:
                names = values
            elif len(values) not in (0, len(names)):
                _fail(title, number, f"{len(values)} values for {len(names)} columns")
            elif values:
                yield number, f"line {number}", names, values
    except csv.Error as error:
        _fail(title, lines[reader.line_num - 1][0], f"no table: {error}")


def _plain(line: str, width: int) -> str:
    """Return a line with doubled quotes, where it has the escapes of the v3 servers' CSV."""
    values = quoted_values(line.rstrip("\r\n")) if "\\" in line else None
    if values is None or len(values) != width:
        return line
    plain = io.StringIO()
    csv.writer(plain).writerow(values)
    return plain.getvalue()


def _delimiter(
    header: str, title: str, line: int, known: Mapping[str, str], required: Sequence[str]
) -> str:
    """Return what separates the cells of a header: what makes columns of it that are known."""
    found: dict[str, int] = {}
    most: list[str] = []
    for delimiter in _DELIMITERS:
        try:
            names = [name.strip() for name in next(csv.reader([header], delimiter=delimiter))]
        except csv.Error:
            names = [header]
        most = max(most, names, key=len)
        if any(map(is_uid, names)):
            _fail(
                title, line, f"{short_repr(header)} has a UID where a header is expected", _ADVICE
            )
        found[delimiter] = len(_positions(names, title, line, known))
    best = max(found.values())
    if not best:
        columns = ", ".join(dict.fromkeys(known.values()))
        reason = f"{short_repr(header)} is neither a column of {columns}, nor a UID, nor key=value"
        if len(most) > 1 and required:
            reason = missing(required[0], most)
        _fail(title, line, reason, _ADVICE)
    choices = [delimiter for delimiter, count in found.items() if count == best]
    separating = [delimiter for delimiter in choices if delimiter in header]
    if len(separating) > 1:
        either = " or ".join(_DELIMITERS[delimiter] for delimiter in separating)
        _fail(title, line, f"{either} may separate the columns of {short_repr(header)}", "Use one.")
    return (separating or choices)[0]


def _read_json(lines: Lines, title: str) -> Iterator[_Row]:
    first, text = lines[0]
    if text.lstrip().startswith("["):
        found = _parsed("".join(line for _, line in lines), title, first)
        for number, one in enumerate(cast("list[object]", found), 1):
            yield _row(one, title, first, f"item {number}")
        return
    for number, line in lines:
        if line.strip():
            yield _row(_parsed(line, title, number), title, number, f"line {number}")


class _Members(tuple[tuple[str, Any], ...]):
    """The members of a JSON object in their order, repeated ones included."""

    __slots__ = ()


def _parsed(text: str, title: str, line: int) -> object:
    try:
        return json.loads(text, object_pairs_hook=_Members)
    except json.JSONDecodeError as error:
        _fail(title, line + error.lineno - 1, f"not JSON: {error.msg}")
    except (ValueError, RecursionError) as error:
        _fail(title, line, f"not JSON: {error}")


def _row(found: object, title: str, line: int, location: str) -> _Row:
    if not isinstance(found, _Members):
        _fail(title, line, "JSON that is no object with a member for each column", _ADVICE)
    return line, location, tuple(name for name, _ in found), tuple(value for _, value in found)


def _fail(title: str, line: int, reason: str, advice: str = "") -> NoReturn:
    raise ManifestError(f"{title}, line {line}: {reason}", line=line, advice=advice)
