"""Rendered Python to the source that is published: formatted by black, checked by the gate.

Both take most of a run, so a source is split into its statements and the methods of its
classes, and each is formatted and checked once: a change of one document costs one document.
This is sound, because a module is the sequence of its complete statements.
"""

import re
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import version

import attrs

from tciagen import gate
from tciagen.errors import DocumentProblem
from tciagen.gate import check_gate
from tciagen.store import code_digest, key_of, read_results, write_results

LINE_LENGTH = 100

_STATEMENT = re.compile(r"(?<=\n\n)(?=@|class |def |async def |[A-Za-z_]\w* = )")
_METHOD = re.compile(r"(?<=\n\n)(?=    (?:@|def |async def ))")
_CLASS = "class _:\n"


class NotPythonError(DocumentProblem):
    """A rendered source does not parse."""


@attrs.frozen
class _Unit:
    """A statement of a module, or a method of a class; ``blank`` lines follow it."""

    text: str
    method: bool
    blank: int

    @property
    def source(self) -> str:
        """The unit as a separate module."""
        return _CLASS + self.text if self.method else self.text


def formatted(name: str, rendered: str, neutral: str) -> str:
    """Return a rendered source, formatted by black.

    Args:
        name: The file, for messages.
        rendered: The output of the templates.
        neutral: The same with neutral texts, for the gate.

    Raises:
        NotPythonError: It does not parse.
        DocumentProblem: A text of a document has changed the program.
    """
    units, plain = list(_units(rendered)), list(_units(neutral))
    if len(units) == len(plain):
        keys = [
            key_of(_code(), str(u.method), u.source, p.source)
            for u, p in zip(units, plain, strict=True)
        ]
        found = read_results(keys)
        made: dict[bytes, str] = {}
        try:
            for key, unit, other in zip(keys, units, plain, strict=True):
                if key not in found and key not in made:
                    made[key] = _unit(name, unit, other)
        except DocumentProblem:
            pass  # the result of the complete source counts
        else:
            write_results(made)
            known = found | made
            return _joined(units, [known[key] for key in keys])
    final = _black(name, rendered)
    check_gate(name, rendered, neutral, final)
    return final


def _units(source: str) -> Iterator[_Unit]:
    for statement in _STATEMENT.split(source):
        methods = _METHOD.split(statement) if statement.startswith(("class ", "@")) else [statement]
        for number, text in enumerate(methods):
            body = text.rstrip("\n")
            inside = number < len(methods) - 1
            blank = min(len(text) - len(body) - 1, 1 if inside else 2)
            yield _Unit(body + "\n", number > 0, blank)


def _unit(name: str, unit: _Unit, neutral: _Unit) -> str:
    final = _black(name, unit.source)
    check_gate(name, unit.source, neutral.source, final)
    if not unit.method:
        return final
    if not final.startswith(_CLASS):
        raise NotPythonError(f"{name}: a method is not in its class")
    return final.removeprefix(_CLASS).lstrip("\n")


def _joined(units: list[_Unit], texts: list[str]) -> str:
    parts = [text + "\n" * unit.blank for unit, text in zip(units, texts, strict=True)]
    return "".join(parts).rstrip("\n") + "\n"


@cache
def _code() -> str:
    """Return a digest of all that decides how a unit is formatted and whether it passes."""
    tools = f"{version('black')} {sys.version} {LINE_LENGTH}"
    return code_digest(gate, sys.modules[__name__], also=tools)


def _black(name: str, source: str) -> str:
    from black import format_str  # noqa: PLC0415 - slow to load, and seldom needed
    from black.mode import Mode, TargetVersion  # noqa: PLC0415
    from black.parsing import InvalidInput  # noqa: PLC0415

    mode = Mode(target_versions={TargetVersion.PY311}, line_length=LINE_LENGTH)
    try:
        return format_str(source, mode=mode)
    except InvalidInput as error:
        raise NotPythonError(f"{name} would not be Python: {error}") from error
