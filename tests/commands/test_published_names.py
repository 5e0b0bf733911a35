"""Class names across generations: what users import stays, and `diff` reports what does not."""

import json
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def project(tmp_path: Path, fleet_folder: Path, tciagen: Run) -> Path:
    """A project whose published class `Vessel` belongs to `listVessels`."""
    folder = tmp_path / "project"
    shutil.copytree(fleet_folder, folder, ignore=shutil.ignore_patterns("golden"))
    done = tciagen("generate", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


def add_endpoint(project: Path, name: str, fields: Sequence[str]) -> None:
    """Write a document whose records are called `Vessel` and have other attributes."""
    document = {
        "QueryName": name,
        "Description": f"Describes {name}.",
        "Parameters": [],
        "Formats": ["JSON"],
        "DefaultFormat": "JSON",
        "Result": {
            "Name": "Vessel",
            "Description": "One vessel.",
            "Attributes": [
                {"Name": f, "Description": f, "DICOM": "NA", "Type": "string"} for f in fields
            ],
        },
    }
    path = project / "documents" / "Fleet" / f"{name}.json"
    path.write_bytes((json.dumps(document, indent=2, sort_keys=True) + "\n").encode())
    config = project / "tciagen.toml"
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace('"listVessels"', f'"listVessels", "{name}"'), encoding="utf-8")


def class_names(project: Path) -> dict[str, str]:
    body = (project / "out/src/fleet_client/contract.json").read_bytes()
    return {
        e["name"]: e["result"]["class_name"]
        for e in json.loads(body)["endpoints"]
        if "class_name" in e["result"]
    }


def test_published_class_retains_its_name_when_endpoints_are_added(
    project: Path, tciagen: Run
) -> None:
    before = class_names(project)
    shutil.copytree(project / "documents", project / "before" / "documents")
    shutil.copy(project / "overlay.toml", project / "before" / "overlay.toml")
    # Sorted before the published endpoint, and more of them.
    for name in ("aShips", "bShips", "cShips"):
        add_endpoint(project, name, ["Name"])
    done = tciagen("generate", cwd=project)
    assert done.returncode == 0, done.stderr
    assert 'set = { class = "AShipsVessel" }' in done.stderr
    after = class_names(project)
    assert before.items() <= after.items()
    assert after["aShips"] == "AShipsVessel"
    again = tciagen("generate", cwd=project)
    assert "0 written" in again.stdout
    assert "AShipsVessel" not in again.stderr
    assert tciagen("check", cwd=project).returncode == 0
    report = tciagen("diff", "before/documents", "documents", "--format", "json", cwd=project)
    rules = {c["rule"] for c in json.loads(report.stdout)["changes"]}
    assert rules == {"name-collision"}
    assert "AShipsVessel" in report.stdout
    published = tciagen("diff", "out/src/fleet_client", "documents", "--all", cwd=project)
    assert published.returncode == 0, published.stdout


def test_class_that_an_overlay_name_moves_is_a_breaking_change(project: Path, tciagen: Run) -> None:
    add_endpoint(project, "aShips", ["Name"])
    assert tciagen("generate", cwd=project).returncode == 0
    shutil.copytree(project / "out/src/fleet_client", project / "before")
    with (project / "overlay.toml").open("a", encoding="utf-8") as overlay:
        overlay.write(
            '[[entry]]\nendpoint = "Fleet/query/aShips"\nset = { class = "Vessel" }\n'
            'reason = "It is the main record."\n'
        )
    report = tciagen("diff", "before", "documents", "--format", "json", cwd=project)
    moved = {
        (c["endpoint"], c["rule"], c["severity"], c["before"], c["after"])
        for c in json.loads(report.stdout)["changes"]
    }
    assert moved == {
        ("Fleet/query/aShips", "return-object-renamed", "breaking", "AShipsVessel", "Vessel"),
        (
            "Fleet/query/listVessels",
            "return-object-renamed",
            "breaking",
            "Vessel",
            "ListVesselsVessel",
        ),
    }
    assert tciagen("generate", cwd=project).returncode == 0
    assert class_names(project)["aShips"] == "Vessel"
    assert class_names(project)["listVessels"] == "ListVesselsVessel"


def test_contract_that_cannot_be_read_is_replaced(project: Path, tciagen: Run) -> None:
    before = class_names(project)
    contract = project / "out/src/fleet_client/contract.json"
    contract.write_text('{"format": 1, "endpoints": [[]]}')
    done = tciagen("check", cwd=project)
    assert (done.returncode, "EDITED out/src/fleet_client/contract.json" in done.stdout) == (
        1,
        True,
    )
    assert tciagen("generate", "--force", cwd=project).returncode == 0
    assert class_names(project) == before


def test_names_survive_another_package_name(project: Path, tciagen: Run) -> None:
    add_endpoint(project, "aShips", ["Name"])
    assert tciagen("generate", cwd=project).returncode == 0
    config = project / "tciagen.toml"
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace('"fleet_client"', '"harbour_client"'), encoding="utf-8")
    assert tciagen("generate", cwd=project).returncode == 0
    models = (project / "out/src/harbour_client/models.py").read_text(encoding="utf-8")
    assert "class AShipsVessel(RecordBase):" in models
    assert "class Vessel(RecordBase):" in models
