"""The page that a browser shows at the BaseURL: a list of the endpoints."""

from collections.abc import Iterable
from html import escape

from tciagen.archive.queries import Endpoint

_HEAD = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>TCIA v3 query API</title>
<style>
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 50rem; margin: 2rem auto; padding: 0 1rem;
  overflow-wrap: anywhere; }
li { margin-bottom: .6rem; }
</style>
</head>
<body>
<h1>TCIA v3 query API</h1>
<p>This server is a tciagen archive. Its address for clients (BaseURL) is the address of this page.
A required parameter is <strong>bold</strong>.</p>
"""
_KEY_NOTE = "<p>Queries need an API key, in the request header <code>api_key</code>.</p>\n"
_TAIL = "</ul>\n</body>\n</html>\n"


def render_page(endpoints: Iterable[Endpoint], *, base_path: str, needs_key: bool) -> bytes:
    """Return the page in HTML, with a link to each endpoint that needs no parameter."""
    items = "".join(_item(endpoint, base_path) for endpoint in endpoints)
    return (_HEAD + _KEY_NOTE * needs_key + "<ul>\n" + items + _TAIL).encode()


def _item(endpoint: Endpoint, base_path: str) -> str:
    address = escape(f"{base_path}/{endpoint.address}")
    name = escape(endpoint.address)
    if "HTML" in endpoint.formats and not any(one.required for one in endpoint.parameters):
        name = f'<a href="{address}?format=html">{name}</a>'
    parameters = ", ".join(
        f"<strong>{escape(one.name)}</strong>" if one.required else escape(one.name)
        for one in endpoint.parameters
    )
    return (
        f'<li>{name} (<a href="{address}/metadata">metadata</a>)<br>\n'
        f"Parameters: {parameters or 'none'}. Formats: {', '.join(endpoint.formats)}.</li>\n"
    )
