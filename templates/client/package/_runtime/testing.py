"""Asks a server for the metadata of every endpoint and holds it against the contract."""

import json
from collections.abc import Iterator

from .client import SyncClient
from .drift.compare import compare
from .drift.detector import Drift, contract_of
from .endpoint import Arguments, FileEndpoint
from .errors import ApiError, ConnectError
from .http.request import prepare


def drifts(client: SyncClient, package: str) -> Iterator[Drift | ApiError | ValueError]:
    """For each endpoint of the contract that is not as it was: how, or why it cannot be told.

    A server that cannot be reached is told once, and not asked for the rest.
    """
    core = client._core  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    for address, contract in contract_of(package).items():
        metadata = FileEndpoint(resource=contract["resource"], name=f"{contract['name']}/metadata")
        request = prepare(core.options.base_url, metadata, Arguments({}))
        try:
            with core.transport.open(request) as answer:
                document = json.loads(b"".join(answer.chunks()))
            changes = tuple(compare(contract, document))
        except ConnectError as error:
            yield error
            return
        except ApiError as error:
            yield error
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            yield ValueError(f"{address}: its metadata cannot be read: {error!r}")
        else:
            if changes:
                yield Drift(address, changes)
