"""From a request to its response: the only package that imports httpx and urllib3."""
