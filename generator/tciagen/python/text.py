"""Server text, and the only ways in which it reaches source code.

A :class:`ServerText` refuses to become a string: ``str()``, ``format()``, ``%``,
``+``, ``join`` and Jinja's ``~`` all raise. :func:`literal`, :func:`docstring`,
:func:`comment` and, for prose files, :func:`markdown` return it, each in a form
that cannot end the literal, docstring, comment or paragraph around it.
"""

import re
import textwrap
from typing import NoReturn, final

from tciagen.display import printable

_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>()#+!|&-])")
_BEGINNING = re.compile(r"^([0-9]*)([.:])")
"""The beginning of a list or of a directive."""

_ENDING_QUOTES = re.compile(r'"""|"\Z')
"""Text that would end a docstring: three quotes, or one before the closing ones."""


@final
class ServerText:
    """Text of a document; equal by content, never a string by accident."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def _refuse(self, *_: object) -> NoReturn:
        raise TypeError("server text reaches source only by literal, docstring or comment")

    __str__ = _refuse
    __format__ = _refuse
    __repr__ = _refuse
    __add__ = _refuse
    __radd__ = _refuse
    __mod__ = _refuse
    __rmod__ = _refuse
    __iter__ = _refuse
    __html__ = _refuse
    __bytes__ = _refuse

    def __bool__(self) -> bool:
        return bool(self._text.strip())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ServerText) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)


def _raw(text: "str | ServerText") -> str:
    return text._text if isinstance(text, ServerText) else text  # noqa: SLF001 - the one way out


def compose(*parts: "str | ServerText") -> ServerText:
    """Return the concatenation of strings and server text."""
    return ServerText("".join(map(_raw, parts)))


def plain(text: "str | ServerText") -> str:
    """Return the text on one line, with unprintable characters as ``<U+202E>``."""
    raw = _raw(text)
    return printable(" ".join(raw.split()))


def literal(text: "str | int | ServerText") -> str:
    """Return a Python literal; a string has double quotes and escapes of unprintable characters."""
    if isinstance(text, int):
        return repr(text)
    raw = _raw(text)
    return '"' + "".join(map(_escaped, raw)) + '"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    if character.isprintable():
        return character
    code = ord(character)
    short = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
    if character in short:
        return short[character]
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def docstring(text: "str | ServerText", indent: int = 4, width: int = 88) -> str:
    """Return a complete docstring with its quotes, wrapped and indented.

    Blank lines separate paragraphs. An indented line keeps its indent, and its continuation
    lines are indented by four more.
    """
    raw = _raw(text).strip()
    margin = " " * indent
    lines: list[str] = []
    for line in raw.split("\n"):
        depth = len(line) - len(line.lstrip(" "))
        words = printable(" ".join(line.split()))
        if not words:
            lines.append("")
            continue
        first = '"""' if not lines else ""
        wrapped = textwrap.wrap(
            first + words,
            width - indent,
            initial_indent=" " * depth,
            subsequent_indent=" " * (depth + 4 if depth else 0),
            break_long_words=False,
            break_on_hyphens=False,
        )
        if first:
            wrapped[0] = wrapped[0].removeprefix('"""')
        lines += wrapped
    body = "\n".join(lines).strip("\n").replace("\\", "\\\\")
    body = _ENDING_QUOTES.sub(lambda quotes: quotes[0].replace('"', '\\"'), body)
    shown = body.replace("\n", "\n" + margin)
    shown = "\n".join(line.rstrip() for line in shown.split("\n"))
    return f'"""{shown}"""' if "\n" not in shown else f'"""{shown}\n{margin}"""'


def comment(text: "str | ServerText") -> str:
    """Return the text as a comment of one line."""
    return "# " + plain(text)


def markdown(text: "str | ServerText") -> str:
    """Return the text on one line, with every special character of Markdown and HTML escaped."""
    shown = _MARKDOWN.sub(r"\\\1", plain(text)).replace("\\<", "&lt;").replace("\\&", "&amp;")
    shown = shown.replace("~", "&#126;")  # which not every Markdown lets escape
    return _BEGINNING.sub(lambda match: f"{match[1]}&#{ord(match[2])};", shown)
