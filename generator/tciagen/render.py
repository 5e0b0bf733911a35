"""Contract and templates to the files of a distribution. Pure: same input, same bytes.

A file of the templates folder that ends in ``.jinja`` is rendered, every other one
is copied byte for byte; ``package/`` becomes ``src/<package>/``.
"""

import ast
import hashlib
import keyword
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cache, lru_cache
from pathlib import Path, PurePosixPath

import attrs
import jinja2

from tciagen import __version__
from tciagen.client_runtime import templates_folder
from tciagen.contract.json import digest, to_json
from tciagen.contract.model import Contract
from tciagen.documents.address import check_base_url
from tciagen.errors import DocumentProblem, UsageProblem
from tciagen.formatting import formatted
from tciagen.python.class_names import name_classes
from tciagen.python.text import ServerText, comment, docstring, literal, markdown
from tciagen.python.view import build_view

Files = Mapping[PurePosixPath, bytes]
"""The content of each file of a distribution, by its path in it."""

CONTRACT = "contract.json"
"""The file in the package that holds the contract it was generated from."""

_ATTRIBUTES = b"* text eol=lf linguist-generated\n"
"""Of the folder in git: a checkout keeps the line ends, and a diff view folds the files."""

_NEUTRAL = ServerText("neutral")
_PACKAGE = re.compile(r"[a-z][a-z0-9_]*")
_DISTRIBUTION = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_NEEDED = "attr attrs click httpx isal msgspec platformdirs pyarrow pytest rich urllib3"
_IMPORTED = sys.stdlib_module_names | set(_NEEDED.split())


def _checked(
    pattern: re.Pattern[str], example: str
) -> Callable[[object, "attrs.Attribute[str]", str], None]:
    def check(_: object, field: "attrs.Attribute[str]", value: str) -> None:
        fits = pattern.fullmatch(value) and value.isprintable() and not keyword.iskeyword(value)
        if not fits:
            raise UsageProblem(f"{field.name} = {value!r} is not a valid name such as {example}.")

    return check


def _not_imported(_: object, field: "attrs.Attribute[str]", value: str) -> None:
    if value in _IMPORTED:
        raise UsageProblem(
            f"{field.name} = {value!r} is the name of a module that Python or the client needs;"
            f" choose another, such as '{value}_client'."
        )


@attrs.frozen(kw_only=True)
class Target:
    """The names of the distribution, and the default server of its client.

    Raises:
        UsageProblem: A name that packaging does not allow, or an invalid version.
    """

    package: str = attrs.field(validator=[_checked(_PACKAGE, "'fleet_client'"), _not_imported])
    distribution: str = attrs.field(validator=_checked(_DISTRIBUTION, "'fleet-client'"))
    version: str = attrs.field(
        default="0.1.0", validator=_checked(re.compile(r"\d+\.\d+\.\d+", re.ASCII), "'1.0.0'")
    )
    environment: str = attrs.field(validator=_checked(re.compile(r"[A-Z][A-Z0-9_]*"), "'FLEET'"))
    command: str = attrs.field(validator=_checked(re.compile(r"[a-z][a-z0-9_-]*"), "'fleet'"))
    title: str = attrs.field(
        validator=_checked(re.compile(r"[^\"\\\\`<>\[\]\x00-\x1f\x7f]+"), "'Harbour fleet'")
    )
    base_url: str = attrs.field(validator=lambda _, __, value: check_base_url(value))


def template_files(folder: Path) -> Iterator[tuple[PurePosixPath, bytes]]:
    """Yield the files below a templates folder with their content, sorted, caches left out.

    Raises:
        UsageProblem: The folder does not exist.
    """
    if not folder.is_dir():
        raise UsageProblem(f"There is no templates folder {folder}.")
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        hidden = any(part.startswith(".") or part == "__pycache__" for part in relative.parts)
        if path.is_file() and not hidden and path.suffix != ".pyc":
            yield PurePosixPath(relative.as_posix()), path.read_bytes()


