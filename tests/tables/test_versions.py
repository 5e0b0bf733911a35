"""Rows pickled by one generated version of a package, loaded by another."""

import json
import os
import pickle
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

Change = Callable[[dict[str, Any]], None]
Loads = subprocess.CompletedProcess[str]

PICKLED = """
    import pickle, sys
    from fleet_client import Rows, models
    from fleet_client._endpoints import LIST_CREW
    sailor = models.Sailor(name="Doe", rank="2")
    with open(sys.argv[1], "wb") as file:
        pickle.dump((Rows([sailor] * 2, LIST_CREW.attributes), sailor), file)
"""
LOADED = """
    import json, pickle, sys
    import attrs
    with open(sys.argv[1], "rb") as file:
        rows, sailor = pickle.load(file)
    assert rows == [sailor, sailor]
    table = rows.to_arrow()
    print(json.dumps([attrs.asdict(sailor), table.to_pylist()[0]]))
"""


def attribute(name: str, **changes: str) -> dict[str, str]:
    return {"Name": name, "Description": name, "DICOM": "NA", "Type": "string", **changes}


def unchanged(_document: dict[str, Any]) -> None:
    pass


def with_optional_ship(document: dict[str, Any]) -> None:
    document["Result"]["Attributes"].append(attribute("Ship"))


def without_rank(document: dict[str, Any]) -> None:
    document["Result"]["Attributes"] = [attribute("Name")]


def with_integer_rank(document: dict[str, Any]) -> None:
    document["Result"]["Attributes"][1]["Type"] = "integer"


@pytest.fixture(scope="module")
def generated(fleet_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Generate the package of the invented API with a change; return the folder to import from."""

    def generate(change: Change, overlay: str = "") -> Path:
        project = tmp_path_factory.mktemp("version") / "project"
        shutil.copytree(fleet_folder, project, ignore=shutil.ignore_patterns("golden"))
        path = project / "documents" / "Crew" / "listCrew.json"
        document = json.loads(path.read_bytes())
        change(document)
        path.write_text(json.dumps(document, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        with (project / "overlay.toml").open("a", encoding="utf-8") as file:
            file.write(overlay)
        command = [sys.executable, "-m", "tciagen", "generate"]
        subprocess.run(command, cwd=project, check=True, capture_output=True, text=True)
        return project / "out" / "src"

    return generate


def run(package: Path, source: str, pickled: Path) -> Loads:
    environment: Mapping[str, str] = {**os.environ, "PYTHONPATH": str(package)}
    command = [sys.executable, "-c", textwrap.dedent(source), str(pickled)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def pickled(generated: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rows pickled by the unchanged version."""
    path = tmp_path_factory.mktemp("pickled") / "rows.pickle"
    done = run(generated(unchanged), PICKLED, path)
    assert done.returncode == 0, done.stderr
    return path


@pytest.mark.parametrize(
    ("change", "row", "cells"),
    [
        (unchanged, {"name": "Doe", "rank": "2"}, {"name": "Doe", "rank": "2"}),
        (
            with_optional_ship,
            {"name": "Doe", "rank": "2", "ship": None},
            {"name": "Doe", "rank": "2"},
        ),
        (without_rank, {"name": "Doe"}, {"name": "Doe"}),
    ],
)
def test_pickle_of_another_version_loads_with_defaults(
    generated: Callable[..., Path],
    pickled: Path,
    change: Change,
    row: dict[str, str],
    cells: dict[str, str],
) -> None:
    done = run(generated(change), LOADED, pickled)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [row, cells]


REQUIRED_SHIP = """
[[entry]]
endpoint = "Crew/query/listCrew"
attribute = "Ship"
set = { optional = false }
reason = "Every sailor has a ship."
"""


@pytest.mark.parametrize(
    ("change", "overlay", "reason"),
    [
        (with_optional_ship, REQUIRED_SHIP, "it lacks ship, which every record has now"),
        (with_integer_rank, "", "rank is of type str, not int | None"),
    ],
)
def test_pickle_that_does_not_fit_the_version_raises_at_load(
    generated: Callable[..., Path], pickled: Path, change: Change, overlay: str, reason: str
) -> None:
    done = run(generated(change, overlay), LOADED, pickled)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "_pickle.UnpicklingError: cannot load a Sailor that another version of fleet_client "
        f"pickled: {reason}; fetch the records again"
    )


def test_pickle_of_many_rows_states_their_shape_once(fleet_rows: Any) -> None:
    one = len(pickle.dumps(fleet_rows.rows(fleet_rows.whole)))
    many = len(pickle.dumps(fleet_rows.rows(*[fleet_rows.Vessel(crew_count=n) for n in range(99)])))
    assert many < 99 * one / 4
