"""The offline steps from configuration to files, for every command."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import attrs

from tciagen import publish
from tciagen.config import Api, required
from tciagen.contract.json import from_json
from tciagen.contract.model import Contract
from tciagen.contract.overlay import Overlay, overlay_lines, read_overlay
from tciagen.contract.resolve import Resolution, resolve
from tciagen.documents.canonical import canonical, unix_lines
from tciagen.documents.folder import document_path, read_folder
from tciagen.documents.parsing import JsonObject
from tciagen.documents.schema import load_validator
from tciagen.documents.validation import require_valid
from tciagen.errors import DocumentProblem
from tciagen.python.class_names import class_of, name_classes, title_of
from tciagen.python.notices import member_notices
from tciagen.render import CONTRACT, Files, exported_names, render, templates_digest


@attrs.frozen
class Plan:
    """A whole distribution, ready to be published or compared."""

    contract: Contract
    notices: tuple[str, ...]
    files: Files
    inputs: dict[str, str]


def load_documents(api: Api) -> dict[str, JsonObject]:
    """Return the committed documents of an API, all of them valid.

    Raises:
        UsageProblem: no documents folder is configured.
        DocumentProblem: unreadable or invalid documents, or an endpoint without one.
    """
    folder = required(api.documents, "documents")
    found = read_folder(folder)
    require_valid(found, load_validator(api.schema), folder)
    missing = [a for a in api.addresses if a not in found]
    if missing:
        raise DocumentProblem(
            f"{folder} has no document for {', '.join(missing)}; run `tciagen crawl`."
        )
    extra = sorted(set(found) - set(api.addresses)) if api.addresses else []
    if extra:
        raise DocumentProblem(
            f"{folder} has documents for {', '.join(extra)}, which the configuration does not"
            " list; add them to `resources` or delete the files."
        )
    return found


def load_overlay(api: Api) -> Overlay:
    """Return the API's overlay, or an empty one if no overlay is configured."""
    return read_overlay(api.overlay) if api.overlay else Overlay()


def load_changelog(api: Api) -> bytes:
    """Return the package's changelog, empty if it does not exist yet."""
    path = api.changelog_file()
    return path.read_bytes() if path.is_file() else b""


def published_contract(api: Api) -> Contract | None:
    """Return the contract of the package in the output folder, or None if it cannot be read.

    Users import its class names, so a new generation retains them.
    """
    if api.output is None or api.package is None:
        return None
    own = api.output / "src" / api.package / CONTRACT
    # A renamed package is in another folder until the next generation.
    others = sorted(p for p in api.output.glob(f"src/*/{CONTRACT}") if p != own)
    for path in (own, *others):
        try:
            return from_json(path.read_bytes(), str(path))
        except (OSError, DocumentProblem):
            continue
    return None


def load_contract(api: Api, found: Mapping[str, JsonObject]) -> Resolution:
    """Return the contract of documents, with the class names of the published package.

    Raises:
        DocumentProblem: the overlay does not fit, or class names collide.
    """
    resolution = resolve(found, load_overlay(api), roles=api.roles)
    naming = name_classes(resolution.contract, published_contract(api), exported_names())
    if naming.problems:
        raise DocumentProblem("\n".join(naming.problems))
    chosen = (
        f"{e.address}: another class is called {title_of(e.result)}, so this one becomes"
        f" {class_of(e)}; the published package keeps that name. To choose another one, add to"
        f" the overlay:\n{overlay_lines(e.address, 'class', class_of(e))}"
        for e in naming.prefixed
    )
    members = member_notices(naming.contract)
    return Resolution(naming.contract, (*resolution.notices, *members, *chosen))


def make_plan(api: Api, templates: Path | None = None) -> Plan:
    """Return the distribution that `generate` publishes.

    Raises:
        UsageProblem: the configuration does not suffice.
        DocumentProblem: documents or overlay cannot be used.
    """
    return plan_of(api, load_documents(api), load_changelog(api), templates)


def plan_of(
    api: Api,
    found: Mapping[str, JsonObject],
    changelog: bytes,
    templates: Path | None = None,
) -> Plan:
    """Return what would be published of these documents; see :func:`make_plan`."""
    target = api.target()
    resolution = load_contract(api, found)
    changelog = unix_lines(changelog)
    overlay = api.overlay.read_bytes() if api.overlay else b""
    inputs = {
        "changelog": _sha256(changelog),
        "configuration": _sha256(repr((target, api.roles)).encode()),
        "documents": _sha256(b"".join(a.encode() + canonical(d) for a, d in found.items())),
        "overlay": _sha256(unix_lines(overlay)),
        "templates": templates_digest(templates),
    }
    files = render(resolution.contract, target, templates, changelog=changelog)
    files = publish.with_manifest(files, inputs)
    return Plan(resolution.contract, resolution.notices, files, inputs)


def changed_layers(plan: Plan, folder: Path) -> list[str]:
    """Return the inputs that have changed since a folder was published."""
    before = publish.read_manifest(folder)["inputs"]
    return [layer for layer, value in plan.inputs.items() if before.get(layer) != value]


def not_canonical(api: Api) -> list[Path]:
    """Return the documents whose files are not in canonical form."""
    folder = required(api.documents, "documents")
    paths = (
        (document_path(folder, address), document)
        for address, document in read_folder(folder).items()
    )
    return [path for path, doc in paths if unix_lines(path.read_bytes()) != canonical(doc)]


def _sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