def public_names(folder: Path) -> dict[str, tuple[str, ...]]:
    """Return the runtime's public names by module, as its ``PUBLIC`` table lists them."""
    source = (folder / "package" / "_runtime" / "__init__.py").read_text(encoding="utf-8")
    for node in ast.parse(source).body:
        match node:
            case ast.AnnAssign(target=ast.Name(id="PUBLIC"), value=ast.expr() as value):
                table: dict[str, tuple[str, ...]] = ast.literal_eval(value)
                return table
    raise UsageProblem(f"The templates in {folder} have no table PUBLIC of the runtime's names.")


def exported_names(folder: Path | None = None) -> frozenset[str]:
    """Return the names that a package exports at its top, by the templates in a folder."""
    public = public_names(folder or templates_folder())
    return frozenset({"Client", "AsyncClient", *(n for names in public.values() for n in names)})


def render(
    contract: Contract, target: Target, templates: Path | None = None, *, changelog: bytes = b""
) -> Files:
    """Return every file of the distribution; with a changelog, also CHANGELOG.md.

    Record classes that have no name yet are named as for a first generation.

    Raises:
        DocumentProblem: Names collide, or a text would become code.
        UsageProblem: The templates do not exist or are invalid.
    """
    if not contract.endpoints:
        raise UsageProblem("The contract has no endpoint; list them in `resources` and crawl.")
    folder = templates or templates_folder()
    public = public_names(folder)
    exported = exported_names(folder)
    contract = name_classes(contract, exported=exported).contract
    context = {
        "api": build_view(contract, exported),
        "target": target,
        "public": {m: sorted(n, key=_conventional) for m, n in sorted(public.items())},
        "exported": sorted({*exported, "__version__", "models"}, key=_conventional),
        "digest": digest(contract),
        "generator": __version__,
    }
    package = PurePosixPath("src", target.package)
    rendered: dict[PurePosixPath, bytes] = {
        PurePosixPath(".gitattributes"): _ATTRIBUTES,
        package / CONTRACT: to_json(contract),
    }
    if changelog:
        rendered[PurePosixPath("CHANGELOG.md")] = changelog
    for path, body in template_files(folder):
        target_path = package.joinpath(*path.parts[1:]) if path.parts[0] == "package" else path
        if path.suffix == ".jinja":
            target_path = target_path.with_suffix("")
            rendered[target_path] = _rendered(str(target_path), body.decode("utf-8"), context)
        else:
            rendered[target_path] = body
    return dict(sorted(rendered.items()))


def templates_digest(templates: Path | None = None) -> str:
    """Return the SHA-256 of the names and contents of all template files."""
    total = hashlib.sha256()
    for path, body in template_files(templates or templates_folder()):
        total.update(f"{path} {len(body)}\n".encode() + body)
    return total.hexdigest()


def _conventional(name: str) -> tuple[int, str]:
    """Sort as isort does: constants, classes, then the rest."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2), name


def _rendered(name: str, template: str, context: Mapping[str, object]) -> bytes:
    try:
        text = _template(template, neutral=False).render(context)
        if not name.endswith(".py"):
            return text.encode("utf-8")
        neutral = _template(template, neutral=True).render(context)
    except jinja2.TemplateError as error:
        line = f", line {error.lineno}" if isinstance(error, jinja2.TemplateSyntaxError) else ""
        raise UsageProblem(f"The template of {name}{line}: {error}") from error
    except TypeError as error:
        raise DocumentProblem(f"The template of {name}: {error}") from error
    return formatted(name, text, neutral).encode("utf-8")


@lru_cache(maxsize=64)
def _template(source: str, *, neutral: bool) -> jinja2.Template:
    return _environment(neutral=neutral).from_string(source)


@cache
def _environment(*, neutral: bool) -> jinja2.Environment:
    environment = jinja2.Environment(
        autoescape=False,  # noqa: S701 - no HTML; texts leave by the filters, the gate proves it
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    for filter_ in (literal, docstring, comment, markdown):
        environment.filters[filter_.__name__] = _neutralised(filter_) if neutral else filter_
    return environment


def _neutralised(filter_: Callable[..., str]) -> Callable[..., str]:
    def neutral_filter(text: str | ServerText, *arguments: int) -> str:
        return filter_(_NEUTRAL if isinstance(text, ServerText) else text, *arguments)

    return neutral_filter
