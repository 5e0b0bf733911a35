"""Answers as CSV, HTML, XML and JSON, in the very form of the v3 servers.

SQLite writes the text of each row itself: a layout is an SQL expression, and
Python only joins what comes. None of the four is tidy: CSV has ECMAScript
escapes, XML and HTML escape nothing, and HTML's last tag is cut.
"""

import codecs
import sqlite3
from collections.abc import Callable, Iterator, Sequence

import attrs

from tciagen.archive.queries import Column, Kind

CHUNK = 64 * 1024
_BATCH = 128


@attrs.frozen
class Layout:
    """How an answer is put together: head, rows with what stands between them, tail."""

    media_type: str
    head: Callable[[Sequence[Column]], str]
    row: Callable[[Sequence[Column]], str]
    first: str
    between: str
    tail: str


def stream(
    layout: Layout, columns: Sequence[Column], batch: list[tuple[str]], rows: sqlite3.Cursor
) -> Iterator[bytes]:
    """Yield the answer in chunks of about 64 kB; ``batch`` holds the first rows."""
    text, joint = layout.head(columns), layout.first
    while batch:
        text += joint + layout.between.join([row for (row,) in batch])
        joint = layout.between
        if len(text) >= CHUNK:
            yield _encoded(layout, text)
            text = ""
        batch = rows.fetchmany(_BATCH)
    yield _encoded(layout, text + layout.tail)


def first_batch(rows: sqlite3.Cursor) -> list[tuple[str]]:
    """Return the first rows of an answer; an empty list where nothing matches."""
    return rows.fetchmany(_BATCH)


def _encoded(layout: Layout, text: str) -> bytes:
    if layout is LAYOUTS["CSV"]:
        return text.encode("ascii", "tciagen-ecmascript")
    return text.encode()


def _ecmascript_escape(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    units = error.object[error.start : error.end].encode("utf-16-be")
    escapes = (f"\\u{units[i]:02X}{units[i + 1]:02X}" for i in range(0, len(units), 2))
    return "".join(escapes), error.end


codecs.register_error("tciagen-ecmascript", _ecmascript_escape)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _text(column: Column) -> str:
    """A null integer reads as 0: the server gets it as a Java primitive."""
    if column.kind is Kind.INTEGER:
        return f"CAST(ifnull({column.expression}, 0) AS TEXT)"
    return column.expression


def _json_row(columns: Sequence[Column]) -> str:
    members = []
    for column in columns:
        name = _literal(f',"{column.name}":')
        if column.kind is Kind.INTEGER:
            members.append(f"{name} || ifnull({column.expression}, 0)")
        else:
            value = column.expression
            members.append(f"iif({value} IS NULL, '', {name} || json_quote({value}))")
    return f"'{{' || substr({' || '.join(members)}, 2) || '}}'"


def _csv_row(columns: Sequence[Column]) -> str:
    slash, quote = _literal("\\/"), _literal("\\'")
    cells = []
    for column in columns:
        value = _text(column)
        escaped = f"replace(replace(json_quote({value}), '/', {slash}), '''', {quote})"
        cells.append(f"iif({value} IS NULL, '', {escaped})")
    return " || ',' || ".join(cells)


def _xml_row(columns: Sequence[Column]) -> str:
    elements = []
    for column in columns:
        start = _literal(f"<{column.name} type='{column.kind.value}' >")
        end = _literal(f"</{column.name}>")
        elements.append(f"{start} || ifnull({_text(column)}, '') || {end}")
    return f"'<Row>' || {' || '.join(elements)} || '</Row>'"


def _html_row(columns: Sequence[Column]) -> str:
    cells = (f"'<TD>' || ifnull({_text(column)}, 'null') || '</TD>'" for column in columns)
    return f"'<TR>' || {' || '.join(cells)} || '</TR>'"


def _html_head(columns: Sequence[Column]) -> str:
    names = "".join(f"<TH>{column.name}</TH>" for column in columns)
    return f"<HTML><BODY><TABLE id='data' BORDER=1><thead><TR>{names}</TR></thead><tbody>"


LAYOUTS = {
    "JSON": Layout("application/json", lambda _: "[", _json_row, "", ",", "]"),
    "CSV": Layout(
        "application/csv",
        lambda columns: ",".join(column.name for column in columns),
        _csv_row,
        "\n",
        "\n",
        "",
    ),
    "XML": Layout("application/xml", lambda _: "<Results>", _xml_row, "", "", "</Results>"),
    "HTML": Layout("text/html", _html_head, _html_row, "", "", "</tbody></TABLE></BODY></HTML"),
}
