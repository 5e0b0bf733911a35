"""What a client is told about how to talk to its server."""

import logging

import attrs

from .errors import ApiError
from .request import KEY_HEADER
from .retry import Attempts, Clock, Retry


@attrs.frozen(kw_only=True)
class Timeouts:
    """Seconds of silence after which a request is given up; no bound on size or length.

    Attributes:
        connect: Until the connection stands.
        read: Until the first piece of the answer, and between two pieces.
        write: Until the request is out.
        pool: Until one of the client's connections is free.
    """

    connect: float = 10.0
    read: float = 60.0
    write: float = 60.0
    pool: float = 60.0


@attrs.frozen(kw_only=True)
class Options:
    """What a transport is told; see the arguments of the clients."""

    user_agent: str
    logger: logging.Logger
    base_url: str
    api_key: str | None = attrs.field(repr=False)
    timeouts: Timeouts | None
    retry: Retry
    max_connections: int
    requests_per_second: float | None
    clock: Clock = attrs.field(factory=Clock)

    def attempts(self) -> Attempts:
        """The attempts of a new call."""
        return Attempts(self.retry, self.clock)

    def clean(self, error: ApiError) -> ApiError:
        """An error without the key, should the server have sent it back."""
        if self.api_key:
            for name, value in vars(error).items():
                if isinstance(value, str):
                    setattr(error, name, value.replace(self.api_key, f"<{KEY_HEADER}>"))
            error.args = (error.reason,)
        return error
