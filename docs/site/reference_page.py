"""Make the reference page of a generated package from its public names and their docstrings."""

import inspect
import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from types import ModuleType
from typing import Any, Unpack, get_args, get_origin

import black
import griffe

_ROLE = re.compile(r":(?:class|func|meth|mod|attr|data):`(~?)([^`]*)`")
_MODULE = re.compile(r"\b(?!httpx|datetime)(?:[a-z_]\w*\.)+(?=~?[A-Z])")
_STARS: dict[Any, str] = {
    inspect.Parameter.VAR_POSITIONAL: "*",
    inspect.Parameter.VAR_KEYWORD: "**",
}
_MODE = black.Mode(line_length=88)
_TITLES = {
    "Clients": "A client has one method for each endpoint, see [Endpoints](endpoints/index.md).",
    "Settings, rows and downloads": "What calls take and return.",
    "Functions": "",
    "Errors": "Every error of a call is an `ApiError`. [Errors](errors.md) explains them.",
    "Warnings": "",
}


def reference_page(package: ModuleType, testing: ModuleType, endpoints: Iterable[str]) -> str:
    """Return a Markdown page of the public names of a generated package.

    Args:
        package: The package.
        testing: Its module of helpers for tests, whose functions are public.
        endpoints: Methods that have pages and are left out.
    """
    objects = {name: getattr(package, name) for name in package.__all__}
    del objects["__version__"], objects["models"]
    objects |= {
        f"testing.{name}": function
        for name, function in inspect.getmembers(testing, inspect.isfunction)
        if function.__module__ == testing.__name__
    }
    sections: dict[str, list[str]] = {title: [] for title in _TITLES}
    for name, value in sorted(objects.items(), key=lambda item: item[0].lower()):
        sections[_section(name, value)].append(name)
    sections["Clients"].sort(key=lambda name: name != "Client")
    lines = [
        f"# Python API\n\nThe public names of `{package.__name__}`. A client that is generated for"
        " another API has the same names, apart from its endpoints and records.\n"
    ]
    for title, names in sections.items():
        lines += [f"## {title}\n", *([f"{_TITLES[title]}\n"] if _TITLES[title] else [])]
        if title == "Errors":
            lines += ["```text", *_tree([objects[n] for n in names]), "```\n"]
        for name in names:
            lines += [f"### {name}\n", *_entry(name, objects[name], set(endpoints))]
    return "\n".join(lines)


def _section(name: str, value: Any) -> str:
    if not isinstance(value, type):
        return "Functions" if inspect.isfunction(value) else "Settings, rows and downloads"
    if issubclass(value, Exception):
        return "Warnings" if issubclass(value, Warning) else "Errors"
    return "Clients" if name.endswith("Client") else "Settings, rows and downloads"


def _tree(errors: list[type]) -> Iterator[str]:
    """Yield the lines of the tree of classes."""
    known = set(errors)

    def children(parent: type | None) -> list[type]:
        return [e for e in errors if next((b for b in e.__mro__[1:] if b in known), None) is parent]

    def lines(parent: type | None, indent: str) -> Iterator[str]:
        below = children(parent)
        for error in below:
            last = error is below[-1]
            branch = "" if parent is None else ("└── " if last else "├── ")
            yield f"{indent}{branch}{error.__name__}"
            deeper = "" if parent is None else ("    " if last else "│   ")
            yield from lines(error, indent + deeper)

    return lines(None, "")


def _entry(name: str, value: Any, skipped: set[str]) -> Iterator[str]:
    if signature := _signature(name.rpartition(".")[2], value):
        yield f"```python\n{signature}```\n"
    if isinstance(value, type) and issubclass(value, Exception):
        yield f"Base class: `{value.__mro__[1].__name__}`\n"
    yield from _docstring(value)
    if not isinstance(value, type) or issubclass(value, Exception | dict):
        return
    for method, function in sorted(_methods(value).items()):
        if method not in skipped:
            yield f"#### {name}.{method}\n"
            if not isinstance(function, property | cached_property):
                yield f"```python\n{_signature(method, function)}```\n"
            yield from _docstring(function)


