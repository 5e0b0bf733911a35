"""Every Python and shell block of the documentation does what it says."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import tcia_client
from tciagen.docs_pages import site_pages
from tciagen.drift.rules import RULES

from .conftest import CLIENT, ROOT, Reader, blocks, output_matches, write_outputs

WRITTEN = sorted(
    [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")],
)
GENERATED = site_pages(ROOT / "pyproject.toml", "tcia-v3")
ENDPOINTS = sorted(p for p in GENERATED if p.startswith("endpoints/") and "index" not in p)
LANGUAGES = {"console", "json", "python", "sh", "text", "toml", "yaml"}


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: path.name)
def test_page_blocks_run_and_print_the_shown_output(
    reader: Reader, path: Path, request: pytest.FixtureRequest
) -> None:
    text = path.read_text(encoding="utf-8")
    ours = [b for b in blocks(text) if b.language in ("python", "sh")]
    expected = [b for b in ours if b.reason is None and b.title is None]
    assert reader.follow(path.name, text) == len(expected)
    if request.config.getoption("--accept-outputs"):
        write_outputs(path, reader.outputs)
    else:
        assert reader.outputs == {}


def test_output_matches_only_what_an_ellipsis_allows() -> None:
    assert output_matches("9 rows in … s\n…\nend\n", "9 rows in 0.3 s\na\nb\nend\n")
    assert not output_matches("9 rows\n…\nend\n", "8 rows\nend\n")
    assert not output_matches("9 rows\n", "9 rows\nmore\n")


@pytest.mark.parametrize("page", ENDPOINTS)
def test_the_examples_of_an_endpoint_have_an_answer(
    reader: Reader, page: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert reader.follow(page, GENERATED[page]) == 2
    by_python = capsys.readouterr().out
    assert by_python.startswith("Download(") or re.search(
        r"^\[.*[1-9][\d,]* rows?\b", by_python, re.MULTILINE
    )
    assert len(reader.printed.splitlines()) >= (1 if "download" in page else 2)


def test_the_clients_own_readme_runs(
    documented: Reader, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (CLIENT / "README.md").read_text(encoding="utf-8")
    assert documented.follow("README.md", text) > len(ENDPOINTS)
    assert "1.3.6.1.4.1.9328.50.50" in capsys.readouterr().out


def test_blocks_are_of_a_known_language_and_not_hidden_in_lists() -> None:
    pages = {str(path): path.read_text(encoding="utf-8") for path in WRITTEN} | dict(GENERATED)
    unknown = [
        f"{page}:{block.line}: {block.language!r}"
        for page, text in pages.items()
        for block in blocks(text)
        if block.language not in LANGUAGES
    ]
    assert unknown == []
    indented = [
        page for page, text in pages.items() if re.search(r"^[ \t]+```", text, re.MULTILINE)
    ]
    assert indented == []


def test_links_lead_somewhere_in_the_repository_itself() -> None:
    pages = [*WRITTEN, *(ROOT / "docs").glob("*/index.md"), CLIENT / "README.md"]
    dead = [
        f"{page.relative_to(ROOT)}: {link}"
        for page in pages
        for link in re.findall(r"\]\(([^)\s#]+)", page.read_text(encoding="utf-8"))
        if not link.startswith("https://") and not (page.parent / link).exists()
    ]
    assert len(pages) > len(WRITTEN) + 1
    assert dead == []


def test_every_proof_of_a_claim_is_a_test() -> None:
    text = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    claims = [row for row in rows if row not in ("| claim | proof |", "| --- | --- |")]
    assert claims
    proofs = [re.findall(r"`(\S+\.py)::(test_\w+)`", claim) for claim in claims]
    assert [claim for claim, named in zip(claims, proofs, strict=True) if not named] == []
    missing = [
        f"{path}::{name}"
        for path, name in {one for named in proofs for one in named}
        if f"def {name}(" not in (ROOT / "tests" / path).read_text(encoding="utf-8")
    ]
    assert missing == []


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built where there is no network to reach."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", folder],
        cwd=ROOT / "docs" / "site",
        env={"PATH": "/nowhere", "NO_MKDOCS_2_WARNING": "1", "https_proxy": "http://127.0.0.1:9"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return folder


def test_the_site_has_a_page_for_each_endpoint_and_rule(site: Path) -> None:
    assert {p.stem for p in (site / "rules").glob("*.html")} == {*RULES, "index"}
    assert {f"endpoints/{p.stem}.md" for p in (site / "endpoints").glob("*.html")} == {
        *ENDPOINTS,
        "endpoints/index.md",
    }
    for index, linked in (("rules", "wire-endpoint-gone"), ("endpoints", "get_series")):
        assert f'href="{linked}.html"' in (site / index / "index.html").read_text(encoding="utf-8")


def test_the_reference_has_every_public_name(site: Path) -> None:
    page = (site / "reference.html").read_text(encoding="utf-8")
    names = {name.rpartition(".")[2] for name in re.findall(r'id="tcia_client\.([\w.]+)"', page)}
    homes = {"Client": "SyncClient", "AsyncClient": "AsyncClientBase"}
    public = {homes.get(name, name) for name in tcia_client.__all__}
    assert public - names == {"__version__", "models"}
    assert re.findall(r":(?:class|func|meth|mod|attr):", page) == []


def test_the_site_fetches_nothing_from_elsewhere(site: Path) -> None:
    fetched = re.compile(r"<(?:script|link|img|iframe)[^>]*(?:src|href)=\"?(?:https?:)?//[^>]*>")
    pages = list(site.rglob("*.html"))
    found = [(page.name, tag) for page in pages for tag in fetched.findall(page.read_text())]
    assert len(pages) > len(RULES)
    assert found == []
