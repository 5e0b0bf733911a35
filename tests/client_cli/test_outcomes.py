"""Exit status, messages, secrets, interrupts, and hostile text on a terminal."""

import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HOSTILE = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202egnp.exe\r\nfake"
VALUES = "get-modality-values"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["get-serie"], "No such command 'get-serie'; did you mean get-series?"),
        (["getSeries"], "did you mean get-series?"),
        (["getImage"], "did you mean download-image?"),
        (["download_image"], "did you mean download-image?"),
        (["help"], "did you mean tcia --help?"),
        (["help", "get-series"], "did you mean tcia get-series --help?"),
        (["config", "st"], "did you mean set?"),
        (["config", "help"], "did you mean tcia config --help?"),
        (["get-series", "--SeriesInstanceUID", "1"], "did you mean --series-instance-uid?"),
        (["get-series", "--series_instance_uid=1"], "did you mean --series-instance-uid?"),
        (["get-series", "--columns=SeriesInstanceUID"], "did you mean series_instance_uid?"),
        (["get-series", "--columns=modality", "--columns=collection"], "--columns is passed twice"),
        (["get-series", "--collection=a", "--collection=b"], "--collection is passed twice"),
        (["--timeout=1", "--timeout=2", "get-series"], "--timeout is passed twice; pass it once."),
        (["get-series", "TCGA"], "unexpected argument 'TCGA'; pass values by options, such as"),
        (["download-image", "-"], "unexpected argument '-'; did you mean --from -?"),
        (["download-image", "--series-instance-uid=1.2", "--at-once=2"], "--at-once has no effect"),
        (
            ["download-image", "--series-instance-uid=1.2", "--keep-zip", "--names=server"],
            "--names has no effect for an archive that is not unpacked",
        ),
        (
            ["download-image", "--series-instance-uid=1.2", "--to=a.zip", "--names=server"],
            "--names has no effect",
        ),
        (
            ["--on-mismatch=warn", "download-image", "--series-instance-uid=1.2"],
            "--on-mismatch has no effect on files",
        ),
        (["--timeout=3", "config", "path"], "--timeout has no effect on config"),
        (["get-series", "--colection", "x"], "--colection"),
        (["get-series-size"], "Missing option '--series-instance-uid'"),
        (
            ["get-series-size", "--series-instance-uid", "1..2"],
            "--series-instance-uid cannot be '1..2'",
        ),
        (["new-patients-in-collection", "--collection=x", "--date=x"], "Pass one such as 2010"),
        (["new-patients-in-collection", "--collection= ", "--date=2020-01-01"], "is blank"),
        (["get-series", "--columns", "modalty"], "no column 'modalty'; did you mean modality?"),
        (["get-series", "--columns", "modality,modality"], "named twice"),
        (["get-series", "--limit", "-1"], "-1"),
        (["get-series", "--format", "raw", "--limit", "1"], "raw takes no"),
        (["get-series", "--format", "table", "-o", "x.txt"], "a table is for terminals"),
        (["get-series", "-o", "x.xml"], "ends in none of .csv, .json"),
        (["get-series", "-o", "no/such/folder/x.csv"], "no/such/folder/x.csv: No such"),
        (["--base-url", "ftp://x", "get-series"], "--base-url or the environment must start with"),
        (["--base-url", "http://..x/v3", "get-series"], "is invalid"),
        (["--base-url", "http://u:p@h/v3", "get-series"], "must not have a user name"),
        (["--timeout", "0", "get-series"], "0"),
        (["--timeout", "inf", "get-series"], "must be more than 0 seconds, and at most"),
        (["get-series", "--timeout", "3"], "--timeout belongs before the subcommand: tcia"),
        (["config", "get"], "Choose from: base-url, api-key."),
        (
            ["download-image"],
            "Missing option '--series-instance-uid'; for many downloads pass --from FILE (- is",
        ),
    ],
)
def test_usage_error_prints_one_error_with_status_2(
    tcia: Any, arguments: list[str], message: str
) -> None:
    done = tcia(*arguments)
    assert (done.status, done.out) == (2, b"")
    assert done.err.startswith("tcia: error: ")
    assert done.err.count("\n") == 1
    assert message in done.err
    assert not list(tcia.home.glob("*"))


