r"""Lines of CSV as a JSON array of arrays, for a JSON parser to read.

A quoted line between brackets is a JSON array already, but for nulls, which are nothing
at all, and for ``\'``, which JSON does not escape. What could be read in two ways is
written anew, or refused; a line break inside of quotes leads to fewer arrays than lines.
"""

import json
from collections.abc import Callable, Sequence

Fields = Callable[[str], Sequence[str | None]]
"""Reads the values of one line, whatever it looks like; raises ShapeError where it cannot."""


def as_json(lines: Sequence[bytes], fields: Fields) -> bytes | None:
    """Write lines as JSON.

    Args:
        lines: Lines without their ends.
        fields: Reads a line that is to be written anew.

    Returns:
        The JSON, which need not be valid where the lines are not; None if something in them
        can be taken for a null.

    Raises:
        ShapeError: A line is no line.
    """
    text = b"\n".join(lines)
    if b"'" in text and b"\\'" in text:
        if b"\\\\" in text:  # a backslash in front of it may itself be escaped
            lines = [_anew(line, fields) if b"\\'" in line else line for line in lines]
        else:
            lines = text.replace(b"\\'", b"'").split(b"\n")
    if b"" in lines:
        lines = [line or b"null" for line in lines]
    if b"," in {line[:1] for line in lines} or b"," in {line[-1:] for line in lines}:
        lines = [_ends(line) for line in lines]
    text = b"],[".join(lines)
    first, *parts = text.split(b'",,')
    if parts:
        before = {part[-1:] for part in (first, *parts[:-1])}
        if not before.isdisjoint((b",", b"[", b"", b"\\")):  # a value that has commas there
            return None
        if {part[:1] for part in parts} != {b'"'}:
            parts = [_more_nulls(part) if part[:1] == b"," else part for part in parts]
        text = b'",null,'.join((first, *parts))
    return b"[[%b]]" % text


def _anew(line: bytes, fields: Fields) -> bytes:
    """The same line with JSON's escapes alone, and without two commas in a row."""
    values = [json.dumps(value).replace(",", "\\u002c") for value in fields(line.decode())]
    return ",".join(values).encode()


def _ends(line: bytes) -> bytes:
    """A line with nulls where it starts or ends with commas."""
    rest = line.lstrip(b",")
    core = rest.rstrip(b",")
    return b"null," * (len(line) - len(rest)) + core + b",null" * (len(rest) - len(core))


def _more_nulls(part: bytes) -> bytes:
    """What stands behind a null, with a null for each comma that it starts with."""
    rest = part.lstrip(b",")
    return b"null," * (len(part) - len(rest)) + rest
