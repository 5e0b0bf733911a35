"""The generated methods in editors, type checkers and documentation generators."""

import json
import re
import subprocess
import sys
from pathlib import Path

import jedi  # type: ignore[import-untyped]
import pytest

USE = """\
from tcia_client import AsyncClient, Client


def use(client: Client) -> None:
    rows = client.get_series(collection="A")
    reveal_type(rows)
    reveal_type(rows[0].series_instance_uid)
    reveal_type(client.download_image("x", series_instance_uid="1.2", keep_zip=True))
    reveal_type(client.download_images("x", rows, workers=4, names="server"))
    reveal_type(client.with_raw_response.get_series())
    for row in client.streaming.get_series():
        reveal_type(row)


async def use_async(client: AsyncClient) -> None:
    reveal_type(await client.get_series())
    async for row in client.streaming.get_series():
        reveal_type(row)
"""
REVEALED = ["Rows[", "UID", "Download", "list[", "RawResponse", "Series", "Rows[", "Series"]

WRONG = {
    'client.get_series(Collection="A")': "a keyword that does not exist",
    'client.get_series("A")': "a positional value",
    "client.get_series_size()": "a missing required keyword",
    'client.get_series(format="zip")': "a format that does not exist",
    'client.download_image("x")': "a missing required keyword of a download",
    'client.download_image("x", series_instance_uid="1.2", keepzip=True)': "an unknown option",
    'client.download_image("x", series_instance_uid="1.2", names="x")': "a wrong option",
    'client.download_images("x")': "missing items",
    "client.streaming.get_series(1)": "a positional value of a view",
    "client.get_serie()": "a method that does not exist",
}


def checked(tool: str, path: Path, source: Path) -> list[tuple[int, str]]:
    """Run a type checker in its strict mode; return the line and text of each message."""
    binary = Path(sys.executable).parent
    if tool == "mypy":
        done = subprocess.run(
            [binary / "mypy", "--strict", "--config-file", "", "--output", "json", path],
            cwd=path.parent,
            env={"MYPYPATH": str(source), "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=False,
        )
        found = [json.loads(line) for line in done.stdout.splitlines()]
        return [(one["line"], one["message"]) for one in found]
    (path.parent / "pyrightconfig.json").write_text(
        json.dumps({"typeCheckingMode": "strict", "extraPaths": [str(source)]})
    )
    done = subprocess.run(
        [binary / "basedpyright", "--outputjson", "--pythonpath", sys.executable, path],
        cwd=path.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    found = json.loads(done.stdout)["generalDiagnostics"]
    return [(one["range"]["start"]["line"] + 1, one["message"]) for one in found]


@pytest.fixture(scope="module")
def source(root: Path) -> Path:
    return root / "generated" / "tcia-client" / "src"


@pytest.mark.parametrize("tool", ["mypy", "pyright"])
def test_type_checker_knows_every_result(tool: str, tmp_path: Path, source: Path) -> None:
    path = tmp_path / "use.py"
    path.write_text(USE)
    messages = [text for _, text in checked(tool, path, source)]
    revealed = [text for text in messages if "evealed type" in text or text.startswith("Type of")]
    assert revealed == messages
    for text, part in zip(revealed, REVEALED, strict=True):
        assert part in text


@pytest.mark.parametrize("tool", ["mypy", "pyright"])
def test_type_checker_refuses_every_wrong_call(tool: str, tmp_path: Path, source: Path) -> None:
    path = tmp_path / "wrong.py"
    head = "from tcia_client import Client\n\nclient = Client()\n"
    path.write_text(head + "\n".join(WRONG) + "\n")
    lines = {line for line, _ in checked(tool, path, source)}
    missed = [call for number, call in enumerate(WRONG, 4) if number not in lines]
    assert missed == []
    assert min(lines) >= 4


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("client.get_ser", {"get_series", "get_series_size"}),
        ("client.get_series(coll", {"collection="}),
        ("client.get_series()[0].series_inst", {"series_instance_uid"}),
        ("next(client.streaming.get_series()).patient", {"patient_id"}),
        ("client.download_image('x', series_inst", {"series_instance_uid="}),
        ("client.download_images('x', [], work", {"workers="}),
        ("client.with_raw_response.get_series().stat", {"status"}),
    ],
)
def test_jedi_completes_statically(source: Path, line: str, expected: set[str]) -> None:
    head = "from tcia_client import Client\nclient = Client()\n"
    project = jedi.Project(source, added_sys_path=[str(source)])
    completions = jedi.Script(head + line, project=project).complete(3, len(line))
    assert expected <= {one.name for one in completions}


def test_jedi_shows_signature_and_docs(source: Path) -> None:
    code = "from tcia_client import Client\nClient().get_series("
    project = jedi.Project(source, added_sys_path=[str(source)])
    (signature,) = jedi.Script(code, project=project).get_signatures(2, 20)
    assert [parameter.name for parameter in signature.params][:2] == [
        "collection",
        "study_instance_uid",
    ]
    assert "collection: Collection name." in signature.docstring()


def test_sphinx_autodoc_shows_signatures(tmp_path: Path, source: Path) -> None:
    (tmp_path / "conf.py").write_text(
        f"import sys\nsys.path.insert(0, {str(source)!r})\n"
        "extensions = ['sphinx.ext.autodoc', 'sphinx.ext.napoleon']\n"
    )
    (tmp_path / "index.rst").write_text(
        "Client\n======\n\n.. autoclass:: tcia_client.Client\n   :members:\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-b", "text", ".", "out"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    text = " ".join((tmp_path / "out" / "index.txt").read_text("utf-8").split())
    assert re.search(
        r"get_series\(\*, collection: str \| None = None, .*\) -> Rows\[Series\]", text
    )
    assert re.search(r"download_image\(target: .*, \*, series_instance_uid: str, \*\*options", text)
    assert "**collection** -- Collection name." in text


def test_mkdocstrings_shows_signatures(tmp_path: Path, source: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text("# Client\n\n::: tcia_client.client.Client\n")
    (tmp_path / "mkdocs.yml").write_text(
        "site_name: x\nplugins:\n  - mkdocstrings:\n      handlers:\n        python:\n"
        f"          paths: [{source}]\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--quiet"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    page = re.sub(r"<[^>]+>", "", (tmp_path / "site" / "index.html").read_text("utf-8"))
    text = " ".join(page.split())
    assert "get_series(*, collection=None, study_instance_uid=None," in text
    assert "download_images(target, items, *, series_instance_uid=None, workers=None" in text
    assert "Collection name." in text
