"""From a request to its response; httpx and urllib3 are imported here alone."""
