"""Values for a shell to offer: those that an endpoint lists, and those the server knows."""

import hashlib
import json
import os
import re
import threading
import time
import warnings
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import click
from click.shell_completion import CompletionItem

from ..endpoint import Endpoint, Parameter
from ..file_methods import FilesMethod
from ..http.retry import Retry
from ..methods import RecordsMethod
from .session import Session

Methods = Mapping[str, RecordsMethod[..., Any] | FilesMethod[...]]

_SECONDS_TO_WAIT = 2.0
_SECONDS_TO_KEEP = 600.0
_MOST_VALUES = 2000
_MOST_KEPT = 100
_PLAIN = re.compile(r"\w[\w .,:+@%/=&#'()-]*")
"""Values of characters that a shell takes as they are once they are quoted or escaped."""

_SIMPLE = re.compile(r"[\w.+@/-]+")
"""Values that any shell takes as they are."""


def option_name(parameter: str) -> str:
    """What the option of a parameter is called among a command's values; no other one is so."""
    return f"query_{parameter}"


def source_of(parameter: Parameter, methods: Methods) -> RecordsMethod[..., Any] | None:
    """The endpoint that lists a parameter's values: asked with nothing, it answers only them."""
    for method in methods.values():
        if (
            isinstance(method, RecordsMethod)
            and [a.name for a in method.endpoint.attributes] == [parameter.name]
            and not any(p.required for p in method.endpoint.parameters)
        ):
            return method
    return None


class Completer:
    """Completes one parameter of an endpoint."""

    def __init__(self, endpoint: Endpoint, parameter: Parameter, methods: Methods) -> None:
        self._endpoint = endpoint
        self._parameter = parameter
        self._methods = methods

    def __call__(
        self, context: click.Context, _parameter: click.Parameter, incomplete: str
    ) -> "list[CompletionItem[str]]":
        """Offer what begins with ``incomplete``; nothing where the server does not answer."""
        values: Iterable[str] = self._parameter.allowed_values
        source = source_of(self._parameter, self._methods)
        if not values and source is not None:
            try:
                values = self._ask(context, source)
            except Exception:  # a person who presses TAB wants no message
                values = ()
        return _offered((v for v in values if v.startswith(incomplete)), context)

    def _ask(self, context: click.Context, source: RecordsMethod[..., Any]) -> list[str]:
        given: dict[str, Any] = {
            p.name: value
            for p in self._endpoint.parameters
            if (value := context.params.get(option_name(p.python_name)))
        }
        asked: dict[str, Any] = {
            p.python_name: given[p.name] for p in source.endpoint.parameters if p.name in given
        }
        session = Session.of(context)
        kept = _kept_place(session, [*session.server(), source.endpoint.address, asked])
        if (values := _recall(kept)) is not None:
            return values
        found: list[list[str]] = []
        thread = threading.Thread(target=_fetch, args=(session, source, asked, found), daemon=True)
        thread.start()
        thread.join(_SECONDS_TO_WAIT)
        for values in found:
            with suppress(OSError):  # it is but asked again next time
                _keep(kept, values)
        return found[0] if found else []


def _fetch(
    session: Session,
    source: RecordsMethod[..., Any],
    asked: Mapping[str, Any],
    found: list[list[str]],
) -> None:
    attribute = source.endpoint.attributes[0].python_name
    options = {"timeout": _SECONDS_TO_WAIT, "retry": Retry(attempts=1), "on_mismatch": "warn"}
    try:
        with warnings.catch_warnings(), session.client(**options) as client:
            warnings.simplefilter("ignore")
            values = {getattr(row, attribute) for row in source(client, **asked)}
        found.append(sorted(v for v in values if isinstance(v, str))[:_MOST_VALUES])
    except Exception:  # noqa: S110 - as above
        pass


def _kept_place(session: Session, question: list[Any]) -> Path:
    from platformdirs import user_cache_path  # noqa: PLC0415 - late on purpose

    name = hashlib.sha256(json.dumps(question, sort_keys=True).encode()).hexdigest()[:32]
    return user_cache_path(session.package.command, appauthor=False) / "completion" / f"{name}.json"


def _recall(place: Path) -> list[str] | None:
    """Values kept not long ago; None if there are none that can be read."""
    try:
        if not 0 <= time.time() - place.stat().st_mtime < _SECONDS_TO_KEEP:
            return None
        values = json.loads(place.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return [*map(str, cast("list[object]", values))] if isinstance(values, list) else None


def _keep(place: Path, values: list[str]) -> None:
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    others = sorted(place.parent.glob("*.json"), key=os.path.getmtime)
    for old in others[: max(0, len(others) - _MOST_KEPT + 1)]:
        old.unlink(missing_ok=True)
    part = place.with_suffix(f".{os.getpid()}.part")
    try:
        part.write_text(json.dumps(values), encoding="utf-8")
        part.replace(place)
    finally:
        part.unlink(missing_ok=True)


def _offered(values: Iterable[str], context: click.Context) -> "list[CompletionItem[str]]":
    variable = Session.of(context).package.completion_variable
    quotes = os.environ.get(variable, "").startswith(("bash", "zsh", "fish"))
    safe = _PLAIN if quotes else _SIMPLE
    return [CompletionItem(value) for value in values if safe.fullmatch(value)]
