"""Hostile documents end in a clean refusal, or in a package that is harmless and sound.

Each folder of ``corpus/`` is a documents folder; a name that begins with ``refused``
states the expected result. A new case is a new folder.
"""

import ast
import copy
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import pytest

from tciagen.config import Api
from tciagen.documents.folder import read_folder
from tciagen.errors import DocumentProblem
from tciagen.pipeline import make_plan, plan_of
from tciagen.python.text import plain

CORPUS = Path(__file__).parent / "corpus"
CASES = sorted(path.name for path in CORPUS.iterdir())
REFUSED = [case for case in CASES if case.startswith("refused")]
ACCEPTED = [case for case in CASES if case not in REFUSED]


def package_of(case: str) -> str:
    return "hostile_" + case.lower().replace("-", "_")


def plan(case: str) -> Mapping[PurePosixPath, bytes]:
    api = Api(documents=CORPUS / case, package="hostile", base_url="http://127.0.0.1")
    return make_plan(api).files


@pytest.mark.parametrize("case", REFUSED)
def test_refusal_names_problem_and_document(case: str) -> None:
    with pytest.raises(DocumentProblem) as caught:
        plan(case)
    reported = str(caught.value)
    assert case in reported or "Hostile/query/" in reported
    assert len(reported) < 2000
    for line in reported.splitlines():
        assert line.isprintable()


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All accepted packages in one folder; they share one copy of the runtime.

    The runtime is the same in all of them, so that each gets modules that pass on the
    shared one's names: type-checking fifty copies would prove nothing more.
    """
    folder = tmp_path_factory.mktemp("packages")
    for case in ACCEPTED:
        for path, body in plan(case).items():
            if path.suffix != ".py":
                continue
            place = folder.joinpath(package_of(case), *path.parts[2:])
            place.parent.mkdir(parents=True, exist_ok=True)
            inside = path.parts[3:] if "_runtime" in path.parts else ()
            if not inside:
                place.write_bytes(body)
                continue
            shared = folder.joinpath("hostile_runtime", *inside)
            shared.parent.mkdir(parents=True, exist_ok=True)
            shared.write_bytes(body)
            module = ".".join(["hostile_runtime", *inside]).removesuffix(".py")
            module = module.removesuffix(".__init__")
            place.write_text(f"from {module} import *\n")
    return folder


def test_every_accepted_package_imports_without_side_effect(packages: Path) -> None:
    modules = [
        f"{package_of(case)}.{module}"
        for case in ACCEPTED
        for module in ("client", "models", "_endpoints")
    ]
    watch = (
        "import sys, importlib\n"
        "import attrs, httpx, asyncio, typing, decimal, datetime\n"
        "def hook(event, args):\n"
        "    if event.startswith(('os.', 'subprocess.', 'socket.', 'shutil.')):\n"
        "        if event not in ('os.listdir', 'os.scandir'):\n"
        "            raise SystemExit(f'side effect {event} {args}')\n"
        "    if event == 'open' and args[1] and set(str(args[1])) & set('wax+'):\n"
        "        raise SystemExit(f'side effect {event} {args}')\n"
        "sys.addaudithook(hook)\n"
        "for name in sys.argv[1:]:\n"
        "    importlib.import_module(name)\n"
        "print(len(sys.argv) - 1)\n"
    )
    done = subprocess.run(
        [sys.executable, "-B", "-c", watch, *modules],
        cwd=packages,
        env={**os.environ, "PYTHONPATH": str(packages)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert done.stdout.strip() == str(len(modules))
    assert not list(packages.rglob("hacked"))


def test_every_method_of_an_accepted_package_has_a_signature(packages: Path) -> None:
    tell = (
        "import importlib, inspect, sys\n"
        "for name in sys.argv[1:]:\n"
        "    client = importlib.import_module(f'{name}.client').Client\n"
        "    for endpoint in client._settings.endpoints:\n"
        "        print(inspect.signature(getattr(client, endpoint.method)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-B", "-c", tell, *map(package_of, ACCEPTED)],
        cwd=packages,
        env={**os.environ, "PYTHONPATH": str(packages)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) >= len(ACCEPTED)


def test_every_accepted_package_is_strictly_typed(packages: Path) -> None:
    done = subprocess.run(
        [
            sys.executable, "-m", "mypy", "--strict", "--no-error-summary",
            "--cache-dir", str(packages / ".cache"), "--config-file", os.devnull,
            *[arg for case in ACCEPTED for arg in ("-p", package_of(case))],
        ],
        cwd=packages,
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.stdout == ""
    assert done.returncode == 0


def server_texts(value: object) -> set[str]:
    if isinstance(value, str):
        return {value}
    if isinstance(value, dict):
        return {text for member in value.values() for text in server_texts(member)}
    if isinstance(value, list):
        return {text for member in value for text in server_texts(member)}
    return set()


@pytest.mark.parametrize("case", [case for case in ACCEPTED if case.startswith("text-")])
def test_strings_arrive_unchanged_where_values_matter(case: str) -> None:
    """An allowed value is in the source exactly, prose is shown with what does not print."""
    (document,) = read_folder(CORPUS / case).values()
    files = plan(case)
    package = PurePosixPath("src/hostile")
    constants = {
        node.value
        for node in ast.walk(ast.parse(files[package / "_endpoints.py"]))
        if isinstance(node, ast.Constant)
    }
    for parameter in document["Parameters"]:
        assert set(parameter.get("AllowedValues", ())) <= constants
    source = files[package / "client.py"].decode()
    described = [
        ast.get_docstring(node) or ""
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.decorator_list
    ]
    assert len(described) == 2
    for docs in described:
        assert "".join(plain(document["Description"]).split()) in "".join(docs.split())
    assert all(line.isprintable() for line in source.split("\n"))


TEXTS = [
    "C:\\new \\d+", "lists all.", "what?", "Args:\n    x: y", "Returns:", "A" * 130, "0.0.0.0",
    "http://example.org/" + "x" * 120, "/tmp/secret", "TODO: fix", "-----",
    "\u201codd\u201d \u2013 dash, \u2217 and \u0430",
    "SELECT * FROM x WHERE a = '%s'", "a\n\nb", "Note:\nRaises:\n  x", "password", "ends with \\",
    'Word """x""" "', "x # noqa", "\ttab", "Returns\n-------\nx", "type: ignore", "This is", "1st",
]  # fmt: skip


def test_ruff_settings_of_a_package_hold_for_every_text(tmp_path: Path) -> None:
    base = read_folder(Path(__file__).parents[1] / "data/fleet/documents")
    documents = {}
    for number, text in enumerate(TEXTS):
        document = copy.deepcopy(base["Fleet/query/listVessels"])
        document.update(QueryName=f"query{number}", Description=text)
        document["Result"].update(Name=f"Row{number}", Description=text)
        for member in (*document["Parameters"], *document["Result"]["Attributes"]):
            if isinstance(member, dict):
                member["Description"] = text
                if "AllowedValues" in member:
                    member["AllowedValues"] = [text, "x"]
                    member.pop("Default", None)
        documents[f"Fleet/query/query{number}"] = document
    api = Api(documents=tmp_path, package="odd_texts", base_url="http://127.0.0.1")
    plans = {"odd_texts": plan_of(api, documents, b"").files}
    plans |= {package_of(case): plan(case) for case in ACCEPTED}
    for name, files in plans.items():
        for path, body in files.items():
            if "_runtime" not in path.parts or name == "odd_texts":
                place = tmp_path / name / path
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(body)
    command = [str(Path(sys.executable).parent / "ruff"), "check", "--no-cache", "."]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout == "All checks passed!\n"
