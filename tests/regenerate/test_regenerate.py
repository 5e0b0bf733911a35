"""`tciagen regenerate` as a user runs it: what it writes, and that it is all of it or nothing."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import attrs
import pytest

from .conftest import Edit, Project, contents_of

VESSELS = "Fleet/listVessels"


def attributes(document: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = document["Result"]["Attributes"]
    return found


def add_port(document: Any) -> None:
    attributes(document).append(
        {"Name": "HomePort", "Description": "Home `port`.", "DICOM": "NA", "Type": "string"}
    )


def reword(document: Any) -> None:
    document["Description"] = "Lists vessels."


def space_out(document: Any) -> None:
    document["Description"] = document["Description"].replace(" ", "\n  ")


def lose_name(document: Any) -> None:
    del attributes(document)[1]


def turn_members(document: Any) -> None:
    items = list(document.items())
    document.clear()
    document.update(reversed(items))


def to_bare(document: Any) -> None:
    document.pop("Formats", None)
    document.pop("DefaultFormat", None)
    for member in document["Parameters"]:
        if isinstance(member, dict):
            bare = {"Name": member["Name"], "Required": member.get("Required", False)}
            member.clear()
            member.update(bare)


def version_of(project: Project) -> str:
    config = tomllib.loads((project.folder / "tciagen.toml").read_text())
    version: str = config["fleet"]["version"]
    return version


def test_regenerate_without_changes_writes_nothing(project: Project) -> None:
    before = project.tree()
    assert "fleet: nothing to do, no change of meaning" in project.regenerate()
    assert "nothing to do" in project.regenerate("--dry-run")
    assert project.tree() == before


@pytest.mark.parametrize("edit", [space_out, turn_members])
def test_regenerate_ignores_white_space_and_order_of_members(project: Project, edit: Edit) -> None:
    project.server.edit(VESSELS, edit)
    before = project.tree()
    assert "nothing to do" in project.regenerate()
    assert project.tree() == before


def test_regenerate_change_reaches_documents_source_version_and_changelog(project: Project) -> None:
    project.config("# The name on the bow.")
    project.server.edit(VESSELS, add_port)
    reported = project.regenerate()
    assert "fleet: 1 change, worst non-breaking; version 2.3.4 → 2.4.0 (minor)" in reported
    assert "HomePort" in (project.folder / "documents/Fleet/listVessels.json").read_text()
    assert "home_port" in (project.folder / "out/src/fleet_client/models.py").read_text()
    assert version_of(project) == "2.4.0"
    assert "# The name on the bow." in (project.folder / "tciagen.toml").read_text()
    assert 'version = "2.4.0"' in (project.folder / "out/pyproject.toml").read_text()
    changelog = (project.folder / "CHANGELOG.md").read_text()
    assert changelog.startswith("# Changelog\n\n")
    assert (
        "\n\n## [2.4.0] - 2027-01-31\n\n### `Fleet/query/listVessels`\n\n- **Changed**" in changelog
    )
    assert (project.folder / "out/CHANGELOG.md").read_text() == changelog
    assert project.run("check").returncode == 0
    after = project.tree()
    assert "nothing to do" in project.regenerate()
    assert project.tree() == after
    assert not (project.folder / ".tciagen-undo").exists()


@pytest.mark.parametrize(
    ("edit", "version"), [(lose_name, "3.0.0"), (add_port, "2.4.0"), (reword, "2.3.5")]
)
def test_regenerate_raises_the_version_by_the_worst_change(
    project: Project, edit: Edit, version: str
) -> None:
    project.server.edit("Crew/listCrew", reword)
    project.server.edit(VESSELS, edit)
    project.regenerate()
    assert version_of(project) == version


def test_regenerate_changelog_has_the_newest_release_first(project: Project) -> None:
    project.server.edit(VESSELS, reword)
    project.regenerate()
    project.server.edit(VESSELS, add_port)
    project.regenerate()
    lines = (project.folder / "CHANGELOG.md").read_text().splitlines()
    assert [line[:10] for line in lines if line.startswith("## ")] == ["## [2.4.0]", "## [2.3.5]"]


def test_regenerate_retains_lost_declarations(project: Project) -> None:
    project.server.edit(VESSELS, to_bare)
    before = project.tree()
    reported = project.regenerate()
    assert "lost and retained" in reported
    assert "nothing to do" in reported
    assert project.tree() == before


def test_regenerate_retains_lost_declarations_in_a_changed_document(project: Project) -> None:
    project.server.edit(VESSELS, to_bare)
    project.server.edit(VESSELS, add_port)
    project.regenerate()
    document = json.loads((project.folder / "documents/Fleet/listVessels.json").read_bytes())
    assert document["Formats"] == ["JSON", "CSV"]
    assert document["Parameters"][0]["AllowedValues"] == ["NL", "NO", "PA"]
    assert document["Parameters"][1]["Type"] == "date"
    assert version_of(project) == "2.4.0"


def test_regenerate_incomplete_crawl_writes_nothing(project: Project) -> None:
    project.server.edit(VESSELS, add_port)
    (project.server.documents / "Crew/listCrew.json").unlink()
    before = project.tree()
    assert "Crew/query/listCrew" in project.regenerate(expected=4)
    assert project.tree() == before


def test_regenerate_invalid_document_writes_nothing(project: Project) -> None:
    project.server.edit(VESSELS, add_port)
    project.server.edit("Crew/listCrew", lambda document: document.pop("Result"))
    before = project.tree()
    assert "Crew/query/listCrew" in project.regenerate(expected=3)
    assert project.tree() == before


def accept(project: Project, rule: str, pointer: str, until: str = "2027-03-01") -> None:
    (project.folder / "drift-accept.toml").write_text(
        f'[[accept]]\nrule = "{rule}"\nendpoint = "Fleet/query/listVessels"\n'
        f'pointer = "{pointer}"\nreason = "Later."\nuntil = {until}\n'
    )


def test_regenerate_accepted_change_is_not_applied(project: Project) -> None:
    project.server.edit(VESSELS, lose_name)
    accept(project, "attr-removed", "/Result/Attributes/name")
    before = project.tree()
    assert "nothing to do, 1 accepted for now" in project.regenerate("--report", "../report.md")
    assert project.tree() == before
    assert "~~`attr-removed`" in (project.folder / "../report.md").read_text()
    project.server.edit("Crew/listCrew", add_port)
    project.regenerate()
    assert version_of(project) == "2.4.0"
    assert '"name"' in (project.folder / "documents/Fleet/listVessels.json").read_text()
    assert "listVessels" not in (project.folder / "CHANGELOG.md").read_text()


def test_regenerate_expired_acceptance_is_not_used(project: Project) -> None:
    project.server.edit(VESSELS, lose_name)
    accept(project, "attr-removed", "/Result/Attributes/name", until="2027-01-30")
    reported = project.regenerate()
    assert "suppression-expired" in reported
    assert version_of(project) == "3.0.0"


def test_regenerate_removes_an_endpoint_that_is_no_longer_configured(project: Project) -> None:
    config = project.folder / "tciagen.toml"
    config.write_text(config.read_text().replace('"listVessels", ', ""))
    project.regenerate()
    assert not (project.folder / "documents/Fleet/listVessels.json").exists()
    assert version_of(project) == "3.0.0"
    assert "is gone" in (project.folder / "CHANGELOG.md").read_text()
    assert project.run("check").returncode == 0


def test_regenerate_adds_an_endpoint_that_is_newly_configured(project: Project) -> None:
    document = json.loads((project.server.documents / "Crew/listCrew.json").read_bytes())
    document["QueryName"] = "listPilots"
    (project.server.documents / "Crew/listPilots.json").write_text(json.dumps(document))
    config = project.folder / "tciagen.toml"
    config.write_text(config.read_text().replace('"listCrew"', '"listCrew", "listPilots"'))
    project.regenerate()
    assert (project.folder / "documents/Crew/listPilots.json").exists()
    assert version_of(project) == "2.4.0"


def test_regenerate_class_renamed_by_the_overlay_is_a_release(project: Project) -> None:
    with (project.folder / "overlay.toml").open("a") as overlay:
        overlay.write(
            '\n[[entry]]\nendpoint = "Crew/query/listSailors"\nset = { class = "Tar" }\n'
            'reason = "Shorter."\n'
        )
    assert "worst breaking" in project.regenerate()
    assert version_of(project) == "3.0.0"


def test_regenerate_source_of_another_generator_is_a_patch(
    project: Project, tmp_path: Path
) -> None:
    place = project.folder / "out/.tciagen.json"
    source = project.folder / "out/src/fleet_client/_runtime/errors.py"
    source.unlink()
    manifest = json.loads(place.read_bytes())
    del manifest["files"]["src/fleet_client/_runtime/errors.py"]
    place.write_text(json.dumps(manifest))
    project.regenerate("--outputs", tmp_path / "outputs")
    assert source.is_file()
    assert version_of(project) == "2.3.5"
    assert "No change of the API." in (project.folder / "CHANGELOG.md").read_text()
    assert "labels=generator-changed\n" in (tmp_path / "outputs").read_text()


def test_regenerate_manual_edit_is_refused(project: Project) -> None:
    project.server.edit(VESSELS, add_port)
    with (project.folder / "out/README.md").open("a") as readme:
        readme.write("mine\n")
    before = project.tree()
    assert "edited manually" in project.regenerate(expected=2)
    assert project.tree() == before


def test_regenerate_tests_import_the_new_package(project: Project) -> None:
    project.config(
        """test = "python -c 'from fleet_client.models import Vessel; Vessel.home_port'" """
    )
    project.server.edit(VESSELS, add_port)
    project.regenerate()
    assert version_of(project) == "2.4.0"


@pytest.mark.parametrize(
    ("command", "status", "reported"),
    [
        ("python -c 'raise SystemExit(5)'", 3, "exit status 5"),
        ("no-such-program", 2, "cannot be run"),
        ("python 'open", 2, "cannot be run"),
    ],
)
def test_regenerate_failing_tests_restore_everything(
    project: Project, command: str, status: int, reported: str
) -> None:
    project.config(f'test = "{command}"')
    project.server.edit(VESSELS, add_port)
    (project.folder / "CHANGELOG.md").write_text("# Ours\n")
    project.run("generate")
    contents = project.contents()
    assert reported in project.regenerate(expected=status)
    assert project.contents() == contents
    assert sorted(p.name for p in project.folder.iterdir() if p.name.startswith(".")) == []


@attrs.frozen
class Held:
    """A run whose tests wait, so that all files are written and none is settled."""

    process: "subprocess.Popen[str]"
    hold: Path

    def kill(self) -> None:
        self.process.kill()
        self.hold.write_text("")
        self.process.communicate()

    def fail_tests(self) -> str:
        self.hold.write_text("fail\n")
        return self.process.communicate(timeout=60)[1]


@pytest.fixture
def held(project: Project) -> Held:
    ready, hold = project.folder.parent / "ready", project.folder.parent / "hold"
    os.mkfifo(ready)
    os.mkfifo(hold)
    project.config(f"test = \"sh -c 'echo > {ready}; cat {hold} | grep -v fail || exit 1'\"")
    project.server.edit(VESSELS, add_port)
    process = project.start("regenerate", "--base-url", project.server.url)
    ready.read_text()
    assert version_of(project) == "2.4.0"
    return Held(process, hold)


def test_files_of_a_killed_run_are_restored_by_the_next(project: Project, held: Held) -> None:
    assert "Another `tciagen regenerate` is in progress" in project.regenerate(expected=2)
    held.kill()
    assert "is unfinished" in project.regenerate("--dry-run", expected=2)
    (project.server.documents / "Crew/listCrew.json").unlink()
    assert "its files are restored" in project.regenerate(expected=4)
    assert version_of(project) == "2.3.4"
    assert not (project.folder / "CHANGELOG.md").exists()
    assert "HomePort" not in (project.folder / "documents/Fleet/listVessels.json").read_text()
    assert not (project.folder / ".tciagen-undo").exists()


@pytest.mark.parametrize(
    "name",
    ["tciagen.toml", "CHANGELOG.md", "out/pyproject.toml", "documents/Fleet/listVessels.json"],
)
@pytest.mark.parametrize("end", ["killed", "tests fail"])
def test_edit_of_a_written_file_survives(project: Project, held: Held, name: str, end: str) -> None:
    with (project.folder / name).open("a") as file:
        file.write("# mine\n")
    if end == "killed":
        held.kill()
    else:
        assert f"{name} was edited since" in held.fail_tests()
    before = project.contents()
    reported = project.regenerate(expected=2)
    assert f"{name} was edited since" in reported
    assert "Traceback" not in reported
    after = project.contents()
    assert after == before
    assert after[name].endswith(b"# mine\n")


def test_advice_after_a_refused_recovery_restores_the_other_files(
    project: Project, generated: Path, held: Held
) -> None:
    old = {n: b for n, b in contents_of(generated).items() if n != "tciagen.toml"}
    with (project.folder / "tciagen.toml").open("a") as file:
        file.write("# mine\n")
    held.kill()
    reported = project.regenerate(expected=2)
    found = re.search(r"copy (\S+) to tciagen\.toml", reported)
    assert found is not None
    shutil.copy(found[1], project.folder / "tciagen.toml")
    (project.server.documents / "Crew/listCrew.json").unlink()
    assert "its files are restored" in project.regenerate(expected=4)
    after = {n: b for n, b in project.contents().items() if n != "tciagen.toml"}
    assert after == old


def test_second_run_during_the_crawl_is_refused(project: Project) -> None:
    project.server.edit(VESSELS, add_port)
    project.server.open.clear()
    first = project.start("regenerate", "--base-url", project.server.url)
    project.server.requested.wait()
    assert "Another `tciagen regenerate` is in progress" in project.regenerate(expected=2)
    project.server.open.set()
    first.communicate()
    assert first.returncode == 0
    assert version_of(project) == "2.4.0"


def test_configuration_edited_during_the_crawl_is_not_overwritten(project: Project) -> None:
    project.server.edit(VESSELS, add_port)
    project.server.open.clear()
    first = project.start("regenerate", "--base-url", project.server.url)
    project.server.requested.wait()
    with (project.folder / "tciagen.toml").open("a") as file:
        file.write("# mine\n")
    before = project.contents()
    project.server.open.set()
    _, reported = first.communicate()
    assert first.returncode == 2
    assert "tciagen.toml was edited while the run was in progress" in reported
    after = {n: b for n, b in project.contents().items() if not n.startswith(".tciagen-undo")}
    assert after == {n: b for n, b in before.items() if not n.startswith(".tciagen-undo")}


def test_regenerate_ctrl_c_restores_everything(project: Project) -> None:
    ready = project.folder.parent / "ready"
    os.mkfifo(ready)
    project.config(f"test = \"sh -c 'echo > {ready}; exec sleep 60'\"")
    project.server.edit(VESSELS, add_port)
    before = project.contents()
    process = project.start("regenerate", "--base-url", project.server.url)
    ready.read_text()
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: the command's tests get it, too
    process.communicate(timeout=30)
    assert process.returncode == 130
    assert project.contents() == before


def test_regenerate_dry_run_reports_and_writes_nothing(project: Project, tmp_path: Path) -> None:
    project.server.edit(VESSELS, lose_name)
    before = project.tree()
    files = ("--report", tmp_path / "report.md", "--outputs", tmp_path / "outputs")
    reported = project.regenerate("--dry-run", *files, expected=1)
    assert "would write documents/Fleet/listVessels.json" in reported
    assert project.tree() == before
    report = (tmp_path / "report.md").read_text()
    assert "From `fleet 2.3.4` to `fleet 3.0.0`." in report
    assert "`attr-removed`" in report
    assert (tmp_path / "outputs").read_text().splitlines() == [
        "changed=true",
        "branch=tciagen/regenerate",
        "title=Regenerate fleet 3.0.0 (breaking)",
        "labels=drift,drift:breaking",
        "severity=breaking",
        "bump=major",
    ]


def test_regenerate_date_is_that_of_source_date_epoch(project: Project) -> None:
    project.server.edit(VESSELS, reword)
    done = subprocess.run(
        [sys.executable, "-m", "tciagen", "regenerate", "--base-url", project.server.url],
        cwd=project.folder,
        env={**os.environ, "SOURCE_DATE_EPOCH": "951782400"},
        capture_output=True,
        check=True,
    )
    assert b"2.3.5" in done.stdout
    assert "## [2.3.5] - 2000-02-29" in (project.folder / "CHANGELOG.md").read_text()


def test_regenerate_two_apis_change_together_or_not_at_all(project: Project) -> None:
    config = project.folder / "tciagen.toml"
    text = config.read_text()
    other = text.replace("[fleet", "[other").replace('"out"', '"other"')
    other = other.replace('"fleet_client"', '"other_client"')
    other = other.replace('"documents"', '"contract/documents"')
    shutil.copytree(project.folder / "documents", project.folder / "contract/documents")
    config.write_text(
        (text + "\n" + other).replace("https://harbour.example/api", project.server.url)
    )
    project.run("generate")
    project.server.edit(VESSELS, add_port)
    assert "Specify with --api" in project.regenerate(expected=2)
    text = config.read_text()
    config.write_text(text.replace("[other]", "[other]\ntest = 'false'"))
    before = project.contents()
    done = project.run("regenerate")
    assert (done.returncode, "other_client fails its tests" in done.stderr) == (3, True)
    assert project.contents() == before
    config.write_text(text)
    done = project.run("regenerate")
    assert done.returncode == 0, done.stderr
    versions = tomllib.loads(config.read_text())
    assert [versions[name]["version"] for name in ("fleet", "other")] == ["2.4.0", "2.4.0"]
