"""The SQLite catalog: patients, studies, series, files and shared lists.

The series table repeats collection and patient, so that the largest answer,
getSeries, reads one table in one pass.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from tciagen.errors import DocumentProblem, UsageProblem

DEFAULT_CATALOG = Path("tcia-archive") / "catalog.sqlite"
SCHEMA_VERSION = 1
_APPLICATION_ID = 0x54434941  # "TCIA"

_TABLES = """
CREATE TABLE patient (
    collection TEXT NOT NULL, patient_id TEXT NOT NULL, patient_name TEXT,
    patient_birth_date TEXT, patient_sex TEXT, ethnic_group TEXT,
    PRIMARY KEY (collection, patient_id));
CREATE TABLE study (
    study_uid TEXT NOT NULL, collection TEXT NOT NULL, patient_id TEXT NOT NULL,
    study_date TEXT, study_description TEXT, admitting_diagnoses_description TEXT,
    study_id TEXT, patient_age TEXT,
    PRIMARY KEY (study_uid, collection, patient_id));
CREATE TABLE series (
    series_uid TEXT NOT NULL PRIMARY KEY, study_uid TEXT NOT NULL, collection TEXT NOT NULL,
    patient_id TEXT NOT NULL, modality TEXT NOT NULL, protocol_name TEXT, series_date TEXT,
    series_description TEXT, body_part_examined TEXT, series_number TEXT, annotations_flag TEXT,
    manufacturer TEXT, manufacturer_model_name TEXT, software_versions TEXT,
    visibility TEXT NOT NULL DEFAULT '1', image_count INTEGER NOT NULL DEFAULT 0,
    total_size INTEGER NOT NULL DEFAULT 0, added TEXT NOT NULL);
CREATE TABLE file (
    path BLOB NOT NULL PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
    rule TEXT NOT NULL, problem TEXT, series_uid TEXT, sop_uid TEXT);
CREATE UNIQUE INDEX file_object ON file (series_uid, sop_uid) WHERE problem IS NULL;
CREATE TABLE shared_list (
    name TEXT NOT NULL, position INTEGER NOT NULL, series_uid TEXT NOT NULL,
    PRIMARY KEY (name, position));
"""
_INDICES = {
    "study_patient": "study (collection, patient_id)",
    "study_patient_id": "study (patient_id)",
    "series_place": "series (collection, patient_id, study_uid, added)",
    "series_kind": "series (collection, modality, body_part_examined, manufacturer, patient_id)",
    "series_modality": "series (modality, body_part_examined, manufacturer)",
    "series_body_part": "series (body_part_examined, modality, manufacturer)",
    "series_manufacturer": "series (manufacturer)",
    "series_model": "series (manufacturer_model_name)",
    "series_patient": "series (patient_id)",
    "series_study": "series (study_uid, collection, patient_id)",
}


def open_for_writing(path: Path) -> sqlite3.Connection:
    """Open a catalog, make it where there is none.

    Raises:
        UsageProblem: the folder cannot be written.
        DocumentProblem: the file is no catalog, or one of another version.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, isolation_level=None)
    except (OSError, sqlite3.OperationalError) as error:
        raise _not_writable(path, error) from error
    with ExitStack() as held:
        held.callback(connection.close)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            if connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,):
                connection.executescript(
                    f"BEGIN;{_TABLES}PRAGMA application_id = {_APPLICATION_ID};"
                    f"PRAGMA user_version = {SCHEMA_VERSION};COMMIT;"
                )
                create_indices(connection)
        except sqlite3.OperationalError as error:
            raise _not_writable(path, error) from error
        except sqlite3.DatabaseError as error:
            raise _no_catalog(path) from error
        _check(connection, path)
        held.pop_all()
    return connection


@contextmanager
def writing(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a catalog for a block that writes, as :func:`open_for_writing` does.

    Raises:
        UsageProblem: also where the block cannot write, such as to a locked or full disk.
    """
    with closing(open_for_writing(path)) as connection:
        try:
            yield connection
        except (sqlite3.Error, UnicodeEncodeError) as error:
            raise _not_writable(path, error) from error


def open_for_reading(path: Path) -> sqlite3.Connection:
    """Open an existing catalog read-only; the connection may change threads.

    Raises:
        UsageProblem: there is no such file.
        DocumentProblem: the file is no catalog, or one of another version.
    """
    if not path.is_file():
        raise UsageProblem(
            f"there is no catalog at {path}: make one with `tciagen archive demo`, "
            "`index` or `synth`, or name one with --catalog"
        )
    try:
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=ro", uri=True, check_same_thread=False
        )
    except sqlite3.Error as error:
        raise UsageProblem(f"cannot read the catalog {path}: {error}") from error
    with ExitStack() as held:
        held.callback(connection.close)
        _check(connection, path)
        held.pop_all()
    return connection


def create_indices(connection: sqlite3.Connection) -> None:
    """Create the indices that the queries need, where they are missing."""
    for name, columns in _INDICES.items():
        connection.execute(f"CREATE INDEX IF NOT EXISTS {name} ON {columns}")


def drop_indices(connection: sqlite3.Connection) -> None:
    """Drop the indices, before rows are added by the hundred thousand."""
    for name in _INDICES:
        connection.execute(f"DROP INDEX IF EXISTS {name}")


def save_shared_list(
    connection: sqlite3.Connection, name: str, series_uids: Iterable[str]
) -> tuple[int, int]:
    """Replace a shared list; return its length and how many series the catalog lacks."""
    uids = list(dict.fromkeys(series_uids))
    with connection:
        connection.execute("BEGIN")
        connection.execute("DELETE FROM shared_list WHERE name = ?", (name,))
        connection.executemany(
            "INSERT INTO shared_list VALUES (?, ?, ?)",
            ((name, position, uid) for position, uid in enumerate(uids)),
        )
        known = connection.execute(
            "SELECT count(*) FROM shared_list JOIN series USING (series_uid) WHERE name = ?",
            (name,),
        ).fetchone()[0]
    return len(uids), len(uids) - known


def _check(connection: sqlite3.Connection, path: Path) -> None:
    try:
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        version = connection.execute("PRAGMA user_version").fetchone()[0]
    except sqlite3.DatabaseError as error:
        raise _no_catalog(path) from error
    if application != _APPLICATION_ID:
        raise _no_catalog(path)
    if version != SCHEMA_VERSION:
        raise DocumentProblem(
            f"{path} is a catalog of version {version}, this program reads version "
            f"{SCHEMA_VERSION}: delete it and index again"
        )


def _not_writable(path: Path, error: Exception) -> UsageProblem:
    return UsageProblem(f"cannot write the catalog {path}: {error}")


def _no_catalog(path: Path) -> DocumentProblem:
    return DocumentProblem(f"{path} is no archive catalog: name another file with --catalog")
