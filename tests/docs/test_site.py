"""The pages of the documentation, and the site that MkDocs builds from them."""

import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urlsplit

import click
import pytest
from pages import SECTIONS, all_pages, page_title

import tcia_client
from tciagen.cli.application import cli
from tciagen.config_schema import CONFIG_SCHEMA_NAME, config_keys
from tciagen.drift.catalogue.rules import RULES

from ..drift.browser import CHROMIUM, browser
from .conftest import ROOT

PAGES = all_pages()
PHONE = {"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": True}


def run(*command: str | Path, folder: Path = ROOT, **environment: str) -> None:
    done = subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env={"PATH": "/nowhere", "HOME": os.devnull, **environment},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All pages as Markdown, written without MkDocs."""
    folder = tmp_path_factory.mktemp("pages")
    run("docs/site/pages.py", folder)
    return folder


@pytest.fixture(scope="module")
def site(pages: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built without a network."""
    folder = tmp_path_factory.mktemp("site")
    run(
        *("-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", folder),
        folder=ROOT / "docs" / "site",
        PAGES=str(pages),
        NO_MKDOCS_2_WARNING="1",
        https_proxy="http://127.0.0.1:9",
    )
    return folder


class Links(HTMLParser):
    """Collects the links and the anchors of a page."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.anchors: set[str] = set()
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        for name, value in attrs:
            if name in ("href", "src") and value:
                self.links.add(value)
            elif name == "id" and value:
                self.anchors.add(value)


def test_pages_are_written_without_mkdocs(pages: Path) -> None:
    written = {str(path.relative_to(pages)) for path in pages.rglob("*.md")}
    assert written == PAGES.keys()
    script = "import sys, pages; sys.exit('mkdocs' in sys.modules)"
    run("-c", script, folder=ROOT / "docs" / "site")


def test_navigation_has_every_written_page_once() -> None:
    shown = ["index.md", *(path for paths in SECTIONS.values() for path in paths)]
    assert sorted(shown) == sorted({*shown})
    assert {path.name for path in (ROOT / "docs").glob("*.md")} <= {*shown}
    assert {*shown} <= PAGES.keys()


def test_each_page_has_one_title_and_no_skipped_heading_level() -> None:
    for path, page in PAGES.items():
        prose = re.sub(r"^```.*?^```", "", page, flags=re.DOTALL | re.MULTILINE)
        levels = [len(marks) for marks in re.findall(r"^(#+) ", prose, re.MULTILINE)]
        assert levels.count(1) == 1, path
        assert all(b <= a + 1 for a, b in pairwise(levels)), path


def test_llms_text_links_every_page(pages: Path) -> None:
    text = (pages / "llms.txt").read_text(encoding="utf-8")
    linked = re.findall(r"^- \[.+?\]\((\S+)\)", text, re.MULTILINE)
    assert {*linked, "index.md"} == PAGES.keys()
    assert text.startswith("# tciagen\n\n> ")


def test_commands_page_has_every_command_and_option() -> None:
    page = PAGES["commands.md"]
    context = click.Context(cli, **cli.context_settings)
    for name in cli.list_commands(context):
        assert f"\n## tciagen {name}\n" in page
        command = cli.get_command(context, name)
        assert command is not None
        options = [o for p in command.params for o in p.opts if o.startswith("--")]
        assert [o for o in options if f"`{o}" not in page] == []


def test_configuration_page_has_every_key_and_publishes_the_schema(site: Path) -> None:
    page = PAGES["configuration-keys.md"]
    assert re.findall(r"^## (\S+)$", page, re.MULTILINE) == list(config_keys())
    schema = json.loads((site / CONFIG_SCHEMA_NAME).read_text(encoding="utf-8"))
    assert schema["definitions"]["api"]["properties"] == config_keys()


def test_reference_page_has_every_public_name() -> None:
    page = PAGES["reference.md"]
    names = set(re.findall(r"^### ([\w.]+)$", page, re.MULTILINE))
    assert {*tcia_client.__all__} - names == {"__version__", "models"}
    assert "testing.assert_no_drift" in names
    assert re.findall(r":(?:class|func|meth|mod|attr):|_runtime\.", page) == []


def test_site_has_a_page_for_each_endpoint_and_rule(site: Path) -> None:
    assert {p.stem for p in (site / "rules").glob("*.html")} == {*RULES, "index"}
    endpoints = {f"endpoints/{p.stem}.md" for p in (site / "endpoints").glob("*.html")}
    assert endpoints == {path for path in PAGES if path.startswith("endpoints/")}


def test_site_navigation_has_the_sections_in_order(site: Path) -> None:
    index = (site / "index.html").read_text(encoding="utf-8")
    places = [index.index(f"{title}\n") for title in SECTIONS]
    assert places == sorted(places)


def test_site_has_the_markdown_of_each_page(site: Path) -> None:
    for path, page in PAGES.items():
        assert (site / path).read_text(encoding="utf-8") == page
        assert page_title(page)


def test_site_has_no_dead_link(site: Path) -> None:
    found = {page: Links(page) for page in site.rglob("*.html") if page.name != "404.html"}
    dead = []
    for page, one in found.items():
        for link in one.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            anchors = found[target].anchors if target in found else None
            if not target.is_file() or (
                parts.fragment and anchors and parts.fragment not in anchors
            ):
                dead.append(f"{page.relative_to(site)}: {link}")
    assert len(found) == len(PAGES)
    assert dead == []


def test_site_loads_nothing_from_other_hosts(site: Path) -> None:
    fetched = re.compile(r"<(?:script|link|img|iframe)[^>]*(?:src|href)=\"?(?:https?:)?//[^>]*>")
    found = [
        (page.name, tag)
        for page in site.rglob("*.html")
        for tag in fetched.findall(page.read_text())
    ]
    assert found == []


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
def test_site_pages_do_not_scroll_sideways_on_a_phone(site: Path, tmp_path: Path) -> None:
    pages = [path.removesuffix(".md") + ".html" for path in PAGES if not path.startswith("rules/")]
    wide = {}
    with browser(tmp_path / "profile") as one:
        one.send("Emulation.setDeviceMetricsOverride", **PHONE)
        for page in [*pages, "rules/index.html", "rules/attr-renamed.html"]:
            one._events.clear()
            one.open(site / page)
            width = one.evaluate("document.documentElement.scrollWidth")
            if width > PHONE["width"]:
                wide[page] = width
    assert wide == {}
