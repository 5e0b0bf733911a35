"""Complete options by values that the server lists, in bash, fish and zsh.

click's own scripts lose some values: they cut a value at its comma (fish), remove one level of
backslashes and split what is open in quotes (bash), and ignore the value behind ``--option=``.
"""

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
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
    add_completion_class,
    split_arg_string,
)

from ..endpoint import Endpoint, Parameter
from ..http.retry import Retry
from .config import Session
from .output import replacing

_QUERY_SECONDS = 2.0
_CACHE_SECONDS = 600.0
_MAX_VALUES = 2000
_MAX_CACHE_FILES = 100
_SAFE_IN_QUOTES = re.compile(r"\w[\w .,:+@%/=&#'()-]*")
_SAFE = re.compile(r"[\w.+@/-]+")
_TO_ESCAPE = re.compile(r"[^\w.,:+@%/=-]")
_BREAKS = frozenset("=:")
_BASH = """\
%(complete_func)s() {
    local IFS=$'\\n' item
    COMPREPLY=()
    while IFS= read -r item; do
        case ${item%%%%,*} in
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
            plain) COMPREPLY+=("${item#*,}") ;;
        esac
    done < <(env COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD="$COMP_CWORD" \\
        %(complete_var)s=bash_complete "$1")
}

complete -o nosort -F %(complete_func)s %(prog_name)s
"""


def option_name(parameter: str) -> str:
    """Return the name under which click stores a parameter; no other option has such a name."""
    return f"query_{parameter}"


class Completer:
    """Completes one parameter of an endpoint."""

    def __init__(self, endpoint: Endpoint, parameter: Parameter) -> None:
        self._endpoint = endpoint
        self._parameter = parameter

    def __call__(
        self, context: click.Context, _parameter: click.Parameter, incomplete: str
    ) -> "list[CompletionItem[str]]":
        """Return the values with a prefix, none if the server does not list them."""
        values: Iterable[str] = self._parameter.allowed_values
        if not values:
            with suppress(Exception):  # a person who presses TAB wants no message
                values = self._listed(context)
        variable = Session.of(context).package.completion_variable
        quotes = os.environ.get(variable, "").startswith(("bash", "zsh", "fish"))
        safe = _SAFE_IN_QUOTES if quotes else _SAFE
        return [
            CompletionItem(value)
            for value in values
            if value.startswith(incomplete) and safe.fullmatch(value)
        ]

    def _source(self, endpoints: Iterable[Endpoint]) -> Endpoint | None:
        """Return the endpoint that lists the parameter's values and nothing else."""
        for endpoint in endpoints:
            names = [attribute.name for attribute in endpoint.attributes]
            if names == [self._parameter.name] and not any(p.required for p in endpoint.parameters):
                return endpoint
        return None

    def _listed(self, context: click.Context) -> list[str]:
        session = Session.of(context)
        source = self._source(session.package.settings.endpoints)
        if source is None:
            return []
        passed: dict[str, Any] = {
            p.name: value
            for p in self._endpoint.parameters
            if (value := context.params.get(option_name(p.python_name)))
        }
        query: dict[str, Any] = {
            p.python_name: passed[p.name] for p in source.parameters if p.name in passed
        }
        path = _cache_path(session, [*session.server(), source.address, query])
        if (cached := _read_cache(path)) is not None:
            return cached
        found: list[list[str]] = []
        thread = threading.Thread(target=_fetch, args=(session, source, query, found), daemon=True)
        thread.start()
        thread.join(_QUERY_SECONDS)
        values = next(iter(found), None)
        if values is None:
            return []
        with suppress(OSError):
            _write_cache(path, values)
        return values


def _fetch(
    session: Session,
    source: Endpoint,
    query: Mapping[str, Any],
    found: list[list[str]],
) -> None:
    attribute = source.attributes[0].python_name
    options = {"timeout": _QUERY_SECONDS, "retry": Retry(attempts=1), "on_mismatch": "warn"}
    with suppress(Exception), warnings.catch_warnings(), session.client(**options) as client:
        warnings.simplefilter("ignore")
        values = {getattr(row, attribute) for row in getattr(client, source.method)(**query)}
        found.append(sorted(v for v in values if isinstance(v, str))[:_MAX_VALUES])


def _cache_path(session: Session, key: list[Any]) -> Path:
    from platformdirs import user_cache_path  # noqa: PLC0415 - only where it is needed

    name = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:32]
    return user_cache_path(session.package.command, appauthor=False) / "completion" / f"{name}.json"


def _read_cache(path: Path) -> list[str] | None:
    try:
        if not 0 <= time.time() - path.stat().st_mtime < _CACHE_SECONDS:
            return None
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return [*map(str, cast("list[object]", values))] if isinstance(values, list) else None


def _write_cache(path: Path, values: list[str]) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    others = sorted(path.parent.glob("*.json"), key=os.path.getmtime)
    for old in others[: max(0, len(others) - _MAX_CACHE_FILES + 1)]:
        old.unlink(missing_ok=True)
    with replacing(path) as file:
        file.write(json.dumps(values).encode())


class _WithOption(ShellComplete):
    """Completes the value in a word ``--option=value``."""

    def get_completions(self, args: list[str], incomplete: str) -> "list[CompletionItem[Any]]":
        items = super().get_completions(args, incomplete)
        option, equals, _ = incomplete.partition("=")
        if equals and option.startswith("-"):
            for item in items:
                item.value = f"{option}={item.value}"
        return items


class Bash(_WithOption, BashComplete):
    """Bash replaces the text behind ``=``, ``:`` or an open quote, and escapes nothing."""

    source_template = _BASH
    _unreplaced = _quote = ""

    def get_completion_args(self) -> tuple[list[str], str]:
        """Return the words before the incomplete one, and the incomplete one."""
        parts = os.environ["COMP_WORDS"].split("\n")[: int(os.environ["COMP_CWORD"]) + 1]
        words: list[str] = []
        joins = False
        for part in parts:
            breaks = part != "" and _BREAKS.issuperset(part)
            if words and (breaks or joins):
                words[-1] += part
            else:
                words.append(part)
            joins = breaks
        replaced = "" if joins else parts[-1]
        self._unreplaced = _unquoted(words[-1].removesuffix(replaced))
        self._quote = replaced[:1] if replaced[:1] in ("'", '"') else ""
        return [_unquoted(word) for word in words[1:-1]], _unquoted(words[-1])

    def get_completions(self, args: list[str], incomplete: str) -> "list[CompletionItem[Any]]":
        """Return the completions that the open quote can hold."""
        items = super().get_completions(args, incomplete)
        return [item for item in items if self._quote != "'" or "'" not in item.value]

    def format_completion(self, item: "CompletionItem[Any]") -> str:
        """Return a line for the script."""
        value = item.value.removeprefix(self._unreplaced)
        if not self._quote:
            value = _TO_ESCAPE.sub(r"\\\g<0>", value)
        return f"{item.type},{value}"


class Fish(_WithOption, FishComplete):
    """Fish escapes what it inserts."""

    source_template = FishComplete.source_template.replace("string split", "string split --max 1")


class Zsh(_WithOption, ZshComplete):
    """Zsh escapes what it inserts."""


def register_shells() -> None:
    """Let click complete with these classes."""
    for shell in (Bash, Fish, Zsh):
        add_completion_class(shell)


def _unquoted(word: str) -> str:
    return next(iter(split_arg_string(word)), "")