def _methods(value: type) -> dict[str, Any]:
    """Return the public methods and properties of a class and of its bases in the package."""
    package = value.__module__.partition(".")[0]
    members: dict[str, Any] = {}
    for base in reversed(value.__mro__):
        if base.__module__.partition(".")[0] == package:
            members |= {
                name: member
                for name, member in vars(base).items()
                if not name.startswith("_")
                and (
                    inspect.isfunction(member)
                    or isinstance(member, property | cached_property | classmethod)
                )
                and inspect.getdoc(member)
            }
    return members


def _signature(name: str, value: Any) -> str:
    function = value.__func__ if isinstance(value, classmethod) else value
    if isinstance(value, type) and issubclass(value, Exception | dict):
        return ""
    try:
        signature = inspect.signature(function)
    except ValueError:
        return ""
    parameters = [p for p in signature.parameters.values() if p.name not in ("self", "cls")]
    returns = "" if isinstance(value, type) else _annotation(signature.return_annotation, " -> ")
    keyword = "async def" if inspect.iscoroutinefunction(function) else "def"
    source = f"{keyword} {name}({', '.join(_parameters(parameters))}){returns}: ..."
    source = black.format_str(source, mode=_MODE)
    source = re.sub(r":\s*\.\.\.\n$", "\n", source)
    return source.removeprefix("def ") if isinstance(value, type) else source


def _parameters(parameters: list[inspect.Parameter]) -> Iterator[str]:
    keywords = False
    for parameter in parameters:
        if parameter.kind is parameter.KEYWORD_ONLY and not keywords:
            keywords = True
            yield "*"
        stars = _STARS.get(parameter.kind, "")
        keywords = keywords or bool(stars)
        annotation = _annotation(parameter.annotation, ": ")
        yield f"{stars}{parameter.name}{annotation}{_default(parameter)}"


def _default(parameter: inspect.Parameter) -> str:
    if parameter.default is parameter.empty:
        return ""
    plain = parameter.default is None or isinstance(parameter.default, str | int | float | tuple)
    return f" = {parameter.default!r}" if plain else " = ..."


def _annotation(annotation: Any, before: str) -> str:
    return "" if annotation is inspect.Signature.empty else f"{before}{_type(annotation)}"


def _type(annotation: Any) -> str:
    if get_origin(annotation) is Unpack:
        return f"Unpack[{_type(get_args(annotation)[0])}]"
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    return _MODULE.sub("", text).replace("~", "").replace("NoneType", "None").strip("'")


def _docstring(value: Any) -> Iterator[str]:
    texts = [inspect.getdoc(value) or ""]
    if isinstance(value, type) and "Args:" not in texts[0]:
        docs = (vars(base).get("__doc__") or "" for base in value.__mro__[1:])
        texts += [text for text in docs if "\n    Args:" in text]
    for text in dict.fromkeys(map(inspect.cleandoc, texts)):
        for part in griffe.Docstring(text).parse("google", warnings=False):
            yield from _part(part)


def _part(part: griffe.DocstringSection) -> Iterator[str]:
    if isinstance(part, griffe.DocstringSectionText):
        yield f"{_plain(part.value)}\n"
    elif isinstance(part, griffe.DocstringSectionExamples):
        yield from (f"```python\n{text}\n```\n" for _, text in part.value)
    elif isinstance(part.value, list):
        yield f"**{part.kind.value.capitalize()}**\n"
        for item in part.value:
            name = getattr(item, "name", "") or _type(item.annotation or "")
            label = f"`{name}`: " if name else ""
            yield f"- {label}{' '.join(_plain(item.description).split())}"
        yield ""


def _plain(text: str) -> str:
    """Return the text of a docstring as Markdown."""
    text = _ROLE.sub(_role, text)
    text = text.replace("``", "`")
    return re.sub(r"::\n\n((?:    .*\n?|\n)+)", _code, text)


def _role(match: re.Match[str]) -> str:
    short, name = match.groups()
    short = short or "._" in name
    return f"`{name.rpartition('.')[2] if short else name.lstrip('.')}`"


def _code(match: re.Match[str]) -> str:
    return f":\n\n```python\n{inspect.cleandoc(match[1])}\n```\n"
