"""Severities of a house, accepted changes, versions, and the changelog's words."""

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.drift.benchmark import Documents, contract_of
from tests.drift.edits import edited

from tciagen.drift.accept import accept, apply_acceptances, read_acceptances
from tciagen.drift.change import Change
from tciagen.drift.changelog import changelog_entry
from tciagen.drift.compare.contracts import compare
from tciagen.drift.levels import Bump, Severity
from tciagen.drift.policy import exit_status, read_severities, with_severities
from tciagen.drift.version import bump, version_not_bumped, worst_bump
from tciagen.errors import UsageProblem

TODAY = datetime.date(2026, 11, 20)
SERIES = "TCIA/query/getSeries"
ENTRY = """\
# Ours.
[[accept]]
rule = "param-renamed"  # the key
endpoint = "TCIA/query/get*"
pointer = "/Parameters/BodyPartExamined"
reason = "announced"
until = 2027-01-31
"""


@pytest.fixture
def changes(base: Documents) -> tuple[Change, ...]:
    """A breaking, a dangerous, a non-breaking and a docs change, worst first."""
    new = edited(base, ("set", (SERIES, "Parameters", 5, "Name"), "BodyPart"))
    new = edited(new, ("set", (SERIES, "Parameters", 0, "Default"), "LIDC"))
    new = edited(new, ("set", (SERIES, "Deprecated"), True))
    new = edited(new, ("set", (SERIES, "Description"), "New."))
    found = compare(contract_of(base), contract_of(new))
    assert [c.severity for c in found] == ["breaking", "dangerous", "non-breaking", "docs"]
    return found


@pytest.mark.parametrize(
    ("start", "fail_on", "status"),
    [
        (0, "breaking", 1),
        (1, "breaking", 0),
        (1, "dangerous", 1),
        (2, "dangerous", 0),
        (2, "non-breaking", 1),
        (3, "non-breaking", 0),
        (3, "docs", 1),
        (4, "docs", 0),
        (0, "none", 0),
    ],
)
def test_exit_status_counts_changes_of_the_level_or_worse(
    changes: tuple[Change, ...], start: int, fail_on: str, status: int
) -> None:
    assert exit_status(changes[start:], Severity(fail_on)) == status


def test_with_severities_overrides_the_rules(changes: tuple[Change, ...]) -> None:
    severities = read_severities({"param-renamed": "none", "endpoint-deprecated": "breaking"})
    rated = with_severities(changes, severities)
    assert [(c.rule, c.severity) for c in rated] == [
        ("endpoint-deprecated", "breaking"),
        ("param-default-added", "dangerous"),
        ("endpoint-description-changed", "docs"),
        ("param-renamed", "none"),
    ]
    assert {c.fingerprint for c in rated} == {c.fingerprint for c in changes}


def test_read_severities_reports_all_findings_with_suggestions() -> None:
    with pytest.raises(UsageProblem) as caught:
        read_severities({"attr-remved": "docs", "attr-removed": "doc", "document-empty": "docs"})
    lines = str(caught.value).splitlines()
    assert len(lines) == 3
    assert "did you mean 'attr-removed'" in lines[0]
    assert "did you mean 'docs'" in lines[1]
    assert "document-empty is not a rule for contract changes" in lines[2]


def test_acceptance_matches_by_structure(tmp_path: Path, changes: tuple[Change, ...]) -> None:
    path = tmp_path / "drift-accept.toml"
    path.write_text(ENTRY)
    accepted = apply_acceptances(changes, read_acceptances(path, TODAY), TODAY)
    assert accepted.notices == ()
    assert [c.accepted for c in accepted.changes] == ["announced", None, None, None]
    assert exit_status(accepted.changes, Severity.BREAKING) == 0
    assert exit_status(accepted.changes, Severity.DANGEROUS) == 1


@pytest.mark.parametrize(
    ("more", "applies"),
    [
        ('after = "BodyPart"', True),
        ('after = "Part"', False),
        ("", True),
    ],
)
def test_acceptance_after_narrows_the_match(
    tmp_path: Path, changes: tuple[Change, ...], more: str, applies: bool
) -> None:
    path = tmp_path / "drift-accept.toml"
    path.write_text(ENTRY + more)
    accepted = apply_acceptances(changes, read_acceptances(path, TODAY), TODAY)
    assert (accepted.changes[0].accepted is not None) == applies
    assert bool(accepted.notices) != applies


