"""What mkdocs does beyond its configuration: generated pages, and roles of docstrings."""

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from tciagen.docs_pages import site_pages

_ROOT = Path(__file__).parents[2]
_ROLE = re.compile(r":(?:class|func|meth|mod|attr|data):<code>(~?)([^<]*)</code>")
_PUBLIC = {"SyncClient": "Client", "AsyncClientBase": "AsyncClient"}
"""Classes whose docstrings describe what a package defines under another name."""

_pages = site_pages(_ROOT / "pyproject.toml", "tcia-v3")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the endpoints' pages into the navigation."""
    for entry in config.nav or []:
        if isinstance(entry, dict) and "Endpoints" in entry:
            pages = [path for path in _pages if path.startswith("endpoints/")]
            entry["Endpoints"] += sorted(set(pages) - set(entry["Endpoints"]))
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages; two of them take the place of what the repository shows."""
    for path, content in _pages.items():
        if stub := files.get_file_from_path(path):
            files.remove(stub)
        files.append(File.generated(config, path, content=content))
    return files


def on_page_content(html: str, **_: object) -> str:
    """Show the roles that docstrings use as code, and the clients by their public names."""
    for base, name in _PUBLIC.items():
        html = html.replace(f">{base}<", f">{name}<")
    return _ROLE.sub(_role, html)


def _role(match: re.Match[str]) -> str:
    short, name = match.groups()
    name = name.lstrip(".")
    return f"<code>{name.rpartition('.')[2] if short else name}</code>"
