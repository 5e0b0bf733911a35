"""Choose the proxy of a URL from the environment.

The rules are those of ``urllib.request``: ``http_proxy``, ``https_proxy``, ``all_proxy`` and
``no_proxy`` in either case, and the settings of macOS and Windows. In addition, an entry of
``no_proxy`` may be a network such as ``10.0.0.0/8``.
"""

from contextlib import suppress
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass


def proxy_of(url: str) -> str | None:
    """Return the URL of the proxy that the environment names for a URL, None for none."""
    parts = urlsplit(url)
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy:
        return None
    host = parts.hostname or ""
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    name = f"[{host}]" if ":" in host else host
    if any(proxy_bypass(one) for one in (host, name, f"{name}:{port}")):
        return None
    if _is_in_networks(host, proxies.get("no", "")):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def without_credentials(proxy: str) -> str:
    """Return the URL of a proxy without user name, password, path and query."""
    parts = urlsplit(proxy)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _is_in_networks(host: str, no_proxy: str) -> bool:
    for entry in no_proxy.split(","):
        with suppress(ValueError):  # a name
            network = ip_network(entry.strip().strip("[]"), strict=False)
            if ip_address(host.partition("%")[0]) in network:
                return True
    return False
