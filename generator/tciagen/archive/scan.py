"""Brings folders of DICOM files into a catalog, and keeps them up to date.

A file is read again only when its size, time of change or collection rule is
another. A file that is gone from a scanned folder leaves the catalog, a series
without files too. Work is committed in batches: a scan that was interrupted is
finished by the next one.
"""

import itertools
import multiprocessing
import os
import signal
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from types import FrameType

import attrs

from tciagen.archive.headers import NO_COLLECTION, Header, NotUsable, read_header
from tciagen.errors import UsageProblem

_BATCH = 500
_FILES_PER_WORKER = 1000
_DUPLICATE = "the same object as another file"

_PUT_PATIENT = "INSERT OR REPLACE INTO patient VALUES (?, ?, ?, ?, ?, ?)"
_PUT_STUDY = "INSERT OR REPLACE INTO study VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_PUT_SERIES = """
INSERT INTO series (series_uid, study_uid, collection, patient_id, modality, protocol_name,
    series_date, series_description, body_part_examined, series_number, manufacturer,
    manufacturer_model_name, software_versions, added)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (series_uid) DO UPDATE SET study_uid = excluded.study_uid,
    collection = excluded.collection, patient_id = excluded.patient_id,
    modality = excluded.modality, protocol_name = excluded.protocol_name,
    series_date = excluded.series_date, series_description = excluded.series_description,
    body_part_examined = excluded.body_part_examined, series_number = excluded.series_number,
    manufacturer = excluded.manufacturer,
    manufacturer_model_name = excluded.manufacturer_model_name,
    software_versions = excluded.software_versions
"""
_COUNT_FILES = """
UPDATE series SET (image_count, total_size) =
    (SELECT count(*), ifnull(sum(size), 0) FROM file WHERE file.series_uid = series.series_uid)
WHERE series_uid = ?
"""
_PRUNE = """
DELETE FROM series WHERE series_uid = ?
    AND NOT EXISTS (SELECT 1 FROM file WHERE file.series_uid = series.series_uid)
"""
_PRUNE_STUDIES = """
DELETE FROM study WHERE NOT EXISTS (SELECT 1 FROM series WHERE series.study_uid = study.study_uid
    AND series.collection = study.collection AND series.patient_id = study.patient_id)
"""
_PRUNE_PATIENTS = """
DELETE FROM patient WHERE NOT EXISTS (SELECT 1 FROM series
    WHERE series.collection = patient.collection AND series.patient_id = patient.patient_id)
