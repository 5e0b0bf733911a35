"""Every SQL statement that reads or writes the catalog, except the endpoints' queries.

The endpoints' queries are built in :mod:`tciagen.archive.queries`. A test explains the
plan of each constant of this module, so every other statement belongs here.
"""

PATIENT_KEY = ("collection", "patient_id", "unidentified_name")
STUDY_KEY = ("study_uid", *PATIENT_KEY)
PATIENT_VALUES = ("patient_name", "patient_birth_date", "patient_sex", "ethnic_group")
STUDY_VALUES = (
    "study_date",
    "study_description",
    "admitting_diagnoses_description",
    "study_id",
    "patient_age",
)
SERIES_VALUES = (
    "modality",
    "protocol_name",
    "series_date",
    "series_description",
    "body_part_examined",
    "series_number",
    "manufacturer",
    "manufacturer_model_name",
    "software_versions",
)


def _list(*columns: str) -> str:
    return ", ".join(columns)


def _marks(*columns: str) -> str:
    return ", ".join("?" * len(columns))


def _equal(*columns: str) -> str:
    return " AND ".join(f"{column} = ?" for column in columns)


def _set(*columns: str) -> str:
    return ", ".join(f"{column} = excluded.{column}" for column in columns)


def _put_values(table: str, *columns: str) -> str:
    return f"INSERT INTO {table} (digest, {_list(*columns)}) VALUES (?, {_marks(*columns)})"  # noqa: S608


def _put(table: str, key: tuple[str, ...], values: tuple[str, ...]) -> str:
    return (
        f"INSERT INTO {table} ({_list(*key, *values)}) VALUES ({_marks(*key, *values)})"  # noqa: S608
        f" ON CONFLICT ({_list(*key)}) DO UPDATE SET {_set(*values)}"
    )


# Roots of earlier scans.
ROOTS = "SELECT path, collection, level FROM root"
PUT_ROOT = "INSERT OR REPLACE INTO root VALUES (?, ?, ?)"
FORGET_ROOT = "DELETE FROM root WHERE path = ?"

# Files. "Below" compares paths with the root and a slash, and with the root and a "0", the
# character that follows the slash.
FILES_BELOW = """
SELECT path, size, mtime_ns, target, series_uid, header_collection, collection
FROM file WHERE path >= ? AND path < ?
"""
PUT_FILE = """
INSERT INTO file (path, size, mtime_ns, target, problem, series_uid, sop_uid,
    header_collection, collection, series_values, study_values, patient_values)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
FORGET_FILE = """
DELETE FROM file WHERE path = ?
RETURNING series_uid, sop_uid, series_values, study_values, patient_values
"""
STORED_FILE = f"""
SELECT file.size, file.mtime_ns, file.target, file.series_uid, file.sop_uid, header_collection,
    series_values.study_uid, series_values.patient_id, series_values.unidentified_name,
    {_list(*PATIENT_VALUES, *STUDY_VALUES, *SERIES_VALUES)}
FROM file JOIN series_values ON series_values.id = file.series_values
    JOIN study_values ON study_values.id = file.study_values
    JOIN patient_values ON patient_values.id = file.patient_values
