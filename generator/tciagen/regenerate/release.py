"""The changes of a regeneration of one API, computed before anything is written."""

import datetime
from collections.abc import Mapping
from pathlib import Path

import attrs

from tciagen import pipeline, publish
from tciagen.config import Api, required
from tciagen.contract.json import from_json, to_json
from tciagen.contract.resolve import resolve
from tciagen.documents.canonical import canonical, unix_lines
from tciagen.documents.folder import document_path, read_folder
from tciagen.documents.parsing import JsonObject
from tciagen.documents.schema import load_validator
from tciagen.documents.validation import require_valid
from tciagen.drift.accept import FILE_NAME, Accepted, apply_acceptances, read_acceptances
from tciagen.drift.change import Change
from tciagen.drift.changelog import changelog_entry
from tciagen.drift.levels import Bump, Severity
from tciagen.drift.sides import Side, compare_sides
from tciagen.drift.verdict import Verdict
from tciagen.drift.version import bump, worst_bump
from tciagen.errors import DocumentProblem
from tciagen.regenerate.declarations import retain_declarations
from tciagen.regenerate.project_files import with_entry
from tciagen.render import CONTRACT

Writes = Mapping[Path, bytes | None]
"""The new content of each file, None for one to delete."""


@attrs.frozen(kw_only=True)
class Release:
    """The changes of a regeneration to the files of one API.

    ``api`` has the new version. ``changes`` are all reported changes, accepted ones marked;
    ``applied`` are those in the package. ``writes`` is empty if nothing changes; it does not
    contain the configuration file.
    """

    api: Api
    version_before: str
    changes: tuple[Change, ...]
    notices: tuple[str, ...]
    applied: tuple[Change, ...] = ()
    bump: Bump = Bump.NONE
    writes: Writes = attrs.field(factory=dict)

    @property
    def severity(self) -> Severity:
        """The worst severity of the applied changes."""
        return min((c.severity for c in self.applied), key=lambda s: s.rank, default=Severity.NONE)


def prepare(api: Api, crawled: Mapping[str, JsonObject], today: datetime.date) -> Release:
    """Return the changes of a complete crawl.

    An endpoint whose changes are all accepted keeps its document, and so does one
    without a change of meaning.

    Raises:
        UsageProblem: The configuration is incomplete, the package has manual edits, or
            ``drift-accept.toml`` is invalid.
        DocumentProblem: Documents or overlay are invalid.
    """
    folder = required(api.documents, "documents")
    validator = load_validator(api.schema)
    old = read_folder(folder)
    require_valid(old, validator, folder)
    new, lost = retain_declarations(old, crawled, validator)
    before = _before(api, old)

    def compare(documents: Mapping[str, JsonObject]) -> Verdict:
        side = Side(
            name="new",
            documents=dict(documents),
            overlay=pipeline.load_overlay(api),
            roles=api.roles,
        )
        return compare_sides(before, side, validator)

    verdict = compare(new)
    entries = read_acceptances(folder.parent / FILE_NAME, today)
    accepted = apply_acceptances((*verdict.changes, *lost), entries, today)
    open_ = {c.endpoint for c in accepted.changes if c.accepted is None and c not in lost}
    held = {c.endpoint for c in accepted.changes if c.accepted is not None} - open_
    retained = held if before.contract else old.keys() - open_
    final = {a: old[a] if a in retained and a in old else d for a, d in sorted(new.items())}
    if held:
        verdict = compare(final)
    return _release(api, before, final, verdict=verdict, accepted=accepted, today=today)


def _before(api: Api, old: Mapping[str, JsonObject]) -> Side:
    """Return the origin of the package: the documents, else its own contract.

    The documents have provenance, but they do not count if documents or overlay were edited
    since.
    """
    overlay = pipeline.load_overlay(api)
    target = api.target()
    file = required(api.output, "output") / "src" / target.package / CONTRACT
    if not file.is_file():
        return Side(
            name="old",
            documents=dict(old),
            overlay=overlay,
            roles=api.roles,
            folder=api.documents,
        )
    body = file.read_bytes()
    published = from_json(body, str(file))
    try:
        if to_json(pipeline.load_contract(api, old).contract) == body:
            return Side(
                name="old",
                documents=dict(old),
                overlay=overlay,
                roles=api.roles,
                folder=api.documents,
                published=published,
            )
    except DocumentProblem:
        pass  # The overlay is about the new documents.
    return Side(name="old", contract=published)


def _release(
    api: Api,
    before: Side,
    final: Mapping[str, JsonObject],
    *,
    verdict: Verdict,
    accepted: Accepted,
    today: datetime.date,
) -> Release:
    output = required(api.output, "output")
    unchanged = Release(
        api=api,
        version_before=api.version,
        changes=accepted.changes,
        notices=(*map(str, verdict.faults), *accepted.notices),
    )
    changelog = pipeline.load_changelog(api)
    step = worst_bump(verdict.changes)
    if step is Bump.NONE:
        differences = publish.compare(pipeline.plan_of(api, final, changelog).files, output)
        line_ends = publish.Kind.LINE_ENDS
        if all(d.path == publish.MANIFEST or d.kind is line_ends for d in differences):
            return unchanged
        step = Bump.PATCH
    if not publish.read_manifest(output)["files"]:
        step = Bump.NONE  # The first release has the version that is configured.
    api = attrs.evolve(api, version=bump(api.version, step))
    writes = _document_writes(api, final)
    if step is not Bump.NONE:
        old = (
            before.contract
            or resolve(before.documents, before.overlay, roles=before.roles).contract
        )
        entry = changelog_entry(
            verdict.changes, api.version, old=old, new=verdict.contract, date=today
        )
        # Whatever bytes a person wrote stay as they are.
        text = with_entry(changelog.decode("utf-8", "surrogateescape"), entry)
        changelog = text.encode("utf-8", "surrogateescape")
        writes[api.changelog_file()] = changelog
    plan = pipeline.plan_of(api, final, changelog)
    differences = publish.compare(plan.files, output)
    publish.refuse_manual_edits(differences, output)
    for difference in differences:
        writes[output / difference.path] = plan.files.get(difference.path)
    return attrs.evolve(
        unchanged,
        api=api,
        applied=verdict.changes,
        bump=step,
        writes=writes,
    )


def _document_writes(api: Api, final: Mapping[str, JsonObject]) -> dict[Path, bytes | None]:
    folder = required(api.documents, "documents")
    bodies = {
        document_path(folder, address): canonical(document) for address, document in final.items()
    }
    writes: dict[Path, bytes | None] = {
        path: body
        for path, body in bodies.items()
        if not path.is_file() or unix_lines(path.read_bytes()) != body
    }
    gone = (document_path(folder, a) for a in read_folder(folder))
    return writes | {path: None for path in gone if path not in bodies}
