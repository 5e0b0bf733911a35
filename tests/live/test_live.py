"""`check --live` with the real archive, unchanged and changed."""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tciagen.archive.demo import DemoArchive
from tciagen.archive.running import RunningArchive, running_archive
from tciagen.documents.canonical import canonical
from tciagen.documents.parsing import JsonObject
from tciagen.documents.schema import schema_text

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def archive(demo: DemoArchive) -> Iterator[RunningArchive]:
    with running_archive(demo.catalog) as server:
        yield server


@pytest.fixture
def project(tmp_path: Path, root: Path) -> Path:
    """The v3 contract in a separate folder."""
    shutil.copytree(root / "generator/contracts/tcia-v3", tmp_path / "contract")
    return tmp_path / "contract"


@pytest.fixture
def check(project: Path, tciagen: Run) -> Run:
    def run(base_url: str, *more: str) -> subprocess.CompletedProcess[str]:
        documents, overlay = project / "documents", project / "overlay.toml"
        given = ["--documents", documents, "--overlay", overlay, "--base-url", base_url]
        return tciagen("check", "--live", *given, *more)

    return run


def edit(project: Path, address: str, change: Callable[[JsonObject], None]) -> None:
    resource, _, name = address.split("/")
    path = project / "documents" / resource / f"{name}.json"
    document = json.loads(path.read_bytes())
    change(document)
    path.write_bytes(canonical(document))


