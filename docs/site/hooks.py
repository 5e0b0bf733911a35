"""Build the site from the pages that ``pages.py`` writes, with MkDocs."""

import shutil
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from pages import SECTIONS


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Set the navigation."""
    config.nav = [
        {"Overview": "index.md"},
        *({title: list(paths)} for title, paths in SECTIONS.items()),
    ]
    return config


def on_post_build(config: MkDocsConfig) -> None:
    """Copy the Markdown of each page beside its HTML."""
    pages = Path(config.docs_dir)
    for page in pages.rglob("*.md"):
        shutil.copy(page, Path(config.site_dir) / page.relative_to(pages))
