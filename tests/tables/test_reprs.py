"""Representation of rows as a table, shortened and without control characters."""

import html.parser
from typing import Any

import pytest

import tcia_client


class Cells(html.parser.HTMLParser):
    """Collects the texts of cells and the tags."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.tags: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002 - its base's name
        self.tags.add(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_data(self, data: str) -> None:
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data


def test_repr_html_is_a_table(client: tcia_client.Client) -> None:
    rows = client.get_series()
    shown = Cells(rows._repr_html_())
    assert shown.tags == {"table", "thead", "tbody", "tr", "th", "td", "p"}
    assert len(shown.rows) == 21
    assert shown.rows[0] == [attribute.python_name for attribute in rows.attributes]
    assert shown.rows[1][0] == rows[0].series_instance_uid
    assert "first 20 of 61 rows" in rows._repr_html_()


def test_repr_html_is_escaped_and_cut(fleet_rows: Any) -> None:
    hostile = '<script>alert("1")</script>&amp;\x1b]0;x\x07\u202e' + "y" * 500
    text = fleet_rows.rows(fleet_rows.Vessel(vessel_id=hostile))._repr_html_()
    shown = Cells(text)
    assert "script" not in shown.tags
    assert shown.rows[1][0].startswith('<script>alert("1")</script>&amp;<U+001B>]0;x<U+0007>')
    assert len(shown.rows[1][0]) == 80
    assert text.isprintable()


def test_repr_fits_the_width_of_the_terminal(
    client: tcia_client.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "70")
    lines = repr(client.get_series()).splitlines()
    assert len(lines) == 22
    assert all(len(line) <= 70 for line in lines[:-1])
    assert lines[0].startswith("series_instance_uid")
    assert lines[-1].startswith("[first 20 of 61 rows; not shown: ")
    assert "image_count" in lines[-1]
    assert repr(client.get_series()[:1]).splitlines()[-1].startswith("[1 row; not shown: ")
    assert repr(client.get_series()[:0]).splitlines()[-1].startswith("[0 rows; not shown: ")


def test_repr_aligns_wide_characters(fleet_rows: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    rows = fleet_rows.rows(
        fleet_rows.Vessel(vessel_id="病院", flag="NL"),
        fleet_rows.Vessel(vessel_id="abcd", flag="DE"),
    )
    _, wide, plain, _ = repr(rows).splitlines()
    assert wide.index("NL") + 2 == plain.index("DE")


@pytest.mark.parametrize("text", ["\x1b[31mred", "a\nb", "\x9b2J", "\u202egnp.exe", "\x00\ud800"])
def test_repr_escapes_terminal_sequences(fleet_rows: Any, text: str) -> None:
    shown = repr(fleet_rows.rows(fleet_rows.Vessel(vessel_id=text)))
    assert all(line.isprintable() for line in shown.split("\n"))
    assert len(shown.split("\n")) == 3
    assert f"<U+{ord(next(c for c in text if not c.isprintable())):04X}>" in shown


def test_repr_of_empty_rows_has_their_columns(
    fleet_rows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    empty = fleet_rows.rows()[:0]
    assert repr(empty).splitlines()[0].startswith("vessel_id")
    assert repr(empty).endswith("[0 rows]")
    assert repr(tcia_client.Rows([], ())) == "\n[0 rows]"
