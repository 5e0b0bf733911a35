"""Sources of a contract: a folder, a git revision, a server, or an installed package."""

import importlib.util
from collections.abc import Callable, Iterable
from pathlib import Path

import attrs
from jsonschema import Draft202012Validator

from tciagen.contract.json import from_json, to_json
from tciagen.contract.model import Contract
from tciagen.contract.overlay import Overlay, read_overlay
from tciagen.contract.resolve import resolve
from tciagen.contract.roles import Roles
from tciagen.crawl import Failure, crawl
from tciagen.documents.folder import read_folder
from tciagen.documents.parsing import JsonObject
from tciagen.documents.validation import require_valid
from tciagen.drift.compare.contracts import compare
from tciagen.drift.revisions import OVERLAY, GitProblem, Repository
from tciagen.drift.verdict import Verdict, compare_documents
from tciagen.errors import DocumentProblem, ServerProblem, UsageProblem
from tciagen.python.class_names import name_classes
from tciagen.render import CONTRACT, exported_names


@attrs.frozen(kw_only=True)
class Side:
    """One side of a comparison: its documents, or a contract that came without them.

    ``folder`` is the folder of the documents, if they are in one. ``published`` is the
    contract of the package that is generated from these documents: it has the class names
    that users know.
    """

    name: str
    documents: dict[str, JsonObject] = attrs.field(factory=dict)
    contract: Contract | None = None
    failures: tuple[Failure, ...] = ()
    overlay: Overlay | None = None
    roles: Roles = attrs.field(factory=dict)
    folder: Path | None = None
    published: Contract | None = None

    def addresses(self) -> set[str]:
        """Return the addresses of the endpoints that are known here."""
        if self.contract is not None:
            return set(self.contract.by_address())
        return set(self.documents)


@attrs.frozen(kw_only=True)
class Defaults:
    """The configuration of an API, for everything that an argument leaves open.

    ``folder`` is the folder of the configuration: revisions are those of its repository.
    """

    folder: Path | None = None
    documents: Path | None = None
    overlay: Path | None = None
    roles: Roles = attrs.field(factory=dict)
    addresses: tuple[str, ...] = ()
    validator: Draft202012Validator | None = None
    published: Contract | None = None
    api_key: Callable[[str], str | None] = lambda _url: None
    """Returns the key for a server."""


def load_sides(old: str, new: str, defaults: Defaults) -> tuple[Side, Side]:
    """Return both sides of a comparison.

    Each is a folder of documents, a git revision (``REV`` or ``REV:path``), a BaseURL,
    or a generated package (its import name or its folder). A server is crawled for the
    endpoints of the configuration and the other side, and read with the other side's overlay.

    Raises:
        UsageProblem: A side has none of these forms.
        DocumentProblem: a document, overlay or contract file cannot be read.
    """
    loaded = [None if is_url(source) else _load(source, defaults) for source in (old, new)]
    known = set(defaults.addresses).union(*(side.addresses() for side in loaded if side))
    if not known:
        raise UsageProblem(
            "A server does not list its endpoints: compare with documents, or list the"
            " endpoints in the configuration."
        )
    overlay = next((s.overlay for s in loaded if s and s.overlay), None)
    if overlay is None and not any(loaded) and defaults.overlay:
        overlay = read_overlay(defaults.overlay)
    sides = [
        side or _server(source, known, overlay, defaults)
        for side, source in zip(loaded, (old, new), strict=True)
    ]
    old_side, new_side = (attrs.evolve(side, roles=defaults.roles) for side in sides)
    return old_side, new_side


def compare_sides(old: Side, new: Side, validator: Draft202012Validator | None = None) -> Verdict:
    """Return the changes from one side to the other, and the faults of the new one.

    Raises:
        DocumentProblem: The old side is invalid; all its faults are reported.
        ServerProblem: The old side is a server that is unreachable.
    """
    if old.failures:
        lines = "\n".join(f"{failure.address}: {failure.reason}" for failure in old.failures)
        unreachable = any(f.rule == "endpoint-unreachable" for f in old.failures)
        raise (ServerProblem if unreachable else DocumentProblem)(lines)
    before = old.contract
    if before is None:
        require_valid(old.documents, validator, old.folder)
        before = resolve(old.documents, old.overlay, roles=old.roles, stale=True).contract
        published = old.published or new.published
        before = name_classes(before, published, exported_names()).contract
    if new.contract is None:
        overlay, failures = new.overlay, new.failures
        verdict = compare_documents(
            before,
            new.documents,
            failures,
            overlay=overlay,
            roles=new.roles,
            validator=validator,
        )
    else:
        verdict = Verdict(compare(before, new.contract), (), new.contract)
    if old.contract is None and new.contract is None:
        return verdict
    # A package has no provenance, so that of the other side is dropped, too.
    changes = compare(_without_provenance(before), _without_provenance(verdict.contract))
    return attrs.evolve(verdict, changes=changes)


def _without_provenance(contract: Contract) -> Contract:
    return from_json(to_json(contract), CONTRACT)


def is_url(source: str) -> bool:
    """Return whether a side of a comparison is a server."""
    return source.startswith(("http://", "https://"))


def _load(source: str, defaults: Defaults) -> Side:
    path = Path(source)
    if path.is_dir():
        return _package(source, path) if (path / CONTRACT).is_file() else _folder(path, defaults)
    try:
        return _revision(source, defaults)
    except GitProblem as problem:
        reason = problem
    if all(part.isidentifier() for part in source.split(".")):
        try:
            spec = importlib.util.find_spec(source)
        except (ImportError, ValueError):
            spec = None
        for location in (spec.submodule_search_locations or ()) if spec else ():
            if (Path(location) / CONTRACT).is_file():
                return _package(source, Path(location))
    raise UsageProblem(
        f"{source!r} is not a folder of documents, git revision (REV or REV:path), BaseURL"
        f" (http:// or https://), or generated package that is installed. {reason}"
    )


def _package(name: str, folder: Path) -> Side:
    file = folder / CONTRACT
    try:
        return Side(name=name, contract=from_json(file.read_bytes(), str(file)))
    except OSError as error:
        raise DocumentProblem(f"{file} cannot be read: {error.strerror}") from error


def _folder(folder: Path, defaults: Defaults) -> Side:
    same = defaults.documents is not None and folder.resolve() == defaults.documents.resolve()
    overlay = defaults.overlay if same else folder.parent / OVERLAY
    return Side(
        name=str(folder),
        documents=read_folder(folder),
        overlay=read_overlay(overlay) if overlay and overlay.is_file() else None,
        folder=folder,
        published=defaults.published if same else None,
    )


def _server(url: str, known: Iterable[str], overlay: Overlay | None, defaults: Defaults) -> Side:
    found = crawl(url, known, defaults.validator, api_key=defaults.api_key(url))
    return Side(name=url, documents=dict(found.documents), failures=found.failures, overlay=overlay)


def _revision(name: str, defaults: Defaults) -> Side:
    repository = Repository(defaults.folder or Path.cwd())
    found = repository.read(name, defaults.documents)
    ours = defaults.documents is not None and (
        defaults.documents.resolve() == (found.top / found.folder).resolve()
    )
    return Side(
        name=name,
        documents=dict(found.documents),
        overlay=found.overlay,
        published=defaults.published if ours else None,
    )
