"""The SQLite catalog: files, what they state, and the rows that follow from it.

- ``root``: a directory that was scanned, with its rule for collections.
- ``file``: one row for each file. ``target`` is the real path of a link. ``duplicate_of``
  is the path of another file with the same object, which is served in its place.
- ``series_values``, ``study_values``, ``patient_values``: one row for each different set of
  values that files state, with the number of these files. Triggers update the numbers.
- ``series``, ``study``, ``patient``: the rows of the responses, derived from the values by
  :mod:`tciagen.archive.derive`. The main row of a series has ``own = 1``; there is another
  one for each other patient, study, collection or modality that some of its files state.
- ``first_added``: the day on which a series was first added; it outlives the series.

``unidentified_name`` is the patient's name where the header has no Patient ID, else empty.
The series table repeats collection and patient, so that the largest response,
getSeries, reads one table in one pass.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from tciagen.archive import statements
from tciagen.errors import DocumentProblem, UsageProblem

DEFAULT_CATALOG = Path("tcia-archive") / "catalog.sqlite"
SCHEMA_VERSION = 2
_APPLICATION_ID = 0x54434941  # "TCIA"

_TABLES = """
CREATE TABLE root (path BLOB NOT NULL PRIMARY KEY, collection TEXT, level INTEGER);
CREATE TABLE file (
    path BLOB NOT NULL PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
    target BLOB, problem TEXT, duplicate_of BLOB, series_uid TEXT, sop_uid TEXT,
    header_collection TEXT, collection TEXT,
    series_values INTEGER, study_values INTEGER, patient_values INTEGER);
CREATE INDEX file_object ON file (series_uid, sop_uid, path);
CREATE INDEX file_series_values ON file (series_values, path);
CREATE INDEX file_study_values ON file (study_values, path);
CREATE INDEX file_patient_values ON file (patient_values, path);
CREATE TABLE patient_values (
    id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, files INTEGER NOT NULL DEFAULT 0,
    collection TEXT NOT NULL, patient_id TEXT NOT NULL, unidentified_name TEXT NOT NULL,
    patient_name TEXT, patient_birth_date TEXT, patient_sex TEXT, ethnic_group TEXT);
CREATE INDEX patient_values_key ON patient_values (collection, patient_id, unidentified_name);
CREATE TABLE study_values (
    id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, files INTEGER NOT NULL DEFAULT 0,
    study_uid TEXT NOT NULL, collection TEXT NOT NULL, patient_id TEXT NOT NULL,
    unidentified_name TEXT NOT NULL, study_date TEXT, study_description TEXT,
    admitting_diagnoses_description TEXT, study_id TEXT, patient_age TEXT);
CREATE INDEX study_values_key
    ON study_values (study_uid, collection, patient_id, unidentified_name);
CREATE TABLE series_values (
    id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, files INTEGER NOT NULL DEFAULT 0,
    objects INTEGER NOT NULL DEFAULT 0, size INTEGER NOT NULL DEFAULT 0,
    series_uid TEXT NOT NULL, study_uid TEXT NOT NULL, collection TEXT NOT NULL,
    patient_id TEXT NOT NULL, unidentified_name TEXT NOT NULL, modality TEXT NOT NULL,
    protocol_name TEXT, series_date TEXT, series_description TEXT, body_part_examined TEXT,
    series_number TEXT, manufacturer TEXT, manufacturer_model_name TEXT, software_versions TEXT);
CREATE INDEX series_values_key ON series_values (series_uid);
CREATE TRIGGER file_added AFTER INSERT ON file WHEN NEW.series_values NOT NULL BEGIN
    UPDATE patient_values SET files = files + 1 WHERE id = NEW.patient_values;
    UPDATE study_values SET files = files + 1 WHERE id = NEW.study_values;
    UPDATE series_values SET files = files + 1, objects = objects + 1, size = size + NEW.size
        WHERE id = NEW.series_values;
END;
CREATE TRIGGER file_removed AFTER DELETE ON file WHEN OLD.series_values NOT NULL BEGIN
    UPDATE patient_values SET files = files - 1 WHERE id = OLD.patient_values;
    UPDATE study_values SET files = files - 1 WHERE id = OLD.study_values;
    UPDATE series_values SET files = files - 1, objects = objects - (OLD.duplicate_of IS NULL),
        size = size - OLD.size * (OLD.duplicate_of IS NULL) WHERE id = OLD.series_values;
