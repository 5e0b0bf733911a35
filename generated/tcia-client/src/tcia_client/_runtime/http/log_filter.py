"""Hide the query of a redirect's target in the logs of the HTTP libraries.

Such a query may be a signature that grants access. httpx logs URLs at level INFO; urllib3 and
httpcore log targets and response headers at level DEBUG.
"""

import logging
import re
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

import httpx

_LOGGERS = (
    "httpx",
    "httpcore.connection",
    "httpcore.http11",
    "httpcore.http2",
    "httpcore.proxy",
    "urllib3.connectionpool",
)
_LOCATION = re.compile(r"""(location['"], b?['"][^'"?]*)\?[^'"]*""", re.IGNORECASE)
_redirected: ContextVar[bool] = ContextVar("_redirected", default=False)


@contextmanager
def hidden_query() -> Generator[None]:
    """Log the URLs of requests without their query."""
    token = _redirected.set(True)
    try:
        yield
    finally:
        _redirected.reset(token)


def _hide_query(record: logging.LogRecord) -> bool:
    if isinstance(record.msg, str) and "ocation" in record.msg:
        record.msg = _LOCATION.sub(r"\1", record.msg)
    if _redirected.get() and isinstance(record.args, tuple):
        record.args = tuple(map(_without_query, record.args))
    return True


def _without_query(argument: object) -> object:
    if isinstance(argument, httpx.URL):
        return argument.copy_with(query=None)
    if isinstance(argument, str) and argument.startswith("/"):  # a request's target
        return argument.partition("?")[0]
    return argument


for _name in _LOGGERS:
    logging.getLogger(_name).addFilter(_hide_query)
