"""Responses in the server's four formats, and their rows."""

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import attrs
from hypothesis import strategies as st

from _runtime.decoding.csv import CsvDecoder
from _runtime.decoding.decoder import Decoder
from _runtime.decoding.formats import decoder
from _runtime.decoding.json import JsonDecoder
from _runtime.decoding.rows import Blueprint, RowReader
from _runtime.endpoint import Attribute, Endpoint, Kind
from _runtime.errors import InvalidResponseError

Row = Sequence[Any]
FORMATS = ("json", "csv", "xml", "html")
KINDS: dict[str, Kind] = {
    "ShipUID": "uid",
    "ShipName": "string",
    "HomePort": "string",
    "Launched": "date",
    "Crew": "integer",
    "Tonnage": "decimal",
    "AtSea": "boolean",
    "Seen": "dateTime",
    "Watch": "time",
}


def blueprint(**kinds: Kind) -> Blueprint[Any]:
    attributes = tuple(
        Attribute(name, f"a_{name.lower()}", kind, optional=name != "ShipUID")
        for name, kind in kinds.items()
    )
    endpoint = Endpoint(resource="Fleet", name="listShips", attributes=attributes)
    fields = {a.python_name: attrs.field(default=None, kw_only=True) for a in attributes}
    return Blueprint(endpoint, attrs.make_class("Ship", fields, frozen=True, slots=True))


SHIP = blueprint(**KINDS)
NAME = blueprint(Name="string")


def decoder_of(name: str, rows: RowReader[Any], *, msgspec: bool) -> Decoder[Any]:
    reader = decoder(name, rows)
    if isinstance(reader, JsonDecoder | CsvDecoder):
        return type(reader)(rows, use_msgspec=msgspec)
    return reader


def decode(
    name: str,
    body: str | bytes,
    *,
    cuts: Iterable[int] = (),
    plan: Blueprint[Any] = SHIP,
    report: Callable[[InvalidResponseError], None] | None = None,
    msgspec: bool = True,
) -> list[Any]:
    reader = decoder_of(name, RowReader(plan, report), msgspec=msgspec)
    built: list[Any] = []
    start = 0
    body = body if isinstance(body, bytes) else body.encode()
    for cut in [*sorted(cut % (len(body) + 1) for cut in cuts), len(body)]:
        built += reader.feed(body[start:cut])
        start = cut
    built += reader.finish()
    reader.check()
    return built


# --- the four formats, as v3 servers write them --------------------------------------------


def as_json(names: Iterable[str], rows: Iterable[Row], comma: str = ",", **options: Any) -> str:
    objects = [{n: v for n, v in zip(names, row, strict=True) if v is not None} for row in rows]
    return "[" + comma.join(json.dumps(o, **options) for o in objects) + "]"


ECMASCRIPT = {c: "\\" + e for c, e in zip("\"'\\/\n\t\r\b\f", "\"'\\/ntrbf", strict=True)}


def escaped(text: str) -> str:
    out = ""
    for character in text:
        if character in ECMASCRIPT or " " <= character <= "~":
            out += ECMASCRIPT.get(character, character)
        else:
            units = character.encode("utf-16-be").hex().upper()
            out += "".join(f"\\u{units[i : i + 4]}" for i in range(0, len(units), 4))
    return out


def as_csv(names: Iterable[str], rows: Iterable[Row]) -> str:
    lines = [",".join("" if v is None else f'"{escaped(str(v))}"' for v in row) for row in rows]
    return "\n".join([",".join(names), *lines])


def as_xml(names: Iterable[str], rows: Iterable[Row]) -> str:
    def element(name: str, value: Any) -> str:
        return f"<{name} type='VARCHAR' >{'' if value is None else value}</{name}>"

    records = ("".join(map(element, names, row)) for row in rows)
    return f"<Results>{''.join(f'<Row>{record}</Row>' for record in records)}</Results>"


def as_html(names: Iterable[str], rows: Iterable[Row]) -> str:
    head = "".join(f"<TH>{name}</TH>" for name in names)
    cells = ("".join(f"<TD>{'null' if v is None else v}</TD>" for v in row) for row in rows)
    body = "".join(f"<TR>{record}</TR>" for record in cells)
    return (
        f"<HTML><BODY><TABLE id='data' BORDER=1><thead><TR>{head}</TR></thead>"
        f"<tbody>{body}</tbody></TABLE></BODY></HTML"
    )


WRITERS: dict[str, Callable[[Iterable[str], Iterable[Row]], str]] = {
    "json": as_json,
    "csv": as_csv,
    "xml": as_xml,
    "html": as_html,
}
HARD = [
    "},{",
    '"},{"',
    "</ShipName>",
    "<b>",
    "null",
    "a/b",
    '\\"',
    "\\",
    ",,",
    "<Row>",
    "</Row>",
    "</TD>",
    "A&B &amp;",
    "ABDOMEN_PELVIS ",
    "Ü 中 🚢",
    "\n",
]
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(HARD)
texts |= st.text("ab,\"'\\/{}[]:<>& \n", max_size=10)
ships = st.tuples(
    st.sampled_from(["1.2.3", "1.2.840.10008.1.2", "0.1", "2.25.0.7"]),
    st.none() | texts,
    st.none() | texts,
    st.none() | st.dates().map(str),
    st.none() | st.integers(-1000, 10**9),
    st.none() | st.decimals(-(10**9), 10**9, places=6).map(lambda d: f"{d:.6f}"),
    st.none() | st.sampled_from(["0", "1"]),
    st.none() | st.datetimes().map(lambda d: f"{d:%Y-%m-%d %H:%M:%S}.0".rjust(21, "0")),
    st.none() | st.times().map(lambda t: f"{t:%H:%M:%S}"),
)
