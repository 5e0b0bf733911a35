"""The demo data set and synthetic catalogs."""

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tciagen.archive import demo_series
from tciagen.archive.catalog import open_for_reading, open_for_writing
from tciagen.archive.demo import DemoArchive, build_demo
from tciagen.archive.testing.synthetic import synthesize
from tciagen.errors import UsageProblem


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


TABLES = ("patient", "study", "series", "shared_list")


def rows(catalog: Path, tables: Sequence[str] = TABLES) -> list[tuple[object, ...]]:
    connection = open_for_reading(catalog)
    try:
        return [row for table in tables for row in connection.execute(f"SELECT * FROM {table}")]
    finally:
        connection.close()


def test_complete_data_set_is_left_unchanged(demo: DemoArchive) -> None:
    written: list[tuple[int, int]] = []
    before = {path: path.stat().st_mtime_ns for path in (demo.folder / "images").rglob("*")}
    assert build_demo(demo.folder, progress=lambda *done: written.append(done)) == demo
    assert written == []
    assert {p: p.stat().st_mtime_ns for p in (demo.folder / "images").rglob("*")} == before


def test_incomplete_data_set_is_written_again_byte_for_byte(
    demo: DemoArchive, tmp_path: Path
) -> None:
    shutil.copytree(demo.folder / "images", tmp_path / "images", copy_function=hollow)
    (tmp_path / "images" / "pet" / "00" / "001.dcm").unlink()
    catalog = tmp_path / "catalog.sqlite"
    command = [sys.executable, "-m", "tciagen.archive", "demo", "--catalog", str(catalog)]
    result = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert result.stdout.startswith("9 collections, 61 series, 1,500 images, ")
    assert result.stderr == ""
    assert digests(tmp_path / "images") == digests(demo.folder / "images")
    assert rows(catalog) == rows(demo.catalog)


def hollow(source: str, target: str) -> None:
    """Copy a file as zeros, but the manifest, which has only sizes, unchanged."""
    data = Path(source).read_bytes()
    Path(target).write_bytes(data if source.endswith(".json") else bytes(len(data)))


def test_data_set_has_the_documented_size(demo: DemoArchive) -> None:
    assert (demo.collections, demo.series, demo.images) == (9, 61, 1500)
    assert demo.size < 25_000_000


def test_demo_refuses_a_folder_of_other_files(tmp_path: Path) -> None:
    note = tmp_path / "images" / "holiday.jpg"
    note.parent.mkdir()
    note.write_bytes(b"sun")
    with pytest.raises(UsageProblem, match="not a demo data set"):
        build_demo(tmp_path)
    assert note.read_bytes() == b"sun"


def test_data_set_has_values_that_clients_handle_wrongly(demo: DemoArchive) -> None:
    text = repr(rows(demo.catalog))
    for piece in ("O\\'", '"', "&", "<", "ö", "東京", "서울", "𠮷", "ABDOMEN_PELVIS '", "None"):
        assert piece in text
    assert len(demo_series.SHARED_LISTS) == 2


def test_synthetic_catalogs_of_equal_seeds_are_equal(tmp_path: Path) -> None:
    made = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        connection = open_for_writing(tmp_path / name)
        synthesize(connection, 500, seed=seed)
        connection.close()
        made.append(rows(tmp_path / name))
    assert made[0] == made[1] != made[2]


def test_synthetic_values_are_distributed_as_in_tcia(large: Path) -> None:
    connection = open_for_reading(large)

    def one(sql: str) -> int:
        (value,) = connection.execute(sql).fetchone()
        assert isinstance(value, int)
        return value

    assert one("SELECT count(*) FROM series") == 50_000
    assert one("SELECT count(DISTINCT modality) FROM series") == 10
    assert one("SELECT count(*) FROM series WHERE modality IN ('CT', 'MR')") > 35_000
    assert one("SELECT count(*) FROM series WHERE body_part_examined IS NULL") > 2500
    assert one("SELECT count(*) FROM series WHERE manufacturer IS NULL") > 250
    assert one("SELECT max(image_count) FROM series") > 500
    assert one("SELECT min(image_count) FROM series") == 1
    orphans = "SELECT count(*) FROM series LEFT JOIN study USING (study_uid) WHERE study_id"
    assert one(orphans + " IS NULL AND study.study_uid IS NULL") == 0
    connection.close()
