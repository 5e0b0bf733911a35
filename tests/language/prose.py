"""Find words of prose that plain technical English does not use here.

    python tests/language/prose.py [PATH ...]

Reads Markdown without its code blocks, the docstrings, comments, other string literals and names of
definitions of Python files, and all lines of templates, the Makefile, TOML and YAML. Prints one
line per finding and exits with status 1 if there are any.
"""

import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
DEFAULT = (
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "Makefile",
    "pyproject.toml",
    ".github",
    "docs",
    "generator",
    "templates",
    "tests",
)
SKIPPED = ("tests/data", "tests/language", "tests/hostile/corpus", "generator/contracts")

TERMS = {
    r"answer(s|ed|ing)?|what comes back": "response, row, return",
    r"told|tells?|telling": "report, log, raise, print",
    r"says?|said|saying": "state, declare, document, print",
    r"ask(s|ed|ing)?": "request, send, query",
    r"anew": "again",
    r"misfits?": "invalid value, type mismatch",
    r"mend(s|ed|ing)?": "fix",
    r"(goes|gone|go|going) on": "resume, continue",
    r"(?<![./_])kept(?![:_])": "cached, retained, existing",
    r"pieces?": "chunk, part",
    r"stands?(?! for)": "is, occurs",
    r"without a match": "no results",
    r"whoever": "the caller, the user",
    r"out of reach": "unreachable",
    r"under way": "in progress",
    r"what (came|comes)": "received bytes, response",
    r"who (waits|asks|calls|wants)": "the client, the caller",
    r"hand[- ]edit(s|ed)?|edited by hand": "manual edit",
    r"(?-i:is none|are none)": "no results, there is no",
    r"of (its|their|our|your) own": "separate, per-…",
    r"unless told( otherwise)?": "default",
    r"tried again|try again|trying again": "retry",
    r"rooms?": "module, package, layer",
    r"foreign": "untracked, unknown, third-party",
    r"silence to bear|bears? silence": "timeout",
}
"""Each pattern of a word that is left out, and the words to use."""

_PATTERN = re.compile(
    "|".join(rf"(?P<t{i}>(?<![A-Za-z])(?:{term})(?![A-Za-z]))" for i, term in enumerate(TERMS)),
    re.IGNORECASE,
)
_WORDS = list(TERMS.values())
_PROTOCOL = {"tell"}
"""Names that the protocol of files prescribes."""
Line = tuple[int, str]


def python_lines(text: str) -> Iterator[Line]:
    """Yield the comments, the string literals and the names of definitions."""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in (tokenize.COMMENT, tokenize.STRING):
            for offset, line in enumerate(token.string.splitlines()):
                yield token.start[0] + offset, line
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        if node.name not in _PROTOCOL:
            yield node.lineno, re.sub(r"(?<=[a-z])(?=[A-Z])", " ", node.name).replace("_", " ")


def markdown_lines(text: str) -> Iterator[Line]:
    """Yield the lines outside code blocks, without inline code."""
    fenced = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif not fenced:
            yield number, re.sub(r"`[^`]*`", "", line)


READERS = {".py": python_lines, ".md": markdown_lines}
SUFFIXES = (*READERS, ".jinja", ".toml", ".yml", ".yaml")


def findings(path: Path) -> Iterator[str]:
    """Yield one line for each left-out word of a file."""
    text = path.read_text(encoding="utf-8")
    if path.suffix in READERS:
        lines = READERS[path.suffix](text)
    else:
        lines = enumerate(text.splitlines(), 1)
    for number, line in lines:
        for match in _PATTERN.finditer(line):
            index = int((match.lastgroup or "t0")[1:])
            name = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
            yield f"{name}:{number}: {match[0]!r}: use {_WORDS[index]}"


def files(paths: list[str]) -> Iterator[Path]:
    """Yield the files to read at or below the paths."""
    for path in map(ROOT.joinpath, paths):
        found = [path] if path.is_file() else sorted(path.rglob("*"))
        for file in found:
            skipped = file.relative_to(ROOT).as_posix().startswith(SKIPPED)
            if not skipped and (file == path or file.suffix in SUFFIXES):
                yield file


def main() -> int:
    """Print the findings; return the exit status."""
    count = 0
    for file in files(sys.argv[1:] or list(DEFAULT)):
        for line in findings(file):
            print(line)
            count += 1
    return int(count > 0)


if __name__ == "__main__":
    sys.exit(main())
