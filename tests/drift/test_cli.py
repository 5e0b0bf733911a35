"""The commands, on real folders, git repositories, servers and packages."""

import importlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.drift.benchmark import BENCHMARK, Documents, contract_of
from tests.drift.edits import Edit, edited
from tests.drift.server import server_of

from tciagen.cli.application import main
from tciagen.contract.json import to_json
from tciagen.documents.canonical import canonical
from tciagen.documents.folder import document_path
from tciagen.drift.catalogue.rules import RULES

SERIES = "TCIA/query/getSeries"
BASE: Documents = BENCHMARK["base_documents"]
BREAKING: Edit = ("set", (SERIES, "Parameters", 5, "Name"), "BodyPart")
DOCS: Edit = ("set", (SERIES, "Description"), "Lists the series.")

Run = Callable[..., tuple[int, str, str]]


def write(documents: Documents, folder: Path) -> Path:
    for address, document in documents.items():
        path = document_path(folder, address)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(canonical(document))
    return folder


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.chdir(tmp_path)

    def call(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as caught:
            main([str(a) for a in arguments])
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return int(str(caught.value.code)), captured.out, captured.err

    return call


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return write(BASE, tmp_path / "old" / "documents")


@pytest.fixture
def new(tmp_path: Path) -> Path:
    return write(edited(edited(BASE, BREAKING), DOCS), tmp_path / "new" / "documents")


def git(folder: Path, *arguments: str) -> str:
    options = ["-c", "user.name=T", "-c", "user.email=t@example.invalid"]
    done = subprocess.run(
        ["git", *options, *arguments], cwd=folder, capture_output=True, check=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository whose first commit has the old documents and whose second has the new."""
    folder = tmp_path / "repository"
    write(BASE, folder / "contracts" / "documents")
    git(tmp_path, "init", "-q", str(folder))
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "old")
    write(edited(BASE, BREAKING), folder / "contracts" / "documents")
    git(folder, "commit", "-q", "-a", "-m", "new")
    return folder


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ((), 1),
        (("--fail-on", "breaking"), 1),
        (("--fail-on", "none"), 0),
        (("--severity", "param-renamed=docs", "--fail-on", "non-breaking"), 0),
        (("--severity", "endpoint-description-changed=breaking", "--fail-on", "breaking"), 1),
    ],
)
def test_diff_compares_folders(
    run: Run, old: Path, new: Path, options: tuple[str, ...], status: int
) -> None:
    code, out, err = run("diff", old, new, *options)
    assert (code, err) == (status, "")
    assert "param-renamed: BodyPartExamined → BodyPart" in out
    assert run("diff", old, old, *options)[:2] == (0, "No change.\n")


def test_diff_order_is_reported_only_with_all(run: Run, old: Path, tmp_path: Path) -> None:
    swapped = edited(BASE, ("set", (SERIES, "Parameters"), BASE[SERIES]["Parameters"][::-1]))
    other = write(swapped, tmp_path / "other")
    assert run("diff", old, other)[:2] == (0, "No change.\n")
    code, out, _ = run("diff", old, other, "--all", "--fail-on", "docs")
    assert code == 0
    assert "param-reordered" in out


@pytest.mark.parametrize("place", ["HEAD~1:contracts/documents", "HEAD~1:./contracts/documents"])
def test_diff_compares_revisions_without_a_checkout(
    run: Run, repository: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.chdir(repository)
    code, out, _ = run("diff", place, "HEAD:contracts/documents")
    assert code == 1
    assert "param-renamed" in out
    assert run("diff", "HEAD:contracts/documents", "contracts/documents")[0] == 0
    assert git(repository, "status", "--porcelain") == ""


def test_diff_of_only_a_revision_uses_the_configured_documents(
    run: Run, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repository / "contracts" / "overlay.toml").write_text("")
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", "overlay")
    monkeypatch.chdir(repository / "contracts")
    code, _, err = run("diff", "HEAD~2", "HEAD")
    assert code == 2
    assert "HEAD~2:path" in err
    (repository / "tciagen.toml").write_text('[fleet]\ndocuments = "contracts/documents"\n')
    code, out, err = run("diff", "HEAD~2", "HEAD")
    assert (code, err) == (1, "")
    assert "param-renamed" in out


def test_diff_overlay_beside_the_documents_is_read_on_both_sides(
    run: Run, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = edited(edited(BASE, ("remove", (SERIES, "Formats"), None)),
                  ("remove", (SERIES, "DefaultFormat"), None))  # fmt: skip
    write(bare, repository / "contracts" / "documents")
    overlay = repository / "contracts" / "overlay.toml"
    overlay.write_text(
        f'[[entry]]\nendpoint = "{SERIES}"\n'
        'set = { formats = ["JSON"], default_format = "JSON" }\nreason = "because"\n'
    )
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", "bare")
    monkeypatch.chdir(repository)
    for place in ("contracts/documents", "HEAD:contracts/documents"):
        code, out, _ = run("diff", "HEAD~2:contracts/documents", place)
        assert code == 1
        assert "3 changes, 3 breaking" in out
    overlay.write_text("no toml")
    git(repository, "commit", "-q", "-a", "-m", "broken")
    code, _, err = run("diff", "HEAD~2:contracts/documents", "HEAD:contracts/documents")
    assert code == 3
    assert "overlay.toml of HEAD:contracts/documents is not TOML" in err


@pytest.mark.parametrize(
    "place", ["HEAD~9", "nothing", "--help-me", "HEAD:elsewhere", "old/documents/TCIA"]
)
def test_diff_invalid_side_is_reported_in_one_sentence(
    run: Run, repository: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.chdir(repository)
    code, out, err = run("diff", "--", place, "contracts/documents")
    assert code in (2, 3)
    assert out == ""
    assert err.count("\n") == 1


def test_diff_server_is_crawled_for_the_known_endpoints(run: Run, old: Path) -> None:
    new = edited(BASE, BREAKING)
    with server_of({a: json.dumps(d).encode() for a, d in new.items()}) as url:
        code, out, err = run("diff", old, url)
        assert (code, err) == (1, "")
        assert "1 change, 1 breaking" in out
        code, _, err = run("diff", url, url)
        assert code == 2
        assert "does not list its endpoints" in err


def test_diff_unreachable_endpoint_is_not_a_removal(run: Run, old: Path) -> None:
    answers: dict[str, bytes | int] = {a: json.dumps(d).encode() for a, d in BASE.items()}
    with server_of({**answers, SERIES: 500}) as url:
        code, out, err = run("diff", old, url)
        assert code == 4
        assert out.endswith("No change in the endpoints that could be compared.\n")
        assert f"unknown: {SERIES}: endpoint-unreachable" in err
        code, _, err = run("diff", url, old)
        assert code == 4
        assert SERIES in err
    with server_of(dict.fromkeys(BASE, 500)) as url:
        code, out, err = run("diff", old, url, "--output", "report")
    assert (code, out) == (4, "")
    assert "crawl-incomplete: 15 of 15 endpoints are unreachable; nothing was compared" in err
    assert not Path("report").exists()


def test_diff_invalid_document_is_reported_and_others_are_compared(
    run: Run, old: Path, tmp_path: Path
) -> None:
    document = {**BASE["TCIA/query/getPatient"], "Parameters": {}}
    broken = write({**edited(BASE, BREAKING), "TCIA/query/getPatient": document}, tmp_path / "b")
    code, out, err = run("diff", old, broken)
    assert code == 3
    assert "1 change, 1 breaking" in out
    assert "fault: TCIA/query/getPatient: document-invalid: /Parameters" in err
    code, out, err = run("diff", broken, old)
    assert (code, out) == (3, "")
    assert "getPatient" in err


def test_diff_compares_a_package_without_an_import(
    run: Run, old: Path, new: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "site" / "drifting_client"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise SystemExit('it was imported')")
    (package / "contract.json").write_bytes(to_json(contract_of(BASE)))
    monkeypatch.syspath_prepend(package.parent)
    importlib.invalidate_caches()
    for place in ("drifting_client", package):
        assert run("diff", place, old, "--fail-on", "docs", "--all")[:2] == (0, "No change.\n")
        assert run("diff", old, place, "--fail-on", "docs", "--all")[:2] == (0, "No change.\n")
        code, out, _ = run("diff", place, new)
        assert code == 1
        assert "2 changes, 1 breaking" in out
    (package / "contract.json").write_text("{")
    code, _, err = run("diff", package, old)
    assert code == 3
    assert "contract.json is not a contract file" in err


def test_diff_output_file_gets_the_report_and_stdout_the_text(
    run: Run, old: Path, new: Path, tmp_path: Path
) -> None:
    file = tmp_path / "reports" / "drift.json"
    code, out, _ = run("diff", old, new, "--format", "json", "--output", file)
    assert code == 1
    assert "2 changes, 1 breaking" in out
    assert len(json.loads(file.read_text())["changes"]) == 2
    code, out, _ = run("diff", old, new, "--format", "gitlab")
    assert json.loads(out)[0]["location"]["path"] == "new/documents/TCIA/getSeries.json"
    assert [p.name for p in file.parent.iterdir()] == ["drift.json"]


@pytest.mark.parametrize(
    ("options", "reported"),
    [
        (("--format", "jsn"), "did you mean 'json'"),
        (("--severity", "param-renamd=docs"), "did you mean 'param-renamed'"),
        (("--severity", "param-renamed"), "takes RULE=LEVEL"),
        (("--fail-on", "doc"), "doc"),
        (("--api", "fleet"), "--api needs a configuration"),
    ],
)
def test_diff_invalid_option_is_reported_in_one_sentence(
    run: Run, old: Path, new: Path, options: tuple[str, ...], reported: str
) -> None:
    code, out, err = run("diff", old, new, *options, "--output", "report")
    assert (code, out) == (2, "")
    assert reported in err
    assert not Path("report").exists()


def test_accept_compares_the_documents_with_the_last_commit(
    run: Run, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repository)
    Path("tciagen.toml").write_text('[fleet]\ndocuments = "contracts/documents"\n')
    write(edited(edited(BASE, BREAKING), DOCS), Path("contracts/documents"))
    code, out, _ = run("diff", "HEAD", "contracts/documents", "--format", "json")
    (change,) = json.loads(out)["changes"]
    assert run("accept", change["fingerprint"], "--reason", "prose")[0] == 0
    assert "prose" in Path("contracts/drift-accept.toml").read_text()
    code, out, _ = run("diff", "HEAD", "contracts/documents", "--fail-on", "docs")
    assert code == 0
    assert "1 accepted" in out


def test_diff_documents_at_the_top_of_a_repository_are_found(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(BASE, tmp_path / "top")
    git(tmp_path, "init", "-q", "top")
    git(tmp_path / "top", "add", ".")
    git(tmp_path / "top", "commit", "-q", "-m", "all")
    monkeypatch.chdir(tmp_path / "top")
    assert run("diff", "HEAD:./", ".")[:2] == (0, "No change.\n")
    assert run("diff", "HEAD:.", ".")[:2] == (0, "No change.\n")


def test_diff_accepted_change_does_not_fail(run: Run, old: Path, new: Path) -> None:
    _, out, _ = run("diff", old, new, "--format", "json")
    fingerprint = json.loads(out)["changes"][0]["fingerprint"]
    where = ("--old", old, "--new", new)
    code, _, err = run("accept", fingerprint, "--reason", "known", *where)
    assert code == 2
    assert "needs an end date" in err
    end = ("--until", "2999-01-01")
    code, _, err = run("accept", fingerprint, "--reason", "known", *end, *where)
    assert code == 2
    until = err.rsplit("(", 1)[-1].split(")")[0]
    code, out, _ = run("accept", fingerprint, "--reason", "known", "--until", until, *where)
    assert code == 0
    accepted = new.parent / "drift-accept.toml"
    assert f"accepted param-renamed at {SERIES}#/Parameters/BodyPartExamined" in out
    assert 'reason = "known"' in accepted.read_text()
    code, out, _ = run("diff", old, new)
    assert code == 0
    assert "2 changes, none breaking (1 docs, 1 accepted)" in out
    code, out, _ = run("diff", old, new, "--strict")
    assert code == 0
    unused = ("--accept-file", accepted)
    code, out, _ = run("diff", old, old, *unused)
    assert code == 0
    assert "suppression-unused" in out
    assert run("diff", old, old, *unused, "--strict")[0] == 1


def test_rules_command_lists_and_explains_rules(run: Run) -> None:
    code, out, _ = run("rules")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == list(RULES)
    code, out, _ = run("rules", "--markdown")
    assert all(f"| `{rule_id}` |" in out for rule_id in RULES)
    code, _, err = run("rules", "attr-renamd")
    assert code == 2
    assert "did you mean 'attr-renamed'" in err


@pytest.mark.parametrize("rule_id", RULES)
def test_rules_command_prints_a_page_for_each_rule(run: Run, rule_id: str) -> None:
    code, out, _ = run("rules", rule_id)
    assert code == 0
    rule = RULES[rule_id]
    assert out.startswith(f"# {rule_id}\n")
    assert rule.why in out
    before, after = out.split("\nBefore:\n")[1].split("\nAfter:\n")
    assert before.strip() != after.split("\nReported")[0].strip()
    assert ("Reported at" in out) == (
        rule.group not in ("fault", "run time", "configuration", "policy")
    )


def test_diff_process_exits_with_the_status(old: Path, new: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tciagen", "diff", str(old), str(new)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "\x1b" not in done.stdout
    assert done.stderr == ""


def test_diff_every_fault_of_the_old_side_is_reported(run: Run, new: Path, tmp_path: Path) -> None:
    broken: dict[str, Any] = {a: {**BASE[a], "Description": 1} for a in list(BASE)[:2]}
    folder = write({**BASE, **broken}, tmp_path / "broken")
    code, _, err = run("diff", folder, new)
    assert code == 3
    assert err.count("/Description: found 1, expected a string") == 2