def test_apply_acceptances_reports_expired_and_unused_entries(
    tmp_path: Path, changes: tuple[Change, ...]
) -> None:
    path = tmp_path / "drift-accept.toml"
    path.write_text(ENTRY + ENTRY.replace("BodyPartExamined", "Modality"))
    later = datetime.date(2027, 2, 1)
    accepted = apply_acceptances(changes, read_acceptances(path, later), later)
    assert [c.accepted for c in accepted.changes] == [None] * 4
    assert accepted.notices == (
        "suppression-expired: entry 1 (param-renamed at"
        " TCIA/query/get*#/Parameters/BodyPartExamined) ended on 2027-01-31; not applied",
        "suppression-unused: entry 2 (param-renamed at"
        " TCIA/query/get*#/Parameters/Modality) matches no change; delete it",
    )
    last_day = datetime.date(2027, 1, 31)
    applied = apply_acceptances(changes, read_acceptances(path, last_day)[:1], last_day)
    assert applied.notices == ()


@pytest.mark.parametrize(
    ("edit", "reported"),
    [
        (lambda t: t.replace("param-renamed", "param-rename"), "did you mean 'param-renamed'"),
        (lambda t: t.replace("param-renamed", "code-stale"), "cannot be accepted"),
        (lambda t: t.replace("until = 2027-01-31", ""), "a breaking change needs an end date"),
        (lambda t: t.replace("2027-01-31", "2027-12-31"), "more than 180 days ahead"),
        (lambda t: t.replace("2027-01-31", '"soon"'), "must be a date"),
        (lambda t: t.replace("reason", "reasons"), "did you mean 'reason'"),
        (lambda t: t.replace('"announced"', '" "'), "`reason` must be a string"),
        (lambda t: t.replace("[[accept]]", "[accept]"), "[[accept]]"),
        (lambda t: t.replace("[[accept]]", "[[except]]"), "unknown key 'except'"),
        (lambda t: t.replace("]]", "]"), "is not TOML"),
    ],
)
def test_read_acceptances_invalid_entry_is_reported_in_one_sentence(
    tmp_path: Path, edit: Callable[[str], str], reported: str
) -> None:
    path = tmp_path / "drift-accept.toml"
    path.write_text(edit(ENTRY))
    with pytest.raises(UsageProblem) as caught:
        read_acceptances(path, TODAY)
    assert reported in str(caught.value)
    assert str(path) in str(caught.value)


def test_accept_retains_comments_and_applies(tmp_path: Path, changes: tuple[Change, ...]) -> None:
    path = tmp_path / "drift-accept.toml"
    path.write_text(ENTRY)
    end = datetime.date(2026, 12, 1)
    chosen = changes[1]
    written = accept(path, chosen.fingerprint[:8], changes, reason="known", until=end, today=TODAY)
    assert written == chosen
    text = path.read_text()
    assert text.startswith(ENTRY)
    entries = read_acceptances(path, TODAY)
    assert [e.number for e in entries] == [1, 2]
    accepted = apply_acceptances(changes, entries, TODAY)
    assert [c.accepted for c in accepted.changes] == ["announced", "known", None, None]
    assert accepted.notices == ()
    with pytest.raises(UsageProblem, match="already"):
        accept(path, chosen.fingerprint, changes, reason="again", until=end, today=TODAY)
    assert path.read_text() == text
    assert [p.name for p in tmp_path.iterdir()] == ["drift-accept.toml"]


def test_accept_writes_every_change_to_a_new_file(
    tmp_path: Path, changes: tuple[Change, ...]
) -> None:
    path = tmp_path / "drift-accept.toml"
    end = datetime.date(2027, 1, 1)
    for change in changes:
        accept(path, change.fingerprint, changes, reason='a "reason"\n', until=end, today=TODAY)
    accepted = apply_acceptances(changes, read_acceptances(path, TODAY), TODAY)
    assert all(change.accepted for change in accepted.changes)
    assert accepted.notices == ()


@pytest.mark.parametrize(
    ("given", "reported"),
    [
        ({"fingerprint": ""}, "No change has the fingerprint"),
        ({"fingerprint": "zz"}, "No change has the fingerprint"),
        ({"until": None}, "needs an end date"),
        ({"until": datetime.date(2026, 11, 19)}, "is past"),
        ({"until": datetime.date(2027, 11, 19)}, "more than 180 days ahead"),
        ({"reason": " "}, "`reason` must be a string"),
    ],
)
def test_accept_invalid_acceptance_writes_nothing(
    tmp_path: Path, changes: tuple[Change, ...], given: dict[str, Any], reported: str
) -> None:
    path = tmp_path / "drift-accept.toml"
    values: dict[str, Any] = {"until": datetime.date(2026, 12, 19), "reason": "known"} | given
    fingerprint = values.pop("fingerprint", changes[0].fingerprint)
    with pytest.raises(UsageProblem, match=reported):
        accept(path, fingerprint, changes, today=TODAY, **values)
    assert not path.exists()


