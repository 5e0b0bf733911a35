"""Error statuses, retries, and the messages of errors."""

import json
import pickle
import socket
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from _runtime import errors
from _runtime.errors import (
    ApiError,
    ConnectError,
    HTTPStatusError,
    IncompleteResponseError,
    InvalidResponseError,
    InvalidValueError,
    ParameterError,
    ServerError,
)
from _runtime.http.rate_limit import RateLimiter
from _runtime.http.retry import Attempts, Clock, Retry, retry_after

if TYPE_CHECKING:
    from tests.runtime.conftest import RunClient, Runtime, Server

ERROR_BODY = {
    "errorDescription": "It broke",
    "suggestedAction": "Fix it",
    "detailedMessage": "Here",
}


@pytest.mark.parametrize(
    ("status", "body", "kind", "fault", "retryable"),
    [
        (400, {}, errors.HTTPStatusError, "caller", False),
        (401, {}, errors.AuthenticationError, "caller", False),
        (403, "<html><title>Forbidden</title></html>", errors.HTTPStatusError, "caller", False),
        (404, "<html><h1>Not Found</h1></html>", errors.NotFoundError, "caller", False),
        (429, {}, errors.RateLimitError, "caller", True),
        (471, ERROR_BODY, errors.MissingParameterError, "caller", False),
        (500, {"errorMessage": "boom"}, errors.ServerError, "server", True),
        (
            500,
            {"errorMessage": "QueryEndpoint [x] not found"},
            errors.UnknownEndpointError,
            "server",
            False,
        ),
        (503, "", errors.ServerError, "server", True),
        (571, ERROR_BODY, errors.QueryFailedError, "server", False),
        (572, ERROR_BODY, errors.BadContentError, "server", False),
        (573, ERROR_BODY, errors.DatabaseError, "server", True),
        (574, ERROR_BODY, errors.UpstreamContentError, "server", False),
        (575, ERROR_BODY, errors.ParameterRejectedError, "caller", False),
        (591, ERROR_BODY, errors.NoSuchKeyError, "caller", False),
    ],
)
def test_each_status_raises_its_error(
    run_client: "RunClient",
    rt: "Runtime",
    server: "Server",
    status: int,
    body: str | dict[str, str],
    kind: type[HTTPStatusError],
    fault: str,
    retryable: bool,
) -> None:
    text = body if isinstance(body, str) else json.dumps(body) if body else ""
    server.respond_with(rt.Reply(text.encode(), status))
    with pytest.raises(HTTPStatusError) as caught:
        run_client(lambda c: c.list_ships(), retry=Retry(attempts=1))
    error = caught.value
    assert type(error) is kind
    assert (error.status, error.fault, error.retryable) == (status, fault, retryable)
    assert error.endpoint == "Fleet/query/listShips"
    assert error.url == f"{server.base_url}/Fleet/query/listShips?format=json"
    if body is ERROR_BODY:
        details = (error.error_description, error.suggested_action, error.detailed_message)
        assert details == ("It broke", "Fix it", "Here")
    for part in (f"status {status}", error.endpoint, error.url, error.advice):
        assert part in str(error)
    assert type(error) is HTTPStatusError or error.advice


def test_error_quotes_the_page_of_a_proxy(
    run_client: "RunClient", rt: "Runtime", server: "Server"
) -> None:
    server.respond_with(rt.Reply(b"<html><body><h1>No &amp; <b>no</b></h1></body></html>", 502))
    with pytest.raises(ServerError, match=r"\(HTML page\) No &amp; no"):
        run_client(lambda c: c.list_ships())
    assert len(server.requests) == 4


def every_class(kind: type[ApiError] = ApiError) -> Iterator[type[ApiError]]:
    yield kind
    for child in kind.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from every_class(child)


@pytest.mark.parametrize("kind", list(every_class()))
def test_errors_can_be_pickled(kind: type[Any]) -> None:
    error = kind("it broke", endpoint="A/query/b", url="http://h/", status=500, server_message="x")
    error.fault = "network"
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert (str(again), vars(again)) == (str(error), vars(error))


