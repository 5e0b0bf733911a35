"""Write all pages of the documentation as Markdown, without a site generator.

    python docs/site/pages.py OUT

OUT gets the pages of ``docs/``, the generated pages (endpoints, Python API, commands, configuration
keys, drift rules), the pictures, the JSON Schema of ``tciagen.toml`` and an ``llms.txt``.
"""

import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path

from command_page import command_page
from configuration_page import configuration_page
from endpoint_pages import endpoint_pages, rule_pages
from reference_page import reference_page

from tciagen import pipeline
from tciagen.cli.application import cli
from tciagen.config import read_config
from tciagen.config_schema import CONFIG_SCHEMA_NAME

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
API = "tcia-v3"

SECTIONS: Mapping[str, tuple[str, ...]] = {
    "Tutorial": ("quickstart.md",),
    "How-to guides": (
        "queries.md",
        "tables.md",
        "downloads.md",
        "async.md",
        "test-your-code.md",
        "command-line.md",
        "archive.md",
        "configuration.md",
        "overlay.md",
        "drift.md",
        "regenerate.md",
    ),
    "Reference": (
        "reference.md",
        "errors.md",
        "endpoints/index.md",
        "commands.md",
        "configuration-keys.md",
        "rules/index.md",
        "testing.md",
    ),
    "Explanation": ("architecture.md", "decisions.md", "benchmarks.md"),
}
"""The pages of the navigation in its order; ``index.md`` is before them."""

DEMO_VALUES = {
    "BodyPartExamined": "BRAIN",
    "Collection": "DEMO-BRAIN-MR",
    "Date": "2022-01-01",
    "Modality": "MR",
    "name": "demo-first-look",
    "SOPInstanceUID": "2.25.278280560852404872124693120392019437250",
    "SeriesInstanceUID": "2.25.284766370531402944543152569690324184122",
}
"""Values of query keys for which the demo archive has rows."""


def generated_pages() -> dict[str, str]:
    """Return the generated pages, each by its path in the site."""
    api = read_config(ROOT / "pyproject.toml")[API]
    contract = pipeline.load_contract(api, pipeline.load_documents(api)).contract
    target = api.target()
    endpoints = endpoint_pages(contract, target, DEMO_VALUES)
    package = import_module(target.package)
    testing = import_module(f"{target.package}.testing")
    methods = {Path(path).stem for path in endpoints}
    return {
        **endpoints,
        **rule_pages(),
        "reference.md": reference_page(package, testing, methods),
        "commands.md": command_page(cli, "tciagen"),
        "configuration-keys.md": configuration_page(),
    }


def all_pages() -> dict[str, str]:
    """Return all pages, written and generated ones, each by its path in the site."""
    written = {path.name: path.read_text(encoding="utf-8") for path in sorted(DOCS.glob("*.md"))}
    return written | generated_pages()


def llms_text(pages: Mapping[str, str]) -> str:
    """Return the text of ``llms.txt``: a list of the pages, see https://llmstxt.org."""
    return "\n".join([f"# tciagen\n\n> {_summary(pages['index.md'])}", *_lists(pages), ""])


def _lists(pages: Mapping[str, str]) -> Iterator[str]:
    sections = {title: list(paths) for title, paths in SECTIONS.items()}
    for folder in ("endpoints", "rules"):
        below = sorted(path for path in pages if path.startswith(f"{folder}/"))
        sections[folder.capitalize()] = [path for path in below if not path.endswith("index.md")]
    for title, paths in sections.items():
        yield f"\n## {title}\n"
        for path in paths:
            yield f"- [{page_title(pages[path])}]({path}): {_summary(pages[path])}".rstrip(": ")


def page_title(page: str) -> str:
    """Return the first heading of a page."""
    return next(line[2:] for line in page.splitlines() if line.startswith("# "))


def _summary(page: str) -> str:
    """Return the first sentence below the first heading of a page."""
    below = page.partition("\n# ")[2] if page.startswith("---") else page
    paragraphs = below.partition("\n\n")[2].split("\n\n")
    prose = (p for p in paragraphs if p[:1].isalnum() or p[:1] in "`[")
    text = " ".join(next(prose, "").split())
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    return re.split(r"(?<=[.:])\s", text)[0]


def write_pages(out: Path) -> None:
    """Empty a folder, and write the pages, the pictures, the schema and ``llms.txt`` into it."""
    if out.is_dir():
        shutil.rmtree(out)
    pages = all_pages()
    for path, text in pages.items():
        file = out / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    shutil.copytree(DOCS / "pictures", out / "pictures")
    shutil.copy(ROOT / "generator" / "tciagen" / CONFIG_SCHEMA_NAME, out)
    (out / "llms.txt").write_text(llms_text(pages), encoding="utf-8")


def main() -> None:
    """Write all pages into the folder that the command line specifies."""
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit("usage: python docs/site/pages.py OUT")
    write_pages(Path(sys.argv[1]))


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT / "generated" / "tcia-client" / "src"))
    main()
