"""How completions reach the line of a shell, where click's own scripts lose some of them.

Those cut a value at its comma (fish), take one level of backslashes away and split what
is open in quotes (bash), and do not know the value behind ``--option=``.
"""

import os
import re
from typing import Any

from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
    add_completion_class,
    split_arg_string,
)

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


class _WithOption(ShellComplete):
    """Completes the word as a whole, also where it is ``--option=value``."""

    def get_completions(self, args: list[str], incomplete: str) -> "list[CompletionItem[Any]]":
        items = super().get_completions(args, incomplete)
        option, equals, _ = incomplete.partition("=")
        if equals and option.startswith("-"):
            for item in items:
                item.value = f"{option}={item.value}"
        return items


class Bash(_WithOption, BashComplete):
    """Bash replaces what stands behind ``=``, ``:`` or an open quote, and escapes nothing."""

    source_template = _BASH
    _kept = _quote = ""

    def get_completion_args(self) -> tuple[list[str], str]:
        """The words before the one to complete, and that one as far as it is there."""
        words = os.environ["COMP_WORDS"].split("\n")[: int(os.environ["COMP_CWORD"]) + 1]
        whole: list[str] = []
        parted = False
        for word in words:
            breaks = word != "" and _BREAKS.issuperset(word)
            if whole and (breaks or parted):
                whole[-1] += word
            else:
                whole.append(word)
            parted = breaks
        replaced = "" if parted else words[-1]
        self._kept = _unquoted(whole[-1].removesuffix(replaced))
        self._quote = replaced[:1] if replaced[:1] in ("'", '"') else ""
        return [_unquoted(word) for word in whole[1:-1]], _unquoted(whole[-1])

    def get_completions(self, args: list[str], incomplete: str) -> "list[CompletionItem[Any]]":
        """What may stand where the line ends."""
        items = super().get_completions(args, incomplete)
        return [item for item in items if self._quote != "'" or "'" not in item.value]

    def format_completion(self, item: "CompletionItem[Any]") -> str:
        """A line for the script."""
        value = item.value.removeprefix(self._kept)
        if not self._quote:
            value = _TO_ESCAPE.sub(r"\\\g<0>", value)
        return f"{item.type},{value}"


class Fish(_WithOption, FishComplete):
    """Fish escapes what it inserts."""

    source_template = FishComplete.source_template.replace("string split", "string split --max 1")


class Zsh(_WithOption, ZshComplete):
    """Zsh escapes what it inserts."""


def register() -> None:
    """Let click complete by these classes."""
    for shell in (Bash, Fish, Zsh):
        add_completion_class(shell)


def _unquoted(word: str) -> str:
    return next(iter(split_arg_string(word)), "")
