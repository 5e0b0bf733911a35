"""Hostile and unusual text on a terminal and in a pipe."""

import json
from typing import Any

import pytest

HOSTILE = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202egnp.exe\r\nfake"
VALUES = "get-modality-values"


@pytest.mark.parametrize("form", ["table", "csv", "json", "jsonl", "raw"])
def test_rows_are_escaped_on_a_terminal(tcia: Any, wire: Any, form: str) -> None:
    wire.rows(json.dumps([{"Modality": HOSTILE}], ensure_ascii=form == "csv").encode())
    env = {"TCIA_BASE_URL": wire.base_url, "COLUMNS": "200"}
    status, seen = tcia.on_terminal(VALUES, "--format", form, env=env)
    shown = seen.replace("\x1b[1m", "").replace("\x1b[0m", "").replace("\r\n", "\n")
    assert status == 0
    assert "owned" in shown
    assert all(line.isprintable() for line in shown.split("\n"))


def test_data_formats_preserve_every_character_in_a_pipe(tcia: Any, wire: Any) -> None:
    wire.rows(json.dumps([{"Modality": HOSTILE}]).encode())
    env = {"TCIA_BASE_URL": wire.base_url}
    assert tcia(VALUES, env=env).out.decode() == f'modality\n"{HOSTILE}"\n'
    for form in ("json", "jsonl"):
        text = tcia(VALUES, "--format", form, env=env).text
        assert HOSTILE in [*json.loads(text)[0].values()] if form == "json" else True
        assert text.replace("\n", "").isprintable()


def test_half_a_surrogate_pair_causes_no_traceback(tcia: Any, wire: Any) -> None:
    wire.rows(b'[{"Modality":"a\\ud800"}]')
    env = {"TCIA_BASE_URL": wire.base_url}
    for form in ("csv", "json", "jsonl", "parquet", "table"):
        done = tcia(VALUES, "--format", form, env=env)
        assert (done.status, done.err) == (0, ""), form


def test_character_beyond_the_encoding_is_written_as_its_number(tcia: Any, wire: Any) -> None:
    wire.rows('[{"Modality":"病院"}]'.encode())
    env = {"TCIA_BASE_URL": wire.base_url, "PYTHONIOENCODING": "latin-1"}
    done = tcia(VALUES, "--format=table", env=env)
    assert (done.status, done.text.split()) == (0, ["modality", "\\u75c5\\u9662"])


def test_server_messages_are_escaped_on_a_terminal(tcia: Any, wire: Any) -> None:
    def fail(handler: Any, _path: str) -> None:
        handler.send_response(571)
        handler.end_headers()
        handler.wfile.write(json.dumps({"errorDescription": HOSTILE}).encode())

    wire.respond = fail
    status, seen = tcia.on_terminal(VALUES, env={"TCIA_BASE_URL": wire.base_url})
    assert status == 4
    assert all(line.isprintable() for line in seen.replace("\r\n", "\n").split("\n"))
    assert "owned" in seen