@pytest.mark.parametrize(
    ("version", "step", "after"),
    [
        ("1.2.3", "major", "2.0.0"),
        ("1.2.3", "minor", "1.3.0"),
        ("1.2.3", "patch", "1.2.4"),
        ("1.2.3", "none", "1.2.3"),
        ("0.2.3", "major", "0.3.0"),
        ("0.2.3", "minor", "0.2.4"),
        ("0.2.3", "patch", "0.2.4"),
    ],
)
def test_bump_raises_the_version_by_the_step(version: str, step: str, after: str) -> None:
    assert bump(version, Bump(step)) == after


@pytest.mark.parametrize("version", ["1.2", "1.2.3rc1", "v1.2.3", "01.2.3", "1.2.3\n", ""])
def test_bump_invalid_version_is_refused(version: str) -> None:
    with pytest.raises(UsageProblem, match=r"MAJOR\.MINOR\.PATCH"):
        bump(version, Bump.PATCH)


def test_worst_bump_is_the_highest_of_all_changes(changes: tuple[Change, ...]) -> None:
    assert worst_bump(changes) is Bump.MAJOR
    assert worst_bump(changes[1:]) is Bump.MINOR
    assert worst_bump(changes[3:]) is Bump.PATCH
    assert worst_bump([]) is Bump.NONE
    assert version_not_bumped("1.2.3", "2.0.0", changes) is None
    assert version_not_bumped("1.2.3", "3.1.0", changes) is None
    assert version_not_bumped("1.2.3", "1.2.3", []) is None
    reported = version_not_bumped("1.2.3", "1.3.0", changes)
    assert reported is not None
    assert "require 2.0.0" in reported


def test_changelog_entry_names_the_line_of_user_code(base: Documents) -> None:
    new = edited(base, ("set", (SERIES, "Parameters", 5, "Name"), "BodyPart"))
    new = edited(new, ("remove", (SERIES, "Result", "Attributes", 3), None))
    new = edited(new, ("set", (SERIES, "Description"), "New `text`."))
    new = edited(new, ("set", (SERIES, "Parameters"), new[SERIES]["Parameters"][::-1]))
    image = {**new.pop("TCIA/query/getImage"), "QueryName": "getZip"}
    new["TCIA/query/getZip"] = image
    old_contract, new_contract = contract_of(base), contract_of(new)
    changes = compare(old_contract, new_contract)
    entry = changelog_entry(
        changes,
        "2.0.0",
        old=old_contract,
        new=new_contract,
        date=datetime.date(2026, 11, 20),
    )
    assert (
        entry
        == """\
## [2.0.0] - 2026-11-20

### `TCIA/query/getImage`

- **Breaking**: endpoint has another name (`getImage` → `getZip`). \
`client.download_image(...)` is now `client.download_zip(...)`.

### `TCIA/query/getSeries`

- **Breaking** `BodyPartExamined`: query key has another name (`BodyPartExamined` → `BodyPart`). \
`client.get_series(body_part_examined=...)` is now `client.get_series(body_part=...)`.
- **Breaking** `ProtocolName`: attribute gone (was: `ProtocolName`). `row.protocol_name` is gone.
- **Documentation**: endpoint described differently \
(`Lists series, optionally filtered.` → ``New `text`.``).
"""
    )


def test_changelog_entry_has_a_line_for_every_edit(base: Documents) -> None:
    old = contract_of(base)
    place = (SERIES, "Parameters", 4)
    edits = [
        ("set", (*place, "Type"), "integer"),
        ("set", (*place, "Required"), True),
        ("set", (*place, "AllowedValues"), ["CT"]),
        ("remove", place, None),
        ("set", (SERIES, "Formats"), ["JSON"]),
        ("set", (SERIES, "Result", "Name"), "Other"),
        ("set", (SERIES, "Result", "Attributes", 2, "Optional"), True),
        ("remove", (SERIES,), None),
    ]
    fixes = []
    for edit in edits:
        new = contract_of(edited(base, edit))
        entry = changelog_entry(compare(old, new), "2.0.0", old=old, new=new)
        fixes.append(entry.splitlines()[4].rsplit("). ", 1)[-1])
    assert fixes == [
        "Check the value that is passed in `client.get_series(modality=...)`.",
        "`client.get_series(...)` is now `client.get_series(modality=...)`.",
        "`client.get_series(modality=...)` no longer takes `DX`.",
        "Remove `modality=...` from `client.get_series(...)`.",
        "`client.get_series(format=...)` takes one value less.",
        "`import Series` is now `import Other`.",
        "`row.modality` may be None.",
        "`client.get_series(...)` is gone.",
    ]


def test_changelog_entry_without_changes_states_that(base: Documents) -> None:
    contract = contract_of(base)
    assert changelog_entry((), "1.0.1", old=contract, new=contract) == (
        "## [1.0.1]\n\nNo change of the API.\n"
    )