"""


Progress = Callable[[int, int], None]
"""Is told how much is done, and of how much."""


def untold(_done: int, _total: int) -> None:
    """Show no progress."""


@attrs.frozen
class CollectionRule:
    """Where a file's collection comes from.

    In this order: ``name``; the folder at ``level`` below the scanned one (1 is the
    next); the file's CTP project name (0013,1010), Clinical Trial Protocol ID
    (0012,0020) or Sponsor Name (0012,0010); else ``UNASSIGNED``.
    """

    name: str | None = None
    level: int | None = None

    def collection(self, root: Path, path: Path, header: Header) -> str:
        """Return the collection of a file below ``root``."""
        if self.name:
            return self.name
        if self.level is not None:
            folders = path.relative_to(root).parts[:-1]
            if len(folders) >= self.level:
                return _storable(folders[self.level - 1])
        return header.collection or NO_COLLECTION

    def __str__(self) -> str:
        return f"{self.name or ''}/{self.level or ''}"


@attrs.define
class ScanResult:
    """What a scan did; ``problems`` names each file that was not taken, with the reason."""

    read: int = 0
    unchanged: int = 0
    removed: int = 0
    problems: list[tuple[Path, str]] = attrs.field(factory=list)


@attrs.frozen
class _Found:
    root: Path
    path: Path
    size: int
    mtime_ns: int

    @property
    def key(self) -> bytes:
        return os.fsencode(self.path)


def index(
    connection: sqlite3.Connection,
    folders: Sequence[Path],
    *,
    rule: CollectionRule,
    today: date,
    workers: int | None = None,
    progress: Progress = untold,
) -> ScanResult:
    """Bring the DICOM files below ``folders`` into the catalog.

    Args:
        connection: catalog, open for writing.
        folders: folders to scan; links to folders are not followed.
        rule: where collections come from.
        today: the day that counts as ``added`` for a series that is new.
        workers: processes that read files; as many as processors if None.
        progress: is told files done and files to read.

    Raises:
        UsageProblem: a folder does not exist.
    """
    result = ScanResult()
    found = {file.key: file for folder in folders for file in _walk(folder)}
    roots = [folder.resolve() for folder in folders]
    known = _known(connection, roots)
    gone = known.keys() - found.keys()
    todo = [file for key, file in found.items() if known.get(key) != _state(file, rule)]
    if gone or any(file.key in known for file in todo):
        # One that was the second of its kind may be the only one now.
        duplicates = {
            row[0]
            for row in connection.execute("SELECT path FROM file WHERE problem = ?", (_DUPLICATE,))
        }
        queued = {file.key for file in todo}
        todo += [file for key, file in found.items() if key in duplicates - queued]
    result.unchanged = len(found) - len(todo)
    touched: set[str] = set()
    progress(0, len(todo))
    todo.sort(key=lambda file: file.key)
    with _header_reader(len(todo), workers) as read:
        pairs = zip(todo, read([file.path for file in todo]), strict=True)
        while batch := list(itertools.islice(pairs, _BATCH)):
            now: set[str] = set()
            with connection:
                connection.execute("BEGIN")
                for file, header in batch:
                    _store(connection, file, header, rule=rule, today=today, gone=gone, touched=now)
                connection.executemany(_COUNT_FILES, [(uid,) for uid in now])
            touched |= now
            result.read += len(batch)
            progress(result.read, len(todo))
    with connection:
        connection.execute("BEGIN")
        result.removed = len(gone)
        for key in sorted(gone):
            _forget(connection, key, touched)
        connection.executemany(_COUNT_FILES, [(uid,) for uid in touched])
        connection.executemany(_PRUNE, [(uid,) for uid in touched])
        connection.execute(_PRUNE_STUDIES)
        connection.execute(_PRUNE_PATIENTS)
    result.problems = _problems(connection, roots)
    return result


def _store(
    connection: sqlite3.Connection,
    file: _Found,
    header: Header | str,
    *,
    rule: CollectionRule,
    today: date,
    gone: set[bytes],
    touched: set[str],
) -> None:
    _forget(connection, file.key, touched)
    row = [file.key, file.size, file.mtime_ns, str(rule)]
    if isinstance(header, str):
        connection.execute("INSERT INTO file VALUES (?, ?, ?, ?, ?, NULL, NULL)", [*row, header])
        return
    other = connection.execute(
        "SELECT path FROM file WHERE series_uid = ? AND sop_uid = ? AND problem IS NULL",
        (header.series_uid, header.sop_uid),
    ).fetchone()
    if other is not None and other[0] not in gone:
        connection.execute(
            "INSERT INTO file VALUES (?, ?, ?, ?, ?, NULL, NULL)", [*row, _DUPLICATE]
        )
        return
    if other is not None:
        _forget(connection, other[0], touched)
    collection = rule.collection(file.root, file.path, header)
    connection.execute(
        "INSERT INTO file VALUES (?, ?, ?, ?, NULL, ?, ?)",
        [*row, header.series_uid, header.sop_uid],
    )
    place = (collection, header.patient_id)
    connection.execute(_PUT_PATIENT, (*place, *header.patient))
    connection.execute(_PUT_STUDY, (header.study_uid, *place, *header.study))
    uids = (header.series_uid, header.study_uid)
    connection.execute(_PUT_SERIES, (*uids, *place, *header.series, today.isoformat()))
    touched.add(header.series_uid)


def _forget(connection: sqlite3.Connection, key: bytes, touched: set[str]) -> None:
    row = connection.execute(
        "DELETE FROM file WHERE path = ? RETURNING series_uid", (key,)
    ).fetchone()
    if row is not None and row[0] is not None:
        touched.add(row[0])


def _walk(folder: Path) -> Iterator[_Found]:
    if not folder.is_dir():
        raise UsageProblem(f"{folder} is not a folder: name an existing one")
    root = folder.resolve()
    for place, folders, names in os.walk(root):
        folders.sort()
        for name in sorted(names):
            path = Path(place, name)
            if path.is_file():
                status = path.stat()
                yield _Found(root, path, status.st_size, status.st_mtime_ns)


def _state(file: _Found, rule: CollectionRule) -> tuple[int, int, str]:
    return file.size, file.mtime_ns, str(rule)


def _known(
    connection: sqlite3.Connection, roots: Sequence[Path]
) -> Mapping[bytes, tuple[int, int, str]]:
    """Return size, time and rule of each file below ``roots`` that the catalog has."""
    rows = connection.execute("SELECT path, size, mtime_ns, rule FROM file")
    return {row[0]: row[1:] for row in rows if _below(row[0], roots)}


def _problems(connection: sqlite3.Connection, roots: Sequence[Path]) -> list[tuple[Path, str]]:
    rows = connection.execute("SELECT path, problem FROM file WHERE problem NOT NULL ORDER BY path")
    return [(Path(os.fsdecode(path)), why) for path, why in rows if _below(path, roots)]


def _below(key: bytes, roots: Sequence[Path]) -> bool:
    return any(key.startswith(os.fsencode(root).rstrip(b"/") + b"/") for root in roots)


def _storable(text: str) -> str:
    """Replace what a file system lets through and UTF-8 does not."""
    return text.encode("utf-8", "replace").decode()


@contextmanager
def _header_reader(
    files: int, workers: int | None
) -> Iterator[Callable[[list[Path]], Iterable[Header | str]]]:
    """Yield a function that reads headers in order, in processes where that pays."""
    count = min(workers or os.cpu_count() or 1, files // _FILES_PER_WORKER + 1)
    if count == 1:
        with _no_lost_interrupt() as check:
            yield lambda paths: _read_here(paths, check)
        return
    pool = ProcessPoolExecutor(
        count, mp_context=multiprocessing.get_context("spawn"), initializer=_leave_to_parent
    )
    try:
        yield lambda paths: pool.map(_read, paths, chunksize=50)
    finally:
        pool.shutdown(cancel_futures=True)


def _read_here(paths: Iterable[Path], check: Callable[[], None]) -> Iterator[Header | str]:
    for path in paths:
        header = _read(path)
        check()
        yield header


@contextmanager
def _no_lost_interrupt() -> Iterator[Callable[[], None]]:
    """Yield a function that raises KeyboardInterrupt if there was one, whoever caught it.

    Reading a file may lose it: pydicom 3.0 answers each exception in the header of a
    sequence's item by an OSError, and CPython's ``int("text")`` puts its ValueError in
    the place of one that a signal handler raises meanwhile.
    """
    main = threading.current_thread() is threading.main_thread()  # no other gets signals
    before = signal.getsignal(signal.SIGINT) if main else None
    if not callable(before):
        yield lambda: None
        return
    lost: list[KeyboardInterrupt] = []

    def remember(number: int, frame: FrameType | None) -> None:
        try:
            before(number, frame)
        except KeyboardInterrupt as interrupt:
            lost.append(interrupt)
            raise

    def check() -> None:
        if lost:
            raise lost[0]

    signal.signal(signal.SIGINT, remember)
    try:
        yield check
    finally:
        signal.signal(signal.SIGINT, before)


def _leave_to_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _read(path: Path) -> Header | str:
    try:
        return read_header(path)
    except NotUsable as problem:
        return str(problem)
