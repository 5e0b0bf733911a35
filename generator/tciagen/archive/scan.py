"""Reads folders of DICOM files into a catalog and updates it.

A file is read again only if its size, its time of change or its link target has changed.
A file that no longer exists in a scanned folder is removed from the catalog, as is a series
without files. Work is committed in batches: the next scan completes one that was interrupted.
"""

import itertools
import os
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path

import attrs

from tciagen.archive import statements
from tciagen.archive.contradictions import Contradiction, contradictions
from tciagen.archive.derive import Touched, ValueIds, derive, put_values
from tciagen.archive.headers import Header
from tciagen.archive.readers import Unusable, header_reader
from tciagen.archive.rules import CollectionRule, RememberedRules, below
from tciagen.archive.walk import Found, roots_of, walk
from tciagen.errors import UsageProblem

_BATCH = 500

Progress = Callable[[int, int], None]
"""Receives the number of items done, and the number of all items."""


def no_progress(_done: int, _total: int) -> None:
    """Show no progress."""


@attrs.frozen
class Retained:
    """A root with too many absent files: ``gone`` of ``known`` files stay in the catalog."""

    root: Path
    gone: int
    known: int


@attrs.define
class ScanResult:
    """Numbers of files, and findings.

    ``problems`` names each file that was left out, with the reason; ``unreadable`` each
    path with unknown content, below which nothing was removed; ``remembered``
    each root whose collections come from the rule of an earlier scan; ``reassigned`` the
    number of series that a changed rule moved.
    """

    read: int = 0
    unchanged: int = 0
    removed: int = 0
    reassigned: int = 0
    problems: list[tuple[Path, str]] = attrs.field(factory=list)
    contradictions: list[Contradiction] = attrs.field(factory=list)
    unreadable: list[tuple[Path, str]] = attrs.field(factory=list)
    broken_links: list[Path] = attrs.field(factory=list)
    retained: list[Retained] = attrs.field(factory=list)
    remembered: list[tuple[Path, CollectionRule]] = attrs.field(factory=list)

    @property
    def is_complete(self) -> bool:
        """Whether the catalog now matches the folders."""
        return not (self.unreadable or self.retained)


@attrs.frozen
class _Known:
    """The catalog's row of a file."""

    state: tuple[int, int, bytes | None]
    series_uid: str | None
    header_collection: str | None
    collection: str | None


def index(
    connection: sqlite3.Connection,
    folders: Sequence[Path],
    *,
    rule: CollectionRule,
    today: date,
    workers: int | None = None,
    progress: Progress = no_progress,
    prune: bool = False,
    reassign: bool = False,
    include_hidden: bool = False,
) -> ScanResult:
    """Read the DICOM files below ``folders`` into the catalog.

    Args:
        connection: catalog, open for writing.
        folders: folders to scan; links to folders are not followed.
        rule: Source of collections; an empty rule leaves the rule of an earlier scan
            unchanged.
        today: the day that counts as ``added`` for a series that is new.
        workers: processes that read files; as many as processors if None.
        progress: receives the number of files done, and of files to read.
        prune: remove absent files even if they are more than half of a folder's files.
        reassign: move series to another collection where the rule has changed.
        include_hidden: scan directories whose names begin with a dot, too.

    Raises:
        UsageProblem: a folder does not exist, or series would move without ``reassign``.
    """
    roots = roots_of(folders)
    found = walk(roots, include_hidden=include_hidden)
    known = _known(connection, roots)
    rules = RememberedRules(connection, roots, rule, reassign=reassign)
    scan = _Scan(connection, rules, today.isoformat())
    todo = [file for key, file in found.files.items() if _is_new(file, known.get(key))]
    queued = {file.key for file in todo}
    unchanged = {key: one for key, one in known.items() if key in found.files and key not in queued}
    result = ScanResult(unchanged=len(unchanged), remembered=rules.used)
    result.broken_links = found.broken_links
    result.reassigned = scan.reassign(unchanged, allowed=reassign)
    done = 0
    progress(done, len(todo))
    todo.sort(key=lambda file: file.key)
    with header_reader(len(todo), workers) as read:
        pairs = zip(todo, read([file.path for file in todo]), strict=True)
        while batch := list(itertools.islice(pairs, _BATCH)):
            unread = scan.store(batch)
            found.unreadable += unread
            done += len(batch)
            result.read += len(batch) - len(unread)
            progress(done, len(todo))
    gone = [key for key in known if key not in found.files and found.knows(key)]
    result.removed, result.retained = scan.remove(gone, known, roots, prune=prune)
    result.unreadable = sorted(found.unreadable)
    ranges = [below(os.fsencode(root)) for root in roots]
    result.problems = _problems(connection, ranges)
    result.contradictions = contradictions(connection, ranges)
    return result


