"""Responses as CSV, HTML, XML and JSON, in exactly the form of the v3 servers.

SQLite writes the text of each row: a layout is an SQL expression, and Python only
joins the rows. Each form is irregular: CSV has ECMAScript escapes, XML and HTML
escape nothing, and HTML's last tag is cut.
"""

import codecs
import sqlite3
from collections.abc import Callable, Generator, Sequence

import attrs

from tciagen.archive.queries import Column, Kind

CHUNK = 256 * 1024
_BATCH = 256

Blocks = Generator[bytes, None, None]
"""Bytes of a response, created while it is sent."""


@attrs.frozen
class Layout:
    """The parts of a response body: head, rows, the separators between them, and tail."""

    media_type: str
    head: Callable[[Sequence[Column]], str]
    row: Callable[[Sequence[Column]], str]
    first: str
    between: str
    tail: str


def stream(
    layout: Layout, columns: Sequence[Column], batch: list[tuple[str]], rows: sqlite3.Cursor
) -> Blocks:
    """Yield the response body in chunks of about 256 kB; ``batch`` holds the first rows."""
    text, separator = layout.head(columns), layout.first
    while batch:
        text += separator + layout.between.join([row for (row,) in batch])
        separator = layout.between
        if len(text) >= CHUNK:
            yield _encoded(layout, text)
            text = ""
        batch = rows.fetchmany(_BATCH)
    yield _encoded(layout, text + layout.tail)


def first_batch(rows: sqlite3.Cursor) -> list[tuple[str]]:
    """Return the first rows of a response; an empty list if there are no results."""
    return rows.fetchmany(_BATCH)


def is_all(batch: list[tuple[str]]) -> bool:
    """Return whether the first rows of a response are all of its rows."""
    return len(batch) < _BATCH


def _encoded(layout: Layout, text: str) -> bytes:
    if layout is LAYOUTS["CSV"]:
        # JSON does not escape these two. The names in the head contain neither.
        text = text.replace("/", "\\/").replace("'", "\\'")
        return text.encode("ascii", "tciagen-ecmascript")
    return text.encode()


def _ecmascript_escape(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    units = error.object[error.start : error.end].encode("utf-16-be")
    escapes = (f"\\u{units[i]:02X}{units[i + 1]:02X}" for i in range(0, len(units), 2))
    return "".join(escapes), error.end


codecs.register_error("tciagen-ecmascript", _ecmascript_escape)


def sql_text(text: str) -> str:
    """Return a string as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def _not_null(column: Column) -> str:
    """Return an expression that is 0 for a null integer: the server reads a Java primitive."""
    return f"ifnull({column.expression}, 0)" if column.kind is Kind.INTEGER else column.expression


def _json_row(columns: Sequence[Column]) -> str:
    """Return the expression of a JSON object without null members.

    Merging into an empty object drops them (RFC 7396).
    """
    members = ", ".join(f"{sql_text(column.name)}, {_not_null(column)}" for column in columns)
    return f"json_patch('{{}}', json_object({members}))"


def _csv_row(columns: Sequence[Column]) -> str:
    cells = []
    for column in columns:
        value = _not_null(column)
        cells.append(f"iif({value} IS NULL, NULL, json_quote(CAST({value} AS TEXT)))")
    return f"printf({sql_text(','.join(['%s'] * len(columns)))}, {', '.join(cells)})"


def _xml_row(columns: Sequence[Column]) -> str:
    elements = []
    for column in columns:
        start = sql_text(f"<{column.name} type='{column.kind.value}' >")
        end = sql_text(f"</{column.name}>")
        elements.append(f"{start} || ifnull({_not_null(column)}, '') || {end}")
    return f"'<Row>' || {' || '.join(elements)} || '</Row>'"


def _html_row(columns: Sequence[Column]) -> str:
    cells = (f"'<TD>' || ifnull({_not_null(column)}, 'null') || '</TD>'" for column in columns)
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