def attribute(document: JsonObject, name: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = document["Result"]["Attributes"]
    return next(a for a in found if a["Name"] == name)


def test_check_live_archive_matches_its_documents(archive: RunningArchive, check: Run) -> None:
    done = check(archive.base_url)
    assert (done.returncode, done.stderr) == (0, "")
    assert "No change." in done.stdout
    assert "schema: the published one" in done.stdout
    assert "samples: 15 endpoints" in done.stdout


def test_check_live_contradicted_declarations_fail(
    archive: RunningArchive, project: Path, check: Run
) -> None:
    """The documents declare more than the server sends."""
    edit(
        project,
        "TCIA/query/getSeries",
        lambda d: attribute(d, "SeriesDescription").update(Type="integer"),
    )
    edit(
        project,
        "TCIA/query/getPatient",
        lambda d: attribute(d, "PatientSex").update(AllowedValues=["F"], Optional=False),
    )
    edit(
        project,
        "TCIA/query/getPatientStudy",
        lambda d: d["Result"]["Attributes"].remove(attribute(d, "StudyDate")),
    )
    edit(
        project,
        "TCIA/query/getModalityValues",
        lambda d: d["Parameters"][0].update(Required=True),
    )
    done = check(archive.base_url)
    assert done.returncode == 1
    for reported in (
        "breaking wire-type-mismatch TCIA/query/getSeries#/Result/Attributes/SeriesDescription",
        "dangerous wire-value-undeclared TCIA/query/getPatient#/Result/Attributes/PatientSex",
        "dangerous wire-attr-missing TCIA/query/getPatient#/Result/Attributes/PatientSex",
        "non-breaking wire-attr-undeclared TCIA/query/getPatientStudy#/Result/Attributes/StudyDate",
        "docs wire-required-not-enforced TCIA/query/getModalityValues#/Parameters/Collection",
        "docs wire-attr-never-sent TCIA/query/getSeries#/Result/Attributes/AnnotationsFlag",
    ):
        assert reported in done.stdout
    # The same differences are reported as drift of the documents.
    assert "attr-type-narrowed" in done.stdout or "attr-type-widened" in done.stdout


def test_check_live_proposes_undeclared_types_until_the_overlay_has_them(
    archive: RunningArchive, project: Path, check: Run
) -> None:
    series = "TCIA/query/getSeries"
    edit(project, series, lambda d: attribute(d, "ImageCount").pop("Type"))
    proposed = check(archive.base_url).stdout
    assert f"{series}: ImageCount has no declared type, and the sampled rows agree on integer" in (
        proposed
    )
    assert "wire-type-mismatch" not in proposed
    lines = [line for line in proposed.splitlines() if line.startswith("    ")]
    start = next(i for i, line in enumerate(lines) if line.strip() == "[[entry]]")
    with (project / "overlay.toml").open("a", encoding="utf-8") as overlay:
        overlay.write("\n" + "\n".join(lines[start : start + 5]) + "\n")
    assert "has no declared type" not in check(archive.base_url).stdout


def test_check_live_changed_server_is_reported(
    demo: DemoArchive, project: Path, root: Path, tmp_path: Path, check: Run
) -> None:
    changed = tmp_path / "changed"
    shutil.copytree(root / "generator/contracts/tcia-v3/documents", changed)
    (changed / "TCIA/getManufacturerValues.json").unlink()
    with running_archive(demo.catalog, options=["--contract", str(changed)]) as server:
        done = check(server.base_url)
    assert done.returncode == 4
    assert "getManufacturerValues" in done.stderr + done.stdout


def test_check_live_fail_on_sets_the_failing_level(archive: RunningArchive, check: Run) -> None:
    assert check(archive.base_url, "--fail-on", "docs").returncode == 1
    assert check(archive.base_url, "--fail-on", "none").returncode == 0


def test_check_compares_recorded_rows_offline(
    archive: RunningArchive, project: Path, check: Run, tciagen: Run, tmp_path: Path
) -> None:
    shutil.rmtree(project / "samples")
    assert check(archive.base_url, "--record").returncode == 0
    sample = project / "samples/TCIA/getSeries.json"
    assert len(json.loads(sample.read_bytes())["rows"]) == 5
    (tmp_path / "tciagen.toml").write_text(
        "[a]\nbase-url = 'http://127.0.0.1'\npackage = 'p'\noutput = 'out'\n"
        "documents = 'contract/documents'\noverlay = 'contract/overlay.toml'\n"
    )
    config = ["--config", tmp_path / "tciagen.toml"]
    assert tciagen("generate", *config).returncode == 0
    assert tciagen("check", *config).returncode == 0
    sample.write_text(sample.read_text().replace('"ImageCount": ', '"ImageCount": 0.5'))
    done = tciagen("check", *config)
    assert done.returncode == 1
    assert "wire-type-mismatch TCIA/query/getSeries#/Result/Attributes/ImageCount" in done.stdout
    sample.write_text('{"rows": 3}')
    assert tciagen("check", *config).returncode == 3


def test_check_record_without_live_is_a_usage_error(tciagen: Run) -> None:
    done = tciagen("check", "--record")
    assert done.returncode == 2
    assert "--record requires --live" in done.stderr


def test_key_reaches_every_request_and_no_output_or_sample(
    demo: DemoArchive, project: Path, tciagen: Run
) -> None:
    key = "S3cret-Key-7Q"
    with running_archive(demo.catalog, options=["--api-key", key]) as server:
        given = ["--documents", project / "documents", "--overlay", project / "overlay.toml"]
        words = ["check", "--live", "--record", *given, "--base-url", server.base_url]
        without = tciagen(*words)
        done = tciagen(*words, env={"TCIAGEN_API_KEY": key})
    assert (without.returncode, "status 401" in without.stderr) == (4, True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "samples: 15 endpoints" in done.stdout
    written = "".join(path.read_text() for path in project.rglob("*.json"))
    assert key not in done.stdout + written


@pytest.mark.parametrize(
    ("comment", "status", "reported"),
    [
        (None, 0, "schema: the configured one"),
        ("ours", 1, "schema: the server's schema differs from the configured one"),
    ],
)
def test_check_live_compares_the_configured_schema_with_the_server(
    archive: RunningArchive,
    project: Path,
    check: Run,
    comment: str | None,
    status: int,
    reported: str,
) -> None:
    schema = json.loads(schema_text())
    if comment is not None:
        schema["$comment"] = comment
    (project / "schema.json").write_text(json.dumps(schema))
    done = check(archive.base_url, "--schema", str(project / "schema.json"))
    assert (done.returncode, done.stderr) == (status, "")
    assert reported in done.stdout
