"""The Python and shell blocks of the documentation run and print the shown output."""

import re
from pathlib import Path

import pytest
from pages import generated_pages

from .conftest import CLIENT, ROOT, Reader, blocks, output_matches, write_outputs

WRITTEN = sorted(
    [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")],
)
GENERATED = generated_pages()
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
def test_endpoint_page_examples_return_rows_or_files(
    reader: Reader, page: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert reader.follow(page, GENERATED[page]) == 2
    by_python = capsys.readouterr().out
    assert by_python.startswith("Download(") or re.search(
        r"^\[.*[1-9][\d,]* rows?\b", by_python, re.MULTILINE
    )
    assert len(reader.printed.splitlines()) >= (1 if "download" in page else 2)


def test_client_readme_blocks_run(documented: Reader, capsys: pytest.CaptureFixture[str]) -> None:
    text = (CLIENT / "README.md").read_text(encoding="utf-8")
    assert documented.follow("README.md", text) > len(ENDPOINTS)
    assert "1.3.6.1.4.1.9328.50.50" in capsys.readouterr().out


def test_page_blocks_have_a_known_language_and_are_outside_lists() -> None:
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


def test_page_links_exist_in_the_repository() -> None:
    pages = [*WRITTEN, *(ROOT / "docs").glob("*/index.md"), CLIENT / "README.md"]
    dead = [
        f"{page.relative_to(ROOT)}: {link}"
        for page in pages
        for link in re.findall(r"\]\(([^)\s#]+)", page.read_text(encoding="utf-8"))
        if not link.startswith("https://") and not (page.parent / link).exists()
    ]
    assert len(pages) > len(WRITTEN) + 1
    assert dead == []


def test_each_claim_of_the_testing_page_names_existing_tests() -> None:
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
