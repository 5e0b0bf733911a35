"""Addresses of endpoints: BaseURL, resource and QueryName."""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from tciagen.errors import UsageProblem

_URL = re.compile(r"[A-Za-z0-9.:/_~%\[\]-]+")
RESOURCE = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
QUERY_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")


_DEVICES = {"con", "prn", "aux", "nul"} | {f"{d}{n}" for d in ("com", "lpt") for n in range(10)}
"""Names that cannot be files on Windows."""


def address_of(resource: str, query_name: str) -> str:
    """Return the path below the BaseURL, such as ``TCIA/query/getSeries``."""
    return f"{resource}/query/{query_name}"


def parse_endpoint(text: str) -> str:
    """Return the address of ``Resource/QueryName``.

    Raises:
        UsageProblem: The text has another form.
    """
    resource, _, name = text.strip("/").replace("/query/", "/").partition("/")
    if not (RESOURCE.fullmatch(resource) and QUERY_NAME.fullmatch(name)):
        raise UsageProblem(f"{text!r} is not an endpoint; write Resource/QueryName.")
    device = next((part for part in (resource, name) if part.lower() in _DEVICES), None)
    if device:
        raise UsageProblem(
            f"{text!r} cannot have a document: on Windows {device} is a device, not a file."
            " Omit it."
        )
    return address_of(resource, name)


def name_conflicts(addresses: Iterable[str]) -> list[str]:
    """Return a sentence for each two addresses that are one file without letter case."""
    found = []
    spelled: dict[str, str] = {}
    for address in sorted(set(addresses)):
        resource, _, name = address.split("/")
        for folded, own in ((resource.lower(), resource), (f"{resource}/{name}".lower(), address)):
            other = spelled.setdefault(folded, own)
            if other != own:
                found.append(
                    f"{other} and {own} differ in letter case only, so on Windows and macOS their"
                    " documents would be one file; name only one of them"
                )
                break
    return found


def check_base_url(base_url: str) -> None:
    """Raise UsageProblem unless the text is a URL to which ``/<Resource>/query/…`` can be added."""
    try:
        parts = urlsplit(base_url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname)
        good = good and _URL.fullmatch(base_url) is not None
        good = good and not (parts.query or parts.fragment) and (parts.port or 1) > 0
    except ValueError:
        good = False
    if not good:
        raise UsageProblem(
            f"{base_url!r} is not a BaseURL; specify one such as http://127.0.0.1:8042/services/v3."
        )
