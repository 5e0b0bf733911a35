"""The crawl: fetch the metadata of every endpoint.

The requests for ``<BaseURL>/<Resource>/query/<QueryName>/metadata`` are concurrent up to a
limit, with timeouts and retries with backoff. A document that cannot be fetched or is invalid
never replaces a valid one. All failures are reported together.
"""

import asyncio
import random
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import attrs
import httpx
from jsonschema import Draft202012Validator

from tciagen.api_key import holds_key
from tciagen.documents.address import check_base_url
from tciagen.documents.canonical import canonical, unix_lines
from tciagen.documents.folder import document_path
from tciagen.documents.parsing import MAX_DOCUMENT_BYTES, JsonObject, parse
from tciagen.documents.validation import validate
from tciagen.errors import DocumentProblem, ServerProblem, TciagenError
from tciagen.files import replace_file
from tciagen.http import REQUEST_ERRORS, open_async_client, unreachable

RETRIED = frozenset({408, 425, 429, 502, 503, 504})
CONCURRENCY = 8
ATTEMPTS = 3
MAX_WAIT = 20.0
_NO_SUCH_KEY = 591
_ACCEPT = {"Accept": "application/json"}


@attrs.frozen
class Failure:
    """An endpoint without a valid document, and the reason. ``rule`` is the ID of a drift rule."""

    address: str
    rule: str
    reason: str


@attrs.frozen
class Crawl:
    """The result of a crawl: documents by address, and the failures."""

    documents: Mapping[str, JsonObject]
    failures: tuple[Failure, ...] = ()

    def require_complete(self) -> None:
        """Raise unless there is a valid document for every endpoint.

        Raises:
            ServerProblem: An endpoint was unreachable.
            DocumentProblem: A document is unreadable or invalid.
        """
        if not self.failures:
            return
        total = len(self.documents) + len({f.address for f in self.failures})
        lines = [f"{f.address}: {f.reason}" for f in self.failures]
        lines.append(
            f"{len(self.documents)} of {total} documents are valid;"
            " the others remain unchanged in the folder."
        )
        unreachable = any(f.rule == "endpoint-unreachable" for f in self.failures)
        raise (ServerProblem if unreachable else DocumentProblem)("\n".join(lines))


def crawl(
    base_url: str,
    addresses: Iterable[str],
    validator: Draft202012Validator | None = None,
    *,
    api_key: str | None = None,
) -> Crawl:
    """Fetch and validate the metadata of every address.

    The key is sent as a header. A document that repeats it is a failure. Redirects are not
    followed, so no other server receives the key.

    Raises:
        UsageProblem: ``base_url`` is not an HTTP or HTTPS address.
    """
    check_base_url(base_url)
    return asyncio.run(_crawl(base_url.rstrip("/"), sorted(set(addresses)), validator, api_key))


def write_documents(documents: Mapping[str, JsonObject], folder: Path) -> list[str]:
    """Write each document that is new or differs; return their addresses."""
    changed = []
    for address, document in documents.items():
        path, body = document_path(folder, address), canonical(document)
        if not path.is_file() or unix_lines(path.read_bytes()) != body:
            replace_file(path, body)
            changed.append(address)
    return changed


async def _crawl(
    base_url: str,
    addresses: list[str],
    validator: Draft202012Validator | None,
    api_key: str | None,
) -> Crawl:
    limit = asyncio.Semaphore(CONCURRENCY)
    documents: dict[str, JsonObject] = {}
    failures: list[Failure] = []

    async def one(client: httpx.AsyncClient, address: str) -> None:
        async with limit:
            try:
                body = await _fetch(client, f"{base_url}/{address}/metadata")
                _refuse_key(body, api_key)
                document = parse(body, "its metadata")
                _refuse_key(canonical(document), api_key)
            except TciagenError as problem:
                server = isinstance(problem, ServerProblem)
                rule = "endpoint-unreachable" if server else "document-unreadable"
                failures.append(Failure(address, rule, str(problem)))
                return
        findings = validate(address, document, validator)
        failures.extend(Failure(address, f.rule, str(f.violation)) for f in findings)
        if not findings:
            documents[address] = document

    async with open_async_client(base_url, api_key) as client:
        await asyncio.gather(*(one(client, address) for address in addresses))
    failures.sort(key=lambda f: (f.address, f.reason))
    return Crawl(dict(sorted(documents.items())), tuple(failures))


def _refuse_key(body: bytes, api_key: str | None) -> None:
    if holds_key(body, api_key):
        raise DocumentProblem("its metadata repeats the API key, which must not be written.")


async def _fetch(client: httpx.AsyncClient, url: str) -> bytes:
    """Return the body of a response with status 200.

    Raises:
        ServerProblem: The last attempt failed.
    """
    for attempt in range(1, ATTEMPTS + 1):
        last = attempt == ATTEMPTS
        try:
            async with client.stream("GET", url, headers=_ACCEPT) as response:
                if response.status_code == httpx.codes.OK:
                    return await _body(response)
                if last or response.status_code not in RETRIED:
                    raise ServerProblem(_refusal(url, response.status_code))
                wait = _retry_after(response.headers.get("Retry-After"))
        except REQUEST_ERRORS as error:
            if last:
                raise unreachable(url, error) from error
            wait = 0.0
        await asyncio.sleep(wait or random.uniform(0.1, 0.5) * 2**attempt)  # noqa: S311
    raise AssertionError


def _refusal(url: str, status: int) -> str:
    message = f"{url} responded with status {status}."
    if status in (httpx.codes.UNAUTHORIZED, _NO_SUCH_KEY):
        message += " The API key is missing or invalid: set <PREFIX>_API_KEY, or pass --api-key."
    return message


async def _body(response: httpx.Response) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > MAX_DOCUMENT_BYTES:
            raise DocumentProblem(f"its metadata is larger than {MAX_DOCUMENT_BYTES:,} bytes.")
    return bytes(body)


def _retry_after(value: str | None) -> float:
    """Return the seconds of a Retry-After header, at most MAX_WAIT; 0 without one."""
    if value is None or not re.fullmatch(r"\s*[0-9]+\s*", value):
        return 0.0
    return min(float(value), MAX_WAIT)