class _Scan:
    """Writes files and the derived rows, in one transaction per call."""

    def __init__(self, connection: sqlite3.Connection, rules: RememberedRules, today: str) -> None:
        self._connection = connection
        self._rules = rules
        self._today = today
        self._touched = Touched()

    def reassign(self, known: Mapping[bytes, _Known], *, allowed: bool) -> int:
        """Save the rules and move unchanged files to the collection of their rule.

        Returns:
            The number of series with moved files.

        Raises:
            UsageProblem: there are such series, and ``allowed`` is false.
        """
        moves: dict[bytes, str] = {}
        for key, file in known.items():
            if file.series_uid is not None:
                collection = self._rules.collection(key, file.header_collection)
                if collection != file.collection:
                    moves[key] = collection
        series = {known[key].series_uid for key in moves}
        if moves and not allowed:
            names = sorted({str(known[key].collection) for key in moves})
            raise UsageProblem(
                f"{len(series)} series would move to another collection "
                f"({', '.join(map(repr, names[:3]))} to "
                f"{', '.join(map(repr, sorted(set(moves.values()))[:3]))}), because the rule for "
                "collections differs from that of the earlier scan: specify the earlier rule or "
                "none, or --reassign to move them"
            )
        with self._connection:
            self._connection.execute("BEGIN")
            self._rules.save(self._connection)
            for key, collection in moves.items():
                self._move(key, collection)
            self._derive()
        return len(series)

    def store(self, batch: Iterable[tuple[Found, Header | Unusable]]) -> list[tuple[Path, str]]:
        """Insert or replace files; return the unreadable ones, which stay unchanged."""
        unread = []
        with self._connection:
            self._connection.execute("BEGIN")
            for file, header in batch:
                if isinstance(header, Unusable) and not header.readable:
                    unread.append((file.path, header.reason))
                    continue
                self._forget(file.key)
                row = (file.key, file.size, file.mtime_ns, file.target)
                if isinstance(header, Unusable):
                    self._connection.execute(
                        statements.PUT_FILE, (*row, header.reason, *[None] * 7)
                    )
                else:
                    self._put(row, header, self._rules.collection(file.key, header.collection))
            self._derive()
        return unread

    def remove(
        self,
        gone: Sequence[bytes],
        known: Mapping[bytes, _Known],
        roots: Sequence[Path],
        *,
        prune: bool,
    ) -> tuple[int, list[Retained]]:
        """Remove files that are gone, unless they are more than half of a root's files.

        A file whose object is also in a file that is not gone has moved: it is removed
        and does not count.
        """
        removed, retained = 0, []
        absent = set(gone)
        for root in roots:
            low, high = below(os.fsencode(root))
            here = [key for key in gone if low <= key < high]
            total = sum(1 for key, one in known.items() if one.series_uid and low <= key < high)
            lost = self._lost([key for key in here if known[key].series_uid], absent)
            if not prune and 2 * len(lost) > total:
                retained.append(Retained(root, len(lost), total))
                here = [key for key in here if key not in lost]
            with self._connection:
                self._connection.execute("BEGIN")
                for key in here:
                    self._forget(key)
                self._derive()
            removed += len(here)
        return removed, retained

    def _lost(self, keys: Iterable[bytes], absent: set[bytes]) -> set[bytes]:
        """Return the files whose object is in no existing file."""
        objects: dict[tuple[str, str], set[bytes]] = defaultdict(set)
        for key in keys:
            (row,) = self._connection.execute(statements.OBJECT_OF_FILE, (key,))
            objects[row].add(key)
        lost: set[bytes] = set()
        for uids, members in objects.items():
            files = self._connection.execute(statements.FILES_OF_OBJECT, uids)
            if all(path in absent for path, _ in files):
                lost |= members
        return lost

    def _move(self, key: bytes, collection: str) -> None:
        stored = self._connection.execute(statements.STORED_FILE, (key,)).fetchone()
        size, mtime_ns, target, series_uid, sop_uid, header_collection, study_uid = stored[:7]
        patient, study = len(statements.PATIENT_VALUES), len(statements.STUDY_VALUES)
        values = stored[9:]
        header = Header(
            sop_uid=sop_uid,
            series_uid=series_uid,
            study_uid=study_uid,
            collection=header_collection,
            patient_id=stored[7],
            unidentified_name=stored[8],
            patient=values[:patient],
            study=values[patient : patient + study],
            series=values[patient + study :],
        )
        self._forget(key)
        self._put((key, size, mtime_ns, target), header, collection)

    def _put(
        self, row: tuple[bytes, int, int, bytes | None], header: Header, collection: str
    ) -> None:
        ids = put_values(self._connection, header, collection)
        uids = (header.series_uid, header.sop_uid)
        self._connection.execute(
            statements.PUT_FILE,
            (*row, None, *uids, header.collection, collection, ids.series, ids.study, ids.patient),
        )
        self._touched.add(*uids, ids)

    def _forget(self, key: bytes) -> None:
        row = self._connection.execute(statements.FORGET_FILE, (key,)).fetchone()
        if row is not None and row[0] is not None:
            self._touched.add(row[0], row[1], ValueIds(*row[2:]))

    def _derive(self) -> None:
        derive(self._connection, self._touched, self._today)


def _is_new(file: Found, known: _Known | None) -> bool:
    return known is None or known.state != (file.size, file.mtime_ns, file.target)


def _known(connection: sqlite3.Connection, roots: Sequence[Path]) -> dict[bytes, _Known]:
    """Return the catalog's files below ``roots`` by their paths."""
    return {
        path: _Known((size, mtime_ns, target), *rest)
        for root in roots
        for path, size, mtime_ns, target, *rest in connection.execute(
            statements.FILES_BELOW, below(os.fsencode(root))
        )
    }


def _problems(
    connection: sqlite3.Connection, ranges: Sequence[tuple[bytes, bytes]]
) -> list[tuple[Path, str]]:
    return [
        (Path(os.fsdecode(path)), problem or f"the same object as {os.fsdecode(other)!r}")
        for one in ranges
        for path, problem, other in connection.execute(statements.PROBLEMS_BELOW, one)
    ]
