"""Compare the metadata of a server's endpoints with the contract of a package."""

import json
from collections.abc import Iterator

from .client import SyncClient
from .drift.compare import compare
from .drift.detector import Drift, contract_of
from .endpoint import Arguments, FileEndpoint
from .errors import ApiError, ConnectError
from .http.request import prepare


def drifts(client: SyncClient, package: str) -> Iterator[Drift | ApiError | ValueError]:
    """Yield the drift, or an error, of each endpoint that differs from the contract.

    It ends after the error of an unreachable server.
    """
    calls = client._calls  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    for address, contract in contract_of(package).items():
        metadata = FileEndpoint(resource=contract["resource"], name=f"{contract['name']}/metadata")
        request = prepare(client.base_url, metadata, Arguments({}))
        try:
            with calls.transport.open(request) as response:
                document = json.loads(b"".join(response.chunks()))
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
