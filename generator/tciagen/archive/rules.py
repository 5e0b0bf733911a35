"""Rules for the collection of a file, which the catalog stores for each root."""

import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import attrs

from tciagen.archive import statements
from tciagen.archive.headers import NO_COLLECTION
from tciagen.archive.walk import parents


@attrs.frozen
class CollectionRule:
    """The source of a file's collection.

    In this order: ``name``; the folder at ``level`` below the scanned one (1 is the
    next); the file's CTP project name (0013,1010), Clinical Trial Protocol ID
    (0012,0020) or Sponsor Name (0012,0010); else ``UNASSIGNED``.
    """

    name: str | None = None
    level: int | None = None

    def collection(self, root: Path, folder: Path) -> str | None:
        """Return the collection of the files in a folder below ``root``; None if headers decide."""
        if self.name:
            return self.name
        if self.level is not None:
            folders = folder.relative_to(root).parts
            if len(folders) >= self.level:
                return _storable(folders[self.level - 1])
        return None

    @property
    def is_stated(self) -> bool:
        """Whether the rule uses more than the files' headers."""
        return bool(self.name) or self.level is not None

    def __str__(self) -> str:
        options = [f"--collection {self.name}"] if self.name else []
        if self.level is not None:
            options.append(f"--collection-from-folder {self.level}")
        return " ".join(options) or "the files' headers"


class RememberedRules:
    """The rules of the roots of earlier scans, changed by the rule of this one.

    A stated rule that differs from the root's remembered one holds for all paths below
    the root. Without a stated rule, each file has the rule of the nearest root above it.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        roots: Sequence[Path],
        rule: CollectionRule,
        *,
        reassign: bool,
    ) -> None:
        self._rules: dict[bytes, CollectionRule] = {
            path: CollectionRule(name, level)
            for path, name, level in connection.execute(statements.ROOTS)
        }
        self._by_folder: dict[bytes, str | None] = {}
        self.used: list[tuple[Path, CollectionRule]] = []
        self._new: dict[bytes, CollectionRule] = {}
        self._forgotten: list[bytes] = []
        for root in roots:
            key = os.fsencode(root)
            remembered = self._rule_above(key)
            if rule.is_stated and self._rules.get(key) == rule:
                continue
            if rule.is_stated or reassign or remembered is None:
                if rule.is_stated or reassign:
                    self._forget_below(key)
                self._rules[key] = self._new[key] = rule
            elif remembered[1].is_stated:
                self.used.append((root, remembered[1]))

    def collection(self, key: bytes, from_header: str | None) -> str:
        """Return the collection of a file below one of the roots."""
        folder = key[: key.rfind(b"/")] or b"/"
        if folder not in self._by_folder:
            root, rule = self._rule_above(folder) or (folder, CollectionRule())
            self._by_folder[folder] = rule.collection(
                Path(os.fsdecode(root)), Path(os.fsdecode(folder))
            )
        return self._by_folder[folder] or from_header or NO_COLLECTION

    def save(self, connection: sqlite3.Connection) -> None:
        """Write the rules that this scan changed."""
        connection.executemany(statements.FORGET_ROOT, [(key,) for key in self._forgotten])
        for key, rule in self._new.items():
            connection.execute(statements.PUT_ROOT, (key, rule.name, rule.level))

    def _rule_above(self, key: bytes) -> tuple[bytes, CollectionRule] | None:
        for folder in (key, *parents(key)):
            if folder in self._rules:
                return folder, self._rules[folder]
        return None

    def _forget_below(self, key: bytes) -> None:
        for other in [one for one in self._rules if one != key and key in parents(one)]:
            del self._rules[other]
            self._forgotten.append(other)


def below(root: bytes) -> tuple[bytes, bytes]:
    """Return the first path below ``root``, and the first after all paths below it."""
    stem = root.rstrip(b"/")
    return stem + b"/", stem + b"0"


def _storable(text: str) -> str:
    """Replace characters that a file system allows and UTF-8 does not."""
    return text.encode("utf-8", "replace").decode()
