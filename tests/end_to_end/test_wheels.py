"""The built wheels, each in an empty environment outside the repository."""

import os
import re
import subprocess
import sys
import tomllib
import venv
import zipfile
from itertools import chain
from pathlib import Path
from textwrap import dedent

import pytest

from tciagen.archive.demo import DemoArchive
from tciagen.archive.running import RunningArchive

ENDPOINTS = ["TCIA/getSeries", "TCIA/getImage", "SharedList/ContentsByName"]


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        env={**clean, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def installed(project: Path, folder: Path, constraints: Path, extras: str = "") -> Path:
    """Build a project's wheel, install it into a new environment, and return its ``bin``."""
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", folder / "dist", project,
        cwd=folder)  # fmt: skip
    (wheel,) = (folder / "dist").glob("*.whl")
    venv.create(folder / "env", with_pip=False)
    python = folder / "env" / "bin" / "python"
    run(sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", python,
        "--constraint", constraints, f"{wheel}{extras}", cwd=folder)  # fmt: skip
    return python.parent


def locked(root: Path) -> list[str]:
    """Return the locked versions without the hashes."""
    lines = (root / "requirements.lock").read_text().splitlines()
    return [line.rstrip(" \\") for line in lines if line[:1].isalpha()]


def oldest(root: Path) -> list[str]:
    """Return the oldest versions that the two projects allow."""
    pinned: list[str] = []
    for folder in (root, root / "generated/tcia-client"):
        project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
        extras = project.get("optional-dependencies", {}).values()
        for requirement in chain(project["dependencies"], *extras):
            found = re.fullmatch(r"([\w-]+)(?:\[\w+\])?>=([\d.]+)(?:,<\d+)?", requirement)
            assert found is not None, requirement
            pinned.append(f"{found[1]}=={found[2]}")
    return pinned


@pytest.fixture(scope="module", params=[locked, oldest])
def constraints(
    root: Path, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Path:
    """The constraints for the installation of the wheels."""
    path = tmp_path_factory.mktemp("constraints") / "constraints.txt"
    path.write_text("\n".join(request.param(root)) + "\n")
    return path


def test_generator_wheel_contains_no_demo_and_no_site_tooling(root: Path, tmp_path: Path) -> None:
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", tmp_path, root,
        cwd=tmp_path)  # fmt: skip
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    top = {name.split("/")[1] for name in names if name.startswith("tciagen/")}
    assert "tciagen/documents/query-endpoint-metadata.schema.json" in names
    assert {name.split("/")[0] for name in names} == {"tciagen", "tciagen-0.1.0.dist-info"}
    assert not {name for name in top if re.search("demo|docs|pages|site", name)}
    assert "tciagen/archive/demo.py" in names


def test_generator_wheel_serves_crawls_and_generates(
    root: Path, tmp_path: Path, constraints: Path, archive: RunningArchive
) -> None:
    """The wheel contains templates and schema."""
    tciagen = installed(root, tmp_path, constraints) / "tciagen"
    run(tciagen, "archive", "demo", "--catalog", "archive/catalog.sqlite", cwd=tmp_path)
    crawl = ["crawl", "--base-url", archive.base_url, "--documents", "docs"]
    run(tciagen, *crawl, *[x for e in ENDPOINTS for x in ("--endpoint", e)], cwd=tmp_path)
    generate = ["generate", "--documents", "docs", "--base-url", archive.base_url]
    run(tciagen, *generate, "--package", "my_client", "--out", "out", cwd=tmp_path)
    code = "import my_client; print(len(my_client.Client().get_series()))"
    output = run(tciagen.with_name("python"), "-c", code, cwd=tmp_path / "out" / "src")
    assert int(output) > 50


def test_client_wheel_requires_only_attrs_and_httpx(
    root: Path, tmp_path: Path, constraints: Path, demo: DemoArchive, archive: RunningArchive
) -> None:
    python = installed(root / "generated/tcia-client", tmp_path, constraints) / "python"
    required = "import importlib.metadata as m; print(*m.requires('tcia-client'), sep='\\n')"
    needed = [line for line in run(python, "-c", required, cwd=tmp_path).splitlines()
              if "extra ==" not in line]  # fmt: skip
    assert [re.split(r"[^\w-]", line)[0] for line in sorted(needed)] == ["attrs", "httpx"]
    code = "import tcia_client; print(len(tcia_client.Client().get_series()))"
    output = run(python, "-c", code, cwd=tmp_path, TCIA_BASE_URL=archive.base_url)
    assert int(output) == demo.series


def test_client_extras_work_outside_the_repository(
    root: Path, tmp_path: Path, constraints: Path, archive: RunningArchive
) -> None:
    extras = "[arrow,cli,fast]"
    python = installed(root / "generated/tcia-client", tmp_path, constraints, extras) / "python"
    tcia = python.with_name("tcia")
    env = {"TCIA_BASE_URL": archive.base_url, "HOME": str(tmp_path)}
    columns = ("--columns", "series_instance_uid", "--limit", "1")
    uid = run(tcia, "get-series", *columns, cwd=tmp_path, **env).splitlines()[1]
    to = ("--series-instance-uid", uid, "--to", "images")
    assert run(tcia, "download-image", *to, cwd=tmp_path, **env) == f"images/{uid}\n"
    assert list((tmp_path / "images" / uid).rglob("*.dcm"))
    pressed = {"_TCIA_COMPLETE": "bash_complete", "COMP_WORDS": "tcia\nget-serie"}
    offered = run(tcia, cwd=tmp_path, COMP_CWORD="1", **pressed, **env)
    assert "get-series" in offered
    code = """
        import pyarrow
        from tcia_client import Client
        with Client() as client:
            rows = client.get_series()
        print(rows.to_arrow().num_rows == len(rows) > 50)
    """
    assert run(python, "-c", dedent(code), cwd=tmp_path, **env) == "True\n"