@pytest.mark.parametrize("arguments", [[], ["config"]])
def test_command_without_arguments_shows_the_help(tcia: Any, arguments: list[str]) -> None:
    done = tcia(*arguments)
    assert (done.status, done.out) == (2, b"")
    assert done.err.startswith("Usage: ")
    assert done.err.count("\n") > 5


def test_unreachable_server_is_status_4(tcia: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    done = tcia("--retries=0", "--base-url", f"http://127.0.0.1:{port}/v3", VALUES)
    assert (done.status, done.out) == (4, b"")
    assert done.err.startswith("tcia: error: TCIA/query/getModalityValues: ")


def test_first_use_without_a_server_names_how_to_set_another(tcia: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        proxy = f"http://127.0.0.1:{unused.getsockname()[1]}"
    env = {"HTTPS_PROXY": proxy, "TCIA_BASE_URL": ""}
    done = tcia("--retries=0", VALUES, env=env)
    assert (done.status, done.err.count("\n")) == (4, 1)
    assert "the default server of the package, which may be gone." in done.err
    assert "run `tcia config set base-url URL`, set TCIA_BASE_URL, or pass base_url" in done.err
    chosen = tcia("--retries=0", "--base-url", f"{proxy}/v3", VALUES, env={"NO_PROXY": "*"})
    assert chosen.status == 4
    assert "default server" not in chosen.err


def test_error_names_the_target_of_a_redirect(tcia: Any, wire: Any) -> None:
    def redirect(handler: Any, _path: str) -> None:
        handler.send_response(302)
        handler.send_header("Location", "http://127.0.0.1:9/elsewhere?format=json&signature=1234")
        handler.end_headers()

    wire.respond = redirect
    done = tcia("--retries=0", VALUES, env={"TCIA_BASE_URL": wire.base_url})
    assert done.status == 4
    assert "redirected to http://127.0.0.1:9/elsewhere" in done.err
    assert "1234" not in done.err


@pytest.mark.parametrize(
    ("variable", "value", "server"),
    [
        ("HTTP_PROXY", "junk://x", "http://127.0.0.1:9/v3"),
        ("SSL_CERT_FILE", "/no/such/file", "https://127.0.0.1:9/v3"),
    ],
)
def test_error_names_the_invalid_variable_of_the_environment(
    tcia: Any, variable: str, value: str, server: str
) -> None:
    done = tcia("--base-url", server, VALUES, env={variable: value})
    assert (done.status, done.err.count("\n")) == (4, 1)
    assert "check HTTP_PROXY" in done.err
    assert variable in done.err


def test_timeout_is_status_4(tcia: Any, wire: Any) -> None:
    wire.silent()
    env = {"TCIA_BASE_URL": wire.base_url}
    assert tcia("--retries=0", "--timeout=0.3", VALUES, env=env).status == 4


def test_error_status_is_status_4(tcia: Any, wire: Any) -> None:
    def refuse(handler: Any, _path: str) -> None:
        handler.send_response(401)
        handler.end_headers()

    wire.respond = refuse
    done = tcia(VALUES, env={"TCIA_BASE_URL": wire.base_url})
    assert done.status == 4
    assert "config set api-key" in done.err


ROW = b'{"Modality":"CT"},'


@pytest.mark.parametrize(
    "body",
    [b"<html><body>login</body></html>", b'[{"Modality":"CT"}', b"{}", b"[" + ROW * 100_000],
    ids=["page", "cut", "no rows", "cut after many rows"],
)
def test_unreadable_response_is_status_3_and_leaves_no_file(
    tcia: Any, wire: Any, body: bytes
) -> None:
    wire.rows(body)
    done = tcia(VALUES, "-o", "rows.csv", env={"TCIA_BASE_URL": wire.base_url})
    assert done.status == 3
    assert done.err.count("\n") == 1
    assert not list(tcia.home.glob("*"))


def test_failed_query_retains_the_existing_file(tcia: Any, wire: Any) -> None:
    (tcia.home / "rows.csv").write_text("before")
    wire.rows(b'[{"Modality":"CT"}')
    assert tcia(VALUES, "-o", "rows.csv", env={"TCIA_BASE_URL": wire.base_url}).status == 3
    assert (tcia.home / "rows.csv").read_text() == "before"


def test_replaced_file_retains_its_mode_and_links(tcia: Any) -> None:
    (tcia.home / "saved").mkdir()
    private = tcia.home / "saved" / "private.csv"
    private.write_text("before")
    private.chmod(0o600)
    (tcia.home / "link.csv").symlink_to(private)
    assert tcia(VALUES, "-o", "link.csv").status == 0
    assert private.read_text().startswith("modality\n")
    assert private.stat().st_mode & 0o777 == 0o600
    assert (tcia.home / "link.csv").is_symlink()


def test_hyphen_is_standard_output(tcia: Any) -> None:
    assert tcia(VALUES, "-o", "-").text == tcia(VALUES).text
    assert not list(tcia.home.glob("*"))


def test_device_is_written_and_not_replaced(tcia: Any) -> None:
    assert tcia(VALUES, "-o", "/dev/null").status == 0
    assert Path("/dev/null").is_char_device()


def test_parquet_on_a_terminal_is_a_usage_error(tcia: Any) -> None:
    status, seen = tcia.on_terminal(VALUES, "--format", "parquet")
    assert status == 2
    assert "pass --output FILE" in seen


def test_key_is_sent_to_the_server_and_not_shown(tcia: Any, wire: Any) -> None:
    wire.rows(b"{}")
    env = {"TCIA_BASE_URL": wire.base_url, "TCIA_API_KEY": "s3cr3t-key"}
    done = tcia("-vv", VALUES, env=env)
    assert [headers["api_key"] for _, headers in wire.requests] == ["s3cr3t-key"]
    assert "getModalityValues" in done.err
    assert "s3cr3t" not in done.err + done.text
    assert "s3cr3t" not in tcia("--help", env=env).text


def test_key_on_the_command_line_causes_a_warning(tcia: Any, wire: Any) -> None:
    wire.rows(b"[]")
    done = tcia("--api-key", "s3cr3t", VALUES, env={"TCIA_BASE_URL": wire.base_url})
    assert done.status == 0
    assert "others can see a key" in done.err
    assert "s3cr3t" not in done.err


def test_verbose_logs_requests(tcia: Any) -> None:
    assert tcia(VALUES).err == ""
    assert "getModalityValues" in tcia("-v", VALUES).err


@pytest.mark.parametrize("missing", ["click", "platformdirs"])
def test_missing_extra_is_reported_with_its_installation(tcia: Any, missing: str) -> None:
    source = (
        f"import sys; sys.modules[{missing!r}] = None; sys.argv = ['tcia', 'config', 'path'];"
        "from tcia_client.__main__ import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", source],
        env=tcia.environment({}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert f"needs {missing}; install tcia_client with its extra 'cli'.\n" in done.stderr


def test_every_command_has_help(tcia: Any) -> None:
    listed = tcia("--help")
    assert listed.status == 0
    assert "Exit status: 0 success" in listed.text
    assert 'eval "$(_TCIA_COMPLETE=bash_source tcia)"' in listed.text
    for command in ("get-series", "download-image", "config"):
        assert command in listed.text
        assert tcia(command, "-h").status == 0
    assert "DICOM (0020,000E)" in tcia("get-series", "-h").text
    assert tcia("--version").text.startswith("tcia 0.")


def test_help_loads_few_modules(tcia: Any) -> None:
    source = (
        "import sys\n"
        "from tcia_client.__main__ import main\n"
        "try:\n    main()\nexcept SystemExit:\n    print(*sys.modules, file=sys.stderr)"
    )
    for arguments in (["--help"], ["get-series", "--help"]):
        done = subprocess.run(
            [sys.executable, "-c", source, *arguments],
            env=tcia.environment({}),
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        loaded = set(done.stderr.split())
        assert {"httpx", "rich", "platformdirs", "pyarrow", "ssl"}.isdisjoint(loaded)


def test_console_script_runs_the_same_function(root: Path) -> None:
    project = (root / "generated" / "tcia-client" / "pyproject.toml").read_text()
    assert '\ntcia = "tcia_client.__main__:main"\n' in project