END;
CREATE TRIGGER file_duplicate AFTER UPDATE OF duplicate_of ON file BEGIN
    UPDATE series_values SET
        objects = objects + (NEW.duplicate_of IS NULL) - (OLD.duplicate_of IS NULL),
        size = size + NEW.size * ((NEW.duplicate_of IS NULL) - (OLD.duplicate_of IS NULL))
        WHERE id = NEW.series_values;
END;
CREATE TABLE first_added (
    series_uid TEXT NOT NULL PRIMARY KEY, added TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE patient (
    collection TEXT NOT NULL, patient_id TEXT NOT NULL,
    unidentified_name TEXT NOT NULL DEFAULT '', patient_name TEXT,
    patient_birth_date TEXT, patient_sex TEXT, ethnic_group TEXT,
    PRIMARY KEY (collection, patient_id, unidentified_name));
CREATE TABLE study (
    study_uid TEXT NOT NULL, collection TEXT NOT NULL, patient_id TEXT NOT NULL,
    unidentified_name TEXT NOT NULL DEFAULT '', study_date TEXT, study_description TEXT,
    admitting_diagnoses_description TEXT, study_id TEXT, patient_age TEXT,
    PRIMARY KEY (study_uid, collection, patient_id, unidentified_name));
CREATE TABLE series (
    series_uid TEXT NOT NULL, own INTEGER NOT NULL DEFAULT 1, study_uid TEXT NOT NULL,
    collection TEXT NOT NULL, patient_id TEXT NOT NULL,
    unidentified_name TEXT NOT NULL DEFAULT '', modality TEXT NOT NULL, protocol_name TEXT,
    series_date TEXT, series_description TEXT, body_part_examined TEXT, series_number TEXT,
    annotations_flag TEXT, manufacturer TEXT, manufacturer_model_name TEXT,
    software_versions TEXT, visibility TEXT NOT NULL DEFAULT '1',
    image_count INTEGER NOT NULL DEFAULT 0, total_size INTEGER NOT NULL DEFAULT 0,
    added TEXT NOT NULL);
CREATE UNIQUE INDEX series_own ON series (series_uid) WHERE own = 1;
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
    "series_study": "series (study_uid, collection, patient_id, unidentified_name, series_uid)",
    "series_uid": "series (series_uid, own)",
}


def open_for_writing(path: Path) -> sqlite3.Connection:
    """Open a catalog; create it if it does not exist.

    Raises:
        UsageProblem: the folder cannot be written.
        DocumentProblem: the file is not a catalog, or has another version.
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
    """Open a catalog for the length of a ``with`` block, as :func:`open_for_writing` does.

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
        DocumentProblem: the file is not a catalog, or has another version.
    """
    if not path.is_file():
        raise UsageProblem(
            f"there is no catalog at {path}: create one with `tciagen archive demo`, "
            "`index` or `synth`, or specify one with --catalog"
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
    """Create the missing indices of the queries."""
    for name, columns in _INDICES.items():
        connection.execute(f"CREATE INDEX IF NOT EXISTS {name} ON {columns}")


def drop_indices(connection: sqlite3.Connection) -> None:
    """Drop the indices, to make the insertion of many rows faster."""
    for name in _INDICES:
        connection.execute(f"DROP INDEX IF EXISTS {name}")


def save_shared_list(
    connection: sqlite3.Connection, name: str, series_uids: Iterable[str]
) -> tuple[int, int]:
    """Replace a shared list; return its length and the number of series not in the catalog."""
    uids = list(dict.fromkeys(series_uids))
    with connection:
        connection.execute("BEGIN")
        connection.execute(statements.FORGET_LIST, (name,))
        connection.executemany(
            statements.PUT_LISTED,
            ((name, position, uid) for position, uid in enumerate(uids)),
        )
        known = connection.execute(statements.LISTED_AND_KNOWN, (name,)).fetchone()[0]
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
    return DocumentProblem(f"{path} is not an archive catalog: specify another file with --catalog")
