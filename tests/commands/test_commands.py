"""The commands as a user types them: what they print, and their exit status."""

import os
import pty
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def project(tmp_path: Path, fleet_folder: Path, tciagen: Run) -> Path:
    """A project of the invented API, generated."""
    folder = tmp_path / "project"
    shutil.copytree(fleet_folder, folder, ignore=shutil.ignore_patterns("golden"))
    done = tciagen("generate", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


def on_terminal(folder: Path, *arguments: str | Path, **environment: str) -> str:
    """Return what a command shows on a terminal."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "tciagen", *map(str, arguments)],
        cwd=folder,
        env={**os.environ, "TERM": "xterm-256color", **environment},
        stdin=slave,
        stdout=slave,
        stderr=slave,
    )
    os.close(slave)
    seen = b""
    with suppress(OSError):  # the other end is closed
        while piece := os.read(master, 65536):
            seen += piece
    os.close(master)
    process.wait()
    return seen.decode("utf-8", "replace")


def test_dumb_terminal_gets_no_escape_codes(project: Path) -> None:
    shutil.copytree(project / "documents", project / "changed")
    replace(project / "changed/Fleet/listVessels.json", '"V-7"', '"V-8"')
    (project / "out/README.md").write_text("mine")
    catalog = project / "catalog.sqlite"
    commands: list[list[str | Path]] = [
        ["check"],
        ["diff", "documents", "changed"],
        ["archive", "synth", "--series", "20", "--catalog", catalog],
        ["archive", "nonsense"],
    ]
    dumb = [on_terminal(project, *command, TERM="dumb") for command in commands]
    assert [seen for seen in dumb if "\x1b" in seen or not seen] == []
    catalog.unlink()
    colored = [on_terminal(project, *command) for command in commands[:3]]
    assert [seen for seen in colored if "\x1b" not in seen] == []


def replace(path: Path, before: str, after: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), encoding="utf-8")


def test_generate_second_run_changes_nothing(project: Path, tciagen: Run) -> None:
    done = tciagen("generate", cwd=project)
    assert (done.returncode, "0 written" in done.stdout) == (0, True)
    assert tciagen("generate", "--check", cwd=project).returncode == 0
    done = tciagen("check", cwd=project)
    assert (done.returncode, done.stdout) == (0, "fleet: out is up to date\n")


@pytest.mark.parametrize(
    ("kind", "path", "fix"),
    [
        ("EDITED", "out/src/fleet_client/client.py", "tciagen generate --force"),
        ("EDITED", "out/src/fleet_client/_runtime/errors.py", "tciagen generate --force"),
        ("EDITED", "out/README.md", "tciagen generate --force"),
        ("STALE", "out/.tciagen.json", "tciagen generate"),
    ],
)
def test_check_changed_generated_file_fails(
    project: Path, tciagen: Run, kind: str, path: str, fix: str
) -> None:
    place = project / path
    body = bytearray(place.read_bytes())
    body[len(body) // 2] ^= 1
    place.write_bytes(body)
    for command in (["check"], ["generate", "--check"]):
        done = tciagen(*command, cwd=project)
        assert done.returncode == 1
        assert f"{kind} {path}" in done.stdout
        assert f"1 file in out differs. To fix: {fix}" in done.stdout
    tciagen(*fix.split()[1:], cwd=project)
    assert tciagen("check", cwd=project).returncode == 0


def test_check_missing_and_extra_files_fail(project: Path, tciagen: Run) -> None:
    (project / "out/src/fleet_client/models.py").unlink()
    (project / "out/src/fleet_client/old.py").write_text("")
    done = tciagen("check", cwd=project)
    assert done.returncode == 1
    assert "MISSING out/src/fleet_client/models.py" in done.stdout
    assert "EXTRA out/src/fleet_client/old.py" in done.stdout


@pytest.mark.parametrize(
    ("path", "before", "after", "layer"),
    [
        ("documents/Fleet/listVessels.json", "People on board", "People on bord", "documents"),
        ("documents/Fleet/listVessels.json", "V-7", "V-8", "documents"),
        ("overlay.toml", "The harbour's handbook.", "The harbour's handbok.", "overlay"),
        ("tciagen.toml", "Harbour fleet", "Harbour flet", "configuration"),
    ],
)
def test_check_changed_input_fails_and_names_the_layer(
    project: Path, tciagen: Run, path: str, before: str, after: str, layer: str
) -> None:
    replace(project / path, before, after)
    done = tciagen("check", cwd=project)
    assert done.returncode == 1
    assert f"Changed since it was generated: {layer}. To fix: tciagen generate" in done.stdout
    assert tciagen("generate", cwd=project).returncode == 0
    assert tciagen("check", cwd=project).returncode == 0


def test_check_reformatted_document_fails(project: Path, tciagen: Run) -> None:
    replace(project / "documents/Fleet/listVessels.json", '  "Description"', '   "Description"')
    done = tciagen("check", cwd=project)
    assert done.returncode == 1
    assert "EDITED documents/Fleet/listVessels.json: not in the form" in done.stdout


def test_generate_manual_edit_is_never_overwritten_without_force(
    project: Path, tciagen: Run
) -> None:
    place = project / "out/src/fleet_client/models.py"
    place.write_text("# mine\n")
    replace(project / "documents/Fleet/listVessels.json", "People on board", "Everybody on board")
    done = tciagen("generate", cwd=project)
    assert done.returncode == 2
    assert "src/fleet_client/models.py was edited manually" in done.stderr
    assert "--force" in done.stderr
    assert place.read_text() == "# mine\n"


def test_validate_reports_every_violation_of_every_document(project: Path, tciagen: Run) -> None:
    replace(project / "documents/Fleet/listVessels.json", '"decimal"', '"real"')
    replace(project / "documents/Fleet/listVessels.json", '"Formats"', '"Owner": 1, "Formats"')
    replace(project / "documents/Crew/listCrew.json", '"QueryName": "listCrew"', '"QueryName": "x"')
    done = tciagen("validate", cwd=project)
    assert done.returncode == 3
    assert done.stdout.splitlines() == [
        'documents/Crew/listCrew.json: /QueryName: found "x", expected "listCrew"',
        'documents/Fleet/listVessels.json: /Parameters/2/Type: found "real", expected one of'
        " string, integer, decimal, boolean, date, dateTime, time, uid",
        "documents/Fleet/listVessels.json: /Owner: notice: the schema does not know this member",
        "fleet: 5 documents, 2 invalid",
    ]
    for command in ("generate", "check"):
        assert tciagen(command, cwd=project).returncode == 3


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (["generate", "--api", "flet"], 2, "no API 'flet'; did you mean 'fleet'?"),
        (["generate", "--config", "none.toml"], 2, "none.toml cannot be read: No such file"),
        (["generate", "--documents", "nowhere"], 3, "There is no documents folder nowhere"),
        (["generate", "--package", "class"], 2, "package = 'class' is not a valid name"),
        (["generate", "--overlay", "none.toml"], 3, "The overlay none.toml cannot be read"),
        (["generate", "--schema", "none.json"], 3, "none.json is not a readable JSON Schema"),
        (["crawl", "--endpoint", "x"], 2, "'x' is not an endpoint; write Resource/QueryName."),
        (["generate", "--nonsense"], 2, "--nonsense"),
        (["nonsense"], 2, "No such command 'nonsense'. See `tciagen --help`."),
        (["generat"], 2, "No such command 'generat'. Did you mean `tciagen generate`?"),
        (["Check"], 2, "Did you mean `tciagen check`?"),
        (["serve"], 2, "Did you mean `tciagen archive serve`?"),
        (["help"], 2, "Did you mean `tciagen --help`?"),
        (["generate", "--out", "tciagen.toml/x"], 2, "tciagen.toml"),
    ],
)
def test_commands_errors_are_sentences_with_their_status(
    project: Path, tciagen: Run, arguments: list[str], status: int, sentence: str
) -> None:
    done = tciagen(*arguments, cwd=project)
    assert done.returncode == status
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert all(
        line.startswith("tciagen: error: ")
        for line in done.stderr.splitlines()
        if not line.startswith(("notice: ", "    "))
    )


def test_commands_work_with_only_options(tmp_path: Path, fleet_folder: Path, tciagen: Run) -> None:
    done = tciagen(
        "generate",
        "--documents", fleet_folder / "documents",
        "--overlay", fleet_folder / "overlay.toml",
        "--base-url", "http://127.0.0.1:1",
        "--package", "harbour",
        "--out", tmp_path / "out",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out/src/harbour/client.py").is_file()


def test_generate_document_without_configured_endpoint_is_reported(
    project: Path, tciagen: Run
) -> None:
    replace(project / "tciagen.toml", '"listVessels", ', "")
    done = tciagen("generate", cwd=project)
    assert done.returncode == 3
    assert "has documents for Fleet/query/listVessels" in done.stderr
    replace(project / "tciagen.toml", '"getHullScan"', '"getHullScan", "listVessels", "listMore"')
    done = tciagen("generate", cwd=project)
    assert done.returncode == 3
    assert "has no document for Fleet/query/listMore; run `tciagen crawl`" in done.stderr


def test_help_lists_the_exit_statuses(tciagen: Run) -> None:
    done = tciagen("--help")
    assert "0 success, 1 differences found" in " ".join(done.stdout.split())


@pytest.mark.parametrize("arguments", [[], ["archive"]])
def test_tciagen_without_arguments_prints_the_help(tciagen: Run, arguments: list[str]) -> None:
    done = tciagen(*arguments)
    said = done.stderr
    assert (done.returncode, done.stdout) == (2, "")
    assert said.startswith("Usage: ")
    assert said.count("\n") > 5


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["rules"]])
def test_tciagen_closed_pipe_is_not_an_error(arguments: list[str]) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "tciagen", *arguments],
        stdout=write,
        stderr=subprocess.PIPE,
        timeout=60,
        check=False,
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (0, b"")