def test_details_of_errors_are_pickled() -> None:
    error = InvalidValueError("row 3: no", row=3, attribute="crew", value="12.5")
    again = pickle.loads(pickle.dumps(error))
    assert (again.row, again.attribute, again.value) == (3, "crew", "12.5")
    again = pickle.loads(pickle.dumps(ParameterError("no", method="m", parameter="p")))
    assert (again.method, again.parameter) == ("m", "p")


def test_every_error_is_an_api_error() -> None:
    for kind in every_class():
        assert kind is ApiError or issubclass(kind, ApiError)
    assert not issubclass(InvalidResponseError, HTTPStatusError)


def test_refused_connection_raises_connect_error_after_retries(run_client: "RunClient") -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(ConnectError, match="the connection failed") as caught:
            run_client(lambda c: c.list_ships(), base_url=address)
    assert (caught.value.fault, caught.value.retryable) == ("network", True)


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_temporary_error_is_retried(
    run_client: "RunClient", rt: "Runtime", server: "Server", status: int
) -> None:
    trouble = rt.Reply(b"", status, {"Retry-After": "0"})
    server.respond_with(trouble, trouble, b"[]")
    assert run_client(lambda c: c.list_ships()) == []
    assert len(server.requests) == 3


@pytest.mark.parametrize("status", [400, 401, 404, 500, 571, 573])
def test_permanent_error_is_not_retried(
    run_client: "RunClient", rt: "Runtime", server: "Server", status: int
) -> None:
    server.respond_with(rt.Reply(b"", status))
    with pytest.raises(HTTPStatusError):
        run_client(lambda c: c.list_ships())
    assert len(server.requests) == 1


class Watch:
    """A clock that a test sets."""

    def __init__(self, chance: float = 1.0) -> None:
        self.time = 1000.0
        self.clock = Clock(
            monotonic=lambda: self.time, now=lambda: 784111777.0, random=lambda: chance
        )


def waits(policy: Retry, error: ApiError, watch: Watch) -> list[float]:
    """Return the delays before the error is raised."""
    attempts = Attempts(policy, watch.clock)
    found: list[float] = []
    with suppress(type(error)):
        while len(found) < 100:
            found.append(attempts.after(error))
            watch.time += found[-1]
    return found


def test_delay_doubles_with_full_jitter_up_to_the_longest() -> None:
    policy = Retry(attempts=7, backoff=1, longest=8, total=1000)
    error = ConnectError("x")
    assert waits(policy, error, Watch()) == [1, 2, 4, 8, 8, 8]
    assert waits(policy, error, Watch(chance=0.5)) == [0.5, 1, 2, 4, 4, 4]


def test_attempts_and_total_time_are_bounded() -> None:
    error = IncompleteResponseError("x")
    assert waits(Retry(attempts=1), error, Watch()) == []
    assert waits(Retry(attempts=99, backoff=4, total=15), error, Watch()) == [4, 8]


def test_retry_waits_as_long_as_the_server_requests() -> None:
    error = HTTPStatusError("x", status=503, retry_after=40.0)
    assert waits(Retry(attempts=3), error, Watch()) == [40, 40]
    assert waits(Retry(total=30), error, Watch()) == []


def test_retry_after_is_a_number_or_a_date() -> None:
    clock = Watch().clock
    assert retry_after("120", clock) == 120
    assert retry_after("Sun, 06 Nov 1994 08:50:37 GMT", clock) == 60
    assert retry_after("Sun, 06 Nov 1994 08:49:37 GMT", clock) == 0
    for nonsense in ("soon", "Mon, 01 Jan 2024 00:00:00 +99999999999999999999", "1 Jan 99999 0:00"):
        assert retry_after(nonsense, clock) is None
    assert retry_after(None, clock) is None


def test_rate_limiter_spaces_requests_evenly() -> None:
    watch = Watch()
    limiter = RateLimiter(4, watch.clock)
    assert [limiter.acquire() for _ in range(3)] == [0, 0.25, 0.25]
    watch.time += 0.25
    assert [limiter.acquire() for _ in range(2)] == [0, 0.25]
    watch.time += 10
    assert [limiter.acquire() for _ in range(2)] == [0, 0.25]
    assert RateLimiter(None, watch.clock).acquire() == 0
