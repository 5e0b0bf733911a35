"""What a generated docstring says, part by part."""

import re
from inspect import cleandoc

import attrs

from ..display import visible

_SECTION = re.compile(r"\n\n(?:Args|Returns|Raises):\n")
_ARGUMENT = re.compile(r"^    (\w+):(.*\n?(?:        .+\n?)*)", re.MULTILINE)


@attrs.frozen
class Description:
    """A method in words: a sentence, what else there is to say, and its arguments."""

    summary: str
    details: str
    arguments: dict[str, str]


def describe(docstring: str | None) -> Description:
    """Take a docstring of a generated method apart; each part is one printable line."""
    head, *sections = _SECTION.split(cleandoc(docstring or ""))
    summary, *details = [_line(paragraph) for paragraph in head.split("\n\n")]
    arguments = _ARGUMENT.findall(sections[0]) if sections else []
    return Description(
        summary,
        " ".join(details).strip().replace("``", ""),
        {name: _line(text) for name, text in arguments},
    )


def _line(text: str) -> str:
    return visible(" ".join(text.split()))