WHERE path = ?
"""  # noqa: S608 - names of ours
FILES_OF_OBJECT = """
SELECT path, duplicate_of FROM file WHERE series_uid = ? AND sop_uid = ? ORDER BY path
"""
OBJECT_OF_FILE = "SELECT series_uid, sop_uid FROM file WHERE path = ?"
SET_DUPLICATE = "UPDATE file SET duplicate_of = ? WHERE path = ?"
PROBLEMS_BELOW = """
SELECT path, problem, duplicate_of FROM file
WHERE path >= ? AND path < ? AND (problem NOT NULL OR duplicate_of NOT NULL) ORDER BY path
"""

# Values that files state: one row for each different set of values, with the number of its files.
FIND_PATIENT_VALUES = "SELECT id FROM patient_values WHERE digest = ?"
FIND_STUDY_VALUES = "SELECT id FROM study_values WHERE digest = ?"
FIND_SERIES_VALUES = "SELECT id FROM series_values WHERE digest = ?"
PUT_PATIENT_VALUES = _put_values("patient_values", *PATIENT_KEY, *PATIENT_VALUES)
PUT_STUDY_VALUES = _put_values("study_values", *STUDY_KEY, *STUDY_VALUES)
PUT_SERIES_VALUES = _put_values("series_values", "series_uid", *STUDY_KEY, *SERIES_VALUES)
PATIENT_OF_VALUES = f"SELECT {_list(*PATIENT_KEY)} FROM patient_values WHERE id = ?"  # noqa: S608
STUDY_OF_VALUES = f"SELECT {_list(*STUDY_KEY)} FROM study_values WHERE id = ?"  # noqa: S608
SERIES_OF_VALUES = "SELECT series_uid FROM series_values WHERE id = ?"
PRUNE_PATIENT_VALUES = "DELETE FROM patient_values WHERE id = ? AND files = 0"
PRUNE_STUDY_VALUES = "DELETE FROM study_values WHERE id = ? AND files = 0"
PRUNE_SERIES_VALUES = "DELETE FROM series_values WHERE id = ? AND files = 0"
VALUES_OF_PATIENT = f"""
SELECT id, files, {_list(*PATIENT_VALUES)} FROM patient_values WHERE {_equal(*PATIENT_KEY)}
"""  # noqa: S608
VALUES_OF_STUDY = f"""
SELECT id, files, {_list(*STUDY_VALUES)} FROM study_values WHERE {_equal(*STUDY_KEY)}
"""  # noqa: S608
VALUES_OF_SERIES = f"""
SELECT id, files, {_list(*STUDY_KEY, *SERIES_VALUES)} FROM series_values WHERE series_uid = ?
"""  # noqa: S608
SIZE_OF_SERIES = "SELECT sum(objects), sum(size) FROM series_values WHERE series_uid = ?"

# Rows of the responses, which follow from the values.
PUT_PATIENT = _put("patient", PATIENT_KEY, PATIENT_VALUES)
PUT_STUDY = _put("study", STUDY_KEY, STUDY_VALUES)
FORGET_PATIENT = f"DELETE FROM patient WHERE {_equal(*PATIENT_KEY)}"  # noqa: S608
FORGET_STUDY = f"DELETE FROM study WHERE {_equal(*STUDY_KEY)}"  # noqa: S608
_SERIES = (*STUDY_KEY, *SERIES_VALUES, "image_count", "total_size", "added")
PUT_SERIES = f"""
INSERT INTO series (series_uid, own, {_list(*_SERIES)}) VALUES (?, 1, {_marks(*_SERIES)})
ON CONFLICT (series_uid) WHERE own = 1 DO UPDATE SET {_set(*_SERIES)}
"""  # noqa: S608
PUT_OTHER_SERIES = f"""
INSERT INTO series (series_uid, own, {_list(*_SERIES)}) VALUES (?, 0, {_marks(*_SERIES)})
"""  # noqa: S608
FORGET_SERIES = "DELETE FROM series WHERE series_uid = ?"
FORGET_OTHER_SERIES = "DELETE FROM series WHERE series_uid = ? AND own = 0"
PUT_FIRST_ADDED = "INSERT OR IGNORE INTO first_added VALUES (?, ?)"
FIRST_ADDED = "SELECT added FROM first_added WHERE series_uid = ?"

# Contradictions.
CONTRADICTORY_PATIENTS = f"""
SELECT {_list(*PATIENT_KEY)} FROM patient_values GROUP BY {_list(*PATIENT_KEY)}
HAVING count(*) > 1
"""  # noqa: S608
CONTRADICTORY_STUDIES = f"""
SELECT {_list(*STUDY_KEY)} FROM study_values GROUP BY {_list(*STUDY_KEY)} HAVING count(*) > 1
"""  # noqa: S608
CONTRADICTORY_SERIES = """
SELECT series_uid FROM series_values GROUP BY series_uid HAVING count(*) > 1
"""
SHARED_STUDIES = """
SELECT study_uid FROM study_values WHERE unidentified_name = '' GROUP BY study_uid
HAVING count(DISTINCT patient_id) > 1
"""
PATIENTS_OF_STUDY = """
SELECT id, files, patient_id FROM study_values WHERE study_uid = ? AND unidentified_name = ''
"""
UNIDENTIFIED_PATIENTS = """
SELECT collection, patient_id FROM patient WHERE unidentified_name <> ''
GROUP BY collection, patient_id HAVING count(*) > 1
"""
NAMES_OF_UNIDENTIFIED = """
SELECT id, files, patient_name FROM patient_values
WHERE collection = ? AND patient_id = ? AND unidentified_name <> ''
"""
PATHS_OF_PATIENT_VALUES = """
SELECT path FROM file WHERE patient_values = ? AND path >= ? AND path < ? ORDER BY path LIMIT ?
"""
PATHS_OF_STUDY_VALUES = """
SELECT path FROM file WHERE study_values = ? AND path >= ? AND path < ? ORDER BY path LIMIT ?
"""
PATHS_OF_SERIES_VALUES = """
SELECT path FROM file WHERE series_values = ? AND path >= ? AND path < ? ORDER BY path LIMIT ?
"""

# Shared lists, synthetic catalogs and counts.
FORGET_LIST = "DELETE FROM shared_list WHERE name = ?"
PUT_LISTED = "INSERT INTO shared_list VALUES (?, ?, ?)"
COUNT_LISTED = "SELECT name, count(*) FROM shared_list GROUP BY name ORDER BY name"
LISTED_AND_KNOWN = """
SELECT count(*) FROM shared_list JOIN series USING (series_uid) WHERE name = ? AND own = 1
"""
ANY_SERIES = "SELECT 1 FROM series LIMIT 1"
SYNTHETIC_SERIES = f"""
INSERT INTO series (series_uid, study_uid, collection, patient_id,
    {_list(*SERIES_VALUES)}, image_count, total_size, added)
VALUES (?, ?, ?, ?, {_marks(*SERIES_VALUES)}, ?, ?, ?)
"""  # noqa: S608
SYNTHETIC_STUDY = f"""
INSERT INTO study (study_uid, collection, patient_id, {_list(*STUDY_VALUES)})
VALUES (?, ?, ?, {_marks(*STUDY_VALUES)})
"""  # noqa: S608
SYNTHETIC_PATIENT = f"""
INSERT INTO patient (collection, patient_id, {_list(*PATIENT_VALUES)})
VALUES (?, ?, {_marks(*PATIENT_VALUES)})
"""  # noqa: S608
SYNTHETIC_LIST = """
INSERT INTO shared_list
SELECT 'synthetic', rowid, series_uid FROM series WHERE rowid % 20000 = 1
"""
COUNT_COLLECTIONS = "SELECT count(DISTINCT collection) FROM patient"
COUNT_SERIES = """
SELECT count(*), ifnull(sum(image_count), 0), ifnull(sum(total_size), 0) FROM series WHERE own = 1
"""
