"""Publication of a distribution's files, and comparison of a folder with them.

The manifest beside the generated files (``.tciagen.json``) has the SHA-256 of each file and of
each input. It distinguishes a manual edit (EDITED) from a file whose inputs have changed
(STALE). Only a file that was generated is deleted.
"""

import difflib
import hashlib
import json
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path, PurePosixPath

import attrs

from tciagen.display import listed, plural
from tciagen.documents.canonical import unix_lines
from tciagen.errors import UsageProblem
from tciagen.files import replace_file
from tciagen.render import Files

MANIFEST = PurePosixPath(".tciagen.json")
_IGNORED = {"__pycache__", "dist", "build", ".venv"}
_DIFF_LINES = 60


class Kind(StrEnum):
    """The difference between a file and its generated content."""

    MISSING = "MISSING"
    EXTRA = "EXTRA"
    STALE = "STALE"
    EDITED = "EDITED"
    LINE_ENDS = "LINE-ENDS"


@attrs.frozen
class Difference:
    """One file that differs from what would be published, with a unified diff."""

    kind: Kind
    path: PurePosixPath
    diff: str = ""


@attrs.frozen
class Published:
    """The result of a publication: the files by what happened to them."""

    written: tuple[PurePosixPath, ...]
    unchanged: int
    deleted: tuple[PurePosixPath, ...]


def with_manifest(files: Files, inputs: Mapping[str, str]) -> Files:
    """Return the files and the manifest that describes them.

    ``inputs`` maps the name of each layer (documents, overlay, templates, …) to its
    digest.
    """
    manifest = {
        "generated-by": "tciagen generate",
        "inputs": dict(inputs),
        "files": {str(path): _sha256(body) for path, body in files.items()},
    }
    body = json.dumps(manifest, indent=2, sort_keys=True).encode() + b"\n"
    return dict(sorted({**files, MANIFEST: body}.items()))


def read_manifest(folder: Path) -> dict[str, dict[str, str]]:
    """Return the manifest's ``files`` and ``inputs``; both empty if it cannot be read."""
    try:
        data = json.loads((folder / MANIFEST).read_bytes())
        return {
            part: {str(k): str(v) for k, v in data[part].items()} for part in ("files", "inputs")
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {"files": {}, "inputs": {}}


def compare(files: Files, folder: Path) -> list[Difference]:
    """Return every difference between ``files`` and a folder, in both directions."""
    known = read_manifest(folder)["files"]
    found: list[Difference] = []
    for path, wanted in files.items():
        target = folder / path
        if not target.is_file():
            found.append(Difference(Kind.MISSING, path))
            continue
        actual = target.read_bytes()
        if actual != wanted:
            found.append(_difference(path, actual, wanted, known.get(str(path))))
    found += [Difference(Kind.EXTRA, path) for path in present(folder) if path not in files]
    return sorted(found, key=lambda d: d.path)


def _difference(path: PurePosixPath, actual: bytes, wanted: bytes, known: str | None) -> Difference:
    text = unix_lines(actual)
    if text == wanted:
        return Difference(Kind.LINE_ENDS, path)
    generated = path == MANIFEST or known in (_sha256(actual), _sha256(text))
    return Difference(Kind.STALE if generated else Kind.EDITED, path, _diff(path, text, wanted))


def publish(files: Files, folder: Path, *, force: bool = False) -> Published:
    """Make a folder hold exactly ``files``; each is replaced atomically.

    Raises:
        UsageProblem: The folder has manual edits or untracked files, and ``force`` is not set;
            nothing was written.
    """
    differences = compare(files, folder)
    if not force:
        refuse_manual_edits(differences, folder)
    written = [d.path for d in differences if d.kind is not Kind.EXTRA]
    deleted = [d.path for d in differences if d.kind is Kind.EXTRA]
    # The manifest is last, so that the next run detects an interrupted one.
    for path in sorted(written, key=lambda p: p == MANIFEST):
        replace_file(folder / path, files[path])
    for path in deleted:
        (folder / path).unlink()
        _remove_empty(folder, (folder / path).parent)
    return Published(tuple(written), len(files) - len(written), tuple(deleted))


def refuse_manual_edits(differences: list[Difference], folder: Path) -> None:
    """Raise if a publication would overwrite manual edits.

    Raises:
        UsageProblem: Among the differences are manual edits or untracked files.
    """
    known = read_manifest(folder)["files"]
    edited = [str(d.path) for d in differences if d.kind is Kind.EDITED]
    untracked = [
        str(d.path) for d in differences if d.kind is Kind.EXTRA and str(d.path) not in known
    ]
    if edited:
        raise UsageProblem(
            f"In {folder} {_listed(edited)} edited manually; move the change into the templates"
            " or the overlay, or pass --force to overwrite."
        )
    if untracked:
        raise UsageProblem(
            f"In {folder} {_listed(untracked)} not generated; move it elsewhere, or pass --force"
            " to delete it."
        )


def _listed(names: list[str]) -> str:
    return f"{listed(names)} {plural(len(names), 'was', 'were')}"


def present(folder: Path) -> Iterator[PurePosixPath]:
    """Yield the files of a folder, sorted, without caches and build artifacts."""
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        relative = path.relative_to(folder)
        cache = any(
            part in _IGNORED or part.endswith((".egg-info", "_cache")) for part in relative.parts
        )
        if path.is_file() and not cache:
            yield PurePosixPath(relative.as_posix())


def _remove_empty(root: Path, folder: Path) -> None:
    while folder != root and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent


def _diff(path: PurePosixPath, actual: bytes, wanted: bytes) -> str:
    before, after = (body.decode("utf-8", "replace").splitlines() for body in (actual, wanted))
    lines = list(
        difflib.unified_diff(before, after, f"{path} (now)", f"{path} (generated)", lineterm="")
    )
    if len(lines) > _DIFF_LINES:
        lines[_DIFF_LINES:] = [f"… {len(lines) - _DIFF_LINES} more lines"]
    return "\n".join(lines)


def _sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
